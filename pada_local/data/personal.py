"""Likely personal data in a text, found by rules: addresses for mail and web, numbers with check digits, phones, names, streets.

No model and no list of names: what has a form is found nearly always, a name only where its surroundings give it away. It is a
help for the eye, never a proof that nothing is there. Precision and recall on a public synthetic set are in docs/privacy.md.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from pada_local.data import national

_PIECE = 1000


class Span(NamedTuple):
    """Characters from `start` to before `end` that look like `kind`."""

    start: int
    end: int
    kind: str


_WORD = r"[^\W\d_a-zß-öø-ÿ][\w’'-]*"
"""A word that begins with a capital, in any alphabet that has them."""
_NAME = rf"{_WORD}(?:[ ]+(?:[A-Z]\.[ ]+)?(?:(?:van|von|de|der|den|da|di|del|la|le|bin|al)[ ]+)*{_WORD}){{0,3}}"
_STREET = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|way|court|ct|square|sq|place|pl|terrace|close|crescent|row|"
    r"hill|streets|highway|hwy|parkway|straße|strasse|platz|weg|allee|gasse|gata|gatan|vej|katu|tie|utca|ulica|rue|via|calle|rua)"
)
_COMMON = frozenset(
    """a about action adventure after all also an and animation answer any april are as at august avenue bank be been bot but
    by can church college comedy company corporation could customer dear december did directed do does don't dr drama
    e-mail east email english family fax february find first for frau friday from genre get hello herr hey hi hospital how
    i i'd i'll i'm i've iban if in inc international is it it's its january july june kids king let like ltd madam made
    make march may me minister miss mme monday movie mr mrs ms museum music my mystery name national new no north not
    november october of off on one or orchestra our people phone please president prime prof queen question rated reply
    review runtime sales saturday school second september she sir so some song south sr sra states story street studio
    subject sunday support suspense team thank thanks that the theaters their them then there these they this those
    thriller thursday to today tomorrow tuesday united university unlike use user very war was we wednesday were west what
    what's when where which while who why will with world would written yes yesterday you your""".split()
)
_MONTHS = frozenset("january february march april may june july august september october november december".split())


def _luhn(text: str) -> bool:
    """Digits in one piece, or in the groups that cards have, with a sound check digit."""
    digits = [int(one) for one in text if one.isdigit()]
    sizes = [len(one) for one in re.split(r"[ -]", text)]
    if len(sizes) > 1 and sizes not in ([4, 6, 5], [4, 6, 4]) and set(sizes[:-1]) != {4}:
        return False
    total = sum(digit if at % 2 == 0 else sum(divmod(2 * digit, 10)) for at, digit in enumerate(reversed(digits)))
    return 12 <= len(digits) <= 19 and total % 10 == 0 and len(set(digits)) > 1


def _iban(text: str) -> bool:
    plain = re.sub(r"\s", "", text).upper()
    return 15 <= len(plain) <= 34 and int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1


def _octets(text: str) -> bool:
    return all(int(part) < 256 for part in text.split(".")) and len(set(text.split("."))) > 1


def _phone(text: str) -> bool:
    """Written as phone numbers are: sums, intervals and shares of a calculation or a study look nearly alike."""
    groups = re.findall(r"\d+", re.split(r"(?:x|ext)", text)[0])
    if not 7 <= sum(map(len, groups)) <= 15 or _date(text) or text.count("(") != text.count(")"):
        return False
    abroad = text.startswith(("+", "00"))
    marked = abroad or text.startswith("(") or (groups[0].startswith("0") and len(groups[0]) > 1)
    between = set(re.findall(r"\d([./-])(?=\d)", text))
    if "." in between and (between != {"."} or len(groups) < 3 or not all(2 <= len(one) <= 4 for one in groups)):
        return False  # decimal numbers
    if ("/" in between or len(groups) == 2) and not marked:
        return False
    if "(" in text[1:] and not abroad:
        return False
    sizes = [len(one) for one in groups]
    return marked or "-" not in between or sizes[-3:] == [3, 3, 4] or (set(sizes) == {2} and len(sizes) > 3)


def _date(text: str) -> bool:
    return bool(re.fullmatch(r"\D*(?:(?:19|20)\d\d[-/. ]\d\d?[-/. ]\d\d?|\d\d?[-/. ]\d\d?[-/. ](?:19|20)\d\d)\D*.*", text))


def _digit(text: str) -> bool:
    return any(one.isdigit() for one in text)


def _house(text: str) -> bool:
    """Between its two numbers stand words of a street, and neither a month nor a list."""
    words = text.lower().split()[1:-1]
    return words[-1] not in ("and", "i", "y", "to", "or") and not any(word in _MONTHS for word in words)


def _two_words(text: str) -> bool:
    return " " in text


def _always(_: str) -> bool:
    return True


