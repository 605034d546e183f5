"""The server backend against a scripted server (fault F9): each fault, each answer delivered once, nothing left behind."""

import itertools
import json
import os

import pytest
from teacher_help import question

from pada_local import recipe
from pada_local.errors import Interrupted, MissingError, TeacherError
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import TINY_BYTES, Settings, identity

QUESTIONS = [question(f"question {number}") for number in range(6)]


def never():
    return False


def collect(server, asks=QUESTIONS, cancelled=never):
    """Asks all; the replies by position, none of them twice."""
    replies = {}

    def on_reply(position, reply):
        assert position not in replies
        replies[position] = reply

    server.ask_all(asks, on_reply, cancelled)
    return replies


def answers(replies):
    return [json.loads(replies[position].text)["answer"] for position in sorted(replies)]


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_all_are_answered_and_nothing_is_left(fake):
    server = fake({"kind": "answer"})
    assert server.memory_mib() == 0 and not fake.starts()
    replies = collect(server)
    assert answers(replies) == [ask.prompt for ask in QUESTIONS]
    assert {(reply.state, reply.prompt_tokens, reply.answer_tokens) for reply in replies.values()} == {("ok", 7, 3)}
    assert server.memory_mib() > 0 and collect(server) and len(fake.starts()) == 1
    (folder,) = fake.folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700 and (folder / "key").stat().st_mode & 0o777 == 0o600
    server.close()
    server.close()
    assert gone(fake.starts()[0]) and not list(fake.folder.iterdir())


@pytest.mark.parametrize("kind", ["stall", "mute"])
def test_a_server_that_makes_no_tokens_is_restarted_and_then_given_up(fake, kind):
    server = fake({"kind": kind}, clock=itertools.count().__next__, stall_seconds=10, start_seconds=1e6)
    with pytest.raises(TeacherError) as raised:
        collect(server)
    assert len(fake.starts()) == 3 and server.restarts == 2 and all(map(gone, fake.starts()))
    assert "no token came for 10 s" in raised.value.detail and "6 questions" in raised.value.detail


def test_after_a_stall_the_unanswered_are_asked_again(fake):
    server = fake({"kind": "stall"}, {"kind": "answer"}, stall_seconds=3)
    assert answers(collect(server)) == [ask.prompt for ask in QUESTIONS]
    assert len(fake.starts()) == 2


def test_after_a_crash_only_the_unanswered_are_asked_again(fake):
    server = fake({"kind": "die", "after": 3}, {"kind": "answer"}, slots=1)
    assert answers(collect(server)) == [ask.prompt for ask in QUESTIONS]
    assert fake.asked() == [ask.prompt for ask in [*QUESTIONS[:4], *QUESTIONS[3:]]]


def test_a_server_that_dies_while_many_are_on_their_way(fake):
    server = fake({"kind": "die", "after": 4}, {"kind": "die", "after": 3}, {"kind": "answer"}, slots=4)
    many = [question(f"question {number}") for number in range(20)]
    assert answers(collect(server, many)) == [ask.prompt for ask in many]
    assert len(fake.starts()) == 3


def test_a_slow_answer_is_no_stall(fake):
    ticks = itertools.count(step=0.1)
    server = fake({"kind": "drip"}, clock=ticks.__next__, stall_seconds=5, start_seconds=1e6)
    before = next(ticks)
    long = question("x" * 150)
    assert answers(collect(server, [long])) == [long.prompt]
    assert next(ticks) - before > 5 and len(fake.starts()) == 1


FAULTS = {
    "status 500": {"kind": "status", "status": 500},
    "status 503": {"kind": "status", "status": 503},
    "status 401": {"kind": "status", "status": 401},
    "decode failed": {"kind": "error_event"},
    "cannot be read": {"kind": "raw", "bytes": "data: {not json\n\n"},
    "cannot  be read": {"kind": "raw", "bytes": 'data: {"choices": 3}\n\n'},
    "without an end": {"kind": "raw", "bytes": 'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'},
    "not HTTP": {"kind": "not_http"},
}


@pytest.mark.parametrize("words, behaviour", FAULTS.items(), ids=FAULTS)
def test_a_faulty_server_is_restarted_and_then_given_up(fake, words, behaviour):
    with pytest.raises(TeacherError) as raised:
        collect(fake(behaviour, restarts=1))
    assert " ".join(words.split()) in raised.value.detail and len(fake.starts()) == 2
    assert answers(collect(fake({"kind": "answer"}))) == [ask.prompt for ask in QUESTIONS]


def test_a_refused_question_fails_alone(fake):
    replies = collect(fake({"kind": "status", "status": 400}), QUESTIONS[:2])
    assert {reply.state for reply in replies.values()} == {"failed"} and "refused" in replies[0].reason
    assert len(fake.starts()) == 1


