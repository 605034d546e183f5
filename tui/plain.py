"""Foreign text on its way to the screen: harmless, bounded, and never read as markup."""

import re
from difflib import SequenceMatcher

from rich.text import Text

from pada_local.runtime.safe import safe, safe_line

LONGEST = 4000
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


def line(text: object, width: int = 120) -> Text:
    """One line of at most `width` characters."""
    return Text(safe_line(str(text)[: width * 4], width), no_wrap=True)


def block(text: object, style: str = "", longest: int = LONGEST) -> Text:
    """A text of some lines; what is longer than a screen can show is cut, and says so."""
    whole = str(text)
    cut = safe(whole[:longest]) + (f"\n… {len(whole) - longest} more characters" if len(whole) > longest else "")
    return Text(cut, style=style)


def shortened(text: object, width: int) -> str:
    """At most `width` characters on one line, as a part of a longer text."""
    return safe_line(str(text)[: width * 4], width)


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def difference(expected: str, predicted: str) -> Text:
    """Expected and predicted, one above the other; words that differ are underlined, so that no colour is needed."""
    sides = [_WORDS.findall(safe_line(text[:800])) for text in (expected, predicted)]
    blocks = SequenceMatcher(None, *sides, autojunk=False).get_matching_blocks()
    text = Text()
    for name, words, side in (("expected  ", sides[0], 0), ("predicted ", sides[1], 1)):
        same = {at for found in blocks for at in range(found[side], found[side] + found.size)}
        text.append(name, "bold")
        for at, word in enumerate(words):
            text.append(word, "" if at in same or word.isspace() else "underline")
        text.append("\n")
    return text
