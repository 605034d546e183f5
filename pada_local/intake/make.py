"""Makes a project out of files: nothing is written unless everything is sound."""

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from pada_local.crew import chat_family, check_teacher
from pada_local.data import personal
from pada_local.data.chat import prompt_and_answer
from pada_local.data.columns import RawExample, Taker
from pada_local.data.gather import SPLITS, Gathering
from pada_local.data.read import read_examples
from pada_local.data.refusal import Place
from pada_local.errors import DataError
from pada_local.intake.checks import MetricCheck
from pada_local.intake.lengths import Lengths
from pada_local.intake.plan import Given, Plan, Tell, check_file, files_of
from pada_local.intake.survey import Survey
from pada_local.intake.tables import Tables
from pada_local.metrics import registry
from pada_local.runtime.catalog import find_model, resolve
from pada_local.runtime.private import temporary_base
from pada_local.session import create_project
from pada_local.student.client import StudentClient

VALIDATION_SHARE, TEST_SHARE = 0.2, 0.2
_BATCH = 512


def make_project(plan: Plan, tell: Tell, key: str = "") -> dict[str, Any]:
    """Read, check, split and write; what was read, as facts. With a key the file is encrypted.

    Raises DataError, UsageError, MissingError, StoreError.
    """
    taker = plan.taker()
    check_file(plan.file)
    settings = _settings(plan)
    student = resolve(settings["student"])
    chat = chat_family(student)
    check, files = MetricCheck(plan.metric), files_of(plan)
    with ExitStack() as stack:
        gathering = Gathering(None if key else plan.file.parent, [given.source for given in files], plan.drop_overlap)
        stack.callback(gathering.close)
        base = temporary_base(in_memory=bool(key))
        private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pada-new-", dir=base)))  # 0700
        client = stack.enter_context(StudentClient(private / "tokens"))
        tables = Tables(stack, private / "tables")
        lengths = Lengths(client, str(student), chat, plan.system, plan.truncate)
        read, masked = [], Counter[str]()
        for number, given in enumerate(files):
            before = gathering.rows
            for batch in _batches(given, taker, tables, gathering.rows, tell):
                batch = _masked(batch, masked) if plan.mask else batch
                check.look(given.source, batch)
                for raw in lengths.look(given.source, batch):
                    gathering.add(given.side, number, raw)
            read.append({"file": given.source.name, "format": given.source.format, "split": SPLITS[given.side],
                         "rows": gathering.rows - before})  # fmt: skip
        check.finish()
        lengths.finish()
        _divide(plan, {SPLITS[given.side] for given in files}, gathering)
        settings["system"] = plan.system or gathering.system
        survey = Survey()
        examples = _told(survey.over(gathering.examples()), gathering, tell)
        create_project(plan.file, settings, examples, key)
    facts = {
        "file": str(plan.file), "examples": survey.counts, "settings": settings, "read": read,
        "duplicates": gathering.duplicates, "contradictory": gathering.contradictions,
        "contradiction": gathering.contradiction, "dropped_overlap": gathering.dropped, "tokens": lengths.facts(),
        "masked": dict(masked),
        **survey.facts(),
    }  # fmt: skip
    return facts | {"chat": chat, "rendered": _rendered(chat, settings["system"], survey)}


def _settings(plan: Plan) -> dict[str, str]:
    models = {"student": find_model(plan.student, "student"), "teacher": check_teacher(plan.teacher)}
    models["judge"] = check_teacher(plan.judge) if plan.judge else models["teacher"]
    return {"task": plan.task, "metric": registry.find(plan.metric).name, "system": plan.system, **models}


def _batches(given: Given, taker: Taker, tables: Tables, rows: int, tell: Tell) -> Iterator[list[RawExample]]:
    place = Place(given.source.path)
    examples = read_examples(given.source, taker, place, tables)
    while batch := list(itertools.islice(examples, _BATCH)):
        rows += len(batch)
        tell(f"reading {given.source.path.name}", rows, place.done_bytes / place.total_bytes if place.total_bytes else 0.0)
        yield batch


def _masked(batch: list[RawExample], counts: Counter[str]) -> list[RawExample]:
    """The rows with likely personal data written over; what was found is counted by kind."""
    rows = []
    for raw in batch:
        counts.update(span.kind for text in (raw.input, raw.output) for span in personal.find(text))
        rows.append(msgspec.structs.replace(raw, input=personal.mask(raw.input), output=personal.mask(raw.output)))
    return rows


def _told(examples: Iterator[Any], gathering: Gathering, tell: Tell) -> Iterator[Any]:
    total = max(gathering.rows - gathering.duplicates, 1)
    for number, example in enumerate(examples, 1):
        if number % 1000 == 0:
            tell("writing", number, number / total)
        yield example


def _divide(plan: Plan, given: set[str], gathering: Gathering) -> None:
    shares = (0.0 if "validation" in given else VALIDATION_SHARE, 0.0 if "test" in given else TEST_SHARE)
    counts = gathering.divide(plan.seed, shares)
    for split, count in counts.items():
        if not count:
            detail = f"{sum(counts.values())} different examples are too few to split." if any(shares) else ""
            raise DataError(f"There are no {split} examples.", detail, f"Give more rows, or a file with --{split}.")


def _rendered(chat: str, system: str, survey: Survey) -> dict[str, str]:
    assert survey.shown is not None  # a project without training examples was refused
    prompt, answer = prompt_and_answer(chat, system, survey.shown.input, survey.shown.output)
    return {"prompt": prompt, "answer": answer}
