"""A table of rows, one of them under the cursor."""

from typing import Any

from textual.geometry import Size
from textual.widgets import DataTable


class Table(DataTable[Any]):
    """A DataTable whose header keeps in step with its columns.

    Textual measures new rows when nothing else is to be done. Lines that were drawn before then (the header, mostly) stay in
    its cache with the old widths until something else changes, so what was drawn is forgotten when the measures change.
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, cursor_type="row")

    def watch_virtual_size(self, _size: Size) -> None:
        self.notify_style_update()