_RULES: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("EMAIL", r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+", _always),
    ("WEB", r"(?:https?://|www\.)[^\s<>\"')\]]+", _always),
    ("IP", r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", _octets),
    ("IP", r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}(?![\w:])", _always),
    ("IBAN", r"(?<!\w)[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?!\w)", _iban),
    ("CARD", r"(?<![\w-])\d(?:[ -]?\d){11,18}(?![\w-])", _luhn),
    ("ID", r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])", _always),
    ("ID", r"\b(?i:licen[cs]e|passport|ssn|social security|insurance|account|member|policy|id)(?i: number| no\.?)?"
           r"(?: is|:| #|#)? ?(?P<it>[A-Z]{0,3}\d[\d-]{4,}\w*)", _always),
    ("PHONE", r"(?<![\w.])(?:\+|00)?(?:\(\+?\d{1,4}\)[ ]?)?\d{1,5}(?:[ ./-]{1,2}?\(?\d{1,5}\)?){1,5}"
              r"(?:[ ]?(?:x|ext\.?)[ ]?\d{1,5})?(?!\w)", _phone),
    ("PHONE", r"(?i:\b(?:phone|fax|mobile|desk|office|tel|cell|call me (?:on|at)|number is)\b\.?)[: \n]*"
              r"(?P<it>\+?[\d(][\d ()./-]{4,17}\d)", _always),
    ("ADDRESS", r"(?i:\b(?:zip|postcode|postal code)\b)(?: code)?(?: is)?[: ]*(?P<it>[\w-]{3,5}(?: [\w]{3,4})?)", _digit),
    ("ADDRESS", rf"(?<!\w)\d{{1,5}}[A-Za-z]?,?[ ]+(?:{_WORD}[ ]+){{1,4}}(?i:{_STREET})\b\.?", _always),
    ("ADDRESS", rf"(?<!\w)\d{{2,5}}[ ]+{_WORD}(?:[ ]+(?:{_WORD}|do|da|de|dos|van|den|der|y|i|and)){{0,4}}"
                r"[ ]+\d{1,5}(?!\w)", _house),
    ("ADDRESS", rf"(?<!\w){_WORD}(?:[ -]{_WORD}){{0,3}}[ -]?"
                r"(?i:straße|strasse|weg|gasse|gata|gatan|vej|katu|tie|utca|u\.)[ ]+\d{1,4}\b", _always),
    ("ADDRESS", r"(?i:\b(?:apt|apartment|suite|unit|p\.?o\.? box|box|psc)\b\.?)[ ]*#?\d{1,6}\b", _always),
    ("ADDRESS", r"(?<!\w)(?:[A-Z]{2}[ ]+\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2})(?!\w)", _always),
    ("NAME", rf"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam|Herr|Frau|Mme|Sr|Sra|ms|mr|mrs|dr)\b\.?[ ]+(?P<it>{_NAME})", _always),
    ("NAME", rf"(?i:\bname(?: is|'s|:| on \w+ is)?|\bcalled|\bdear|\bregards,?|\bsincerely,?|\bsigned:?|\bfrom:|\bto:|"
             rf"\bpatient:?)[ \n]+(?P<it>{_NAME})", _always),
    ("NAME", rf"(?i:\bthis is|\bI am|\bI'm)[ ]+(?P<it>{_WORD}[ ]+{_WORD})", _always),
    ("NAME", rf"(?<![\w])(?P<it>{_NAME})"
             r"(?=(?:'s|’s)?[ ]+(?:lives|said|says|told|called|wrote|asked|was born|works|writes)\b)", _always),
    ("NAME", rf"(?m:^)(?P<it>{_WORD}(?:[ ]{_WORD})?)(?=: )", _always),
    ("NAME", rf"(?<![\w])(?P<it>{_WORD}(?:[ ]+[A-Z]\.)?[ ]+{_WORD}(?:[ ]+{_WORD})?)(?!\w)", _two_words),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(rule), fits) for kind, rule, fits in _RULES)
_FIRST = 5
"""Rules before those of national numbers: what is an address of mail or web, or an IBAN, is none of them."""


@cache
def _all_rules() -> tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...]:
    return (*_COMPILED[:_FIRST], *national.rules(), *_COMPILED[_FIRST:])


def find(text: str) -> list[Span]:
    """What looks like personal data, in order, without overlaps; the rule that stands first wins."""
    return [Span(at + one.start, at + one.end, one.kind) for at, part in _parts(text) for one in _find(part)]


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The text in pieces of bounded length, cut at white space: some rules take time with the square of the length."""
    at = 0
    while at < len(text):
        end = at + _PIECE
        if end < len(text):
            end = max(text.rfind(" ", at + 1, end), text.rfind("\n", at + 1, end)) + 1 or end
        yield at, text[at:end]
        at = end


def _find(text: str) -> list[Span]:
    found: list[Span] = []
    taken = bytearray(len(text))
    for kind, rule, fits in _all_rules():
        for match in rule.finditer(text):
            group = "it" if "it" in rule.groupindex else 0
            start, end = match.span(group)
            if kind == "NAME":
                start, end = _without_common(text, start, end)
            if start < end and not any(taken[start:end]) and fits(text[start:end]):
                found.append(Span(start, end, kind))
                taken[start:end] = b"\1" * (end - start)
    return sorted(found)


def mask(text: str) -> str:
    """The text with what was found written as [KIND]."""
    parts, at = [], 0
    for span in find(text):
        parts += [text[at : span.start], f"[{span.kind}]"]
        at = span.end
    return "".join([*parts, text[at:]])


def _without_common(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without common words at its ends; nothing when one stands inside it."""
    words = list(re.finditer(r"\S+", text[start:end]))
    while words and _is_common(words[0].group()):
        words.pop(0)
    while words and _is_common(words[-1].group()):
        words.pop()
    if not words or any(_is_common(word.group()) for word in words):
        return start, start
    return start + words[0].start(), start + words[-1].end()


def _is_common(word: str) -> bool:
    plain = word.strip(".,:;!?'’-").lower()
    return plain in _COMMON or len(plain) < 2 and not word.endswith(".")
