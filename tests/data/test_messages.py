"""Chat messages: the last answer is the output; what cannot be learned from is refused with its line."""

import json

import pytest

from pada_local.data.columns import Taker
from pada_local.data.formats import Source
from pada_local.data.read import read_examples
from pada_local.data.refusal import Place
from pada_local.errors import DataError


def say(role: str, content: object) -> dict:
    return {"role": role, "content": content}


def read(folder, messages):
    path = folder / "chat.jsonl"
    path.write_text(json.dumps({"messages": messages, "kind": "k"}) + "\n")
    source = Source(path, "jsonl")
    return next(iter(read_examples(source, Taker(messages="messages", tags=["kind"]), Place(path))))


def test_one_question_is_the_input(tmp_path):
    row = read(tmp_path, [say("system", "be brief"), say("user", "why?"), say("assistant", "so")])
    assert (row.system, row.input, row.output, row.tags) == ("be brief", "why?", "so", {"kind": "k"})


def test_a_longer_talk_is_a_transcript_and_other_names_are_known(tmp_path):
    talk = [{"from": who, "value": text} for who, text in zip(("human", "gpt") * 2, "abcd", strict=True)]
    row = read(tmp_path, talk)
    assert (row.input, row.output) == ("User: a\nAssistant: b\nUser: c", "d")


REFUSED = {
    "not a list": "text",
    "at least one": [],
    "not an object": ["x", "y"],
    'role "tool"': [say("tool", "x"), say("assistant", "y")],
    "do not end with": [say("user", "x")],
    "do not end with ": [say("assistant", "x")],
    "take turns": [say("user", "x"), say("user", "y"), say("assistant", "z")],
    "take turns ": [say("assistant", "x"), say("user", "y"), say("assistant", "z")],
    "turn 2 of the messages is empty": [say("user", "x"), say("assistant", " ")],
    "something else than text": [say("user", [{"type": "image"}]), say("assistant", "y")],
    "surrogate": [say("user", "x"), say("assistant", "\ud800")],
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_is_no_conversation_is_refused(tmp_path, said):
    with pytest.raises(DataError) as refused:
        read(tmp_path, REFUSED[said])
    assert said.strip() in refused.value.detail and "chat.jsonl, line 1" in refused.value.detail


def test_a_missing_column_is_named(tmp_path):
    path = tmp_path / "chat.jsonl"
    path.write_text('{"talk": []}\n')
    with pytest.raises(DataError, match='no column "messages", only "talk"'):
        list(read_examples(Source(path, "jsonl"), Taker(messages="messages"), Place(path)))
