"""A list of any length, a page at a time from the store: filter, search, and the marked row beside it."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import DataTable, Static

from tui.door import Door
from tui.plain import block, line
from tui.screens.base import ProjectScreen
from tui.screens.dialogs import Line
from tui.table import Table

PAGE = 100
CELL = 60


class PagedScreen(ProjectScreen):
    """Shows rows of one kind; the table holds one page, and moving past its end brings the next one."""

    KIND: ClassVar[str]
    COLUMNS: ClassVar[tuple[str, ...]]
    FILTERS: ClassVar[tuple[tuple[str, dict[str, Any]], ...]]

    def body(self) -> ComposeResult:
        yield Static(id="about", classes="head")
        with Horizontal():
            with Vertical(id="left"):
                yield Table(id="rows")
            with VerticalScroll(id="right", classes="pane"):
                yield Static(id="row")

    def on_mount(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._filter, self._search, self._offset, self._total = 0, "", 0, 0
        self._land: tuple[int, int] | None = None  # where the cursor goes when the page with this offset comes
        self.query_one(DataTable).add_columns(*self.COLUMNS)
        self.query_one(DataTable).focus()

    def cells(self, row: dict[str, Any]) -> tuple[Any, ...]:
        """One row of the table: the columns' own values, unless a screen shows them otherwise."""
        return tuple(line(row[name], CELL) for name in self.COLUMNS)

    def show_row(self, row: dict[str, Any]) -> None:
        """The marked row, in full."""

    def fetch(self, door: Door, offset: int) -> dict[str, Any]:
        """One page from the store: rows and how many there are in all. Called in a thread."""
        where = self.FILTERS[self._filter][1]
        return door.ask("page", kind=self.KIND, where=where, search=self._search, offset=offset, limit=PAGE)

    def told(self) -> str:
        """What the list holds, in words."""
        searched = f', with "{self._search}"' if self._search else ""
        return self.FILTERS[self._filter][0] + searched

    def reload(self) -> None:
        door, offset = self.pada.door, self._offset
        if door is not None:
            self.ask_newest("page", lambda: self.fetch(door, offset), self._show)

    def _show(self, page: dict[str, Any]) -> None:
        same = page["rows"] == self.rows and page["offset"] == self._offset
        self.rows, self._total, self._offset = page["rows"], page["total"], page["offset"]
        table = self.query_one(DataTable)
        at = table.cursor_row
        if self._land is not None and self._land[0] == self._offset:
            at, self._land = self._land[1], None
        if not same or at != table.cursor_row:
            table.clear()
            for row in self.rows:
                table.add_row(*self.cells(row))
            table.move_cursor(row=min(at, max(0, len(self.rows) - 1)))
            self._show_marked()
        first = self._offset + 1 if self.rows else 0
        told = f"{self.told()}: {first} to {self._offset + len(self.rows)} of {self._total}"
        self.query_one("#about", Static).update(block(told))

    @property
    def marked(self) -> dict[str, Any] | None:
        """The row under the cursor."""
        at = self.query_one(DataTable).cursor_row
        return self.rows[at] if 0 <= at < len(self.rows) else None

    def _show_marked(self) -> None:
        if self.marked is None:
            self.query_one("#row", Static).update("")
        else:
            self.show_row(self.marked)

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        self._show_marked()

    def key_down(self) -> None:
        self._turn(at=len(self.rows) - 1, by=PAGE, row=0)

    def key_pagedown(self) -> None:
        self._turn(at=len(self.rows) - 1, by=PAGE, row=0)

    def key_up(self) -> None:
        self._turn(at=0, by=-PAGE, row=PAGE - 1)

    def key_pageup(self) -> None:
        self._turn(at=0, by=-PAGE, row=PAGE - 1)

    def _turn(self, at: int, by: int, row: int) -> None:
        """The next or the last page, when the cursor stands at the edge already. It moves when the page is there: the table
        takes the same key, and would go one row further.
        """
        if self._land is not None and self._land[0] == self._offset:
            self.reload()  # it is on its way, or could not be had
        elif self.query_one(DataTable).cursor_row == at and 0 <= self._offset + by < self._total:
            self._offset += by
            self._land = (self._offset, row)
            self.reload()

    # --- actions

    def action_filter(self) -> None:
        self._filter, self._offset = (self._filter + 1) % len(self.FILTERS), 0
        self.reload()

    def action_search(self) -> None:
        def typed(text: str | None) -> None:
            if text is not None:
                self._search, self._offset = text.strip(), 0
                self.reload()

        self.app.push_screen(Line("Which word? Nothing shows all.", self._search), typed)
