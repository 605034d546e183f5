"""Projects made from files in one call, without a process of their own."""

import json
from pathlib import Path

import pytest

from pada_local.intake.make import make_project
from pada_local.intake.plan import Plan
from pada_local.store.project import Project


@pytest.fixture
def models(tmp_path: Path) -> dict[str, str]:
    """A student folder and a teacher file that look right; there is no model in them."""
    student = tmp_path / "student"
    student.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (student / name).write_text("{}")
    (tmp_path / "teacher.gguf").write_bytes(b"GGUF" + b"\0" * 20)
    return {"student": str(student), "teacher": str(tmp_path / "teacher.gguf")}


class Maker:
    """Writes files and makes projects of them."""

    def __init__(self, folder: Path, models: dict[str, str]) -> None:
        self.folder, self._models, self.path = folder, models, folder / "p.duckdb"

    def file(self, name: str, rows: list[tuple[str, str]] | list[dict]) -> str:
        """A JSONL file; pairs become columns q and a."""
        dicts = [row if isinstance(row, dict) else {"q": row[0], "a": row[1]} for row in rows]
        path = self.folder / name
        path.write_text("\n".join(map(json.dumps, dicts)))
        return str(path)

    def make(self, train: str | list[str], **words) -> dict:
        """The facts of a new project."""
        given = {"input": "q", "output": "a", "metric": "exact_match", **self._models, **words}
        plan = Plan(file=self.path, train=train if isinstance(train, list) else [train], **given)
        return make_project(plan, lambda what, rows, share: None)

    def examples(self) -> list:
        """What the project holds."""
        from pada_local.records import Example

        with Project.open(self.path, read_only=True) as project:
            return project.get(Example)


@pytest.fixture
def maker(tmp_path: Path, models: dict[str, str]) -> Maker:
    return Maker(tmp_path, models)


def pairs(first: int, last: int, labels: int = 2) -> list[tuple[str, str]]:
    """Different inputs with labels in turn."""
    numbers = range(first, last)
    return [(f"question {number} about the {number * 7919 % 1000}th thing", f"label {number % labels}") for number in numbers]
