"""Rows on their way from foreign files into a project, on disk instead of in memory: a nameless file, gone with its reader."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from pada_local.data.columns import RawExample


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A row that was taken: the key of its input, the split it was given in, the number of its file."""

    key: int
    side: int
    file: int
    raw: RawExample


class Spool:
    """Write everything, then read it any number of times, in the same order."""

    def __init__(self, folder: Path | None) -> None:
        """In a folder, or without one in main memory: for what must not touch a disk as it is."""
        if folder is None:
            self._file: BinaryIO = os.fdopen(os.memfd_create("pada-new"), "w+b")
        else:
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".pada-new-")  # noqa: SIM115 (closed by close)
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Kept)

    def write(self, row: Kept) -> None:
        """Put a row at the end."""
        packed = self._encoder.encode(row)
        self._file.write(len(packed).to_bytes(4, "little") + packed)

    def __iter__(self) -> Iterator[Kept]:
        self._file.seek(0)
        while head := self._file.read(4):
            yield self._decoder.decode(self._file.read(int.from_bytes(head, "little")))

    def close(self) -> None:
        """The rows are gone."""
        self._file.close()
