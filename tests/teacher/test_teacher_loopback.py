"""Servers that the user started, one fake for each way in which they behave; addresses that are refused."""

import contextlib
import http.server
import json
import threading
import time

import pytest
from teacher_help import MemoryRows, question

from pada_local.errors import Interrupted, TeacherError, UsageError
from pada_local.teacher.asking import CachedTeacher
from pada_local.teacher.loopback import Loopback, read_address
from pada_local.teacher.schemas import Solution
from pada_local.teacher.settings import Settings

GOOD = '{"answer": "blue"}'


def natural(body):
    """What a model says when nobody holds it to a form."""
    return "Rain falls softly." if "poetry" in body["messages"][0]["content"] else GOOD


def asked_form(body):
    return body.get("response_format", {}).get("type", "words")


def constrained(body):
    if asked_form(body) != "json_schema":
        return {"content": natural(body)}
    return {"content": '{"colour": "blue"}' if "poetry" in body["messages"][0]["content"] else GOOD}


def ignores_schema(body):
    return {"content": natural(body)}


def only_objects(body):
    """LM Studio-like in old versions: a schema is refused with 400, an object is given."""
    if asked_form(body) == "json_schema":
        return 400
    return {"content": '{"line": "Rain"}' if "poetry" in body["messages"][0]["content"] else GOOD}


def broken_json(body):
    text = body["messages"][0]["content"]
    return {"content": GOOD if '{"answer": "blue' in text else 'Sure! {"answer": "blue'}


def thinks_aside(body):
    return {"content": constrained(body)["content"], "reasoning_content": '{"answer": "red"}'}


def thinks_inside(body):
    return {"content": f'<think>perhaps {{"answer": "red"}}</think>\n{constrained(body)["content"]}'}


