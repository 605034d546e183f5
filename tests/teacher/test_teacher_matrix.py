"""Who may ask the real server of the demo's teacher: its key alone, its user alone, and nobody by the network."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from teacher_help import question

from pada_local.errors import MissingError
from pada_local.runtime.catalog import resolve
from pada_local.teacher import unixhttp
from pada_local.teacher.launch import find_server
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings

NOBODY = 65534
TRIES = """
import json, os, socket, sys
_, uid, path, key = sys.argv
os.setgroups([]); os.setgid(int(uid)); os.setuid(int(uid))
def outcome(what):
    try:
        return repr(what())
    except OSError as error:
        return type(error).__name__
folder = os.path.dirname(path)
def connect():
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)
def ask():
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)
        one.sendall(f"GET /v1/models HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer {key}\\r\\n\\r\\n".encode())
        return one.recv(20)
print(json.dumps({"above": outcome(lambda: os.listdir(os.path.dirname(folder)) != []), "connect": outcome(connect),
    "ask": outcome(ask), "list": outcome(lambda: os.listdir(folder)), "key": outcome(lambda: open(folder + "/key").read()),
    "log": outcome(lambda: open(folder + "/log").read())}))
"""


@pytest.fixture(scope="module")
def launched():
    """A running server with the demo's teacher, in a folder whose parents everybody may enter."""
    try:
        find_server()
    except MissingError as error:
        pytest.skip(error.detail)
    parent = Path(tempfile.mkdtemp(prefix="pada-open-", dir="/tmp"))
    parent.chmod(0o755)
    server = LlamaServer(resolve("demo-teacher", "teacher"), Settings(slots=2, threads=1, stall_seconds=120), folder=parent)
    server.ask_all([question("hello", max_tokens=4)], lambda *_: None, lambda: False)
    yield server._server
    server.close()
    shutil.rmtree(parent)


def tried_as(uid: int, launched) -> dict:
    command = [sys.executable, "-I", "-S", "-c", TRIES, str(uid), str(launched.socket), launched.key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("what", ["no key", "wrong key", "key cut short", "key twice", "right key"])
def test_only_the_key_asks(launched, what):
    right = launched.key
    key = {"no key": "", "wrong key": "x" * len(right), "key cut short": right[:-1], "key twice": right * 2, "right key": right}
    body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
    status, _ = unixhttp.simple(launched.socket, "POST", "/v1/chat/completions", key[what], body, timeout_s=60)
    assert status == (200 if what == "right key" else 401)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_gets_in_by_no_way_even_with_the_key(launched):
    other = tried_as(NOBODY, launched)
    assert other.pop("above") == "True"  # what keeps them out is the server's own folder
    assert set(other.values()) == {"PermissionError"}, other
    own = tried_as(0, launched)
    assert own["connect"] == "None" and "200" in own["ask"] and launched.key in own["key"]


def test_it_listens_on_no_network(launched):
    pid = launched.process.pid
    links = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    own = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    assert own
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        assert not own & {line.split()[9] for line in lines}, table
