"""How a process keeps private data where it belongs: files for this user alone, no crash dumps, no texts in logs."""

import logging
import os
import resource
import tempfile
import traceback
from pathlib import Path

from pada_local.runtime import keys

MEMORY = Path("/dev/shm")
"""A file system in main memory that every user may use, on Linux."""


def temporary_base(in_memory: bool) -> Path:
    """Where temporary folders go: of an encrypted project into main memory, since a killed run leaves its folder behind."""
    return MEMORY if in_memory and os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def be_private() -> None:
    """Call once at the start. Children inherit both."""
    os.umask(0o077)
    # A limit of one byte, and not zero: the kernel then writes no dump and hands none to a crash reporter either (core(5)).
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 0 if hard == 0 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def temporary_folder_for(project: Path, prefix: str) -> tempfile.TemporaryDirectory[str]:
    """A 0700 folder for work on a project's data, in main memory if the file is encrypted. Not for who has the file open."""
    return tempfile.TemporaryDirectory(prefix=prefix, dir=temporary_base(keys.file_is_encrypted(project)))


class WithoutMessages(logging.Formatter):
    """Where it broke, and what kind of error it was, but not its message: messages may quote data."""

    def formatException(self, ei) -> str:  # noqa: N802 (the name is logging's)
        kind, _, trace = ei
        return "".join(traceback.format_tb(trace)) + (kind.__name__ if kind else "")
