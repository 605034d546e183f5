"""Home: project files near here, and what this machine has or lacks."""

from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.widgets import DataTable, Static

from pada_local.runtime import doctor
from tui import actions
from tui.plain import line
from tui.screens.base import ProjectScreen
from tui.screens.dialogs import Line
from tui.table import Table
from tui.themes import mark

PLACES = (".", "demo-run", "build/demo")
"""Where project files are looked for: here, and where `pada demo` and `make demo` put theirs."""


def project_files(places: tuple[str, ...] = PLACES) -> list[Path]:
    """Project files, the one written last first."""
    found = {path.resolve() for place in places for path in Path(place).glob("*.duckdb")}
    return sorted(found, key=lambda path: -path.stat().st_mtime)


class HomeScreen(ProjectScreen):
    """The first screen."""

    NAME = actions.HOME
    BINDINGS = actions.bindings(actions.HOME)
    EXPLAINED = (
        "A project is one file: your examples, every model answer, every new sample and every tuned student lie in it.\n\n"
        "The upper list holds the project files in this folder. Enter opens the marked one; o takes a path. A new one is made "
        "with 'pada new', or with 'pada demo --quick' to look around.\n\n"
        "The lower list is the doctor's: what this machine has, what is missing, and the command that helps."
    )

    def body(self) -> ComposeResult:
        yield Static("Project files", classes="head")
        yield Table(id="projects")
        yield Static("This machine", classes="head")
        yield Table(id="doctor")

    def on_mount(self) -> None:
        self.query_one("#projects", DataTable).add_columns("file", "size", "folder")
        self.query_one("#doctor", DataTable).add_columns("state", "what", "found", "what helps")
        self.query_one("#projects", DataTable).focus()
        self.action_look_again()

    def action_look_again(self) -> None:
        table = self.query_one("#projects", DataTable)
        table.clear()
        for path in project_files():
            table.add_row(line(path.name, 40), f"{path.stat().st_size / 2**20:.1f} MB", line(path.parent, 60), key=str(path))
        self.ask(doctor.examine, self._show_findings)

    def _show_findings(self, findings: list[Any]) -> None:
        table = self.query_one("#doctor", DataTable)
        table.clear()
        for finding in sorted(findings, key=lambda one: ("missing", "note", "ok").index(one.state)):
            table.add_row(mark(finding.state), line(finding.name, 24), line(finding.found, 60), line(finding.fix, 80))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        if event.data_table.id == "projects" and event.row_key.value:
            self.pada.open_project(Path(event.row_key.value))

    def action_open_path(self) -> None:
        def typed(text: str | None) -> None:
            if text:
                self.pada.open_project(Path(text).expanduser())

        self.app.push_screen(Line("Path of the project file"), typed)
