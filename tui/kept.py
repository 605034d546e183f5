"""What the app remembers of a person from one time to the next, in the user's data folder."""

import os
from pathlib import Path

import msgspec

from pada_local.runtime import places

FILE = "cockpit.json"


class Kept(msgspec.Struct, frozen=True):
    """Choices of the person; an empty one was never made."""

    theme: str = ""


def read() -> Kept:
    """What was kept; nothing where there is no file, or none that can be read: a colour is no reason not to start."""
    try:
        return msgspec.json.decode(_file().read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        return Kept()


def write(kept: Kept) -> None:
    """Keep it. Raises OSError where the folder cannot be written."""
    draft = _file().with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(kept))
    os.replace(draft, _file())


def _file() -> Path:
    return places.user_folder() / FILE
