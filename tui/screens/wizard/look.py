"""What the steps ask of files, metrics and models. Everything here may take long: it is called in threads."""

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pada_local.errors import MissingError, PadaError, UsageError
from tui.screens.wizard.draft import Draft

if TYPE_CHECKING:
    from pada_local.data.columns import RawExample
    from pada_local.data.formats import Source
    from pada_local.intake.peek import Peeked

FEW = 20
"""Rows of validation and test files that are looked at."""
SHOWN = 3
METRIC_SECONDS = 1.0


class Files(NamedTuple):
    """The first rows of the first file of each split, and how many files each has."""

    first: dict[str, "Peeked"]
    counts: dict[str, int]


def files(draft: Draft) -> Files:
    """Raises PadaError as making the project would."""
    from pada_local.data.gather import SPLITS
    from pada_local.intake.peek import MOST_ROWS
    from pada_local.intake.plan import files_of

    given = files_of(draft.plan())
    first: dict[str, Peeked] = {}
    for one in given:
        if SPLITS[one.side] not in first:
            first[SPLITS[one.side]] = _peeked(one.source, MOST_ROWS if one.side == 0 else FEW, _stamp(one.source.path))
    return Files(first, {split: sum(SPLITS[one.side] == split for one in given) for split in first})


@lru_cache(maxsize=6)
def _peeked(source: "Source", most: int, stamp: tuple[int, int]) -> "Peeked":
    """Kept until the file changes: somebody may type about its columns for a while."""
    from pada_local.intake.peek import peek

    return peek(source, most)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError:
        return 0, 0  # reading it says what is wrong
    return facts.st_size, facts.st_mtime_ns


class Rows(NamedTuple):
    """The first examples as they will be taken, some of them as the student reads and learns them, and by which format."""

    source: "Source"
    examples: list["RawExample"]
    whole: bool
    shown: list[tuple[str, str]]
    chat: str


def rows(draft: Draft) -> Rows:
    """Raises PadaError with file and line for a row that cannot be taken, of any split."""
    from pada_local.data.chat import prompt_and_answer
    from pada_local.intake.peek import take

    taker, found = draft.plan().taker(), files(draft)
    taken = {split: take(peeked, taker) for split, peeked in found.first.items()}
    chat, examples = _chat(draft.student), taken["train"]
    texts = [prompt_and_answer(chat, draft.system or one.system, one.input, one.output) for one in examples[:SHOWN]]
    return Rows(found.first["train"].source, examples, found.first["train"].whole, texts, chat)


def _chat(student: str) -> str:
    """The chat format of the student; plain as long as no student is named that is there."""
    from pada_local.crew import chat_family
    from pada_local.runtime.catalog import resolve

    try:
        return chat_family(resolve(student, "student"))
    except (PadaError, OSError, ValueError):
        return "plain"  # the models' step says what is wrong with it


def columns(draft: Draft) -> tuple[list[str], Any]:
    """The columns of the training file, and a guess at what they are (`pada_local.intake.guess.Guess`)."""
    from pada_local.intake.guess import guess_columns

    found = files(draft).first
    guess = guess_columns([row for _, row in found["train"].rows])
    # A row without its tag would be refused, in the other splits too; without a tag nothing is lost.
    tags = tuple(name for name in guess.tags if all(name in row for one in found.values() for _, row in one.rows))
    return found["train"].columns, guess._replace(tags=tags)


class Tried(NamedTuple):
    """A metric on the references: how many were looked at, how many of them are wrong, and the first of those."""

    seen: int
    wrong: int
    first: str
    whole: bool


def metrics() -> list[tuple[str, str, str]]:
    """Name, word that it takes, and explanation of every metric."""
    import pada_local.metrics as _  # noqa: F401 (registers them)
    from pada_local.metrics.registry import FAMILIES, METRICS

    plain = [(one.name, "", one.description) for one in METRICS.values()]
    return plain + [(one.name, one.word, one.description) for one in FAMILIES.values()]


