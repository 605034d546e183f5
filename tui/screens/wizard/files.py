"""Step: which files hold the examples."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.widgets import Static

from tui.plain import block
from tui.screens.wizard import look
from tui.screens.wizard.complete import Offer, Offers, offers
from tui.screens.wizard.draft import SEPARATOR
from tui.screens.wizard.fields import Field, Named, OfferList
from tui.screens.wizard.step import Step


def data_files(text: str) -> Offers:
    """Files that can be read, for the last of the paths in the line."""
    from pada_local.data.formats import ENDINGS

    before, separator, last = text.rpartition(SEPARATOR)
    spaces = last[: len(last) - len(last.lstrip())]
    found = offers(last.lstrip(), ENDINGS)
    return Offers([Offer(f"{before}{separator}{spaces}{one.text}", one.name, one.fits) for one in found.found], found.more)


class FilesStep(Step):
    """Training, validation and test files."""

    NAME, TITLE = "files", "Which files hold your examples?"
    EXPLAINED = (
        "An example is an input and the right output for it. A few hundred are a good start.\n\n"
        "Training examples are learned from. Validation examples are kept apart to see what the student gets wrong and which "
        "round is best. Test examples are looked at once, at the end, to say how good it really is. Name files for the last two "
        "if you have them; otherwise a fifth of the training file each is set aside for them.\n\n"
        "JSONL, JSON, CSV, TSV, Parquet, and folders of Hugging Face data sets are read. Tab completes a path as far as it is "
        "clear, the arrow keys choose among what is offered, Enter takes it. Several files are separated by a semicolon. "
        "'records' says where the list of examples is inside a JSON file (data.rows); 'encoding' is for files that are not "
        "UTF-8 (latin-1 or cp1252), 'format' for names that do not tell it, 'delimiter' for CSV with something else than commas."
    )

    def compose(self) -> ComposeResult:
        yield Named("training", Field("train", hint="path of a file or folder", offering=data_files))
        yield Named("validation", Field("validation", hint="may stay empty", offering=data_files))
        yield Named("test", Field("test", hint="may stay empty", offering=data_files))
        yield Named("records", Field("records", hint="only for records inside a JSON file: data.rows"))
        yield Named("format", Field("format", hint="by the ending of the name, else jsonl, json, csv, tsv, parquet"))
        yield Named("encoding", Field("encoding", hint="utf-8, else latin-1 or cp1252"))
        yield Named("delimiter", Field("delimiter", hint="of CSV: a comma, else ; or \\t"))
        yield Static(id="found", classes="note")
        yield OfferList(classes="offers")

    def question(self) -> Callable[[], look.Files] | None:
        draft = self.draft
        if not draft.train.strip() and not self.going:
            return None  # nobody is told off before the first key
        return lambda: look.files(draft)

    def may_go(self) -> bool:
        """Never without a file."""
        return bool(self.draft.train.strip())

    def answered(self, answer: look.Files | None) -> None:
        told: list[str] = []
        if answer is None:
            self.query_one("#found", Static).update("")
            self.say("note", "Type the path of a file, or choose below with the arrow keys and Enter; Tab completes.")
            return
        for split, peeked in answer.first.items():
            count = answer.counts[split]
            files = f" and {count - 1} more file{'s' if count > 2 else ''}" if count > 1 else ""
            rows = f"{len(peeked.rows):,} rows" if peeked.whole else f"more than {len(peeked.rows):,} rows"
            told.append(f"✓ {split}: {peeked.source.name}{files} ({peeked.source.format}, {rows})")
        missing = [split for split in ("validation", "test") if split not in answer.first]
        if missing:
            told.append(f"· {' and '.join(missing)}: a fifth of the training examples each is set aside")
        self.query_one("#found", Static).update(block("\n".join(told)))
