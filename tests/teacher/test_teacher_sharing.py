"""What questions have in common is read once and handed to the other slots; a server that cannot do that answers all the same."""

import pytest
from teacher_help import question

from pada_local.errors import MissingError
from pada_local.teacher.launch import attention, find_server
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings, context_for
from pada_local.teacher.sharing import arrange

BEGINNING = "Write about a small brown dog who lived in a house by the sea. " * 8


def replies(server, asks):
    found = {}
    server.ask_all(asks, found.__setitem__, lambda: False)
    return [found[position] for position in range(len(asks))]


def test_questions_with_the_same_beginning_stand_together():
    texts = ["short", BEGINNING + "b", "other" * 100 + "1", BEGINNING + "a", "other" * 100 + "2", BEGINNING + "c", "other" * 100]
    groups = arrange({number: question(text) for number, text in enumerate(texts)}, share=True)
    assert [(group.positions, group.state) for group in groups] == [([3, 1, 5], "new"), ([6, 2, 4], "new"), ([0], "alone")]
    assert groups[0].prefix == BEGINNING and groups[1].prefix == "other" * 100
    assert groups[0].file != groups[1].file
    (plain,) = arrange({2: question("x"), 1: question("a")}, share=False)
    assert plain.positions == [2, 1] and plain.state == "alone"


@pytest.mark.parametrize("saves", [True, False])
def test_the_beginning_is_read_once(fake, saves):
    server = fake({"kind": "answer", "saves": saves}, slots=3)
    asks = [question(f"{BEGINNING}{number}", max_tokens=900) for number in range(7)]
    assert [reply.state for reply in replies(server, asks)] == ["ok"] * 7
    asked = fake.asked()
    assert asked[0] == BEGINNING and sorted(asked[1:]) == [ask.prompt for ask in asks]
    actions = [action for action, _, _ in fake.slots()]
    restored = {slot for action, slot, _ in fake.slots() if action == "restore"}
    assert actions.count("save") == 1
    assert len(restored) == actions.count("restore") and (len(restored) in (1, 2) if saves else not restored)
    assert not list(fake.folder.rglob("shared-*"))


def test_few_or_reproducible_questions_are_asked_plainly(fake):
    asks = [question(f"{BEGINNING}{number}", max_tokens=900) for number in range(4)]
    for settings, few in ({"slots": 3}, asks[:2]), ({"slots": 3, "reproducible": True}, asks), ({"slots": 1}, asks):
        server = fake({"kind": "answer"}, **settings)
        assert all(reply.state == "ok" for reply in replies(server, few))
        server.close()
    assert fake.slots() == []


def test_a_server_that_dies_while_sharing_answers_after_its_restart(fake):
    server = fake({"kind": "die", "after": 3}, {"kind": "answer"}, slots=2)
    assert all(
        reply.state == "ok"
        for reply in replies(server, [question(f"{BEGINNING}{number}", max_tokens=900) for number in range(6)])
    )
    assert server.restarts == 1


def test_shared_answers_are_the_answers_of_one_by_one(stories, tmp_path):
    try:
        find_server()
    except MissingError as error:
        pytest.skip(error.detail)
    asks = [question(f"{BEGINNING}It saw a {word}", max_tokens=12) for word in ("cat", "boat", "bird", "tree", "girl")]
    texts = []
    for settings in ({"slots": 4}, {"reproducible": True}):
        server = LlamaServer(stories, Settings(threads=1, stall_seconds=120, **settings), folder=tmp_path)
        try:
            texts.append([reply.text for reply in replies(server, asks)])
            assert server.restarts == 0 and server._server.can_share
        finally:
            server.close()
    assert texts[0] == texts[1] and any(texts[0])


def test_context_follows_the_prompts():
    assert context_for([]) == context_for([question("x" * 600)]) == 1024
    assert context_for([question("x" * 3600, max_tokens=100)]) == 1536
    assert context_for([question("x" * 5400, max_tokens=100)]) == 2048


def test_long_contexts_keep_flash_attention(monkeypatch):
    monkeypatch.setattr("pada_local.runtime.memory.gpus", lambda: [])
    assert "off" in attention(4096) and "--flash-attn" not in attention(8192) and "--no-kv-unified" in attention(8192)
    monkeypatch.setattr("pada_local.runtime.memory.gpus", lambda: ["card"])
    assert attention(1024) == ["--kv-unified"]
