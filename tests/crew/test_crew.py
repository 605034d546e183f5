"""The models of a run: their names and hashes, the student's chat format, and taking turns on one card."""

import json
from pathlib import Path

import pytest

from pada_local import crew
from pada_local.errors import MissingError
from pada_local.recipe import Recipe
from pada_local.runtime.memory import Gpu


class Member:
    """Something with a model; counts how often it was ended."""

    name = "member"

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1

    def ask_all(self, asks, on_progress=None, then=None):
        return list(asks)

    def train(self, job, on_step):
        return {}

    def generate(self, job):
        yield [0], ["text"], [1]

    def embed(self, model, texts):
        return [[0.0] for _ in texts]

    def cluster(self, *_):
        return "clusters"

    def generate_facts(self):
        return {"backend": "none"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A student's folder as far as hashes look at it."""
    home = tmp_path / "student"
    home.mkdir()
    (home / "model.safetensors").write_bytes(b"weights")
    (home / "config.json").write_text('{"model_type": "llama"}')
    (home / "tokenizer.json").write_text("{}")
    return home


def test_the_hash_follows_whatever_decides_an_answer(folder: Path):
    seen = {crew.folder_hash(folder)}
    for name, content in (
        ("model.safetensors", b"weighty"), ("config.json", b"{}"), ("tokenizer.json", b"[]"), ("tokenizer_config.json", b"{}"),
        ("model-00001-of-00002.safetensors", b"part"),
    ):  # fmt: skip
        (folder / name).write_bytes(content)
        seen.add(crew.folder_hash(folder))
    assert len(seen) == 6


def test_the_hash_does_not_follow_what_decides_nothing(folder: Path, tmp_path: Path):
    before = crew.folder_hash(folder)
    (folder / "README.md").write_text("read me")
    assert crew.folder_hash(folder) == before
    assert crew.folder_hash(folder.rename(tmp_path / "elsewhere")) == before


def test_a_folder_without_weights_is_refused_by_name(folder: Path):
    (folder / "model.safetensors").unlink()
    with pytest.raises(MissingError) as caught:
        crew.folder_hash(folder)
    assert str(folder) in caught.value.detail and "safetensors" in caught.value.fix


@pytest.mark.parametrize(
    ("tokenizer", "config", "family"),
    [
        ({"chat_template": "<|im_start|>"}, {}, "chatml"),
        ({"chat_template": "<|start_header_id|>"}, {"model_type": "llama"}, "llama-3"),
        ({"chat_template": "<start_of_turn>"}, {}, "gemma"),
        ({"chat_template": "<|user|> <|end|>"}, {}, "phi-3"),
        ({}, {"model_type": "qwen2"}, "chatml"),
        ({}, {"model_type": "llama"}, "plain"),
        (None, None, "plain"),
    ],
)
def test_the_chat_format_is_read_from_the_folder(tmp_path, tokenizer, config, family):
    for name, content in (("tokenizer_config.json", tokenizer), ("config.json", config)):
        if content is not None:
            (tmp_path / name).write_text(json.dumps(content))
    assert crew.chat_family(tmp_path) == family


@pytest.mark.parametrize("exclusive", [True, False])
def test_on_one_card_whoever_comes_ends_the_other(exclusive):
    turns, student, teacher = crew.Turns(exclusive), Member(), Member()
    wrapped, cached = crew.Student(student, turns), crew.Teacher(teacher, turns)
    wrapped.train(None, None)
    assert (student.closed, teacher.closed) == (0, exclusive)
    assert cached.ask_all([1]) == [1]
    assert (student.closed, teacher.closed) == (exclusive, exclusive)
    assert list(wrapped.generate(None)) == [([0], ["text"], [1])] and wrapped.embed("m", ["a"]) == [[0.0]]
    assert (student.closed, teacher.closed) == (exclusive, 3 * exclusive)


def test_what_needs_no_card_takes_no_turn():
    turns, student, teacher = crew.Turns(True), Member(), Member()
    wrapped = crew.Student(student, turns)
    crew.Teacher(teacher, turns)
    assert wrapped.cluster([], 1, 1, 1) == "clusters" and wrapped.generate_facts() == {"backend": "none"}
    assert teacher.closed == 0


@pytest.mark.parametrize("cards", [[], [Gpu("card", 8192, 8000)]])
def test_the_demos_models_are_assembled_without_loading_any(tmp_path, monkeypatch, cards):
    monkeypatch.setattr(crew.memory, "gpus", lambda: cards)
    settings, said = {"student": "demo-student", "teacher": "demo-teacher", "judge": "demo-teacher"}, []
    made = crew.assemble(None, Recipe(name="x"), settings, tmp_path, said.append, lambda: False)
    assert made.judge is made.teacher and said == []
    assert made.settings["chat"] == "chatml" and made.settings["system"] == ""
    assert made.settings["teacher"] == made.settings["judge"] and len(made.settings["student_hash"]) == 32
    assert Path(made.settings["student"]).is_dir()
    made.close()


def test_a_model_that_is_not_there_is_named(tmp_path):
    settings = {"student": str(tmp_path / "nowhere"), "teacher": "demo-teacher"}
    with pytest.raises(MissingError) as caught:
        crew.assemble(None, Recipe(name="x"), settings, tmp_path, lambda _: None, lambda: False)
    assert "nowhere" in str(caught.value.detail)


def test_every_member_is_closed_once():
    student, teacher = Member(), Member()
    crew.Crew(student, teacher, teacher, {}).close()
    assert (student.closed, teacher.closed) == (1, 1)
