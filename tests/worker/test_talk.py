"""One answer, told while it is written: the same text as in an evaluation, in pieces, and an end whenever it is wanted."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.crew import chat_family
from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.errors import StudentError
from pada_local.runtime.catalog import resolve
from pada_local.student.protocol import Answered, Generate, Said, Talk
from pada_local.worker.inbox import Inbox
from pada_local.worker.talk import Growing
from tests.worker.tiny import END, prompt, train_job

NOTES = [
    "pt is a 45 yo male, cough for 3 days, no fever; temp 37.0", "woman, 31: headache, two weeks. denies nausea.", "x", "",
    "boy aged 7 w/ rash since yesterday",
]  # fmt: skip


def never() -> bool:
    return False


def told(client, job, over=never):
    """Pieces, the whole text and how it ended."""
    messages = list(client.talk(job, over))
    [whole] = [message for message in messages if isinstance(message, Answered)]
    return [message.text for message in messages if isinstance(message, Said)], whole.texts[0], whole.facts["ended"]


def test_the_demo_student_says_what_an_evaluation_would_store(client):
    base = resolve("demo-student")
    chat = chat_family(base)
    prompts = [prompt_and_answer(chat, "", note, "")[0] for note in NOTES]
    common = {"base": str(base), "adapter": "", "stop": end_token(chat), "max_new_tokens": 64, "threads": 1}
    job = Generate(prompts=prompts, tokens_per_batch=4096, **common)
    stored = {at: text for places, texts, _ in client.generate(job) for at, text in zip(places, texts, strict=True)}
    for at, text in enumerate(prompts):
        pieces, whole, ended = told(client, Talk(prompt=text, **common))
        assert "".join(pieces) == whole == stored[at] and ended in ("stop", "length")
    assert any(len(told(client, Talk(prompt=text, **common))[0]) > 5 for text in prompts), "in pieces"


def test_a_tuned_student_says_what_it_says_in_a_batch(client, student, tmp_path):
    client.train(train_job(student, tmp_path / "a", steps=60), lambda step: None)
    common = {"base": str(student), "adapter": str(tmp_path / "a"), "stop": END, "max_new_tokens": 12, "threads": 1}
    prompts = [prompt(number) for number in range(6)]
    job = Generate(prompts=prompts, tokens_per_batch=1024, **common)
    stored = {at: text for places, texts, _ in client.generate(job) for at, text in zip(places, texts, strict=True)}
    for at, text in enumerate(prompts):
        pieces, whole, _ = told(client, Talk(prompt=text, **common))
        assert "".join(pieces) == whole == stored[at]


def test_a_cut_answer_ends_and_the_model_stays(client, student):
    job = Talk(base=str(student), adapter="", prompt=prompt(1), stop="", max_new_tokens=200, threads=1)
    whole = told(client, job)[1]
    pid, asked = client.pid, itertools.count()
    pieces, text, ended = told(client, job, lambda: next(asked) > 2)
    assert ended == "cut" and text == "".join(pieces) and len(text) < len(whole) and whole.startswith(text)
    assert told(client, job)[1] == whole and client.pid == pid
    assert told(client, job, lambda: True)[2] == "cut" and client.pid == pid


def test_a_prompt_that_is_too_long_is_a_sentence(client, student):
    job = Talk(base=str(student), adapter="", prompt="x" * 300, stop=END, max_new_tokens=12, threads=1)
    with pytest.raises(StudentError, match="too long"):
        list(client.talk(job, never))
    assert told(client, Talk(base=str(student), adapter="", prompt="x", stop=END, max_new_tokens=1, threads=1))[2] == "length"


@given(st.text(max_size=30), st.sampled_from(["", "</s>", "aba"]))
def test_a_growing_text_is_handed_on_whole_and_never_takes_anything_back(text, stop):
    data, growing, pieces = text.encode(), Growing(stop), []
    for size in range(1, len(data) + 1):
        so_far = data[:size].decode("utf-8", "replace")
        pieces.append(growing.more(so_far.partition(stop)[0] if stop else so_far))
    whole = text.partition(stop)[0] if stop else text
    pieces.append(growing.rest(whole))
    assert "".join(pieces) == whole


def test_what_may_be_the_beginning_of_the_stop_text_waits():
    growing = Growing("<end>")
    assert [growing.more(text) for text in ("a", "a<", "a<e", "a<e x", "a<e x!")] == ["", "a", "", "", "<e x"]


def test_the_inbox_gives_lines_as_they_were_sent_and_sees_a_cut(tmp_path):
    import os

    read, write = os.pipe()
    inbox = Inbox(read)
    os.write(write, b'{"type":"Stop"}\n{"type":"C')
    lines = iter(inbox)
    assert next(lines) == b'{"type":"Stop"}' and not inbox.is_cut(3)
    os.write(write, b'ut","job":3}\nrest')
    assert inbox.is_cut(3) and not inbox.is_cut(4)
    assert next(lines) == b'{"type":"Cut","job":3}'
    os.close(write)
    assert inbox.is_cut(4), "nobody is there any more"
    assert list(lines) == []
    os.close(read)
