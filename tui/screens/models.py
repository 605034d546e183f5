"""Models: what can be named, what its files say, whether they are as they were, and what it fits; add, verify, remove."""

from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from pada_local.errors import PadaError
from pada_local.runtime import allowed, registered
from pada_local.runtime.catalog import Model
from pada_local.runtime.examine import Facts, examine_model
from pada_local.runtime.registered import Installed
from tui import actions
from tui.plain import block, line
from tui.screens.base import ProjectScreen
from tui.screens.dialogs import Page, Question
from tui.screens.typed import Checked, PathLine, Working, refusable
from tui.table import Table
from tui.themes import mark

ROLES = ("student", "teacher", "judge")
Seen = tuple[Installed, Facts | None, str]
"""A model, what its files say, and why they cannot be asked."""


def look() -> list[Seen]:
    """Every model that can be named. Headers are read by child processes, so this is for threads. Raises PadaError."""
    return [(one, *_facts(one.path)) for one in registered.installed()]


def _facts(path: Path) -> tuple[Facts | None, str]:
    try:
        return examine_model(path), ""
    except PadaError as error:
        return None, f"{error.title} {error.detail}"
    except OSError as error:
        return None, str(error)


def state_of(one: Installed, verified: bool = False) -> str:
    """How the files stand to their hashes, as a mark and two words."""
    if not one.problems:
        return mark("verified" if verified else "as recorded")
    if not one.model.sha256:
        return mark("not recorded")
    return mark("not there" if "not there" in one.problems[0] else "changed" if "not the file" in one.problems[0] else "unusable")


def fits_as(facts: Facts | None) -> str:
    """The roles in which it fits this machine, in a few words."""
    if facts is None:
        return "-"
    fitting = [role for role in ROLES if facts.fits.get(role, "").startswith("fits")]
    return ", ".join(fitting) or f"too large as {', '.join(facts.fits)}"


