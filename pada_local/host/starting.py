"""The front ends' side of a host's life: find one that answers, or start one."""

import contextlib
import os
import select
import socket
import subprocess
import sys
from pathlib import Path

import msgspec

from pada_local.errors import PadaError
from pada_local.host import place, wire

HOST_MODULE = "pada_local.host"
HOST_SECONDS = 30.0
"""How long a host may take to open the file and listen (a big file with a log to replay takes a while)."""


def connect(path: Path) -> socket.socket | None:
    """A connection to a host that answers, or None: a killed one refuses, one that is leaving takes no more questions."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(HOST_SECONDS)
    try:
        connection.connect(str(place.socket_path(path)))
        connection.sendall(wire.encode({"op": "ping"}))
        next(wire.lines(connection))
    except (OSError, StopIteration):
        connection.close()
        return None
    connection.settimeout(None)
    return connection


def spawn(path: Path, key: str) -> None:
    """Start a host in a session of its own and wait until it listens. Raises what it says, BusyError among it.

    A key goes through a pipe that only the two of them have: arguments and environment can be seen by others.
    """
    # -P: modules that happen to lie in the folder where `pada` was called are not for the host.
    command = [sys.executable, "-P", "-m", HOST_MODULE, str(path), *(["--key-on-stdin"] if key else [])]
    package_parent = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH", "")]))
    log = os.open(place.log_path(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        stdin = subprocess.PIPE if key else subprocess.DEVNULL
        host = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
                                env=os.environ | {"PYTHONPATH": search})  # fmt: skip
    finally:
        os.close(log)
    if host.stdin is not None:
        with contextlib.suppress(BrokenPipeError), host.stdin:  # a host that died says why below
            host.stdin.write(key.encode() + b"\n")
    ready, _, _ = select.select([host.stdout], [], [], HOST_SECONDS)
    line = host.stdout.readline() if ready else b""
    host.stdout.close()
    said = msgspec.json.decode(line) if line else {}
    if "error" in said:
        host.wait()
        raise wire.error_from_wire(said["error"])
    if not said.get("ready"):
        host.kill()
        host.wait()
        raise PadaError(
            "The project's host did not start.", f"What it said is in {place.log_path(path)}.", "Try again; 'pada doctor' helps."
        )
