"""`python -m pada_local.host FILE`: started by `pada run` and the terminal app, in a session of its own.

The first line on stdout is {"ready": true} or {"error": {...}}; after it stdout is closed, so that the starter need not stay.
"""

import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from pada_local.errors import ExitCode, PadaError
from pada_local.host import wire
from pada_local.host.server import Host, ignore_terminal
from pada_local.runtime.private import WithoutMessages, be_private

KEY = "--key-on-stdin"
"""The file is encrypted: its key is the first line on stdin."""


def main(arguments: list[str]) -> int:
    """Serve the project file named in the arguments; returns an exit code."""
    if not 1 <= len(arguments) <= 2 or arguments[1:] not in ([], [KEY]):
        sys.stderr.write(f"Use: python -m pada_local.host FILE.duckdb [{KEY}]\n")
        return ExitCode.USAGE
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(threadName)s %(message)s")
    be_private()
    key = ""
    if arguments[1:]:
        key = sys.stdin.readline().strip()
        for handler in logging.getLogger().handlers:
            handler.setFormatter(WithoutMessages("%(asctime)s %(threadName)s %(message)s"))
    ignore_terminal()
    try:
        host = Host(Path(arguments[0]), key)
        listener = host.listen()
    except PadaError as error:
        _tell_starter({"error": wire.error_to_wire(error)})
        return error.exit_code
    signal.signal(signal.SIGTERM, host.terminate)
    _tell_starter({"ready": True})
    host.serve(listener)
    return ExitCode.DONE


def _tell_starter(message: dict[str, Any]) -> None:
    """One line, then stdout goes to /dev/null: a starter that is gone must not break the host later."""
    with contextlib.suppress(OSError):  # nobody waits for the word; the socket says the same
        os.write(1, wire.encode(message))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
