"""Home: the project files used last with what came of them, and what this machine has or lacks."""

import os
from pathlib import Path
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.widgets import DataTable, Static
from textual.worker import get_current_worker

from pada_local.runtime import doctor, recent, registered
from tui import actions
from tui.plain import line
from tui.results import Asker
from tui.screens.base import ProjectScreen
from tui.screens.dialogs import Line, Page
from tui.table import Table
from tui.themes import mark

PLACES = (".", "demo-run", "build/demo")
"""Where project files are looked for besides the list: here, and where `pada demo` and `make demo` put theirs."""


def project_files(places: tuple[str, ...] = PLACES) -> list[Path]:
    """Project files, the one written last first."""
    found = {path.resolve(): _time(path) for place in places for path in Path(place).glob("*.duckdb")}
    return sorted(found, key=lambda path: -found[path])


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # a link to nothing, or a file that has just gone
        return 0.0


def result_words(last: dict[str, Any] | None) -> str:
    """What the newest run came to, on one line."""
    if last is None:
        return "no run yet"
    rounds = f"{last['rounds']} round{'s' if last['rounds'] != 1 else ''}"
    best, state = last["best"], "" if last["state"] == "done" else f" ({last['state']})"
    if best is None:
        return f"{last['recipe']}, {rounds}{state}: no score yet"
    start = "" if last["vanilla"] is None else f"{last['vanilla']:.2f} -> "
    score = f"{start}{best['mean']:.2f} [{best['low']:.2f}, {best['high']:.2f}]"
    return f"{last['split']} {score}, {last['recipe']}, {rounds}{state}, {last['when'][:10]}"


