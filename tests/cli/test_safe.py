"""No foreign string can steer a terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pada_local.runtime.safe import safe, safe_line

FORBIDDEN = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - {"\n", "\t"}
anything = st.text(st.characters(codec=None, categories=None), max_size=80)  # surrogates too


@given(anything)
def test_nothing_harmful_is_left(text):
    out = safe(text)
    assert not FORBIDDEN & set(out)
    assert not any(unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI") for c in out)
    assert not any(0xE0000 <= ord(c) < 0xE0080 or 0xD800 <= ord(c) < 0xE000 for c in out)
    out.encode("utf-8")


@given(anything)
def test_once_is_enough(text):
    assert safe(safe(text)) == safe(text)


@given(st.text(st.characters(categories=("L", "N", "P", "S", "M", "Zs"), exclude_characters="\u061c"), max_size=80))
def test_ordinary_text_is_left_alone(text):
    assert safe(text) == text and safe("a\n\tb") == "a\n\tb"


@given(anything, st.integers(1, 40))
def test_a_line_is_one_line_and_not_longer(text, width):
    line = safe_line(text, width)
    assert "\n" not in line and "\t" not in line and len(line) <= width


def test_known_attacks_become_visible():
    assert safe("\x1b]52;c;aGk=\x07") == "\\u001b]52;c;aGk=\\u0007"
    assert safe("a\u202eb\U000e0041") == "a\\u202eb\\U000e0041"
