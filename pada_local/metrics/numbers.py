r"""Numeric answers: the last number of a text, or the one behind "####" (the GSM8K convention).

Signs, thousands commas, currency signs, simple fractions and exponents are read; units are ignored, so 5 kg equals 5.
A percent sign on one side only may mean either reading: 50% equals 50 and 0.5.
"""

import re
from fractions import Fraction

from pada_local.metrics.registry import Score, metric

# Not behind a letter, digit or point (m2, v1.2.3), and a minus only where nothing stands before it (3-5 is a range, not -5).
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>(?<![\w)])[-+])?[$€£]?(?P<inner>[-+])?"
    r"(?:(?P<whole>[0-9]{1,9}[ ])?(?P<over>[0-9]{1,15})/(?P<under>[0-9]{1,15})(?![\w/])"
    r"|(?P<value>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)(?P<exponent>[eE][-+]?[0-9]{1,3}(?!\w))?)"
    r"(?P<percent>\s?(?:%|per\s?cent\b))?"
)
_MAX_DIGITS = 300


def _value(found: re.Match[str]) -> Fraction | None:
    sign = -1 if "-" in (found["sign"], found["inner"]) else 1
    if found["under"]:
        if int(found["under"]) == 0:
            return None
        return sign * (int(found["whole"] or 0) + Fraction(int(found["over"]), int(found["under"])))
    digits = found["value"].replace(",", "")
    # Beyond any real answer; Python would spend seconds on it.
    return sign * Fraction(digits + (found["exponent"] or "")) if len(digits) <= _MAX_DIGITS else None


def last_number(text: str) -> tuple[Fraction, bool] | None:
    """The number that the text answers with, exactly, and whether it is a percentage; None when there is none."""
    plain = text.replace("\u2212", "-")
    if "####" in plain:
        plain = plain.rsplit("####", 1)[1]
    found = max(_NUMBER.finditer(plain), key=re.Match.start, default=None)
    value = _value(found) if found else None
    return None if found is None or value is None else (value, found["percent"] is not None)


def _needs_number(output: str) -> str:
    return "" if last_number(output) else "The output holds no number that can be read."


@metric("numeric_match", description="1 when the last number of the answer (or the one after ####) is right", check=_needs_number)
def numeric_match(predicted: str, expected: str) -> Score:
    """Exact equality of the two numbers; no rounding."""
    got, wanted = last_number(predicted), last_number(expected)
    if wanted is None:
        return Score(None, "not scored, because the reference holds no number")
    if got is None:
        return Score(0.0, "the answer holds no number")
    right = got[0] == wanted[0]
    if got[1] and not wanted[1]:
        right = right or got[0] / 100 == wanted[0]
    elif wanted[1] and not got[1]:
        right = right or got[0] == wanted[0] / 100
    if right:
        return Score(1.0, "the number is right")
    return Score(0.0, f"the answer has the number {_shown(*got)} where {_shown(*wanted)} was expected")


def _shown(value: Fraction, percent: bool) -> str:
    text = str(value.numerator) if value.denominator == 1 else f"{float(value):.10g}"
    return (text if len(text) <= 40 else text[:40] + "…") + ("%" if percent else "")