@contextlib.contextmanager
def server(behave, **more):
    """A server on a free port of this machine; `seen` are the bodies and heads that came."""
    seen, heads = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(body)
            heads.append(dict(self.headers))
            said = behave(body)
            if isinstance(said, int):
                self.send_response(said)
                self.send_header("Location", "http://example.invalid/")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if said is None:
                self.close_connection = True
                return
            finish = said.pop("finish", "stop")
            usage = {"prompt_tokens": 7, "completion_tokens": 3}
            text = json.dumps({"choices": [{"message": said, "finish_reason": finish}], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked may have left
                self.wfile.write(text)

        def log_message(self, *_):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{made.server_port}/v1#some-model", seen, heads
    finally:
        made.shutdown()
        made.server_close()


def ask(url, texts=("one", "two", "three"), **settings):
    said = []
    backend = Loopback(read_address(url), Settings(**settings), said.append)
    teacher = CachedTeacher(MemoryRows(), lambda: backend, backend.model)
    return teacher.ask_all([question(text) for text in texts]), backend, teacher, said


@pytest.mark.parametrize(
    ("behave", "mode"),
    [(constrained, "json_schema"), (thinks_aside, "json_schema"), (thinks_inside, "json_schema"), (only_objects, "json_object"),
     (ignores_schema, "words")],
)  # fmt: skip
def test_every_kind_of_server_gives_rows(behave, mode):
    with server(behave) as (url, seen, _):
        answers, backend, teacher, said = ask(url)
    assert [answer.value for answer in answers] == [Solution(answer="blue")] * 3
    assert backend.mode == mode and bool(said) == (mode != "json_schema")
    assert all(body["model"] == "some-model" for body in seen) and teacher.counts["asked"] == 3


def test_zero_rows_from_a_local_teacher_cannot_happen_for_a_form_that_it_ignores():
    """The complaint: a server takes the schema, ignores it, and every answer is thrown away."""
    with server(ignores_schema) as (url, seen, _):
        answers, *_ = ask(url)
    assert all(answer.value for answer in answers)
    asked = [body["messages"][0]["content"] for body in seen if "poetry" not in body["messages"][0]["content"]]
    assert all("nothing but JSON of this form" in text for text in asked)


def test_silently_unconstrained_json_is_noticed_and_said():
    with server(ignores_schema) as (url, _, _):
        *_, said = ask(url)
    assert "does not keep to a JSON schema" in said[0]


def test_broken_json_is_repaired_and_counted():
    with server(broken_json) as (url, _, _):
        answers, _, teacher, _ = ask(url)
    assert all(answer.value == Solution(answer="blue") for answer in answers) and teacher.counts["repaired"] == 3


def test_thoughts_are_never_the_answer():
    with server(lambda body: {"content": "", "reasoning_content": GOOD, "finish": "length"}) as (url, _, _):
        answers, *_ = ask(url, ["one"])
    assert answers[0].value is None and "thinking" in answers[0].reason
    with server(lambda body: {"content": f"<think>{GOOD}"}) as (url, _, _):
        answers, *_ = ask(url, ["one"])
    assert answers[0].value is None and "never stops thinking" in answers[0].reason


def test_a_cut_answer_says_so():
    with server(lambda body: {"content": '{"answer": "bl', "finish": "length"}) as (url, _, _):
        answers, *_ = ask(url, ["one"])
    assert answers[0].value is None and "cut off" in answers[0].reason


def test_a_server_that_stalls_is_asked_again_and_then_the_run_pauses():
    over = threading.Event()
    with server(lambda body: over.wait(20) and None) as (url, seen, _):
        with pytest.raises(TeacherError, match="does not answer"):
            ask(url, ["one"], stall_seconds=0.1, restarts=2)
        over.set()
    assert len(seen) == 3


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_in_trouble_pauses_the_run(status):
    with server(lambda body: status) as (url, _, _), pytest.raises(TeacherError, match="does not answer"):
        ask(url, ["one"], restarts=1)


def test_no_server_is_a_sentence():
    with server(constrained) as (url, _, _):
        pass
    with pytest.raises(TeacherError, match="does not answer") as error:
        ask(url, ["one"], restarts=0)
    assert "Start it" in error.value.fix


def test_a_pause_does_not_wait_for_a_slow_server():
    over = threading.Event()

    def slow(body):
        if "poetry" not in body["messages"][0]["content"]:
            over.wait(20)
        return constrained(body)

    with server(slow) as (url, _, _):
        backend = Loopback(read_address(url))
        started = time.monotonic()
        with pytest.raises(Interrupted):
            backend.ask_all([question("one")], lambda *_: None, lambda: time.monotonic() - started > 0.3)
        assert time.monotonic() - started < 10
        over.set()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused(status):
    with server(lambda body: status) as (url, seen, _), pytest.raises(TeacherError, match="elsewhere"):
        ask(url, ["one"])
    assert len(seen) == 1


def test_a_key_comes_from_a_file_and_is_part_of_no_name(tmp_path):
    (tmp_path / "key").write_text("geheim\n")
    with server(constrained) as (url, _, heads):
        _, backend, *_ = ask(url.replace("#", f"?key-file={tmp_path / 'key'}#"))
    assert all(head["Authorization"] == "Bearer geheim" for head in heads)
    assert "geheim" not in backend.model and "key" not in backend.model


def test_a_server_that_wants_a_key_says_how_to_give_it():
    with server(lambda body: 401) as (url, _, _), pytest.raises(TeacherError, match="wants a key") as error:
        ask(url, ["one"])
    assert "key-file" in error.value.fix


def test_proxies_of_the_environment_change_nothing(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with server(constrained) as (url, _, _):
        assert ask(url)[0][0].value == Solution(answer="blue")


REFUSED = [
    "http://example.org/v1#m", "http://10.0.0.1:80/v1#m", "http://0.0.0.0:80/v1#m", "http://[::2]/v1#m", "https://127.0.0.1/v1#m",
    "http://127.0.0.1:99999/v1#m", "http://user:word@127.0.0.1/v1#m", "http://127.0.0.1.example.org/v1#m", "http://127.0.0.1/v1",
    "http://127.0.0.1/v1#gpt-oss:120b-cloud", "http://127.0.0.1/v1#kimi:cloud", "http:///v1#m",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_not_on_this_machine_is_refused(url):
    with pytest.raises(UsageError):
        read_address(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:11434/v1#m", "http://localhost:1234/v1#m", "http://[::1]:8000/v1#m"])
def test_this_machine_is_taken(url):
    found = read_address(url)
    assert found.model == "m" and found.host in ("127.0.0.1", "::1")
