"""The demo's project file: data of the demo's world, some slices missing from its training set, the demo's models."""

from pathlib import Path

from pada_local.demo import world
from pada_local.records import Example, content_id
from pada_local.session import create_project

SIZES = {"train": 240, "validation": 180, "test": 1020}


def project_path(folder: Path, seed: int, quick: bool = False) -> Path:
    """Where the demo of this seed keeps its project."""
    return folder / f"demo-{seed}{'-quick' if quick else ''}.duckdb"


def create_demo(folder: Path, seed: int, quick: bool = False) -> Path:
    """Make the project file in `folder`, unless it is there already; returns its path."""
    path = project_path(folder, seed, quick)
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "task": world.TASK_CARD, "metric": "exact_match", "student": "demo-student", "teacher": "demo-teacher",
        "judge": "demo-teacher", "system": "", "missing_slices": ", ".join(world.draw_gaps(seed)),
    }  # fmt: skip
    create_project(path, settings, demo_examples(seed))
    return path


def demo_examples(seed: int) -> list[Example]:
    """Training examples without the drawn slices (one note of each stays), balanced validation and test examples."""
    gaps, taken = world.draw_gaps(seed), set[str]()
    examples = []
    for split, size in SIZES.items():
        items = world.draw_split(seed, split, size, gaps if split == "train" else (), taken)
        examples += [
            Example(id=content_id(item.note, item.line), split=split, position=position, input=item.note, output=item.line,
                    source="demo", tags={"slice": item.slice})
            for position, item in enumerate(items)
        ]  # fmt: skip
    return examples
