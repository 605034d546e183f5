"""The project files that were used last: path, name and time in the user's own folder, and nothing of what they hold.

The list is a convenience. Where it cannot be written nothing stops, and a list that cannot be read counts as empty.
"""

import datetime
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from pada_local.runtime import places

FILE, LOCK = "recent.json", "recent.lock"
MOST = 50
"""The entry that was used longest ago leaves first."""


class Entry(msgspec.Struct, frozen=True):
    """A project file; `used` is when it was made or opened last, UTC in ISO 8601."""

    path: str
    name: str
    used: str


def entries() -> list[Entry]:
    """The one used last first; empty when there is no list, or one that cannot be read."""
    try:
        found = msgspec.json.decode((places.user_folder() / FILE).read_bytes(), type=list[Entry])
    except (OSError, ValueError, RecursionError):
        return []
    return found[:MOST]


def remember(path: Path) -> None:
    """Put this file on top."""
    real = os.path.realpath(path)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    _change(lambda there: [Entry(real, Path(real).stem, now), *(one for one in there if one.path != real)])


def forget(path: str) -> None:
    """Take it off the list; the file itself stays."""
    _change(lambda there: [one for one in there if one.path != path])


def _change(change: Callable[[list[Entry]], list[Entry]]) -> None:
    """One writer after the other, and the whole list at once, so that it is never half written or half forgotten."""
    try:
        folder = places.user_folder()
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            body = msgspec.json.encode(change(entries())[:MOST])
            draft = folder / f"{FILE}.new"
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as stream:
                os.fchmod(file, 0o600)
                stream.write(body)
            os.replace(draft, folder / FILE)
        finally:
            os.close(lock)
    except (OSError, ValueError):
        return  # a full disc, a home that cannot be written, a path that is no text: the list is not worth an error