def try_metric(draft: Draft) -> Tried:
    """The chosen metric on the first references. Raises PadaError."""
    import pada_local.metrics as _  # noqa: F401 (registers them)
    from pada_local.intake.checks import try_metric as tried

    found = rows(draft)
    check = tried(draft.metric_name, found.source, found.examples, METRIC_SECONDS)
    return Tried(check.seen, check.wrong, check.first, found.whole and check.seen == len(found.examples))


class Proposed(NamedTuple):
    """A metric that fits the references, and why; the draft's own metric where nobody wants a proposal."""

    metric: str
    why: str
    tried: Tried


def proposed(draft: Draft) -> Proposed:
    """The metric that the first references ask for, tried on them. Raises PadaError."""
    import msgspec

    import pada_local.metrics as _  # noqa: F401 (registers them)
    from pada_local.intake.fitting import fitting_metric

    found = fitting_metric([one.output for one in rows(draft).examples])
    return Proposed(found.metric, found.why, try_metric(msgspec.structs.replace(draft, metric=found.metric)))


def try_all(draft: Draft, names: list[str]) -> Iterator[tuple[str, Tried]]:
    """Each of these metrics."""
    import msgspec

    for name in names:
        yield name, try_metric(msgspec.structs.replace(draft, metric=name))


class Verdict(NamedTuple):
    """A model in its role, and whether it fits into this machine's memory."""

    role: str
    name: str
    words: str
    fits: bool


def models(draft: Draft) -> list[Verdict]:
    """Student, teacher and judge, each looked at. Raises PadaError for one that cannot be used."""
    from pada_local.crew import check_teacher
    from pada_local.runtime.catalog import find_model, resolve
    from pada_local.runtime.examine import examine_model

    plan, found = draft.plan(), []
    for role, name in (("student", plan.student), ("teacher", plan.teacher), ("judge", plan.judge)):
        if not name and role == "judge":
            continue
        if not name:
            raise UsageError(f"No {role} is named.", "", "Take one of the list, or type the path of a model.")
        try:
            kept = find_model(name, "student") if role == "student" else check_teacher(name)
            if kept.startswith("http://"):
                found.append(Verdict(role, kept, "a server of yours: its memory is its own", True))
                continue
            words = examine_model(resolve(kept, "student" if role == "student" else "teacher")).fits[role]
        except (OSError, ValueError) as error:
            raise MissingError(f"The {role} cannot be read.", f"{name}: {error}", "Choose another, or copy it again.") from None
        found.append(Verdict(role, kept, words, words.startswith("fits")))
    return found


def known_models(role: str) -> list[tuple[str, str]]:
    """Name and explanation of the models that can be named for a role."""
    from pada_local.runtime.catalog import load_catalog

    wanted = "student" if role == "student" else "teacher"
    return [(model.name, model.about) for model in load_catalog().values() if model.role == wanted]


def make(draft: Draft, tell: Callable[[str, int, float], None]) -> tuple[Path, str]:
    """The project file, and what was read in words. Raises PadaError, and what `tell` raises; nothing is written then."""
    from pada_local.intake.make import make_project
    from pada_local.intake.summary import short_summary

    plan = draft.plan()
    return plan.file, short_summary(make_project(plan, tell))


def command(draft: Draft) -> str:
    """The lines that do the same."""
    import shlex

    from pada_local.intake.command import command_line

    plan = draft.plan()
    return f"{command_line(plan)}\n{shlex.join(['pada', 'run', os.fspath(plan.file), '--recipe', draft.recipe])}"


def check_file(draft: Draft) -> str:
    """The lines that do the same, where the project's name can be taken. Raises PadaError."""
    from pada_local.intake.plan import check_file as checked

    if not draft.file.strip():
        raise UsageError("The project file has no name yet.", "", "Type one that ends in .duckdb.")
    checked(draft.plan().file)
    return command(draft)
