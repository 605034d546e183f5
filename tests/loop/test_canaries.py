"""Planted secrets: codes in validation and test examples, and a teacher that tells them on wherever it can."""

import itertools
import json
from pathlib import Path

import msgspec
import pytest
from pyarrow import parquet

from pada_local import loop
from pada_local.cli.call import call
from pada_local.crew import Crew
from pada_local.recipe import parse
from pada_local.records import Candidate, Example, Pattern, Run, Strategy
from pada_local.store.project import Project
from pada_local.teacher import schemas
from tests.care.conftest import RECIPE
from tests.fakes import SETTINGS, FakeStudent, FakeTeacher, examples

WRITING = ("summarise", "draft", "invent", "generate", "near_error", "regenerate", "judge", "solve")


def planted() -> tuple[list[Example], list[str]]:
    """The world of the fakes with a code in every validation and test example."""
    rows, codes = [], []
    for number, row in enumerate(examples(1, (4, 5))):
        if row.split != "train":
            codes.append(f"CANARY{7000 + number}X")
            row = msgspec.structs.replace(row, input=f"{row.input} {codes[-1]}")
        rows.append(row)
    return rows, codes


@pytest.mark.parametrize("place", ["analysis", "pattern", "strategy", "input", "output"])
def test_no_planted_code_reaches_a_prompt_that_writes_a_sample_or_training(tmp_path, monkeypatch, place):
    rows, codes = planted()
    turn = itertools.cycle(codes)

    calls = itertools.count()

    def tell(ask):
        if place not in ("input", "output") and next(calls) % 2:
            return ...  # every other time, so that something is left to go on with
        if place == "analysis" and ask.purpose == "analyse":
            return schemas.Analysis(root_cause=f"It knows nothing of {next(turn).lower()}.", scenario="kind4 items")
        if place == "pattern" and ask.purpose == "summarise":
            return schemas.PatternName(name="kind4", pattern=f"Such as {next(turn)}, and others.")
        if place == "strategy" and ask.purpose == "draft":
            return schemas.StrategyText(strategy=f"Write items of kind4 about {next(turn)}.")
        if place in ("input", "output") and ask.purpose in ("generate", "near_error", "regenerate"):
            own = teacher.items(ask)
            change = {place: f"{getattr(own[0], place)} {next(turn)}"}
            return schemas.NewItems(items=[msgspec.structs.replace(own[0], **change), *own[1:]])
        return ...

    student, teacher = FakeStudent(), FakeTeacher(tell)
    monkeypatch.setattr(loop, "assemble", lambda *_: Crew(student, teacher, teacher, dict(SETTINGS)))
    with Project.create(tmp_path / "p.duckdb", SETTINGS | {"metric": "token_f1"}, rows) as project:
        (tmp_path / "private").mkdir()
        recipe, settings = parse(RECIPE), SETTINGS | {"metric": "token_f1"}
        assert loop.start_run(project, recipe, 1, settings, tmp_path / "private", lambda _: None, lambda: False) == "done"
        candidates = project.get(Candidate)
        champion = project.get(Run)[0].champion_round
        accepted = [f"{row.input} {row.output}" for row in candidates if row.state == "accepted"]
        kept = [row.text for row in project.get(Pattern) if row.state == "ok"] + [
            row.drafted for row in project.get(Strategy) if row.state == "ok"
        ]
    prompts = [ask.prompt for ask in teacher.asks if ask.purpose in WRITING]
    trained = [f"{row.prompt} {row.answer}" for job in student.trained for row in job.examples]
    assert accepted and prompts and trained and any("CANARY" in ask.prompt for ask in teacher.asks if ask.purpose == "analyse")
    for what in (accepted, prompts, trained, kept):
        assert [text for text in what if "canary" in text.lower()] == []
    assert call(["export", str(tmp_path / "p.duckdb"), "--kind", "dataset", "--to", str(tmp_path / "out")]) == 0
    _check_exported(tmp_path / "out", codes, champion)
    if place in ("input", "output"):
        assert any(row.state == "leaked" and "code" in row.reason for row in candidates)


def _check_exported(folder: Path, codes: list[str], champion: int) -> None:
    """What others are to train on holds no code; validation rows are what they are, and test rows stay in the project."""
    texts = {file.name: file.read_text() for file in folder.iterdir() if file.suffix != ".parquet"}
    texts |= {file.name: json.dumps(parquet.read_table(file).to_pylist()) for file in folder.glob("*.parquet")}
    assert len(texts) == 10 and champion > 1 and texts["train-chat.jsonl"].count("pattern") > 36  # samples are among them
    found = {name: [code for code in codes if code.lower() in text.lower()] for name, text in texts.items()}
    for name, there in found.items():
        assert there == (codes[:36] if name.startswith("validation-") else []), name
