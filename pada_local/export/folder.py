"""Where an export goes: a new or empty folder that appears whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pada_local.errors import MissingError, UsageError


def check_target(to: Path) -> None:
    """Raises UsageError unless `to` is new or an empty folder, so that nobody waits for an export that cannot be written."""
    if os.path.lexists(to) and (to.is_symlink() or not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"{to} is not an empty folder.", "An export never overwrites.", "Name a new folder with --to.")


@contextmanager
def new_folder(to: Path) -> Iterator[Path]:
    """A draft beside `to` that takes its name when everything inside went well, and is removed when not."""
    check_target(to)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        draft = to.with_name(f".{to.name}.{secrets.token_hex(4)}.new")
        draft.mkdir()
    except OSError as error:
        detail = f"{to}: {error.strerror}"
        raise MissingError("The export's folder cannot be made.", detail, "Name another with --to.") from None
    try:
        yield draft
        if to.is_dir():
            to.rmdir()
        os.rename(draft, to)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
