"""A served file answers on the loopback address, to whoever knows the key and to nobody else, and ends with its command."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from pada_local.cli.call import call
from pada_local.errors import MissingError, TeacherError, UsageError
from pada_local.runtime.catalog import resolve
from pada_local.teacher.launch import find_server
from pada_local.teacher.serving import Offer, Served, arguments, read_key
from tests.cli.conftest import MODULE, ROOT

CHAT = {"model": "any", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 3}


@pytest.fixture(autouse=True)
def server_is_built():
    try:
        find_server()
    except MissingError as error:
        pytest.skip(error.title)


def ask(address, target, key="", body=None):
    """Status and answer."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    data = json.dumps(body).encode() if body is not None else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(f"{address}/{target}", data, headers), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_command_serves_until_it_is_told_to_stop():
    model = resolve("demo-teacher", "teacher")
    command = [sys.executable, *MODULE, "serve", str(model), "--port", "0", "--json", "--slots", "1", "--context", "256"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        facts = json.loads(process.stdout.readline())
        address, key = facts["base_url"], facts["api_key"]
        assert address.startswith("http://127.0.0.1:") and len(key) >= 32
        for target, body in (("chat/completions", CHAT), ("models", None), ("completions", {"prompt": "a"})):
            assert ask(address, target, "", body)[0] == 401
            assert ask(address, target, "x" * len(key), body)[0] == 401
        status, answer = ask(address, "chat/completions", key, CHAT)
        assert status == 200 and answer["usage"]["completion_tokens"] <= 3
        assert ask(address, "models", key)[1]["data"][0]["id"] == facts["model"] == model.stem
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    with pytest.raises(urllib.error.URLError):
        ask(address, "models", key)


def test_it_binds_to_the_loopback_address_alone(tmp_path):
    offer = Offer(model=tmp_path / "m.gguf", name="m", port=1, key="k" * 20)
    words = arguments(tmp_path / "llama-server", offer, 1, tmp_path / "key")
    assert words[words.index("--host") + 1] == "127.0.0.1" and offer.key not in words


def test_a_file_that_cannot_be_loaded_is_told(tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + b"\0" * 50)
    with pytest.raises(TeacherError, match="m.gguf"):
        Served(Offer(model=tmp_path / "m.gguf", name="m", port=0, key="k" * 20))


@pytest.mark.parametrize(
    "text", ["short", "two words that are long enough", "a,b" * 10, "# a comment line of length", "ключ" * 8, ""]
)
def test_what_is_no_key(text, tmp_path):
    (tmp_path / "key").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        read_key(tmp_path / "key")


def test_wrong_words(tmp_path, capsys):
    assert call(["serve", str(tmp_path / "nothing.gguf")]) == 3
    (tmp_path / "a.gguf").write_bytes(b"")
    assert call(["serve", str(tmp_path / "a.gguf"), "--port", "99999"]) == 2
    (tmp_path / "b.gguf").write_bytes(b"")
    assert call(["serve", str(tmp_path)]) == 2 and "a.gguf, b.gguf" in capsys.readouterr().err
