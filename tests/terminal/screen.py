"""A small reader of what a terminal program writes: the characters on the screen, and every control sequence that came.

It knows what Textual sends (cursor moves, colours, modes, erasing); whatever else comes is counted and not obeyed.
"""

import codecs
import re
from collections import Counter

from rich.cells import cell_len

_TOKEN = re.compile(
    r"\x1b\[(?P<params>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|(?P<cut>\x1b\[[0-?]*[ -/]*(?=\x1b))"
    r"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b[PX^_](?P<string>[^\x1b]*)\x1b\\"
    r"|\x1b(?P<short>[ -/]*[0-OQ-WYZ\\`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)


class Screen:
    """`lines` is what a person reads; `shapes` counts the kinds of control sequences, colours without their values."""

    def __init__(self, width: int, height: int) -> None:
        self.shapes: Counter[str] = Counter()
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._rest = ""
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """An empty screen of another size; the program draws it anew."""
        self.width, self.height = width, height
        self._cells = [[(" ", "")] * width for _ in range(height)]
        self._row = self._column = 0
        self._style = ""

    @property
    def lines(self) -> list[str]:
        return ["".join(char for char, _ in row) for row in self._cells]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def style(self, row: int, column: int) -> str:
        """The colours of a cell as they were sent."""
        return self._cells[row][column][1]

    def feed(self, data: bytes) -> None:
        """What the program wrote, cut anywhere."""
        text, at = self._rest + self._decoder.decode(data), 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                break  # the rest of a sequence comes with the next piece
            self._obey(found)
            at = found.end()
        self._rest = text[at:]

    def _obey(self, found: re.Match[str]) -> None:
        if (text := found["text"]) is not None:
            self._write(text)
        elif (control := found["control"]) is not None:
            self.shapes[f"control {ord(control):02x}"] += 1
            if control == "\n":
                self._row, self._column = min(self._row + 1, self.height - 1), 0
            elif control == "\r":
                self._column = 0
        elif found["final"] is not None:
            self._sequence(found["params"], found["between"], found["final"])
        elif found["cut"] is not None:
            pass  # a sequence that another one broke off: terminals forget it; a resized one can lose output
        elif found["osc"] is not None:
            self.shapes[f"OSC {found['osc'].partition(';')[0]}"] += 1
        else:
            self.shapes["ESC string" if found["string"] is not None else f"ESC {found['short']}"] += 1

    def _sequence(self, params: str, between: str, final: str) -> None:
        plain = re.fullmatch(r"[0-9;]*", params) is not None and not between
        self.shapes[final if plain and final in "mHABCDJK" else f"{params}{between}{final}"] += 1
        if not plain:
            return
        numbers = [int(number or 0) for number in params.split(";")]
        if final == "m":
            # Colours add up until they are put back; only whether two cells look the same is asked of them.
            self._style = "" if params in ("", "0") else f"{self._style};{params}"
        elif final == "H":
            row, column = (*numbers, 1, 1)[:2] if len(numbers) > 1 else (numbers[0] or 1, 1)
            self._row, self._column = min(max(row, 1), self.height) - 1, min(max(column, 1), self.width) - 1
        elif final == "J":
            self._cells = [[(" ", "")] * self.width for _ in range(self.height)]
        elif final == "K":
            self._cells[self._row][self._column :] = [(" ", "")] * (self.width - self._column)

    def _write(self, text: str) -> None:
        row = self._cells[self._row]
        for char in text:
            wide = cell_len(char)
            if wide == 0:
                at = max(0, self._column - 1)
                row[at] = (row[at][0] + char, row[at][1])
                continue
            for at in range(self._column, min(self._column + wide, self.width)):
                row[at] = (char if at == self._column else "", self._style)
            self._column = min(self._column + wide, self.width)
