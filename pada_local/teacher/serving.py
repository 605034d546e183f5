"""A GGUF file served to other programs on this machine: llama-server on the loopback address, behind a key."""

import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import msgspec

from pada_local.errors import Interrupted, TeacherError, UsageError
from pada_local.runtime import limits, offline, process
from pada_local.teacher.launch import clean, find_server, private_folder

LOOPBACK = "127.0.0.1"
SHORTEST_KEY = 16
START_SECONDS = 600.0


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What is served: the file under a name, to `slots` requests at a time of `context` tokens each; greedy by default."""

    model: Path
    name: str
    port: int
    key: str
    slots: int = 2
    context: int = 4096
    max_tokens: int = 512


class Served:
    """The running server. Use as a context manager; `address` is what clients call their base URL."""

    def __init__(self, offer: Offer, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Raises UsageError (the port is taken), MissingError (no server was built), TeacherError (it cannot load the file)."""
        port = _free_port(offer.port)
        self.address = f"http://{LOOPBACK}:{port}/v1"
        self.folder = private_folder(None)
        try:
            key_file = self.folder / "key"
            with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(offer.key + "\n")
            environment = clean(offline.offline_environment(self.folder))
            words = arguments(find_server(), offer, port, key_file)
            self.process = process.spawn(
                words, environment, self.folder / "log", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            process.limit_memory(self.process.pid, limits.of_teacher(offer.model, offer.slots, offer.context))
            self._wait(offer, cancelled)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self) -> int:
        """Until the server ends by itself; its exit status."""
        return self.process.wait()

    def stop(self) -> None:
        """End it and remove its folder; may be called more than once."""
        if hasattr(self, "process"):
            process.end(self.process, 3.0)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self, offer: Offer, cancelled: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if cancelled():
                raise Interrupted("Serving was stopped.")
            if self._healthy():
                return
            time.sleep(0.05)
        words = (self.folder / "log").read_text("utf-8", "replace").strip().splitlines()[-4:]
        detail = f"{offer.model.name}: {' | '.join(words)[-600:] or 'no message'}"
        raise TeacherError("llama-server could not serve the file.", detail, "Check the file, the free memory and the port.")

    def _healthy(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.address.removesuffix("/v1") + "/health", timeout=1) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


def arguments(binary: Path, offer: Offer, port: int, key_file: Path) -> list[str]:
    """The command line. What a request does not say is as the student was scored: greedy, and no longer than asked for."""
    return [
        str(binary), "--model", str(offer.model.absolute()), "--alias", offer.name, "--host", LOOPBACK, "--port", str(port),
        "--api-key-file", str(key_file), "--jinja", "--parallel", str(offer.slots), "--ctx-size",
        str(offer.slots * offer.context), "--predict", str(offer.max_tokens), "--temp", "0", "--top-k", "1",
        "--repeat-penalty", "1", "--reasoning-format", "none", "--offline", "--no-webui", "--no-slots", "--cors-origins",
        "localhost", "--log-verbosity", "1",
    ]  # fmt: skip


def new_key() -> str:
    """A key that nobody guesses."""
    return secrets.token_urlsafe(32)


def read_key(file: Path) -> str:
    """The one line of a key file. Raises UsageError when it is none, or short enough to be guessed."""
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("The key file cannot be read.", f"{file}: {error}", "Name another with --api-key-file.") from None
    if len(key) < SHORTEST_KEY or key.startswith("#") or not key.isascii() or any(sign.isspace() or sign == "," for sign in key):
        detail = f"{file} must hold one key of at least {SHORTEST_KEY} letters and digits."
        raise UsageError("This is no key.", detail, "Leave --api-key-file out: a key is made and printed.")
    return key


def _free_port(wanted: int) -> int:
    """The wanted port, or with 0 one that is free now. Raises UsageError when another program has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError as error:
            raise UsageError(f"Port {wanted} cannot be used.", error.strerror or "", "Choose another with --port.") from None
        return int(probe.getsockname()[1])
