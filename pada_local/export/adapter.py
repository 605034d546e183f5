"""`pada export --kind adapter`: the files of a champion's adapter, byte for byte, and a page that says what they are."""

import hashlib
from pathlib import Path
from typing import Any

from pada_local.errors import MissingError, StoreError
from pada_local.export.folder import new_folder
from pada_local.export.report import champion_adapter, find_run
from pada_local.export.scores import Scores
from pada_local.records import Adapter, Prediction, Run, Setting

README = "README.md"


def export_adapter(project: Any, to: Path, run_name: str = "") -> dict[str, Any]:
    """Write the adapter of a run (the best one on validation when none is named) into the folder `to`.

    Raises UsageError when the folder holds anything, MissingError when no run has an adapter.
    """
    run = choose_run(project, run_name)
    with new_folder(to) as folder:
        row = project.one(Adapter, id=write_adapter(project, run, folder))
        names = sorted(file.name for file in folder.iterdir())
        (folder / README).write_text(_page(project, run, row, names), encoding="utf-8")
    return {"to": str(to), "run": run.id, "recipe": run.recipe, "round": run.champion_round, "files": sorted([*names, README])}


def write_adapter(project: Any, run: Run, folder: Path) -> str:
    """The champion's files, as they were trained, into a folder that is there; returns the adapter's id. Raises MissingError."""
    adapter_id = champion_adapter(project, run)
    row = project.one(Adapter, id=adapter_id) if adapter_id else None
    if row is None:
        raise no_champion(run)
    files = project.adapter_files(adapter_id)
    if not files:
        detail = "A copy without examples holds no adapters."
        raise MissingError(f"The adapter of run {run.id} is not in this file.", detail, "Export it from the project itself.")
    _check_files(files, row)
    for name in files.keys() - {README}:
        (folder / name).write_bytes(files[name])
    return adapter_id


def no_champion(run: Run) -> MissingError:
    """The sentence for a run that is not finished."""
    return MissingError(f"Run {run.id} ({run.recipe}) has no champion yet.", "", "Finish it with 'pada run', then export.")


def choose_run(project: Any, name: str) -> Run:
    """The run of this name, or the one whose champion is best on validation. Raises MissingError, UsageError."""
    runs = project.get(Run)
    if name:
        return find_run(runs, name)
    scores = Scores(project)
    best: tuple[float, Run] | None = None
    for run in runs:
        values = scores.of(champion_adapter(project, run), "validation").values
        mean = sum(values.values()) / len(values) if values else -1.0
        if run.champion_round and (best is None or mean > best[0]):
            best = (mean, run)
    if best is None:
        raise MissingError(
            "No run of this project is finished.", "An adapter is exported from a run's champion.", "Start one: pada run FILE"
        )
    return best[1]


def _check_files(files: dict[str, bytes], row: Adapter) -> None:
    """The bytes must be those that were trained, under plain names: a project file may come from somebody else."""
    for name, content in files.items():
        if name != Path(name).name or name.startswith("."):
            raise StoreError("The adapter in this project has a file name that is not plain.", repr(name))
        if row.sha256.get(name) not in (None, hashlib.sha256(content).hexdigest()):
            raise StoreError(
                "The adapter in this project is damaged.", f"{name} has not the bytes that were trained.", "Train again."
            )


def _page(project: Any, run: Run, row: Adapter, names: list[str]) -> str:
    settings = {one.key: one.value for one in project.get(Setting)}
    answered = project.one(Prediction, adapter_id=row.id)
    chat = settings.get("chat") or (answered.decoding.get("chat") if answered else "") or "not recorded"
    system = f"system text `{settings['system']}`" if settings.get("system") else "no system text"
    sums = "\n".join(f"- `{name}` sha256 `{row.sha256.get(name, 'not recorded')}`" for name in names)
    return f"""# LoRA adapter

Trained by PaDA Local: recipe `{run.recipe}`, seed {run.seed}, round {run.champion_round}, {row.steps} steps,
{row.train_tokens} tokens. It fits this base model and no other: `{row.base}`.

Task: {settings.get("task", "")}

Load it with PEFT:

    from peft import PeftModel
    from transformers import AutoModelForCausalLM
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("BASE FOLDER"), "THIS FOLDER")

Prompts must be put together as in training: chat family `{chat}`, {system}.

{sums}
"""
