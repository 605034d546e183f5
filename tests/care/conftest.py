"""A finished run of fakes whose teacher keeps its calls as a real one does, and an encrypted project; each test gets its own."""

import shutil
from pathlib import Path

import pytest

from pada_local import loop
from pada_local.crew import Crew
from pada_local.recipe import parse
from pada_local.records import Example, Prompt, TeacherCall, content_id
from pada_local.runtime import keys
from pada_local.store.project import Project
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

MARKER = b"ZEBRA-7731"
KEY, OTHER = keys.from_passphrase("five plain words for tests"), keys.from_passphrase("five other words for tests")


class KeepingTeacher(FakeTeacher):
    """Writes prompts and calls into the project, so that lineage has something to follow."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project

    def ask_all(self, asks, on_progress=None, then=None):
        answers = super().ask_all(asks, on_progress)
        for ask, answer in zip(asks, answers, strict=True):
            prompt = Prompt(id=content_id("prompt", ask.prompt), text=ask.prompt)
            call = TeacherCall(key=answer.call_key, prompt_id=prompt.id, model=self.name, purpose=ask.purpose, settings={},
                               answer=repr(answer.value), state="ok", reason="", prompt_tokens=1, answer_tokens=1,
                               elapsed_s=0.0)  # fmt: skip
            self._project.put(prompt, call)
        return answers


def run(project: Project, private: Path, recipe: str = RECIPE) -> str:
    """One run of fakes in an open project."""
    teacher = KeepingTeacher(project)
    crew = Crew(FakeStudent(), teacher, teacher, dict(SETTINGS))
    private.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "assemble", lambda *_: crew)
        return loop.start_run(project, parse(recipe), 1, dict(SETTINGS), private, lambda _: None, lambda: False)


@pytest.fixture(scope="session")
def finished_file(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("care")
    with Project.create(folder / "p.duckdb", SETTINGS, examples(1, (4, 5))) as project:
        assert run(project, folder / "private") == "done"
    return folder / "p.duckdb"


@pytest.fixture
def path(finished_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(finished_file, tmp_path / "p.duckdb"))


def example(number: int) -> Example:
    text = f"{MARKER.decode()} number {number}"
    return Example(id=f"e{number}", split="train", position=number, input=text, output=text)


@pytest.fixture
def locked(tmp_path) -> Path:
    path = tmp_path / "p.duckdb"
    Project.create(path, {"task": MARKER.decode()}, map(example, range(500)), KEY).close()
    return path


@pytest.fixture
def key_file(tmp_path) -> Path:
    file = tmp_path / "p.key"
    file.write_text(KEY)
    return file
