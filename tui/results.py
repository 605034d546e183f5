"""What came of the last run of project files, asked in a child process: a database and statistics have no place in the app.

`python -m tui.results` is the child: a path in a line of JSON, the answer in a line of JSON, until its stdin ends.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pada_local.errors import PadaError


class Asker:
    """Asks about one file after the other; for one thread. `end` may be called from any other: then the file is let go."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._over = False

    def ask(self, path: str) -> dict[str, Any] | None:
        """{"last": …} or {"error": why there is none}; None when it was ended."""
        if self._over:
            return None
        if self._child is None:
            self._child = _start()
        child = self._child
        try:
            child.stdin.write(json.dumps(path).encode() + b"\n")  # type: ignore[union-attr]
            child.stdin.flush()  # type: ignore[union-attr]
            line = child.stdout.readline()  # type: ignore[union-attr]
        except (OSError, ValueError):
            line = b""
        if line:
            return json.loads(line)
        self._child = None
        return None if self._over else {"error": "It could not be read: the program that looked was ended."}

    def end(self) -> None:
        """Look no further."""
        self._over = True
        if self._child is not None:
            self._child.kill()
            self._child.wait()


def _start() -> subprocess.Popen[bytes]:
    # -P: modules that happen to lie in the folder where `pada` was called are not for the child.
    command = [sys.executable, "-P", "-m", "tui.results"]
    search = os.pathsep.join(filter(None, [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]))
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    environment = os.environ | {"PYTHONPATH": search}
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, start_new_session=True, env=environment)


def _answer(path: str) -> dict[str, Any]:
    from pada_local.session import Session

    try:
        with Session.open(Path(path), remember=False) as session:
            return {"last": session.ask("last")}
    except PadaError as error:
        return {"error": error.title}


def main() -> None:
    """Answer until nobody asks."""
    for line in sys.stdin:
        os.write(1, json.dumps(_answer(json.loads(line))).encode() + b"\n")


if __name__ == "__main__":
    main()
