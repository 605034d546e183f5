"""A draft model guesses ahead: the answers stay, it is refused with other words, and the memory plan counts it."""

from pathlib import Path

import msgspec
import pytest
from teacher_help import question

from pada_local import session
from pada_local.crew import source_of
from pada_local.errors import MissingError, UsageError
from pada_local.recipe import Loop, Recipe, Teacher
from pada_local.runtime import examine, needs, plan
from pada_local.runtime.catalog import resolve
from pada_local.runtime.drafts import draft_of
from pada_local.teacher.quantise import quantise
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings, identity


@pytest.fixture(scope="module")
def teacher():
    return resolve("demo-teacher", "teacher")


def drafting(named: str) -> Recipe:
    return Recipe(name="x", teacher=Teacher(draft=named))


def texts_of(model: Path, asks, **settings) -> tuple[list[str], str]:
    """The answers and the server's command line."""
    replies = {}
    server = LlamaServer(model, Settings(threads=1, stall_seconds=120, **settings))
    try:
        server.ask_all(asks, replies.__setitem__, lambda: False)
        command = Path(f"/proc/{server._server.process.pid}/cmdline").read_text()
    finally:
        server.close()
    assert server.restarts == 0
    return [replies[position].text for position in range(len(asks))], command


@pytest.fixture(scope="module")
def smaller(teacher, tmp_path_factory):
    """The demo teacher again, with fewer bits."""
    folder = tmp_path_factory.mktemp("draft")
    try:
        quantise(teacher, folder / "teacher-q8_0.gguf", "q8_0", folder, threads=1)
    except MissingError as error:
        pytest.skip(error.detail)
    return folder / "teacher-q8_0.gguf"


@pytest.mark.parametrize("slots", [1, 4])
def test_greedy_answers_are_the_same_with_and_without(teacher, smaller, slots):
    asks = [
        question(f"Task: write one line of facts.\nInput: pain in the left knee for {n} days\n", max_tokens=24) for n in range(9)
    ]
    plain, _ = texts_of(teacher, asks, reproducible=True)
    for draft in (smaller, teacher):
        guessed, command = texts_of(teacher, asks, slots=slots, draft=draft)
        assert guessed == plain and any(plain)
        assert str(draft) in command


def test_shared_beginnings_are_not_handed_around_beside_a_draft(teacher, smaller):
    beginning = "Task: read an intake note and write one line of facts about it. " * 8
    asks = [question(f"{beginning}Input: fever for {n} days", max_tokens=12) for n in range(8)]
    assert texts_of(teacher, asks, slots=3, draft=smaller)[0] == texts_of(teacher, asks, reproducible=True)[0]


def test_a_draft_with_other_words_is_refused(teacher, smaller, stories):
    assert draft_of("demo-teacher", teacher) == teacher and draft_of(str(smaller), teacher) == smaller
    for named in (str(stories), str(smaller.with_name("renamed.gguf"))):
        if named != str(stories):
            words = b"facts"
            whole = smaller.read_bytes()
            assert words in whole
            Path(named).write_bytes(whole.replace(words, b"stcaf", 1))
        with pytest.raises(UsageError, match="vocabulary is not the teacher's") as caught:
            draft_of(named, teacher)
        assert Path(named).name in caught.value.detail
    with pytest.raises(MissingError):
        draft_of("none-such", teacher)


def test_a_run_finds_its_draft_by_name_and_keeps_the_answers_names(teacher, smaller, stories, tmp_path):
    found = source_of("demo-teacher", drafting(str(smaller)), tmp_path, print)
    assert found.identity == identity(teacher) == source_of("demo-teacher", Recipe(name="x"), tmp_path, print).identity
    backend = found.open()
    assert backend.settings.draft == smaller
    same = msgspec.structs.replace(drafting(str(smaller)), loop=Loop(reproducible=True))
    assert source_of("demo-teacher", same, tmp_path, print).open().settings.draft is None
    with pytest.raises(UsageError):
        source_of("demo-teacher", drafting(str(stories)), tmp_path, print)


def test_fewer_slots_fit_beside_a_draft(teacher, monkeypatch):
    monkeypatch.setattr("pada_local.runtime.memory.gpus", lambda: [])
    monkeypatch.setattr("pada_local.teacher.settings.TINY_BYTES", 0)
    each = examine.gguf_shape(teacher).cache_bytes(1024)
    monkeypatch.setattr(
        "pada_local.runtime.memory.available_mib", lambda: (2 * teacher.stat().st_size + 3 * 12 * each) // 2**20 + 1
    )
    assert Settings(draft=teacher).slots_for(teacher, 1024) == 6 < Settings().slots_for(teacher, 1024)


def test_the_memory_plan_counts_cache_and_draft(teacher, smaller):
    student = resolve("demo-student", "student")
    shape, wish = examine.gguf_shape(teacher), needs.Wish(base_bits=32, slots=8)
    plain = plan.for_models(student, teacher, wish)
    both = plan.for_models(student, teacher, msgspec.structs.replace(wish, cache_type="q8_0"), smaller)
    own = needs.teacher_bytes(shape, smaller.stat().st_size, 8, 1024)
    saved = shape.cache_bytes(8 * 1024) - shape.cache_bytes(8 * 1024, 34 / 32)
    assert both.draft == own and both.teacher == plain.teacher - saved + own and plain.draft == 0
    words = dict((name, text) for name, _, text in plan.sentences(both))["teacher"]
    assert "cache q8_0" in words and "of it the draft model" in words


def test_doctor_counts_what_the_recipe_says(monkeypatch, smaller):
    monkeypatch.setattr("pada_local.runtime.memory.gpus", lambda: [])
    used = Recipe(name="x", teacher=Teacher(draft=str(smaller), cache_type="q8_0", context=8192))
    words = dict((name, text) for name, _, text in session.memory_plan("demo-student", "demo-teacher", used))["teacher"]
    assert "cache q8_0" in words and "draft model" in words
