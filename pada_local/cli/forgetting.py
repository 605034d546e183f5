"""forget."""

import argparse
from typing import Any

from pada_local.cli import talk
from pada_local.errors import ExitCode
from pada_local.session import open_alone


def forget(options: argparse.Namespace) -> int:
    """Show what would go; with --yes take it out of every table, and out of the file's free space."""
    from pada_local.look import forget as looking

    with open_alone(options.file) as project:
        plan = looking.plan(project, options.match, options.runs)
        done = options.yes and bool(plan["removed"] or plan["rewritten"])
        if done:
            project.erase(options.match, plan["runs"])
    if options.json:
        talk.facts(plan | {"done": done})
    else:
        _tell(plan, options, done)
    return ExitCode.DONE


def _tell(plan: dict[str, Any], options: argparse.Namespace, done: bool) -> None:
    if not plan["removed"] and not plan["rewritten"]:
        talk.data("Nothing in this file holds these texts.")
    rows = [[name, str(count), "removed" if done else "to be removed"] for name, count in plan["removed"].items()]
    rows += [
        [name, str(count), "texts written over" if done else "texts to be written over"]
        for name, count in plan["rewritten"].items()
    ]
    if rows:
        talk.data(talk.table(rows, ["table", "rows", ""]))
    for line in plan["examples"]:
        talk.data(f"- {line}")
    if plan["affected"]:
        talk.data("\nAdapters that learned from it" + (", removed with their runs:" if plan["runs"] else ":"))
        cells = [[one["recipe"], str(one["round"]), one["adapter"], one["why"]] for one in plan["affected"]]
        talk.data(talk.table(cells, ["recipe", "round", "adapter", "why"]))
    for name, keys in plan["left"].items():
        talk.data(f"Left as it is in {name}: {', '.join(keys)} (a recipe, or the name or path of a model).")
    if done:
        talk.say("Copies, exports and reports that were made of this file are as they were: erase them, or make them anew.")
        if plan["affected"] and not plan["runs"]:
            talk.say(
                "The adapters above still hold what they learned; --runs takes their runs out, and 'pada run' makes them anew."
            )
    elif rows:
        talk.say("Nothing was changed. With --yes it is done; with --runs the runs of the adapters above go too.")
