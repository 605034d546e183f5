"""A LoRA that was trained elsewhere becomes a run of a project: one round, scored on validation and once on the test set."""

import hashlib
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from pada_local.context import Context
from pada_local.crew import Crew, assemble
from pada_local.errors import MissingError, UsageError
from pada_local.events import Event, StageProgress
from pada_local.intake.plan import Tell
from pada_local.methods.predictions import answer_examples, scores_of
from pada_local.metrics.compare import bootstrap_interval
from pada_local.recipe import Loop, Recipe
from pada_local.records import Adapter, Example, RecipeRow, Round, Run, Setting, TestLook, content_id
from pada_local.runtime.private import temporary_folder_for
from pada_local.session import open_alone
from pada_local.store.project import Project
from pada_local.student.client import StudentClient
from pada_local.student.protocol import CheckAdapter

NEEDED = ("adapter_config.json", "adapter_model.safetensors")
VERSION = 1


def import_adapter(file: Path, folder: Path, name: str, tell: Tell, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Check it against the base, keep its bytes, score it. Interrupted, the same call goes on.

    Raises MissingError, BusyError (a host has the file), StudentError (it does not fit), UsageError (it is there already).
    """
    with temporary_folder_for(file, "pada-import-") as private, open_alone(file) as project:
        files = _read(folder, Path(private) / "adapter")
        settings = {row.key: row.value for row in project.get(Setting)}
        recipe = Recipe(name=name, about="A LoRA that was trained elsewhere.", loop=Loop(rounds=1, augment="none"))
        crew = assemble(project, recipe, settings, Path(private), lambda _: None, cancelled)
        try:
            return _take(project, crew, recipe, files, Path(private), tell, cancelled)
        finally:
            crew.close()


def _read(folder: Path, to: Path) -> dict[str, bytes]:
    """The two files that make an adapter, also copied alone: what trainers leave beside them can run code when it is loaded."""
    to.mkdir()
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        fix = "Name the folder that PEFT's save_pretrained wrote."
        raise MissingError("This is no adapter that can be read.", f"{folder} has no {' and no '.join(missing)}.", fix)
    for name in NEEDED:
        shutil.copyfile(folder / name, to / name)
    return {name: (to / name).read_bytes() for name in NEEDED}


def _take(
    project: Project, crew: Crew, recipe: Recipe, files: dict[str, bytes], private: Path,
    tell: Tell, cancelled: Callable[[], bool],
) -> dict[str, Any]:  # fmt: skip
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    adapter_id = content_id("imported", VERSION, crew.settings["student_hash"], hashes)
    run_id = content_id("run", "imported", adapter_id, crew.settings["metric"])
    if old := project.one(Run, id=run_id):
        raise UsageError("This adapter is in the project already.", f"It is run {old.id} ({old.recipe}).", "See 'pada status'.")
    with StudentClient(private / "check") as client:
        facts = client.export(CheckAdapter(base=crew.settings["student"], adapter=str(private / "adapter")))
    project.put_adapter(Adapter(
        id=adapter_id, base=crew.settings["student"], sha256=hashes, bytes=sum(map(len, files.values())),
        settings={"imported": True, **facts}, train_tokens=0, train_seconds=0.0, steps=0,
    ), files)  # fmt: skip

    def emit(event: Event) -> None:
        if isinstance(event, StageProgress):
            tell(f"answering ({event.stage})", event.done, event.done / max(event.total, 1))

    context = Context(
        run_id=run_id, seed=0, recipe=recipe, rows=project, student=crew.student, teacher=crew.teacher, judge=crew.judge,
        settings=crew.settings, handover=str(private), emit=emit, cancelled=cancelled,
    )  # fmt: skip
    scores = {split: _score(context, adapter_id, split) for split in ("validation", "test")}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    validation = scores["validation"]
    with project.together():
        project.put(
            RecipeRow(id=recipe.id, name=recipe.name, body=msgspec.json.encode(recipe, order="sorted").decode()),
            Run(id=run_id, recipe_id=recipe.id, recipe=recipe.name, seed=0, rounds=1, state="done", created_at=now,
                reason="The adapter was trained elsewhere.", champion_round=1),
            Round(run_id=run_id, number=1, state="done", adapter_id=adapter_id,
                  validation_mean=validation["mean"] if validation else None),
            *([TestLook(run_id=run_id, adapter_id=adapter_id, at=now)] if scores["test"] else []),
        )  # fmt: skip
    return {"run": run_id, "recipe": recipe.name, "adapter": adapter_id, "metric": crew.settings["metric"], **facts, **scores}


def _score(context: Context, adapter_id: str, split: str) -> dict[str, Any] | None:
    """Mean and interval on a split; None when nothing of it could be scored."""
    examples = context.rows.get(Example, split=split)
    answer_examples(context, adapter_id, examples, split)
    values = [value for value in scores_of(context, adapter_id, examples).values() if value is not None]
    if not values:
        return None
    found = bootstrap_interval(values)
    return {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}
