"""What an open project needs beside its file, and what a killed process left of it: swept by the next one that has the file."""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

RENEWED = ".renewed"
"""Ending of a copy that is to take the file's place."""


def private_folder(path: Path, read_only: bool) -> tempfile.TemporaryDirectory[str]:
    """A new 0700 folder for sorting that spills to disk and for copies. Those of readers have names that nobody sweeps."""
    return tempfile.TemporaryDirectory(prefix=f"{_prefix(path)}{'reader-' if read_only else 'owner-'}")


def renewed_name(path: Path, token: str) -> Path:
    """Where a copy lies until it takes the file's place."""
    return path.with_name(f".{path.name}.{token}{RENEWED}")


def sweep(path: Path, own: Path) -> None:
    """Remove private folders and unfinished copies that killed owners of this file left. Only for who has the file's lock."""
    for left in Path(tempfile.gettempdir()).glob(f"{_prefix(path)}owner-*"):
        if left != own and _is_ours(left):
            shutil.rmtree(left, ignore_errors=True)
    with contextlib.suppress(OSError):  # a folder that may not be listed or written: nothing can be done about it here
        for entry in os.scandir(path.parent):
            # `copies` writes another name in front of that while it moves the bytes.
            begins = entry.name.startswith((f".{path.name}.", f"..{path.name}."))
            if begins and RENEWED in entry.name and entry.is_file(follow_symlinks=False):
                os.unlink(entry.path)


def _is_ours(folder: Path) -> bool:
    """A folder of this user and no link: others may put what they like into the temporary folder."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()


def _prefix(path: Path) -> str:
    return f"pada-store-{hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()}-"
