"""Where a host's socket, its log and its private folders lie: short paths in folders that only this user can enter."""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from pada_local.errors import StoreError
from pada_local.runtime.private import MEMORY, temporary_base

SOCKET_PATH_BYTES = 100
"""sockaddr_un holds 108 bytes on Linux and 104 on macOS."""


def runtime_folder() -> Path:
    """The folder for sockets: XDG_RUNTIME_DIR/pada, or /tmp/pada-<uid> where that is unset, missing or too long."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and os.path.isabs(given) and os.path.isdir(given) and len(os.fsencode(given)) < SOCKET_PATH_BYTES - 30:
        return own_folder(Path(given) / "pada")
    return own_folder(Path("/tmp") / f"pada-{os.getuid()}")


def own_folder(folder: Path) -> Path:
    """The folder, made when it is not there. Refuses one that others own, can enter, or that is a link."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be made.", str(error), "Set XDG_RUNTIME_DIR to a folder of yours."
        ) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        fix = f"Remove it, or set XDG_RUNTIME_DIR to a folder of yours (chmod 700 {folder})."
        raise StoreError(
            f"The folder {folder} is not safe to use.", "It must be a folder of yours that nobody else can enter.", fix
        )
    return folder


def short_name(project: Path) -> str:
    """A short hash of the file's real path: the same for every way to write the path, links included."""
    return hashlib.blake2b(os.fsencode(os.path.realpath(project)), digest_size=8).hexdigest()


def socket_path(project: Path) -> Path:
    """Where the host of this file listens."""
    return runtime_folder() / f"{short_name(project)}.sock"


def log_path(project: Path) -> Path:
    """What a host says besides its answers: empty unless something went wrong."""
    return runtime_folder() / f"{short_name(project)}.log"


def make_private_folder(project: Path, in_memory: bool = False) -> Path:
    """A new 0700 folder for one run's hand-over files and child logs.

    It lies in the temporary folder and not beside the socket: XDG_RUNTIME_DIR is kept in memory on most systems, and
    adapters and caches are large. What belongs to an encrypted project lies in main memory all the same (`in_memory`): a
    killed run would leave it on the disk. Server sockets lie in it too, hence the length check.
    """
    base = temporary_base(in_memory)
    if len(os.fsencode(base)) > 40:
        base = Path("/tmp")
    parent = own_folder(base / f"pada-{os.getuid()}")
    return Path(tempfile.mkdtemp(prefix=f"run-{short_name(project)}-", dir=parent))


def sweep_private_folders(project: Path) -> None:
    """Remove what a killed host of this file left. Only for the process that has the file open: nobody else can own them."""
    base = Path(tempfile.gettempdir())
    for parent in {folder / f"pada-{os.getuid()}" for folder in (base, Path("/tmp"), MEMORY)}:
        for left in parent.glob(f"run-{short_name(project)}-*"):
            shutil.rmtree(left, ignore_errors=True)
