"""Questions that follow from replies while others are still on their way: every backend answers each once, faults or not."""

import json

import pytest
from teacher_help import question
from test_teacher_loopback import constrained, server

from pada_local.teacher.inprocess import InProcess
from pada_local.teacher.loopback import Loopback, read_address
from pada_local.teacher.settings import Settings

BEGINNING = "Write about a small brown dog who lived in a house by the sea. " * 8
FIRST = [question(f"{BEGINNING}{number}", max_tokens=900) for number in range(5)]


def grow(backend, asks, more=2, tokens=900):
    """Asks all; each of the first replies is followed by `more` questions, and the first of those by one. Replies by position."""
    replies, line, again = {}, list(asks), []

    def on_reply(position, reply):
        assert position not in replies, "told twice"
        replies[position] = reply
        parent = line[position].prompt
        new = [question(f"{parent} more {n}", max_tokens=tokens) for n in range(more)] if position < len(asks) else []
        if parent.endswith("0 more 0"):
            again.append(position)
            new = [question(f"{parent} and on", max_tokens=tokens)]
        line.extend(new)
        return new or None

    backend.ask_all(asks, on_reply, lambda: False)
    assert sorted(replies) == list(range(len(line))) and len(line) == len(asks) * (1 + more) + 1 and len(again) == 1
    return [replies[position] for position in range(len(line))], line


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("behaviours", [
    [{"kind": "answer"}], [{"kind": "die", "after": 4}, {"kind": "answer"}], [{"kind": "answer", "saves": False}],
], ids=["sound", "dies", "saves nothing"])  # fmt: skip
def test_the_server_answers_what_follows(fake, slots, behaviours):
    teacher = fake(*behaviours, slots=slots)
    replies, line = grow(teacher, FIRST)
    assert [json.loads(reply.text)["answer"] for reply in replies] == [ask.prompt for ask in line]
    assert teacher.restarts == len(behaviours) - 1
    if not teacher.restarts:
        asked = [text for text in fake.asked() if text in {ask.prompt for ask in line}]
        followers = [ask.prompt for ask in line[len(FIRST) :]]
        assert all(asked.index(ask.prompt) < asked.index(followers[0]) or slots > 1 for ask in FIRST)
        assert asked[-1] in followers


def test_a_server_of_the_users_answers_what_follows():
    with server(constrained) as (url, seen, _):
        replies, line = grow(Loopback(read_address(url), Settings(slots=2)), [question("one"), question("two 0")])
    assert {json.loads(reply.text)["answer"] for reply in replies} == {"blue"}
    asked = [body["messages"][0]["content"] for body in seen]
    assert all(any(ask.prompt in text for text in asked) for ask in line)


def test_in_process_what_follows_comes_after(stories):
    backend = InProcess(stories, Settings(threads=1))
    try:
        replies, _ = grow(backend, [question("once 0", max_tokens=4)], tokens=9)
        assert all(reply.state in ("ok", "cut") for reply in replies)
    finally:
        backend.close()
