"""The jobs that come in, a line each; in the middle of one it can be seen whether the host wants its end."""

import os
import select
from collections.abc import Iterator

import msgspec

from pada_local.student.protocol import Cut, Job

READ_BYTES = 1 << 20


class Inbox:
    """Lines of a pipe, read without a buffer of Python's own, so that what waits in the pipe can be asked for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._parts: list[bytes] = []
        self._decoder = msgspec.json.Decoder(Job)

    def __iter__(self) -> Iterator[bytes]:
        """Whole lines, until the other side closes."""
        while True:
            whole, end, rest = b"".join(self._parts).partition(b"\n")
            self._parts = [rest if end else whole]
            if end:
                yield whole
            elif not self._read_line_end():
                return

    def _read_line_end(self) -> bool:
        """Read until there is a line's end among what was read; False when the other side has closed before."""
        while chunk := os.read(self._descriptor, READ_BYTES):
            self._parts.append(chunk)
            if b"\n" in chunk:
                return True
        return False

    def is_cut(self, number: int) -> bool:
        """Whether the job with this number is to end: its `Cut` has come, or nobody is there any more. Never waits."""
        while select.select([self._descriptor], [], [], 0)[0]:
            chunk = os.read(self._descriptor, READ_BYTES)
            if not chunk:
                return True
            self._parts.append(chunk)
        return any(self._means(line, number) for line in b"".join(self._parts).split(b"\n")[:-1])

    def _means(self, line: bytes, number: int) -> bool:
        try:
            job = self._decoder.decode(line)
        except msgspec.MsgspecError:
            return False  # the worker's loop says so when it comes to this line
        return isinstance(job, Cut) and job.job == number
