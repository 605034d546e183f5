"""A program in a pseudo-terminal, its screen read as it is written. Waiting is for what is on the screen, never for time."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.terminal.screen import Screen

KEYS = {
    "enter": "\r", "escape": "\x1b", "up": "\x1b[A", "down": "\x1b[B", "pagedown": "\x1b[6~", "pageup": "\x1b[5~",
    "f1": "\x1bOP", "f2": "\x1bOQ", "ctrl+c": "\x03", "ctrl+p": "\x10", "ctrl+q": "\x11", "tab": "\t", "backspace": "\x7f",
    "ctrl+n": "\x0e", "end": "\x1b[F", "ctrl+end": "\x1b[1;5F",
}  # fmt: skip


class Terminal:
    """Use as a context manager: at its end the program is killed if it still runs."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int] = (120, 40),
                 cwd: Path | None = None) -> None:  # fmt: skip
        self.screen = Screen(*size)
        self.raw = bytearray()
        self._news = threading.Condition()
        self.began = time.monotonic()
        self._master, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        named = {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | dict(environment)
        self.process = subprocess.Popen(
            list(command), stdin=other, stdout=other, stderr=other, cwd=cwd, env=named, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(other)
        self._wake, self._waker = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.hang_up()

    def _read(self) -> None:
        while True:
            if self._wake in select.select([self._master, self._wake], [], [])[0]:
                return
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""  # the last program on the other side has closed it
            with self._news:
                self.raw += data
                self.screen.feed(data)
                self._news.notify_all()
            if not data:
                return

    def press(self, *keys: str) -> float:
        """Send keys by name, other words letter by letter; returns when (time.monotonic)."""
        at = time.monotonic()
        os.write(self._master, "".join(KEYS.get(key, key) for key in keys).encode())
        return at

    def until(self, holds: str | Callable[[Screen], object], seconds: float = 30.0) -> float:
        """Wait until a text is on the screen, or a predicate holds of it; returns when. Fails with the screen as it is."""
        deadline = time.monotonic() + seconds
        with self._news:
            while not (holds in self.screen.text if isinstance(holds, str) else holds(self.screen)):
                if (left := deadline - time.monotonic()) <= 0:
                    raise AssertionError(f"never seen: {holds}; the screen is\n{self.screen.text}\n(exit {self.process.poll()})")
                self._news.wait(left)
            return time.monotonic()

    def resize(self, width: int, height: int) -> None:
        """Another size; the kernel sends SIGWINCH."""
        with self._news:
            self.screen.resize(width, height)
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does: the kernel sends SIGHUP to the program."""
        if self._master >= 0:
            os.close(self._waker)  # the reader lets the terminal go first, or closing would wait for it
            self._reader.join(10)
            os.close(self._master)
            os.close(self._wake)
            self._master = -1

    def ended(self, seconds: float = 20.0) -> int:
        """Wait for the program's end; returns its exit code."""
        return self.process.wait(seconds)
