"""The one filter that every foreign string (model output, data, file names) passes before it reaches a terminal."""

import re
from collections.abc import Sequence

# What a terminal may act on or what may hide text: C0 but tab and new line, DEL, C1, the separators that end a line,
# bidirectional controls, tag characters (invisible ASCII) and lone surrogates (they cannot be printed at all).
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]"
)


def safe(text: object) -> str:
    """The text with every character that could steer a terminal written as a visible \\u escape; the rest unchanged."""
    return _HARMFUL.sub(_escape, str(text))


def safe_line(text: object, width: int = 0) -> str:
    """Like `safe`, on one line; cut to `width` characters with an ellipsis when a width is given."""
    line = " ".join(safe(text).split())
    return line if not width or len(line) <= width else line[: max(width - 1, 0)] + "…"


def table(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> str:
    """Columns as wide as what stands in them, separated by two spaces; every cell harmless and on one line."""
    cells = [[safe_line(cell) for cell in row] for row in [heads, *rows]]
    widths = [max(len(row[at]) for row in cells) for at in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
