"""Names of files and folders that a text may go on to. A pure look at one folder, bounded for folders of any size."""

import heapq
import os
from collections.abc import Sequence
from typing import NamedTuple

from pada_local.runtime.safe import safe, safe_line

MOST, LOOKED_AT = 100, 20_000
"""Names offered, and entries of a folder that are looked at before the rest is left alone."""


class Offer(NamedTuple):
    """`text` is what the line would hold, `name` what is shown. One that does not fit cannot be typed and is only shown."""

    text: str
    name: str
    fits: bool = True


class Offers(NamedTuple):
    """In the order of their names; `more` says that there are others."""

    found: list[Offer]
    more: bool = False


def offers(text: str, endings: Sequence[str], most: int = MOST, looked_at: int = LOOKED_AT) -> Offers:
    """Folders, and files with one of these endings, whose names go on from the text. Hidden ones only behind a dot."""
    typed_folder, start = os.path.split(text)
    folder = os.path.expanduser(typed_folder) or "."
    before = text[: len(text) - len(start)]
    if "\0" in text:
        return Offers([])
    found: list[tuple[str, bool]] = []
    looked, cut = 0, False
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                looked += 1
                if looked > looked_at:
                    cut = True
                    break
                if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith(".")):
                    found += _kept(entry, endings)
    except (OSError, ValueError):
        return Offers([])  # no folder, or not ours to look into: the line's own check says so
    shown = heapq.nsmallest(most, found)
    made = [Offer(before + name + os.sep * is_folder, _name(name, is_folder), _can_be_typed(name)) for name, is_folder in shown]
    return Offers(made, cut or len(found) > most)


def _kept(entry: os.DirEntry[str], endings: Sequence[str]) -> list[tuple[str, bool]]:
    if entry.is_dir():
        return [(entry.name, True)]
    return [(entry.name, False)] if os.path.splitext(entry.name)[1].lower() in endings else []


def _name(name: str, is_folder: bool) -> str:
    return safe_line(name, 100) + os.sep * is_folder


def _can_be_typed(name: str) -> bool:
    return safe(name) == name and "\t" not in name and "\n" not in name and ";" not in name


def completed(text: str, found: Offers) -> str:
    """The text as far as all offers agree; the text itself where they do not."""
    texts = [offer.text for offer in found.found if offer.fits]
    if not texts or found.more or len(texts) < len(found.found):
        return text
    return os.path.commonprefix(texts)
