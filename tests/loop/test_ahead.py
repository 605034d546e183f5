"""A later stage's questions are asked while the stage before still waits for answers: sooner, and with the same results."""

import random
from pathlib import Path

import msgspec
import pytest

from pada_local import loop
from pada_local.crew import Crew
from pada_local.errors import Interrupted
from pada_local.recipe import parse
from pada_local.records import Analysis, Candidate, JudgeAudit, Pattern, Round, Run, Stage, Strategy, TeacherCall, Verdict
from pada_local.store.project import Project
from pada_local.teacher.asking import CachedTeacher
from pada_local.teacher.protocol import Reply
from tests.fakes import SETTINGS, FakeStudent, FakeTeacher, examples

RECIPE = """
name = "test"
[loop]
rounds = 2
[generate]
budget = 24
items_per_call = 3
[gate]
audit_items = 8
"""


class Backend:
    """The fake teacher as a model: three answers at a time, in an order of their own. `batches`: purposes in order of asking.

    Every seventh text is broken, and every second item that it writes is one that it has written before.
    """

    model = "fake-teacher"

    def __init__(self) -> None:
        self.teacher, self.batches, self.rng, self.items = FakeTeacher(), [], random.Random(1), []

    def ask_all(self, asks, on_reply, cancelled):
        line, open_, asked = list(enumerate(asks)), [], []
        self.batches.append(asked)
        given = len(line)
        while line or open_:
            while line and len(open_) < 3:
                open_.append(line.pop(0))
                asked.append(open_[-1][1].purpose)
            if cancelled():
                raise Interrupted("paused")
            position, ask = open_.pop(self.rng.randrange(len(open_)))
            more = on_reply(position, Reply(text=self._text(ask), prompt_tokens=1, answer_tokens=1)) or []
            line += enumerate(more, given)
            given += len(more)

    def _text(self, ask) -> str:
        broken = sum(ask.prompt.encode()) % 7 == 0
        if ask.purpose == "repair":
            return '{"items": [{"input": "kind4 mended item of so many words", "output": "out4"}]}'
        value = self.teacher._ordinary(ask)
        if ask.purpose in ("generate", "near_error") and sum(ask.prompt.encode()) % 2:
            value = msgspec.structs.replace(value, items=[*value.items, value.items[0]])
        text = msgspec.json.encode(value).decode()
        return text[:-1] if broken else text

    def memory_mib(self) -> int:
        return 0

    def close(self) -> None:
        pass


class Asker(CachedTeacher):
    def tokens(self) -> int:
        return 0


def run(folder: Path, monkeypatch, recipe: str = RECIPE, pause_at: int = 0, judge: bool = False) -> tuple[Project, Backend]:
    """A run to its end, paused and gone on with when `pause_at` looks for a pause have been made."""
    folder.mkdir()
    Project.create(folder / "p.duckdb", SETTINGS, examples(1, (4, 5))).close()
    project, backend, looks = Project.open(folder / "p.duckdb"), Backend(), [0]

    def cancelled() -> bool:
        looks[0] += 1
        return looks[0] == pause_at

    first = Asker(project, lambda: backend, "fake-teacher", cancelled=cancelled)
    second = Asker(project, lambda: backend, "fake-teacher", cancelled=cancelled) if judge else first
    monkeypatch.setattr(loop, "assemble", lambda *_: Crew(FakeStudent(), first, second, dict(SETTINGS)))
    for _ in range(1 + bool(pause_at)):
        try:
            loop.start_run(project, parse(recipe), 1, dict(SETTINGS), folder, lambda event: None, cancelled)
        except Interrupted:
            continue
    return project, backend


def tables(project: Project) -> dict:
    """Everything that was decided, in the order of the rows, and which calls were made for it."""
    kinds = (Candidate, Pattern, Strategy, Analysis, Verdict, JudgeAudit, Round)
    found = {kind: project.get(kind) for kind in kinds}
    found[Stage] = [(row.key, row.name, row.round, row.wave, row.state, row.counts) for row in project.get(Stage)]
    found[Run] = [(row.id, row.state, row.champion_round) for row in project.get(Run)]
    calls = project.get(TeacherCall)
    found[TeacherCall] = {row.key: (row.prompt_id, row.purpose, row.answer, row.state, row.settings) for row in calls}
    project.close()
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What a run comes to where each stage waits for its own turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "AHEAD", {})
        project, backend = run(tmp_path_factory.mktemp("plain") / "run", patch)
    assert not any({"generate", "judge"} <= set(batch) for batch in backend.batches)
    return tables(project)


def test_it_is_asked_ahead_with_the_same_rows_order_and_calls(plain, tmp_path, monkeypatch):
    project, backend = run(tmp_path / "ahead", monkeypatch)
    assert tables(project) == plain
    assert {row.state for row in plain[Candidate]} >= {"accepted", "duplicate"}
    assert any("repair" in batch for batch in backend.batches)
    kinds = [set(batch) - {"repair"} for batch in backend.batches]
    assert {"summarise", "draft", "judge", "solve"} in kinds  # naming, drafting and the audit in one go
    assert any({"generate", "judge", "solve"} <= kind for kind in kinds)
    assert not any(kind and kind <= {"judge", "solve"} for kind in kinds)  # nothing was left for audit or gate to ask


@pytest.mark.parametrize("pause_at", (30, 90, 150))
def test_a_pause_anywhere_changes_nothing(plain, tmp_path, monkeypatch, pause_at):
    assert tables(run(tmp_path / "paused", monkeypatch, pause_at=pause_at)[0]) == plain


def test_a_judge_of_its_own_waits_for_its_turn(plain, tmp_path, monkeypatch):
    project, backend = run(tmp_path / "judged", monkeypatch, judge=True)
    assert tables(project) == plain
    assert {"summarise", "draft"} in [set(batch) - {"repair"} for batch in backend.batches]
    assert not any({"generate", "judge"} <= set(batch) for batch in backend.batches)


def test_a_reproducible_run_asks_stage_by_stage(tmp_path, monkeypatch):
    project, backend = run(tmp_path / "same", monkeypatch, RECIPE.replace("rounds = 2", "rounds = 2\nreproducible = true"))
    project.close()
    assert not any({"summarise", "draft"} <= set(batch) or {"generate", "judge"} <= set(batch) for batch in backend.batches)
