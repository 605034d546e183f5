"""Keyrings for tests, named in keyring's own configuration file: one that keeps keys in a file, one that is locked."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class FileKeyring(KeyringBackend):
    """Keys in the JSON file that TEST_KEYRING names."""

    priority = 1

    def get_password(self, service, username):
        return self._read().get(f"{service} {username}")

    def set_password(self, service, username, password):
        self._file.write_text(json.dumps(self._read() | {f"{service} {username}": password}))

    def delete_password(self, service, username):
        kept = self._read()
        if kept.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError("not found")
        self._file.write_text(json.dumps(kept))

    def _read(self):
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    @property
    def _file(self):
        return Path(os.environ["TEST_KEYRING"])


class LockedKeyring(KeyringBackend):
    """Nobody unlocked it."""

    priority = 1

    def get_password(self, service, username):
        raise KeyringLocked("the collection is locked")

    set_password = delete_password = lambda self, service, username, password="": self.get_password(service, username)
