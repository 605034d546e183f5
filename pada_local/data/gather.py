"""Puts the rows of all files together: each example once, none in two splits, and what contradicts itself counted.

Texts go to a spool on disk; what stays in memory is a few numbers for each row.
"""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from pada_local.data.columns import RawExample
from pada_local.data.formats import Source
from pada_local.data.split import split_examples
from pada_local.data.spool import Kept, Spool
from pada_local.errors import DataError
from pada_local.records import Example, content_id
from pada_local.runtime.safe import safe_line

SPLITS = ("train", "validation", "test")
_MOST_SYSTEMS = 2


class Gathering:
    """Takes rows with `add`, divides them with `divide`, and gives them back as examples with `examples`.

    The same example is one with the same input, runs of white space aside. Where it is allowed to be in two splits
    (`drop_overlap`), the row counts in the split that measures more: test before validation before train.
    """

    def __init__(self, folder: Path | None, files: Sequence[Source], drop_overlap: bool) -> None:
        self._spool, self._files, self._drop_overlap = Spool(folder), files, drop_overlap
        self._first: dict[int, int] = {}
        """Key of an input -> number of its first row in the arrays below."""
        self._outputs, self._lines, self._from = array("Q"), array("Q"), array("H")
        self._home, self._sides = bytearray(), bytearray()
        self._more_outputs: dict[int, set[tuple[int, int]]] = {}
        self._parts: dict[int, str] = {}
        self._systems: set[str] = set()
        self.rows = self.duplicates = self.contradictions = self.dropped = 0
        self.contradiction = ""
        """One of the contradictions: where its two rows stand."""

    def add(self, side: int, file: int, raw: RawExample) -> None:
        """Take one row. Raises DataError for an input that another split holds, unless those are dropped."""
        self.rows += 1
        if len(self._systems) < _MOST_SYSTEMS:
            self._systems.add(raw.system)
        key = _key(raw.system, " ".join(raw.input.split()))
        output = _key(raw.output.strip())
        first = self._first.setdefault(key, len(self._home))
        if first == len(self._home):
            self._remember(output, side, file, raw.line)
        elif not self._sides[first] & 1 << side:
            if not self._drop_overlap:
                self._refuse_overlap(first, side, file, raw)
            self._sides[first] |= 1 << side
            self._more_outputs.setdefault(key, set()).add((side, output))
        elif self._is_there(key, first, side, output):
            self.duplicates += 1
            return
        else:
            self._more_outputs.setdefault(key, set()).add((side, output))
            self.contradictions += 1
            self.contradiction = self.contradiction or f"{self._place(first)} and {self._files[file].at(raw.line)}"
        self._spool.write(Kept(key, side, file, raw))

    def divide(self, seed: int, shares: tuple[float, float]) -> dict[str, int]:
        """Take validation and test out of train by these shares; how many different inputs each split has then."""
        if any(shares):
            items = [(key, self._outputs[row]) for key, row in self._first.items() if self._sides[row] == 1]
            self._parts = split_examples(items, seed, shares)
        counts = dict.fromkeys(SPLITS, 0)
        for key, row in self._first.items():
            counts[self._split(key, self._sides[row].bit_length() - 1)] += 1
        return counts

    @property
    def system(self) -> str:
        """The system message that all rows have; "" when they have none or different ones."""
        return next(iter(self._systems)) if len(self._systems) == 1 else ""

    def examples(self) -> Iterator[Example]:
        """Every example with its split, in the order of the files. System messages that differ stand before the input."""
        shared, position, self.dropped = self.system, 0, 0
        for kept in self._spool:
            if kept.side != self._sides[self._first[kept.key]].bit_length() - 1:
                self.dropped += 1
                continue
            raw = kept.raw
            input = raw.input if raw.system == shared else f"{raw.system}\n\n{raw.input}".strip("\n")
            yield Example(
                id=content_id(input, raw.output), split=self._split(kept.key, kept.side), position=position, input=input,
                output=raw.output, source=self._files[kept.file].path.name, tags=raw.tags,
            )  # fmt: skip
            position += 1

    def close(self) -> None:
        """The rows are gone."""
        self._spool.close()

    def _remember(self, output: int, side: int, file: int, line: int) -> None:
        self._outputs.append(output)
        self._home.append(side)
        self._sides.append(1 << side)
        self._from.append(file)
        self._lines.append(line)

    def _is_there(self, key: int, first: int, side: int, output: int) -> bool:
        if self._home[first] == side and self._outputs[first] == output:
            return True
        return (side, output) in self._more_outputs.get(key, ())

    def _split(self, key: int, side: int) -> str:
        return self._parts.get(key, SPLITS[side]) if side == 0 else SPLITS[side]

    def _place(self, row: int) -> str:
        return self._files[self._from[row]].at(self._lines[row])

    def _refuse_overlap(self, first: int, side: int, file: int, raw: RawExample) -> None:
        """The same example in two files would let the student learn what it is measured with."""
        raise DataError(
            f"An example is both in {SPLITS[self._home[first]]} and in {SPLITS[side]}.",
            f"{self._place(first)} and {self._files[file].at(raw.line)}: {safe_line(raw.input, 60)}",
            "Remove it from one of the two files, or add --drop-overlap to take it out of the one that measures less.",
        )


def _key(*texts: str) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return int.from_bytes(digest.digest(), "little")
