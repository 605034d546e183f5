"""Foreign text on its way to the screen: harmless, bounded, and never read as markup."""

from rich.text import Text

from pada_local.runtime.safe import safe, safe_line

LONGEST = 4000


def line(text: object, width: int = 120) -> Text:
    """One line of at most `width` characters."""
    return Text(safe_line(str(text)[: width * 4], width), no_wrap=True)


def block(text: object, style: str = "") -> Text:
    """A text of some lines; what is longer than a screen can show is cut, and says so."""
    whole = str(text)
    cut = safe(whole[:LONGEST]) + (f"\n… {len(whole) - LONGEST} more characters" if len(whole) > LONGEST else "")
    return Text(cut, style=style)


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def difference(expected: str, predicted: str) -> Text:
    """Expected and predicted, one above the other; what differs is underlined, so that no colour is needed."""
    expected, predicted = safe_line(expected[:800]), safe_line(predicted[:800])
    same = next((at for at, pair in enumerate(zip(expected, predicted, strict=False)) if pair[0] != pair[1]), None)
    start = min(len(expected), len(predicted)) if same is None else same
    text = Text()
    for name, value in (("expected  ", expected), ("predicted ", predicted)):
        text.append(name, "bold").append(value[:start]).append(value[start:], "underline").append("\n")
    return text
