"""Keys of encrypted project files: where they come from, and who holds them while a command runs.

A key is 32 bytes as base64. It comes from a key file, from the system's keyring where the package `keyring` is installed, or
from a passphrase that is typed. It never comes from an argument or from the environment: other programs can see those.
"""

import base64
import contextlib
import hashlib
import importlib.util
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from pada_local.errors import LockedError, MissingError, UsageError

SHORTEST_PASSPHRASE = 12
_SALT = b"PaDA Local project file, key version 1"
# About half a second and 128 MiB for each guess. The salt is the same for everybody, because nothing can be read from a file
# before it is open; DuckDB mixes a salt of the file's own into what comes out.
_COST = {"n": 2**17, "r": 8, "p": 1, "maxmem": 2**28, "dklen": 32}
_SERVICE = "pada-local"
_FLAGS_AT, _HEAD_BYTES = 20, 28


def is_encrypted(head: bytes) -> bool:
    """Whether a DuckDB file that begins so is encrypted: the lowest bit of its header's flags."""
    return len(head) >= _HEAD_BYTES and bool(head[_FLAGS_AT] & 1)


def file_is_encrypted(path: Path) -> bool:
    """The same for a file by name; only for a process that has not opened it (closing it again would drop DuckDB's lock)."""
    try:
        with path.open("rb") as file:
            return is_encrypted(file.read(_HEAD_BYTES))
    except OSError:
        return False


def from_passphrase(passphrase: str) -> str:
    """The key that belongs to a passphrase. Takes about half a second, on purpose."""
    return base64.b64encode(hashlib.scrypt(passphrase.encode(), salt=_SALT, **_COST)).decode()  # type: ignore[arg-type]


def read_key_file(file: Path) -> str:
    """The key in a file that `make_key_file` made, or any 32 bytes as base64. Raises MissingError, UsageError."""
    try:
        text = file.read_bytes()[:1000]
        key = base64.b64decode(text.strip(), validate=True)
    except OSError as error:
        raise MissingError("The key file cannot be read.", f"{file}: {error.strerror}", "Check the path.") from None
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UsageError("This is no key file.", f"{file} does not hold 32 bytes as base64.", "Make one: pada encrypt does.")
    return base64.b64encode(key).decode()


def make_key_file(file: Path) -> str:
    """A new random key in a new file that only this user can read. Raises UsageError when the file is there."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    try:
        with open(file, "x", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            stream.write(key + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        raise UsageError(f"{file} is there already; it was left as it is.", "", "Name a new key file.") from None
    except OSError as error:
        raise MissingError("The key file cannot be made.", f"{file}: {error.strerror}", "Check the folder.") from None
    return key


class Ring:
    """The keys that this process knows. A front end says how more of them are got."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}
        self._refused: set[Path] = set()
        self.ask: Callable[[Path], str] | None = None
        """Gets a key from the person: from the key file that was named, or by asking for a passphrase."""
        self.keep = False
        """Whether keys that fit are to be put into the system's keyring."""
        self.named = False
        """Whether the person named a key file, which then comes before what the keyring holds."""

    def known(self, path: Path) -> str:
        """The key of a file if this process has it; "" otherwise."""
        return self._known.get(_real(path), "")

    def key_for(self, path: Path) -> str:
        """The key of an encrypted file. Raises LockedError when nobody can give it."""
        key = self.known(path)
        if not key and not self.named and _real(path) not in self._refused:
            key = _from_keyring(path)
        if not key and self.ask is None:
            raise locked(path)
        key = key or (self.ask(path) if self.ask else "")
        self._known[_real(path)] = key
        return key

    def remember(self, path: Path, key: str) -> None:
        """This key fits this file."""
        self._known[_real(path)] = key
        if self.keep:
            need_keyring()
            import keyring

            try:
                keyring.set_password(_SERVICE, str(_real(path)), key)
            except keyring.errors.KeyringError as error:
                raise _no_keyring(f"It did not take the key: {_words(error)}.") from None

    def refused(self, path: Path) -> bool:
        """Forget a key that does not fit; whether it came out of the keyring, so that another one may be asked for."""
        key = self._known.pop(_real(path), "")
        if not key or self.named or _real(path) in self._refused or key != _from_keyring(path):
            return False
        self._refused.add(_real(path))
        return True

    def forget(self, path: Path) -> None:
        """The file needs no key any more; what the keyring has of it goes, too."""
        self._known.pop(_real(path), None)
        if _from_keyring(path):
            import keyring

            with contextlib.suppress(keyring.errors.KeyringError):  # a key that opens nothing does no harm there
                keyring.delete_password(_SERVICE, str(_real(path)))


ring = Ring()
"""The one of this process."""


def locked(path: Path) -> LockedError:
    """The sentence for an encrypted file and no key."""
    fix = "Give the key file with --key-file, or run the command at a terminal, where it asks for the passphrase."
    return LockedError("The project file is encrypted, and there is no key for it.", str(path), fix)


def wrong(path: Path) -> LockedError:
    """The sentence for a key that does not fit."""
    fix = "Type the passphrase again, or name the right key file with --key-file. Nothing was changed."
    return LockedError("The key does not fit this project file.", str(path), fix)


def need_keyring() -> None:
    """Raises MissingError where no keyring can be used: no package, or none behind it that keeps anything."""
    if importlib.util.find_spec("keyring") is None:
        raise _no_keyring("The Python package 'keyring' is not there.", "Install it (pip install pada-local[keyring]), or use")
    import keyring
    from keyring.backends import fail, null

    if isinstance(keyring.get_keyring(), fail.Keyring | null.Keyring):
        raise _no_keyring("The Python package 'keyring' found no keyring of this system that is running.")


def _no_keyring(why: str, fix: str = "Use") -> MissingError:
    return MissingError("There is no system keyring that could be used.", why, f"{fix} a key file or a passphrase.")


def _from_keyring(path: Path) -> str:
    """What the system's keyring holds for the file; "" where there is none, it is locked, or it holds nothing."""
    if importlib.util.find_spec("keyring") is None:
        return ""
    import keyring

    try:
        return keyring.get_password(_SERVICE, str(_real(path))) or ""
    except keyring.errors.KeyringError:
        return ""


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
