"""encrypt, decrypt, rekey; and where a command gets the key of an encrypted file."""

import argparse
import getpass
import sys
from pathlib import Path

from pada_local.cli import talk
from pada_local.errors import ExitCode, MissingError, UsageError
from pada_local.runtime import keys
from pada_local.session import open_alone


def ask_for_keys(options: argparse.Namespace) -> None:
    """From now on a key that is needed is taken from --key-file, or asked for at the terminal."""
    file: Path | None = getattr(options, "key_file", None)

    def ask(path: Path) -> str:
        if file is not None:
            return keys.read_key_file(file)
        if not sys.stdin.isatty():
            raise keys.locked(path)
        return keys.from_passphrase(getpass.getpass(f"Passphrase of {path.name}: "))

    keys.ring.ask, keys.ring.named = ask, file is not None
    keys.ring.keep = bool(getattr(options, "keyring", False))
    if keys.ring.keep:
        keys.need_keyring()


def new_key(path: Path, file: Path | None) -> str:
    """The key for a file that is to be encrypted: of a key file, which is made when it is not there, or a new passphrase."""
    if file is not None:
        if file.exists():
            return keys.read_key_file(file)
        key = keys.make_key_file(file)
        talk.say(f"A new key is in {file}. Keep it apart from the project: who loses it loses the project.")
        return key
    if not sys.stdin.isatty():
        fix = "Name a key file with --key-file (it is made when it is not there), or run the command at a terminal."
        raise MissingError("There is nobody to type a passphrase.", "", fix)
    first = getpass.getpass(f"New passphrase for {path.name}: ")
    if len(first) < keys.SHORTEST_PASSPHRASE:
        raise UsageError(
            f"A passphrase needs {keys.SHORTEST_PASSPHRASE} characters or more.", "Five random words are a good one."
        )
    if getpass.getpass("Once more: ") != first:
        raise UsageError("The two passphrases are not the same.", "Nothing was changed.")
    talk.say("Who forgets the passphrase loses the project: there is no other way in.")
    return keys.from_passphrase(first)


def encrypt(options: argparse.Namespace) -> int:
    """Put an encrypted copy in the file's place."""
    if keys.file_is_encrypted(options.file):
        raise UsageError("The project file is encrypted already.", "", f"Another key: pada rekey {options.file}")
    with open_alone(options.file, encryption=True) as project:
        key = new_key(options.file, options.key_file)
        project.renew_file(key)
    keys.ring.remember(options.file, key)
    return _told(options, "encrypted", "The plain file is gone from the folder, but its bytes may be found on the disk until"
                 " they are written over, and copies elsewhere are as they were.")  # fmt: skip


def decrypt(options: argparse.Namespace) -> int:
    """Put a plain copy in the file's place."""
    with open_alone(options.file) as project:
        if not project.encrypted:
            raise UsageError("The project file is not encrypted.")
        project.renew_file("")
    keys.ring.forget(options.file)
    return _told(options, "plain", "Everybody who can read the file can read what is in it.")


def rekey(options: argparse.Namespace) -> int:
    """Put a copy with another key in the file's place."""
    with open_alone(options.file) as project:
        if not project.encrypted:
            raise UsageError("The project file is not encrypted.", "", f"Encrypt it: pada encrypt {options.file}")
        key = new_key(options.file, options.new_key_file)
        project.renew_file(key)
    keys.ring.remember(options.file, key)
    return _told(options, "encrypted with the new key", "Copies elsewhere still open with the old one.")


def _told(options: argparse.Namespace, state: str, more: str) -> int:
    if options.json:
        talk.facts({"file": str(options.file), "state": state})
    else:
        talk.say(f"{options.file} is {state} now. {more}")
    return ExitCode.DONE