class ModelsScreen(ProjectScreen):
    """The local model store."""

    NAME = actions.MODELS
    BINDINGS = actions.bindings(actions.MODELS)
    EXPLAINED = (
        "Three models have a part in a run. The student is the small one that is trained: a folder of weights. The teacher is a "
        "larger one that explains failures and writes samples, the judge checks them: a GGUF file each, often the same.\n\n"
        "Nothing is downloaded. a adds a model that lies on this machine: its headers are read, GGUF files by a child process "
        "with limits, and every byte is hashed, so that a file that changes later is noticed. The files stay where they are; d "
        "only forgets the name. A model that is listed can be named with 'pada new --student' and '--teacher'.\n\n"
        "Whether a model fits is an estimate from its size and from the memory that is free now. v hashes the marked model "
        "again, V all of them.\n\n"
        "A teacher may bring a chat template of no known family. That is a small program: t shows it, and it is run only when "
        "you have allowed it as it is."
    )

    def body(self) -> ComposeResult:
        yield Static(id="about", classes="head")
        yield Table(id="models")
        with VerticalScroll(id="facts", classes="pane"):
            yield Static(id="model")

    def on_mount(self) -> None:
        self._seen: list[Seen] = []
        self._verified: set[str] = set()
        self._asked, self._wanted = 0, ""
        self.query_one("#about", Static).update(block("Looking at the models …"))
        self.query_one(DataTable).add_columns("model", "kind", "weights", "size", "files", "fits as")
        self.query_one(DataTable).focus()

    def reload(self) -> None:
        self._asked += 1
        asked = self._asked
        self.ask(refusable(look), lambda seen: self._show(seen) if asked == self._asked and self.is_mounted else None)

    def _show(self, seen: list[Seen]) -> None:
        marked, self._seen = self._wanted or (self._marked().model.name if self._marked() else ""), seen
        self._wanted = ""
        table = self.query_one(DataTable)
        table.clear()
        for one, facts, _ in seen:
            said = (facts.kind, in_words(facts.parameters)) if facts else ("-", "-")
            size = f"{facts.bytes / 2**20:,.0f} MiB" if facts else "-"
            state = state_of(one, one.model.name in self._verified)
            table.add_row(line(one.model.name, 20), *said, size, state, fits_as(facts))
        names = [one.model.name for one, _, _ in seen]
        table.move_cursor(row=names.index(marked) if marked in names else 0)
        wrong = sum(bool(one.problems) for one, _, _ in seen)
        told = f"{len(seen)} models can be named" + (f", {wrong} of them cannot be used as they are" if wrong else "")
        self.query_one("#about", Static).update(block(told))
        self._show_marked()

    def _at(self) -> Seen | None:
        at = self.query_one(DataTable).cursor_row
        return self._seen[at] if 0 <= at < len(self._seen) else None

    def _marked(self) -> Installed | None:
        found = self._at()
        return found[0] if found else None

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        self._show_marked()

    def _show_marked(self) -> None:
        found = self._at()
        self.query_one("#model", Static).update(in_full(*found) if found else "")

    # --- actions

    def why_not(self, call: str) -> str:
        marked = self._marked()
        if call in ("verify", "forget", "allow") and marked is None:
            return "The list is empty."
        if call == "allow" and marked is not None and not (marked.own and marked.model.role == "teacher"):
            return f"{marked.model.name} needs no leave: only a teacher that was added can bring a template of its own."
        if call == "forget" and marked is not None and not marked.own:
            return f"{marked.model.name} ships with the program; only models that were added can be removed."
        return ""

    def action_look_again(self) -> None:
        self._verified.clear()
        self.reload()

    def action_add(self) -> None:
        def named(path: Path, name: str | None) -> None:
            if name is not None:
                job = Working(f"Adding {name}", lambda tell: registered.add(path, name, tell))
                self.app.push_screen(job, self._added)

        def found(text: str | None) -> None:
            if text:
                path = Path(text).expanduser()
                ask = Checked("What shall it be called?", registered.name_for(path), registered.name_problem)
                self.app.push_screen(ask, lambda name: named(path, name))

        title = "Path of a GGUF file (teacher, judge) or of a model folder (student)"
        self.app.push_screen(PathLine(title, lambda path: path.suffix == ".gguf"), found)

    def _added(self, added: tuple[Model, Facts] | None) -> None:
        if added is None:
            return
        model, facts = added
        self._wanted = model.name
        use = f"\n\nUse it: give --{facts.role} {model.name} to 'pada new'."
        self.app.push_screen(Page(f"Added {model.name}", "\n".join(registered.described(model, facts)) + use))

    def action_verify(self) -> None:
        marked = self._marked()
        if not self.refused("verify") and marked is not None:
            self._verify(marked.model.name)

    def action_verify_all(self) -> None:
        self._verify("")

    def _verify(self, name: str) -> None:
        def done(found: dict[str, list[str]] | None) -> None:
            if found is None:
                return
            self._verified = (self._verified - found.keys()) | {name for name, wrong in found.items() if not wrong}
            told = [f"{mark('changed')}  {name}: {'; '.join(wrong)}" for name, wrong in found.items() if wrong]
            self.reload()
            if told:
                self.app.push_screen(Page("Not as it was recorded", "\n".join(told)))
            else:
                self.notify(f"Every file of {', '.join(found)} is as it was recorded.", markup=False)

        job = Working(f"Hashing {name or 'every model'}", lambda tell: registered.verify(name, tell))
        self.app.push_screen(job, done)

    def action_allow(self) -> None:
        marked = self._marked()
        if self.refused("allow") or marked is None:
            return
        name = marked.model.name
        self.ask(refusable(lambda: allowed.template_of(name)), lambda found: self._read(name, found))

    def _read(self, name: str, found: allowed.Template | None) -> None:
        if found is None or found.allowed:
            why = "may be run as it is now" if found else "is of a known family; there is nothing to allow"
            self.notify(f"The chat template of {name} {why}.", markup=False)
            return

        def done(_: None) -> None:
            self.notify(f"The chat template of {name} may be run as it is now.", markup=False)

        def chosen(answer: str | None) -> None:
            if answer == "allow":
                self.ask(refusable(lambda: allowed.allow_template(name, found.sha256)), done)

        def read(_: None) -> None:
            title = f"May llama-server run the template that {name} brought, in its sandbox, on every prompt?"
            self.app.push_screen(Question(title, [("", "No: leave it"), ("allow", "Yes: I have read it")]), chosen)

        self.app.push_screen(Page(f"The chat template that {name} brought: a small program", found.text), read)

    def action_forget(self) -> None:
        marked = self._marked()
        if self.refused("forget") or marked is None:
            return
        name = marked.model.name

        def chosen(answer: str | None) -> None:
            if answer == "forget":
                self.ask(refusable(lambda: registered.remove(name)), lambda _: self._forgotten(name))

        answers = [("", "Keep it"), ("forget", f"Take it off the list; its files stay in {marked.path}")]
        self.app.push_screen(Question(f"Remove {name}?", answers), chosen)

    def _forgotten(self, name: str) -> None:
        self._verified.discard(name)
        self.notify(f"{name} is forgotten; its files stay.", markup=False)
        self.reload()


def in_words(parameters: int) -> str:
    """A count of weights as people say it."""
    return f"{parameters / 1e9:.2f}B" if parameters >= 10**8 else f"{parameters / 1e6:.1f}M"


def in_full(one: Installed, facts: Facts | None, trouble: str) -> Text:
    """Everything that is known of a model."""
    whose = "yours" if one.own else "ships with the program"
    text = Text.assemble(block(one.model.name, "bold"), block(f"  {one.model.role}, {whose}\n{one.path}\n{one.model.about}\n"))
    text.append("\nfiles\n", "bold")
    for problem in one.problems:
        text.append(block(f"✗ {problem}\n"))
    for name, digest in one.model.sha256.items():
        text.append(block(f"  {name}  sha256 {digest[:16]}…\n"))
    if facts is None:
        return text.append(block(f"\n✗ {trouble}\n"))
    text.append("\nwhat its headers say\n", "bold")
    said = facts.architecture or "unknown architecture"
    text.append(block(f"  {said}, {in_words(facts.parameters)} weights, {facts.bytes / 2**20:,.1f} MiB\n"))
    text.append(block(f"  context: {facts.context or 'not said'} tokens; chat template: {facts.template}; "))
    text.append(block(f"licence: {facts.licence or 'not said'}\n"))
    text.append("\ndoes it fit this machine?\n", "bold")
    for role in ROLES:
        verdict = facts.fits.get(role) or registered.OTHER_KIND[facts.kind]
        text.append(block(f"{'✓' if verdict.startswith('fits') else '✗'} as {role}: {verdict}\n"))
    return text
