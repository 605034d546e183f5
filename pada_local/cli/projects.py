"""new and demo."""

import argparse
from collections import Counter
from pathlib import Path

from pada_local.cli import talk
from pada_local.cli.runs import follow
from pada_local.data.read import RawExample, read_jsonl
from pada_local.data.split import split_examples
from pada_local.errors import DataError, ExitCode, UsageError
from pada_local.metrics import registry
from pada_local.records import Example, content_id
from pada_local.runtime.catalog import find_model
from pada_local.runtime.safe import safe_line
from pada_local.session import Session, create_project, find_recipe

VALIDATION_SHARE, TEST_SHARE = 0.2, 0.2
DEMO_RECIPES = ("demo-vanilla", "demo-random", "demo-pada")


def new(options: argparse.Namespace) -> int:
    """Read, split, check and write a project; nothing is written unless everything is sound."""
    if options.file.suffix != ".duckdb":
        raise UsageError(
            f"A project file's name ends in .duckdb, and {options.file} does not.", "", f"Name it {options.file}.duckdb"
        )
    models = {role: find_model(getattr(options, role), "teacher" if role == "judge" else role) for role in ("student", "teacher")}
    models["judge"] = find_model(options.judge, "teacher") if options.judge else models["teacher"]
    examples = _examples(options)
    _check_metric(options.metric, examples)
    settings = {"task": options.task, "metric": registry.find(options.metric).name, "system": options.system, **models}
    create_project(options.file, settings, examples)
    counts = Counter(example.split for example in examples)
    if options.json:
        talk.facts({"file": str(options.file), "examples": dict(counts), "settings": settings})
        return ExitCode.DONE
    talk.data(
        f"{options.file}: " + ", ".join(f"{counts[split]} {split}" for split in ("train", "validation", "test")) + " examples"
    )
    if not options.task:
        talk.say("No --task was given: the teacher sees examples, but not what the task is called. One sentence helps it.")
    talk.say(f"Next: pada run {options.file}")
    return ExitCode.DONE


def _examples(options: argparse.Namespace) -> list[Example]:
    """The examples of all files; what --validation and --test do not give is split off --train."""
    given = {"validation": options.validation, "test": options.test}
    read = {"train": list(read_jsonl(options.train, options.input, options.output, options.tags))}
    read |= {split: list(read_jsonl(path, options.input, options.output, options.tags)) for split, path in given.items() if path}
    shares = (0.0 if given["validation"] else VALIDATION_SHARE, 0.0 if given["test"] else TEST_SHARE)
    parts = split_examples([(_id(raw), raw.output) for raw in read["train"]], options.seed, shares) if any(shares) else {}
    examples: dict[str, Example] = {}
    twice = 0
    for split, rows in read.items():
        for raw in rows:
            key = _id(raw)
            if key in examples:
                twice += 1
                _refuse_overlap(examples[key].split, split, raw)
                continue
            target = parts.get(key, split) if split == "train" else split
            source = str((options.train if split == "train" else given[split]).name)
            examples[key] = Example(id=key, split=target, position=len(examples), input=raw.input, output=raw.output,
                                    source=source, tags=raw.tags)  # fmt: skip
    if twice:
        talk.say(f"{twice} rows occur more than once and were taken once.")
    for split in ("train", "validation", "test"):
        if not any(example.split == split for example in examples.values()):
            detail = f"{len(examples)} different examples are too few to split." if any(shares) else ""
            raise DataError(f"There are no {split} examples.", detail, f"Give more rows, or a file with --{split}.")
    return list(examples.values())


def _id(raw: RawExample) -> str:
    return content_id(raw.input, raw.output)


def _refuse_overlap(first: str, second: str, raw: RawExample) -> None:
    """The same example in two files would let the student learn what it is measured with."""
    if first != second and second != "train":
        detail = f"Line {raw.line} of the {second} file: {safe_line(raw.input, 60)}"
        raise DataError(f"An example is both in {first} and in {second}.", detail, "Remove it from one of the two files.")


def _check_metric(metric: str, examples: list[Example]) -> None:
    """The metric must call every reference right when it answers itself, or no score of it can be trusted."""
    wrong = registry.check_references(metric, [example.output for example in examples])
    if not wrong:
        return
    example = examples[wrong[0]]
    why = registry.format_error(metric, example.output) or "it does not give itself the full score."
    detail = f"{len(wrong)} of {len(examples)} references, such as: {safe_line(example.output, 60)} ({why})"
    known = ", ".join(registry.known())
    raise DataError(
        f"The metric {metric} cannot score these references.", detail, f"Choose another metric ({known}) or correct them."
    )


def demo(options: argparse.Namespace) -> int:
    """The loop on the demo's world, through the same host as `pada run`, then the report."""
    from pada_local.demo.project import create_demo

    path = create_demo(Path(options.to), options.seed, options.quick)
    talk.say(f"Project file: {path}")
    for name in ("demo-quick",) if options.quick else DEMO_RECIPES:
        recipe = find_recipe(name)
        with Session.start_host(path) as session:
            outcome = follow(session, session.start(recipe, options.seed))
        if code := int(outcome.get("exit_code", ExitCode.DONE)):
            return code
    with Session.open(path) as session:
        report = session.report()
    if options.json:
        talk.facts(report)
        return ExitCode.DONE
    from pada_local.export.text import render_text

    talk.data(render_text(report))
    missing = ", ".join(report["project"]["missing_slices"])
    talk.data(f"\nSlices that were missing from the training data: {missing}")
    talk.say(
        "This teacher learned its world from the oracle: the demo proves the machinery, not what the method is worth elsewhere."
    )
    return ExitCode.DONE
