"""What a student was trained on, as a data set for other trainers: chat and prompt/completion, each row with its lineage."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pada_local.data.subset import dropped_rounds, training_subset
from pada_local.errors import MissingError, UsageError
from pada_local.export.adapter import choose_run, no_champion
from pada_local.export.frozen import KEY
from pada_local.export.trends import recipe_of
from pada_local.records import Candidate, Example, Pattern, Round, Run, Setting, Strategy

FORMS = ("chat", "prompt-completion")
SPLITS = ("train", "validation")
Json = dict[str, Any]


def write_dataset(project: Any, folder: Path, run_name: str = "") -> Json:
    """JSON lines of both forms and splits into a folder that is there; facts about them. Raises MissingError, UsageError.

    The training split is what the run's champion was trained on. Test examples stay in the project.
    """
    run = choose_run(project, run_name)
    champion = project.one(Round, run_id=run.id, number=run.champion_round)
    if not run.champion_round:
        raise no_champion(run)
    if champion is None or champion.train_examples is None:
        why = "Its adapter was trained elsewhere."
        raise UsageError(f"What run {run.id} was trained on is not known.", why, "Name another with --run.")
    settings = {row.key: row.value for row in project.get(Setting)}
    if KEY in settings:
        raise MissingError("This project is a copy without its examples.", "", "Export the data set from the project itself.")
    base = training_subset(project.get(Example, split="train"), recipe_of(project, run).loop.train_size, run.seed)
    rows = {"train": [*_examples(base), *_samples(project, run)],
            "validation": list(_examples(project.get(Example, split="validation")))}  # fmt: skip
    counts = {}
    for split in SPLITS:
        counts[split] = len(rows[split])
        for form in FORMS:
            _write(folder / f"{split}-{form}.jsonl", (_shaped(form, settings.get("system", ""), row) for row in rows[split]))
    name = Path(project.path).stem
    (folder / "dataset_info.json").write_text(json.dumps(_for_llama_factory(name), indent=2) + "\n", encoding="utf-8")
    synthetic = sum(row["origin"] != "example" for row in rows["train"])
    (folder / "README.md").write_text(_page(name, run, counts, synthetic, settings.get("task", "")), encoding="utf-8")
    return {"run": run.id, "recipe": run.recipe, "round": run.champion_round, "rows": counts, "synthetic": synthetic}


def _examples(rows: Iterable[Example]) -> Iterator[Json]:
    for row in rows:
        yield _row(
            row, row.split, origin="example", source=row.source, tags=json.dumps(row.tags, ensure_ascii=False, sort_keys=True)
        )


def _samples(project: Any, run: Run) -> Iterator[Json]:
    """The teacher's samples that were selected in the rounds before the champion's, in the order of training."""
    rounds = project.get(Round, run_id=run.id) if recipe_of(project, run).loop.rollback else []
    dropped = dropped_rounds(rounds, run.champion_round)
    patterns = {row.id: row.name for row in project.get(Pattern, run_id=run.id)}
    strategies = {row.id: row.edited or row.drafted for row in project.get(Strategy, run_id=run.id)}
    for row in project.get(Candidate, run_id=run.id, selected=True, state="accepted"):
        if row.round < run.champion_round and row.round not in dropped:
            yield _row(
                row, "train", origin=row.origin, run=run.id, round=row.round, pattern=patterns.get(row.pattern_id, ""),
                strategy=strategies.get(row.strategy_id, ""), parent=row.parent_id,
                seeds=json.dumps(row.seed_examples, ensure_ascii=False),
            )  # fmt: skip


def _row(
    row: Example | Candidate, split: str, *, origin: str, source: str = "", run: str = "", round: int = 0, pattern: str = "",
    strategy: str = "", parent: str = "", seeds: str = "[]", tags: str = "{}",
) -> Json:  # fmt: skip
    """Every row has every column, so that readers that guess types from the first rows guess right."""
    return {
        "input": row.input, "output": row.output, "id": row.id, "split": split, "origin": origin, "source": source, "run": run,
        "round": round, "pattern": pattern, "strategy": strategy, "parent": parent, "seed_examples": seeds, "tags": tags,
    }  # fmt: skip


def _shaped(form: str, system: str, row: Json) -> Json:
    lineage = {key: value for key, value in row.items() if key not in ("input", "output")}
    if form == "chat":
        messages = [{"role": "system", "content": system}] if system else []
        messages += [{"role": "user", "content": row["input"]}, {"role": "assistant", "content": row["output"]}]
        return {"messages": messages, **lineage}
    return {"prompt": row["input"], "completion": row["output"], "system": system, **lineage}


def _write(file: Path, rows: Iterable[Json]) -> None:
    with file.open("x", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _for_llama_factory(name: str) -> Json:
    """LLaMA-Factory reads data sets by an entry in the folder's dataset_info.json."""
    roles = {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    }
    found: Json = {}
    for split in SPLITS:
        found[f"{name}-{split}"] = {
            "file_name": f"{split}-chat.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": roles,
        }  # fmt: skip
        found[f"{name}-{split}-prompt"] = {
            "file_name": f"{split}-prompt-completion.jsonl",
            "columns": {"prompt": "prompt", "response": "completion", "system": "system"},
        }
    return found


def _page(name: str, run: Run, counts: dict[str, int], synthetic: int, task: str) -> str:
    return f"""# Data set of {name}

Task: {task or "not described"}

What the student of run {run.id} (recipe `{run.recipe}`, round {run.champion_round}) was trained on:
{counts["train"]} training rows, {synthetic} of them written by a teacher model, and {counts["validation"]} validation rows.
The test examples stay in the project.

Each file comes as JSON lines and as Parquet: `*-chat` has `messages`, `*-prompt-completion` has `prompt`, `completion` and
`system`. Columns of lineage: `id`, `split`, `origin` (`example`, or how the sample came about), `source`, `run`, `round`,
`pattern`, `strategy`, `parent`, `seed_examples` (JSON), `tags` (JSON).

These are the private examples themselves: hand the folder on only to whom you would hand the examples.
"""
