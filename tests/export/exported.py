"""A data set as `pada export --kind dataset` writes it, and the programs that the page about it shows."""

import re
from pathlib import Path

from pada_local.cli.call import call
from pada_local.store.project import Project
from tests.export.conftest import SETTINGS, candidate, example, fill

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "Answer in one line."
STUDENT = ROOT / "models" / "demo-student"


def export_dataset(folder: Path, name: str = "p", to: str = "out", system: str = SYSTEM) -> Path:
    """The folder that the command writes for a filled project of this name."""
    sizes = {"train": 4, "validation": 10, "test": 40}
    rows = [example(split, n) for split, size in sizes.items() for n in range(size)]
    with Project.create(folder / f"{name}.duckdb", SETTINGS | {"system": system}, rows) as project:
        fill(project)
        project.put(candidate(9, "accepted", selected=True, round=2))
    assert call(["export", str(folder / f"{name}.duckdb"), "--kind", "dataset", "--to", str(folder / to)]) == 0
    return folder / to


def shown(trainer: str) -> str:
    """The program or settings under this trainer's heading in docs/export/dataset.md, with the demo's student as the base."""
    page = (ROOT / "docs" / "export" / "dataset.md").read_text(encoding="utf-8")
    part = page.split(f"## {trainer}\n", 1)[1].split("\n## ", 1)[0]
    (block,) = re.findall(r"```(?:python|yaml)\n(.*?)```", part, re.DOTALL)
    return block.replace("/models/Llama-3.2-1B-Instruct", str(STUDENT))
