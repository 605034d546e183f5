"""new and demo."""

import argparse
from pathlib import Path

from pada_local.cli import talk
from pada_local.cli.locks import new_key
from pada_local.cli.runs import follow
from pada_local.errors import ExitCode
from pada_local.intake.make import make_project
from pada_local.intake.plan import check_file, plan_of
from pada_local.intake.summary import render_summary
from pada_local.runtime import keys
from pada_local.session import Session, find_recipe

DEMO_RECIPES = ("demo-vanilla", "demo-random", "demo-pada")


def new(options: argparse.Namespace) -> int:
    """Read, split, check and write a project; nothing is written unless everything is sound."""
    check_file(options.file)
    key = new_key(options.file, options.key_file) if options.encrypt else ""
    bar = talk.Bar()
    try:
        facts = make_project(plan_of(vars(options)), bar.show, key)
    finally:
        bar.end()
    if key:
        keys.ring.remember(options.file, key)
    if options.json:
        talk.facts(facts)
        return ExitCode.DONE
    talk.data(render_summary(facts))
    if not options.task:
        talk.say("No --task was given: the teacher sees examples, but not what the task is called. One sentence helps it.")
    talk.say(f"Next: pada run {options.file}")
    return ExitCode.DONE


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
