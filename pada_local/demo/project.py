"""The demo's project file: data of the demo's world, some slices missing from its training set, the demo's models."""

import random
from pathlib import Path

import msgspec

from pada_local.demo import world
from pada_local.errors import UsageError
from pada_local.records import Example, content_id
from pada_local.session import create_project

SIZES = {"train": 240, "validation": 180, "test": 1020}


class Difficulty(msgspec.Struct, frozen=True, kw_only=True):
    """How hard a drawn world is. `missing`: slices left out of training (0: three or four); `noise`: share of the training
    examples with another one's output; `train`: training examples.
    """

    missing: int = 0
    noise: float = 0.0
    train: int = SIZES["train"]


ORDINARY = Difficulty()


def project_path(folder: Path, seed: int, quick: bool = False, difficulty: Difficulty = ORDINARY) -> Path:
    """Where the demo of this seed keeps its project."""
    parts = [f"demo-{seed}", "quick" if quick else "", f"missing{difficulty.missing}" if difficulty.missing else "",
             f"noise{difficulty.noise:g}" if difficulty.noise else "",
             f"train{difficulty.train}" if difficulty.train != ORDINARY.train else ""]  # fmt: skip
    return folder / f"{'-'.join(filter(None, parts))}.duckdb"


def create_demo(folder: Path, seed: int, quick: bool = False, difficulty: Difficulty = ORDINARY) -> Path:
    """Make the project file in `folder`, unless it is there already; returns its path. Raises UsageError."""
    if not (0 <= difficulty.missing <= len(world.GAP_SLICES) and 0 <= difficulty.noise < 1 and difficulty.train >= 24):
        most = len(world.GAP_SLICES)
        raise UsageError(f"A world has 0 to {most} missing slices, noise below 1 and at least 24 training examples.")
    path = project_path(folder, seed, quick, difficulty)
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "task": world.TASK_CARD, "metric": "exact_match", "student": "demo-student", "teacher": "demo-teacher",
        "judge": "demo-teacher", "system": "", "missing_slices": ", ".join(world.draw_gaps(seed, difficulty.missing or None)),
    }  # fmt: skip
    create_project(path, settings, demo_examples(seed, difficulty))
    return path


def demo_examples(seed: int, difficulty: Difficulty = ORDINARY) -> list[Example]:
    """Training examples without the drawn slices (one note of each stays), balanced validation and test examples."""
    gaps, taken = world.draw_gaps(seed, difficulty.missing or None), set[str]()
    examples = []
    for split, size in (SIZES | {"train": difficulty.train}).items():
        items = world.draw_split(seed, split, size, gaps if split == "train" else (), taken)
        if split == "train":
            items = _with_noise(items, seed, difficulty.noise)
        examples += [
            Example(id=content_id(item.note, item.line), split=split, position=position, input=item.note, output=item.line,
                    source="demo", tags={"slice": item.slice})
            for position, item in enumerate(items)
        ]  # fmt: skip
    return examples


def _with_noise(items: list[world.Item], seed: int, share: float) -> list[world.Item]:
    """So many items get the line of the next one in a drawn order."""
    chance = random.Random(f"noise-{seed}")
    chosen = sorted(chance.sample(range(len(items)), round(share * len(items))))
    lines = {at: items[other].line for at, other in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True)}
    return [world.Item(item.note, lines.get(at, item.line), item.slice) for at, item in enumerate(items)]
