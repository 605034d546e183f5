"""Free answers as they come: over the UNIX socket, from a server of the user's, inside the process; thinking kept apart."""

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.errors import Interrupted, TeacherError
from pada_local.runtime.catalog import resolve
from pada_local.teacher.backends import open_backend
from pada_local.teacher.inprocess import InProcess
from pada_local.teacher.loopback import Loopback, read_address
from pada_local.teacher.protocol import Heard, Piece, hear
from pada_local.teacher.settings import Settings
from pada_local.teacher.thinking import Thoughts
from tests.talk_help import said, slow_server


def never() -> bool:
    return False


def heard(backend, prompt="hello", over=never, max_tokens=200):
    """What all pieces make, and how many there were."""
    picture, count = Heard(), 0
    for piece in backend.talk(prompt, max_tokens, over):
        picture, count = hear(picture, piece), count + 1
    return picture, count


def test_pieces_come_one_by_one_over_the_unix_socket(fake):
    server = fake({"kind": "answer"})
    answer, count = heard(server, "hi")
    assert answer == Heard(text='{"answer": "hi"}', ended="") and count > 10
    assert heard(server, "again")[0].text == '{"answer": "again"}' and len(fake.starts()) == 1
    assert fake.asked() == ["hi", "again"]


def test_thinking_and_the_limit_are_told(fake):
    answer, _ = heard(fake({"kind": "think"}), "it")
    assert (answer.text, answer.thought) == ("yes", "about it") and "limit" in answer.ended


def test_stopping_ends_the_answer_and_the_server_stays(fake):
    server, asked = fake({"kind": "drip"}), itertools.count()
    answer, _ = heard(server, "x" * 400, lambda: next(asked) > 20)
    assert answer.ended == "It was stopped." and 0 < len(answer.text) < 300
    assert heard(server, "y")[0].text == '{"answer": "y"}' and len(fake.starts()) == 1


def test_leaving_the_iteration_closes_the_connection(fake):
    server = fake({"kind": "endless"})
    pieces = server.talk("x", 10**6, never)
    assert next(pieces).kind == "text"
    pieces.close()
    assert heard(server, "x", max_tokens=1)[0].ended.startswith("It was cut off"), "the only thing it knows is to go on"


@pytest.mark.parametrize("first", [{"kind": "die", "after": 0}, {"kind": "error_event"}, {"kind": "status", "status": 500}])
def test_a_server_that_fails_is_started_once_more_or_told(fake, first):
    server = fake(first, {"kind": "answer"})
    if first["kind"] == "die":  # some of the answer had been told
        with pytest.raises(TeacherError, match="stopped answering"):
            heard(server, "x")
    assert heard(server, "x")[0].text == '{"answer": "x"}' and len(fake.starts()) == 2


def test_one_that_fails_again_is_told(fake):
    with pytest.raises(TeacherError, match="stopped answering"):
        heard(fake({"kind": "status", "status": 500}))
    with pytest.raises(TeacherError, match="could not be started"):
        heard(fake({"kind": "exit"}))


def test_a_stop_while_nothing_comes_is_seen(fake):
    asked = itertools.count()
    assert heard(fake({"kind": "mute"}), over=lambda: next(asked) > 30)[0] == Heard(ended="It was stopped.")
    with pytest.raises(Interrupted):
        heard(fake({"kind": "unready"}), over=lambda: True)


def test_a_refused_prompt_is_a_sentence_and_a_long_one_gets_room(fake):
    with pytest.raises(TeacherError, match="refused"):
        heard(fake({"kind": "status", "status": 400}))
    long = fake({"kind": "small"}, context=0)
    assert heard(long, "x" * 9000)[0].text == '{"answer": "fits"}' and len(fake.starts()) == 3
    with pytest.raises(TeacherError, match="too long"):
        heard(fake({"kind": "small", "trained": 4000}, context=0), "x" * 9000)


@pytest.fixture(scope="module")
def demo_file():
    return resolve("demo-teacher")


def test_the_demo_teacher_answers_through_its_server(demo_file, tmp_path):
    server = open_backend(str(demo_file), Settings(slots=1, threads=1), tmp_path)
    try:
        answer, count = heard(server, "woman, 31: headache for two weeks; temp 38.9", max_tokens=60)
        assert answer.text and count > 2 and answer.ended is not None
        assert heard(server, "woman, 31: headache for two weeks; temp 38.9", max_tokens=60)[0].text == answer.text
    finally:
        server.close()


def test_the_demo_teacher_answers_in_process(demo_file):
    backend, asked = InProcess(demo_file, Settings(threads=1)), itertools.count()
    try:
        answer, count = heard(backend, "woman, 31: headache", max_tokens=60)
        assert answer.text and count > 5 and answer.ended is not None
        cut = heard(backend, "woman, 31: headache", lambda: next(asked) > 3)[0]
        assert cut.ended == "It was stopped." and answer.text.startswith(cut.text)
    finally:
        backend.close()


@pytest.mark.parametrize("events", [
    [said("", reasoning_content="hm"), said("yes")], [said("", reasoning="hm"), said("ye"), said("s")],
    [said("<thi"), said("nk>hm</think"), said(">\nyes")], [said("hm</think>"), said("yes")],
])  # fmt: skip
def test_a_server_of_the_user_streams_and_its_thoughts_are_kept_apart(events):
    go_on = threading.Event()
    go_on.set()
    with slow_server(events, go_on) as address:
        answer, _ = heard(Loopback(read_address(address)))
    assert answer == Heard(text="yes", thought="hm", ended="")


def test_an_answer_of_the_users_server_is_stopped_while_it_waits():
    with slow_server([said("so far")], threading.Event()) as address:
        pieces, seen = Loopback(read_address(address)), []
        answer = heard(pieces, over=lambda: bool(seen.append(1)) or len(seen) > 4)[0]
    assert answer == Heard(text="so far", ended="It was stopped.")


@pytest.mark.parametrize("event", [{"delta": 3}, {}, {"delta": {"content": 7}}, "text"])
def test_nonsense_of_the_users_server_hurts_nobody(event):
    go_on = threading.Event()
    go_on.set()
    with slow_server([event, said("yes")], go_on) as address:
        assert heard(Loopback(read_address(address)))[0].text == "yes"


def test_a_users_server_that_is_not_there_is_a_sentence():
    with slow_server([], threading.Event()) as address:
        pass
    with pytest.raises(TeacherError, match="does not answer"):
        heard(Loopback(read_address(address), Settings(stall_seconds=2)))


@given(st.text("ab <>/think\n", max_size=40), st.data())
def test_thoughts_do_not_depend_on_how_the_text_is_cut(text, data):
    def parted(parts):
        thoughts, picture = Thoughts(), Heard()
        for part in parts:
            for piece in thoughts.take(part):
                picture = hear(picture, piece)
        for piece in thoughts.rest():
            picture = hear(picture, piece)
        return picture

    at = data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
    edges = [0, *at, len(text)]
    whole = parted([text])
    assert parted([text[start:end] for start, end in itertools.pairwise(edges)]) == whole == parted(list(text))
    if "</think>" not in text:
        body = text.lstrip()
        assert (whole.thought if body.startswith("<think>") else whole.text).strip() == body.removeprefix("<think>").strip()


def test_pieces_fold_into_what_is_heard():
    pieces = [Piece("note", "loading"), Piece("text", "hm"), Piece("rethought"), Piece("text", "yes"), Piece("end", "cut")]
    picture = Heard()
    for piece in pieces:
        picture = hear(picture, piece)
    assert picture == Heard(text="yes", thought="hm", note="", ended="cut")
