"""What can be asked of a project file: the same answers through a host's socket and from a file opened directly.

Every answer is made of plain dicts, lists, strings and numbers, so that it is the same on both ways.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from pada_local import records, review
from pada_local.errors import UsageError
from pada_local.export import adapter, copy, dataset, rates, report, study, subject, trends
from pada_local.export.scores import Scores
from pada_local.look import arms, examples, health, last, maps, replays, rounds, samples, scan
from pada_local.look.voices import voices
from pada_local.records import Candidate, Example, RecipeRow, Round, Row, Run, Setting
from pada_local.study import Plan

LARGEST_PAGE = 200


def answer(project: Any, question: dict[str, Any]) -> Any:
    """The answer to a question that reads. Raises UsageError for an unknown one."""
    asked = READS.get(str(question.get("op")))
    if asked is None:
        raise UsageError(f"The question {question.get('op')!r} is not known.", "Known are: " + ", ".join(sorted(READS)) + ".")
    return asked(project, question)


def _status(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    """Settings, counts and every run with how far it came."""
    settings = {row.key: row.value for row in project.get(Setting)}
    splits = {split: project.count(Example, split=split) for split in ("train", "validation", "test")}
    return {"settings": settings, "examples": splits, "runs": _runs(project, question), "host": None, "active": False}


def _runs(project: Any, _question: dict[str, Any]) -> list[dict[str, Any]]:
    """Every run, oldest first, with its last round and that round's score."""
    answers = []
    for run in project.get(Run):
        rounds = project.get(Round, run_id=run.id)
        scores = {str(row.number): row.validation_mean for row in rounds if row.validation_mean is not None}
        answers.append(msgspec.to_builtins(run) | {"round": max((row.number for row in rounds), default=0), "validation": scores})
    return answers


def _recipe(project: Any, question: dict[str, Any]) -> Any:
    """The body of a recipe as a run used it, or None."""
    row = project.one(RecipeRow, id=str(question.get("id", "")))
    return msgspec.json.decode(row.body) if row else None


def _page(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    """At most LARGEST_PAGE samples or examples, filtered, and how many there are."""
    kind, where = _kind_and_where(question)
    if kind not in (Candidate, Example):
        raise UsageError("Only samples and examples come in pages.")
    offset, limit = max(0, int(question.get("offset", 0))), min(LARGEST_PAGE, max(1, int(question.get("limit", 50))))
    rows, total = project.page(kind, offset=offset, limit=limit, search=str(question.get("search") or ""), **where)
    return {"rows": [msgspec.to_builtins(row) for row in rows], "total": total, "offset": offset}


def _rows(project: Any, question: dict[str, Any]) -> list[Any]:
    """Rows of one kind whose columns equal `where`."""
    kind, where = _kind_and_where(question)
    return [msgspec.to_builtins(row) for row in project.get(kind, **where)]


def _kind_and_where(question: dict[str, Any]) -> tuple[type[Row], dict[str, Any]]:
    kind = getattr(records, str(question.get("kind")), None)
    if not (isinstance(kind, type) and issubclass(kind, Row) and kind is not Row):
        raise UsageError(f"There are no rows of the kind {question.get('kind')!r}.")
    where = question.get("where") or {}
    unknown = sorted(set(where) - set(kind.__struct_fields__))
    if unknown:
        raise UsageError(f"Rows of the kind {kind.__name__} have no column {unknown[0]!r}.")
    return kind, where


def _review(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    return review.queue(project, report.find_run(project.get(Run), str(question.get("run"))).id)


def _samples(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    """A page of the samples that fit a filter (see `look.samples`)."""
    wanted = samples.read_filter(question.get("filter"))
    return samples.samples_page(project, wanted, int(question.get("offset", 0)), int(question.get("limit", 50)))


def _nearest(project: Any, question: dict[str, Any]) -> dict[str, Any] | None:
    return samples.nearest_training_example(project, str(question.get("text", "")))


def _arms(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    return arms.side_by_side(project, question.get("a") or {}, question.get("b") or {}, str(question.get("split", "validation")))


def _map(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    return maps.failure_map(project, str(question.get("run")), int(question.get("round", 1)))


def _trends(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    run = report.find_run(project.get(Run), str(question.get("run")))
    return trends.pattern_trends(project, Scores(project), run)


def _rates(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    run = report.find_run(project.get(Run), str(question.get("run")))
    found = rates.rates_of_run(project, Scores(project), run)
    return {key: msgspec.to_builtins(rate) | {"told": rates.told(msgspec.to_builtins(rate))} for key, rate in found.items()}


def _study_runs(project: Any, question: dict[str, Any]) -> list[dict[str, Any]]:
    return study.study_runs(project, msgspec.convert(question.get("plan"), Plan))


def _report(project: Any, _question: dict[str, Any]) -> dict[str, Any]:
    return report.build_report(project)


def _compare(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    return report.build_comparison(project, str(question.get("a")), str(question.get("b")))


def _export_adapter(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    return adapter.export_adapter(project, Path(str(question.get("to"))), str(question.get("run") or ""))


def _export_student(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    return subject.facts_of(project, str(question.get("run") or ""), Path(str(question.get("to"))))


def _export_dataset(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    return dataset.write_dataset(project, Path(str(question.get("to"))), str(question.get("run") or ""))


def _export_project(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    return copy.copy_project(project, Path(str(question.get("to"))))


def _backup(project: Any, question: dict[str, Any]) -> dict[str, Any]:
    """A copy in a new file; whoever runs the project goes on meanwhile."""
    to = Path(str(question.get("to")))
    return {"to": str(to), "rows": project.copy_to(to), "bytes": to.stat().st_size}


READS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "status": _status, "runs": _runs, "recipe": _recipe, "rows": _rows, "page": _page, "report": _report, "compare": _compare,
    "export_adapter": _export_adapter, "export_student": _export_student,
    "export_dataset": _export_dataset, "export_project": _export_project,
    "review": _review, "samples": _samples, "nearest": _nearest, "arms": _arms, "map": _map,
    "trends": _trends, "rates": _rates, "example_facts": lambda project, _: examples.example_facts(project),
    "last": lambda project, _: last.last_result(project), "study_runs": _study_runs,
    "check": lambda project, _: health.check(project), "backup": _backup, "scan": lambda project, _: scan.scan(project),
    "leaks": lambda project, _: examples.leak_report(project), "scores": lambda project, _: rounds.scored_rounds(project),
    "voices": lambda project, _: msgspec.to_builtins(voices(project)),
    "stored_events": lambda project, asked: replays.stored_events(project, str(asked.get("run")), int(asked.get("since", 0))),
}  # fmt: skip
