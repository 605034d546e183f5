"""What is exported: a run's champion on its base, or a model folder as it is; with all that checks and cards need.

`facts_of` reads it from a project (in whatever process has the file open), `subject_of` makes it usable in another.
"""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pada_local.crew import chat_family, folder_hash
from pada_local.errors import MissingError
from pada_local.export.adapter import choose_run, write_adapter
from pada_local.export.report import build_report
from pada_local.export.scores import Scores
from pada_local.records import Adapter, Prediction, Setting
from pada_local.runtime.catalog import resolve

MAX_NEW_TOKENS = 64


class Item(NamedTuple):
    """A validation example."""

    id: str
    input: str
    output: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """`adapter`: the folder of the adapter's files, None for a model as it is. `report` is the report's part on the run."""

    name: str
    base: Path
    adapter: Path | None = None
    chat: str
    system: str = ""
    task: str = ""
    metric: str = ""
    max_new_tokens: int = MAX_NEW_TOKENS
    tokens_per_batch: int = 0
    threads: int = 0
    items: list[Item] = []
    counts: dict[str, int] = {}
    run: dict[str, Any] = {}
    report: dict[str, Any] = {}
    recorded: dict[str, Any] = {}
    """The validation score that the project holds, and under which precision of the base it was trained and scored."""

    @property
    def trained(self) -> bool:
        """Whether prompts are the project's: then its chat format and end token hold, else those of the folder."""
        return bool(self.items or self.run)


def facts_of(project: Any, run_name: str, adapter_folder: Path) -> dict[str, Any]:
    """Plain data about the run to be exported; its adapter is written into the folder. Raises MissingError, StoreError."""
    run = choose_run(project, run_name)
    adapter_id = write_adapter(project, run, adapter_folder)
    row = project.one(Adapter, id=adapter_id)
    scores = Scores(project)
    report = build_report(project)
    predictions = project.get(Prediction, adapter_id=adapter_id)
    validation = scores.examples["validation"]
    known = {one.id for one in validation}
    decoding = next((one.decoding for one in predictions if one.example_id in known), {})
    return {
        "settings": {one.key: one.value for one in project.get(Setting)}, "run": msgspec.to_builtins(run), "base": row.base,
        "base_precision": str(row.settings.get("base_precision", "")), "decoding": decoding,
        "recorded": scores.summary(adapter_id, "validation"),
        "report": next(one for one in report["runs"] if one["id"] == run.id),
        "counts": {split: len(rows) for split, rows in scores.examples.items()},
        "items": [[one.id, one.input, one.output] for one in validation], "name": Path(project.path).stem,
    }  # fmt: skip


def subject_of(facts: dict[str, Any], adapter: Path) -> Subject:
    """The subject of a project's facts. Raises MissingError when the base is not the one that was trained on."""
    settings, decoding = facts["settings"], facts["decoding"]
    base = resolve(settings["student"], "student")
    trained_on = str(decoding.get("student_hash", ""))
    if trained_on and folder_hash(base) != trained_on:
        fix = "Put the model back with which the run was made; an adapter fits no other."
        raise MissingError("The base is not the one that the adapter was trained on.", f"{base} has changed since.", fix)
    recorded = {"score": facts["recorded"], "trained_with_base_in": facts["base_precision"]}
    return Subject(
        name=f"{facts['name']}-{facts['run']['recipe']}", base=base, adapter=adapter,
        chat=str(decoding.get("chat") or chat_family(base)), system=settings.get("system", ""), task=settings.get("task", ""),
        metric=settings.get("metric", ""), max_new_tokens=int(decoding.get("max_new_tokens", MAX_NEW_TOKENS)),
        tokens_per_batch=int(decoding.get("tokens_per_batch", 0)), threads=int(settings.get("threads", "0")),
        items=[Item(*one) for one in facts["items"]], counts=facts["counts"], run=facts["run"], report=facts["report"],
        recorded=recorded,
    )  # fmt: skip


def folder_subject(folder: Path) -> Subject:
    """A model folder without an adapter: it has no task, so what it makes of a few texts is compared instead."""
    base = resolve(str(folder), "student")
    return Subject(name=base.name, base=base, chat=chat_family(base))
