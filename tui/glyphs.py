"""For terminals that cannot show Unicode: every character of the screen as ASCII, as it is drawn."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

MARKS = dict(zip("✓✗▸‖■≈…·–—→←↑↓▶▼▲◀⭘•█▓▒░●◆○△□◇¦", "+x>|%~..--><^v>v^<o*##:.@&oADV:", strict=True))
"""Marks of states keep a shape of their own; their word stands beside them anyway."""
OLD = ("dumb", "vt")
"""What the names of terminals begin with that came before Unicode."""
_UP_AND_DOWN, _ACROSS = set("│┃║╎╏┆┇┊┋▏▎▍▌▐▕"), set("─━═╌╍┄┅┈┉▁▔")


def needed(environment: Mapping[str, str]) -> bool:
    """Whether the terminal's name or the person's locale says that it shows no UTF-8.

    Python itself turns `LANG=C` into `LC_CTYPE=C.UTF-8` when it starts; that alone is nobody's wish.
    """
    if environment.get("TERM", "").startswith(OLD):
        return True
    character = environment.get("LC_CTYPE", "")
    if character == "C.UTF-8" and environment.get("LANG", "") in ("C", "POSIX"):
        character = ""
    locale = environment.get("LC_ALL") or character or environment.get("LANG") or "C.UTF-8"
    return "utf8" not in locale.lower().replace("-", "")


@lru_cache(8192)
def plain(text: str) -> str:
    """The text with as many cells as before, all of them ASCII."""
    return text if text.isascii() else "".join(map(_one, text))


def _one(char: str) -> str:
    if char.isascii():
        return char
    if char in MARKS:
        return MARKS[char]
    if char in _UP_AND_DOWN or char in _ACROSS:
        return "|" if char in _UP_AND_DOWN else "-"
    if "\u2500" <= char <= "\u257f":
        return "+"
    if "\u2580" <= char <= "\u259f":
        return "#"
    if "\u2800" <= char <= "\u28ff":
        return " " if char == "\u2800" else "."
    base = unicodedata.normalize("NFKD", char)[0]
    width = cell_len(char)
    return (base if base.isascii() and base.isprintable() else "?").ljust(width)[:width]


class Ascii(LineFilter):
    """Draws every line in ASCII; widths stay as they are."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(plain(text), style, control) for text, style, control in segments]
