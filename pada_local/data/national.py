"""Numbers that states give to persons, known by form and check digits, with python-stdnum where it is installed."""

import importlib
import importlib.util
import re
from collections.abc import Callable

KINDS: tuple[tuple[str, str], ...] = (
    ("it.codicefiscale", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]"),
    ("fr.nir", r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}"),
    ("ch.ssn", r"756\.?\d{4}\.?\d{4}\.?\d{2}"),
    ("be.nn", r"\d{2}[. ]\d{2}[. ]\d{2}[- ]\d{3}[. ]\d{2}"),
    ("cn.ric", r"\d{17}[\dX]"),
    ("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    ("in_.aadhaar", r"[2-9]\d{3} \d{4} \d{4}"),
    ("gb.nhs", r"\d{3}[ -]\d{3}[ -]\d{4}"),
    ("de.idnr", r"\d{2} \d{3} \d{3} \d{3}|\d{11}"),
    ("pl.pesel", r"\d{11}"),
    ("no.fodselsnummer", r"\d{6} ?\d{5}"),
    ("se.personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}"),
    ("fi.hetu", r"\d{6}[-+A]\d{3}[\dA-Y]"),
    ("es.dni", r"\d{8}-?[A-HJ-NP-TV-Z]"),
    ("es.nie", r"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]"),
)
"""Module of python-stdnum, and how its numbers are written. Short ones without letters or signs of their own are left out: one in
ten of any such numbers has a right check digit. So are those without check digits."""


def rules() -> list[tuple[str, re.Pattern[str], Callable[[str], bool]]]:
    """Rules as `personal` has them; none where the package is not installed."""
    if importlib.util.find_spec("stdnum") is None:
        return []
    return [("ID", re.compile(rf"(?<![\w.-])(?:{form})(?![\w-])"), _check(name)) for name, form in KINDS]


def _check(name: str) -> Callable[[str], bool]:
    def is_valid(text: str) -> bool:
        return bool(importlib.import_module(f"stdnum.{name}").is_valid(text))

    return is_valid