class HomeScreen(ProjectScreen):
    """The first screen."""

    NAME = actions.HOME
    BINDINGS = actions.bindings(actions.HOME)
    EXPLAINED = (
        "A project is one file: your examples, every model answer, every new sample and every tuned student lie in it.\n\n"
        "The upper list holds the project files that you used last and those in this folder. 'test 0.61 -> 0.74 [0.70, 0.78]' "
        "means: fine-tuning alone scored 0.61 on the test examples, the best student of the newest run 0.74, and on other "
        "examples like these the score would likely lie between 0.70 and 0.78. Where the test examples were not scored yet, "
        "it says validation.\n\n"
        "n makes a new one, step by step. Enter opens the marked one; o takes a path; d takes the marked one off the list and "
        "leaves its file alone. To look around, 'pada demo --quick' makes a project in a minute.\n\n"
        "The lower list (Tab leads there) is the doctor's: what this machine has, what is missing, and what helps. Enter on a "
        "line does it where the app can, and shows the command to run where it cannot."
    )

    def body(self) -> ComposeResult:
        yield Static("Projects", classes="head")
        yield Table(id="projects")
        yield Static("This machine: Tab leads here, Enter does or shows what helps", classes="head")
        yield Table(id="doctor")

    def on_mount(self) -> None:
        self._listed: set[str] = set()
        self._asker: Asker | None = None
        self._results: dict[tuple[str, float], str] = {}
        table = self.query_one("#projects", DataTable)
        for name in ("project", "last result", "last used", "folder"):
            table.add_column(name, key=name)
        self.query_one("#doctor", DataTable).add_columns("state", "what", "found", "what helps")
        table.focus()
        self.ask(doctor.examine, self._show_findings)

    def reload(self) -> None:
        """The list again; files that have not changed keep the result that was read."""
        used = recent.entries()
        self._listed = {one.path for one in used}
        found = [str(path) for path in project_files()]
        times = {one.path: one.used.replace("T", " ")[:16] for one in used}
        table = self.query_one("#projects", DataTable)
        marked = self._marked()
        table.clear()
        paths = [*times, *(path for path in found if path not in self._listed)]
        for path in paths:
            told = self._results.get((path, _time(Path(path))), "…")
            folder = _short(os.path.dirname(path))
            table.add_row(line(os.path.basename(path), 30), line(told, 60), times.get(path, ""), line(folder, 60), key=path)
        told = "n makes a new one" if paths else "none yet; n makes one, or run: pada demo --quick"
        self.query_one(".head", Static).update(line(f"Projects: {told}"))
        if marked in paths:
            table.move_cursor(row=paths.index(marked))
        if self.pada.door is None or self.pada.feed is not None:  # a file that is being opened is left alone
            self._ask_results(paths)

    @work(thread=True, group="results", exclusive=True, exit_on_error=False)
    def _ask_results(self, paths: list[str]) -> None:
        """One file after the other; what cannot be read says why in its own line."""
        worker, asker = get_current_worker(), Asker()
        self._look_no_further()
        self._asker = asker
        for path in paths:
            if (path, _time(Path(path))) not in self._results:
                told = _asked(asker, path)
                if told is None or worker.is_cancelled:
                    break
                self.app.call_from_thread(self._show_result, (path, _time(Path(path))), told)
        asker.end()

    def _look_no_further(self) -> None:
        """Let go of the file that is looked at: somebody wants to open it."""
        if self._asker is not None:
            self._asker.end()

    def _open(self, path: Path) -> None:
        self._look_no_further()
        self.pada.open_project(path)

    def _show_result(self, key: tuple[str, float], told: str) -> None:
        self._results[key] = told
        table = self.query_one("#projects", DataTable)
        if key[0] in table.rows:
            table.update_cell(key[0], "last result", line(told, 60), update_width=True)

    def _show_findings(self, findings: list[doctor.Finding]) -> None:
        table = self.query_one("#doctor", DataTable)
        table.clear()
        self._findings = sorted(findings, key=lambda one: ("missing", "note", "ok").index(one.state))
        for finding in self._findings:
            helps = f"Enter: {finding.act}" if finding.act else finding.fix
            table.add_row(line(mark(finding.state)), line(finding.name, 24), line(finding.found, 60), line(helps, 80))

    def _marked(self) -> str:
        """The path of the marked project; "" when there is none."""
        table = self.query_one("#projects", DataTable)
        keys = [str(key.value) for key in table.rows]
        return keys[table.cursor_row] if 0 <= table.cursor_row < len(keys) else ""

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        if event.data_table.id == "projects" and event.row_key.value:
            self._open(Path(event.row_key.value))
        elif event.data_table.id == "doctor":
            self._help(self._findings[event.cursor_row])

    def _help(self, finding: doctor.Finding) -> None:
        """Do what the app can do about a finding, or show the command that helps."""
        if finding.act != doctor.ADD_MODEL:
            helps = f"What helps:\n\n    {finding.fix}" if finding.fix else "Nothing is to be done about it."
            self.app.push_screen(Page(f"{mark(finding.state)}  {finding.name}", f"{finding.found}\n\n{helps}"))
            return

        def typed(text: str | None) -> None:
            if text and text.strip():
                self.notify("Looking at the model and hashing its files …")
                self.ask(lambda: registered.add(Path(text.strip())), self._added)

        self.app.push_screen(Line("Path of a GGUF file (teacher) or of a model folder (student)"), typed)

    def _added(self, added: tuple[Any, Any]) -> None:
        model, facts = added
        self.notify(line(f"{model.name}: {'; '.join(facts.fits.values())}", 200).plain, markup=False)
        self.ask(doctor.examine, self._show_findings)

    # --- actions

    def action_new(self) -> None:
        self.pada.action_go(actions.WIZARD)

    def action_look_again(self) -> None:
        self._results.clear()
        self.reload()
        self.ask(doctor.examine, self._show_findings)

    def action_forget(self) -> None:
        marked = self._marked()
        if marked in self._listed:
            recent.forget(marked)
            self.reload()
        elif marked:
            self.notify("This file is shown because it lies in this folder; there is nothing to forget.", severity="warning")

    def action_open_path(self) -> None:
        def typed(text: str | None) -> None:
            if text:
                self._open(Path(text).expanduser())

        self.app.push_screen(Line("Path of the project file"), typed)


def _asked(asker: Asker, path: str) -> str | None:
    """The last result of a file in words, or why there is none; None when nobody wants to know. Waits; for threads."""
    if not os.path.lexists(path):
        return "✗ gone: no file there (d takes it off)"
    found = asker.ask(path)
    if found is None:
        return None
    return f"✗ {found['error']}" if "error" in found else result_words(found["last"])


def _short(folder: str) -> str:
    home = os.path.expanduser("~")
    return "~" + folder[len(home) :] if folder == home or folder.startswith(home + os.sep) else folder