def test_text_that_ignores_the_schema_is_an_answer(fake):
    assert collect(fake({"kind": "free"}), QUESTIONS[:1])[0].text.startswith("Sure!")


def test_a_server_that_never_ends_is_cut_off(fake):
    reply = collect(fake({"kind": "endless"}), QUESTIONS[:1])[0]
    assert reply.state == "cut" and set(reply.text) == {"x"} and len(reply.text) < 100_000


def test_the_context_grows_once_for_prompts_that_are_denser_than_guessed(fake):
    server = fake({"kind": "small"}, context=0)
    dense = [question("x" * 3000), question("y")]
    assert answers(collect(server, dense)) == ["fits", "fits"]
    assert len(fake.starts()) == 2 and server.restarts == 0
    assert answers(collect(server, dense[1:])) == ["fits"] and len(fake.starts()) == 2


def test_a_prompt_longer_than_the_model_can_take_fails_alone(fake):
    replies = collect(fake({"kind": "small", "trained": 100}, context=0), [question("x" * 3000), question("y")])
    assert [replies[position].state for position in (0, 1)] == ["failed", "ok"] and "context" in replies[0].reason


def test_a_model_that_does_not_load_is_said_at_once(fake):
    with pytest.raises(TeacherError, match="this file is no model"):
        collect(fake({"kind": "exit"}))
    assert len(fake.starts()) == 1 and not list(fake.folder.iterdir())


def test_a_server_that_never_gets_ready_is_given_up(fake):
    with pytest.raises(TeacherError, match="could not be started"):
        collect(fake({"kind": "unready"}, clock=itertools.count().__next__, start_seconds=30))
    assert all(map(gone, fake.starts()))


def test_a_server_that_does_not_come_back_counts_as_a_fault(fake):
    server = fake({"kind": "die", "after": 1}, {"kind": "exit"}, {"kind": "answer"}, slots=1)
    assert answers(collect(server)) == [ask.prompt for ask in QUESTIONS] and len(fake.starts()) == 3


@pytest.mark.parametrize("kind", ["mute", "unready"])
def test_a_pause_does_not_wait(fake, kind):
    looks = itertools.count()
    server = fake({"kind": kind})
    with pytest.raises(Interrupted):
        collect(server, cancelled=lambda: next(looks) > 5)
    server.close()
    assert all(map(gone, fake.starts()))


def test_an_error_of_the_receiver_goes_up_and_the_reply_is_not_repeated(fake):
    server, seen = fake({"kind": "answer"}, slots=1), []

    def on_reply(position, reply):
        seen.append(position)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        server.ask_all(QUESTIONS, on_reply, never)
    assert seen == [0]
    assert len(collect(server)) == 6 and len(fake.starts()) == 1


def test_a_stopped_process_is_killed(fake):
    server = fake({"kind": "answer"}, stall_seconds=2)
    collect(server, QUESTIONS[:1])
    os.kill(fake.starts()[0], 19)
    assert answers(collect(server)) == [ask.prompt for ask in QUESTIONS]
    assert gone(fake.starts()[0]) and len(fake.starts()) == 2


def test_a_long_folder_is_replaced_by_a_short_one(fake, tmp_path):
    server = fake({"kind": "answer"})
    server._folder = tmp_path / ("long" * 30)
    collect(server, QUESTIONS[:1])
    assert str(server._server.folder).startswith("/tmp/pada-") and server._server.folder.stat().st_mode & 0o777 == 0o700


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(MissingError, match="none.gguf"):
        LlamaServer(tmp_path / "none.gguf", binary=tmp_path / "x")


def test_identity_follows_the_content(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"one")
    first = identity(file)
    assert first.startswith("model@") and first.endswith("+chatml") and identity(file) == first != identity(file, "llama3")
    file.write_bytes(b"other")
    assert identity(file) != first


def test_zeros_in_the_settings_are_chosen(tmp_path):
    small, large = tmp_path / "small.gguf", tmp_path / "large.gguf"
    small.write_bytes(b"x")
    with large.open("wb") as file:
        file.truncate(TINY_BYTES)
    chosen = Settings.of(recipe.Recipe(name="x"), family="llama3")
    assert (chosen.family, chosen.restarts, chosen.stall_seconds) == ("llama3", 3, 60.0)
    assert chosen.slots_for(small, 1024) >= 2 and Settings(slots=3).slots_for(small, 1024) == 3
    assert Settings(reproducible=True, slots=3).slots_for(small, 1024) == 1
    assert chosen.threads_for(small) == 1 and chosen.threads_for(large) == len(os.sched_getaffinity(0))
    assert Settings(reproducible=True).threads_for(large) == os.cpu_count() and Settings(threads=5).threads_for(small) == 5
