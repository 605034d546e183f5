"""Where an export goes: a new or empty folder that appears whole or not at all."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pada_local.errors import MissingError, PadaError, UsageError


def check_target(to: Path) -> None:
    """Raises UsageError unless `to` is new or an empty folder, so that nobody waits for an export that cannot be written."""
    if os.path.lexists(to) and (to.is_symlink() or not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"{to} is not an empty folder.", "An export never overwrites.", "Name a new folder with --to.")


@contextmanager
def new_folder(to: Path) -> Iterator[Path]:
    """A draft beside `to` that takes its name when everything inside went well, and is removed when not."""
    check_target(to)
    draft = to.with_name(f".{to.name}.{secrets.token_hex(4)}.new")
    try:
        _make(draft, to)  # in here, since a signal may come between any two lines
        with place_told(to):
            yield draft
            if to.is_dir():
                to.rmdir()
            os.rename(draft, to)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _make(draft: Path, to: Path) -> None:
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir()
    except OSError as error:
        detail = f"{to}: {error.strerror}"
        raise MissingError("The export's folder cannot be made.", detail, "Name another with --to.") from None


@contextmanager
def place_told(to: Path) -> Iterator[None]:
    """A full disk or a place that may not be written, in a sentence: whether this process met it, a child or the database."""
    try:
        yield
    except (OSError, PadaError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error):
            fix = "Make room, or name a place on another disk with --to."
            raise PadaError("The disk is full.", f"Nothing of the export is left at {to}.", fix) from error
        if number in (errno.EROFS, errno.EACCES):
            raise MissingError("The export cannot be written.", str(error), "Name another place with --to.") from error
        raise
