"""`pada forget`: shown first; then one person's words are in no table and nowhere in the file, and the rest is sound."""

import json
import os
import re

import msgspec
import pytest

from pada_local.look import health
from pada_local.records import Adapter, Candidate, Example, Pattern, Prediction, Run, TeacherCall
from pada_local.store.project import Project
from tests.cli.conftest import pada


def person_in(path, split: str) -> str:
    """The words of one example of a split, by which it is found: every example of the fakes has a number of its own."""
    with Project.open(path) as project:
        example = project.get(Example, split=split)[0]
    return re.search(r"item\d+", example.input)[0]


def facts(*words) -> dict:
    done = pada("forget", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_yes_it_is_only_shown(path):
    words, before = person_in(path, "train"), path.read_bytes()
    done = pada("forget", path, "--match", words.upper())
    assert done.returncode == 0 and words in done.stdout and "to be removed" in done.stdout
    assert "Nothing was changed" in done.stderr and "trained on it" in done.stdout
    with Project.open(path, read_only=True) as project:
        assert project.count(Example, split="train") == 36
        assert all(row.id in done.stdout for row in project.get(Adapter))
    assert len(path.read_bytes()) == len(before)
    assert "Nothing in this file" in pada("forget", path, "--match", "nobody like that").stdout
    assert pada("forget", path, "--match", "ab").returncode == 2


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_words_are_nowhere_in_the_file_and_the_rest_is_sound(path, split):
    words = person_in(path, split)
    with Project.open(path, read_only=True) as project:
        before = project.count(Prediction), project.count(Example)
    found = facts(path, "--match", words, "--yes")
    assert found["done"] and found["removed"]["examples"] == 1
    assert bool(found["affected"]) or split != "train"
    assert words.encode() not in path.read_bytes()
    with Project.open(path) as project:
        assert project.count(Prediction) < before[0] and project.count(Example) == before[1] - 1
        assert project.count(Adapter) > 0
        assert health.check(project)["found"] == []
    assert os.listdir(path.parent) == [path.name]
    assert facts(path, "--match", words)["removed"] == {}
    assert pada("report", path).returncode == 0


def test_with_runs_the_adapters_go_too_and_a_run_can_be_made_anew(path, tmp_path):
    from tests.care.conftest import run

    words = person_in(path, "train")
    with Project.open(path, read_only=True) as project:
        adapters = {row.id for row in project.get(Adapter)}
    found = facts(path, "--match", words, "--yes", "--runs")
    assert {one["adapter"] for one in found["affected"]} == adapters and found["runs"]
    with Project.open(path) as project:
        assert [project.count(kind) for kind in (Run, Adapter, Candidate, Pattern, Prediction)] == [0] * 5
        assert project.sql("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'adapter\\_%' ESCAPE '\\'") == [(0,)]
        assert health.check(project)["found"] == []
        assert run(project, tmp_path / "private") == "done"
        assert health.check(project)["found"] == [] and project.count(Adapter) > 0


def test_texts_that_others_hang_on_lose_the_words_only(path):
    with Project.open(path) as project:
        pattern = project.get(Pattern)[0]
        calls = project.count(TeacherCall)
        project.replace(msgspec.structs.replace(pattern, text='Notes of "Ødegård, Jan" are misread.'))
    found = facts(path, "--match", '"ødegård, jan"', "--match", "no such words", "--yes")
    assert found["rewritten"] == {"patterns": 1} and found["removed"] == {}
    with Project.open(path) as project:
        assert project.one(Pattern, id=pattern.id).text == "Notes of [removed] are misread."
        assert project.count(TeacherCall) == calls and health.check(project)["found"] == []
