"""review: look at strategies and samples, decide about them, let a waiting run go on."""

import argparse
from typing import Any

from pada_local.cli import talk
from pada_local.errors import ExitCode, UsageError
from pada_local.session import Session, find_unfinished

WORDS = ("reason", "input", "output", "text", "count", "into")


def review(options: argparse.Namespace) -> int:
    """List what can be decided about, or carry out one decision."""
    session = Session.open(options.file) if options.action == "list" else Session.start_host(options.file)
    with session:
        queue = session.review(options.run or _unfinished(session))
        if options.action == "list":
            rates = session.ask("rates", run=queue["run_id"]) if queue["what"] == "strategies" else {}
            for row in queue["waiting"]:
                row |= {"rate": rates[row["pattern_id"]]} if row["pattern_id"] in rates else {}
            _show(queue, options)
            return ExitCode.DONE
        given = {name: value for name in WORDS if (value := getattr(options, name)) is not None}
        if "into" in given:
            given["into"] = _whole_id(queue, given["into"])
        rounds = {"confirm": queue["what"], "enough": "samples"}
        of_round = f"{rounds.get(options.action)} of round {queue['round']}"
        subject = of_round if options.action in rounds else _whole_id(queue, options.id)
        done = session.decide(queue["run_id"], subject, options.action, **given)
    if options.json:
        talk.facts(done)
    else:
        told = {"confirm": f"Go on with 'pada run {options.file}'.", "enough": "No further wave is written in this round."}
        talk.say(f"Kept. {told.get(options.action, '')}".strip())
    return ExitCode.DONE


def _unfinished(session: Session) -> str:
    left = find_unfinished(session.status()["runs"])
    if left is None:
        fix = "Only what was not trained on yet can be decided about."
        raise UsageError("No run of this project is unfinished.", fix=fix)
    return left["id"]


def _whole_id(queue: dict[str, Any], start: str) -> str:
    """The listed row whose id begins so; what is listed no more keeps its whole id."""
    fits = [row["id"] for row in queue["waiting"] if start and row["id"].startswith(start)]
    if len(fits) > 1 or not start:
        raise UsageError("Name one strategy or sample by its id, or the start of it.", f"{start!r} fits {len(fits)}.")
    return fits[0] if fits else start


def _show(queue: dict[str, Any], options: argparse.Namespace) -> None:
    if options.json:
        talk.facts(queue)
        return
    state = "confirmed" if queue["confirmed"] else "not confirmed"
    talk.data(f"Run {queue['run_id'][:10]}, round {queue['round']}: {len(queue['waiting'])} {queue['what']}, {state}.")
    for row in queue["waiting"]:
        name = row["pattern"] or "no pattern"
        if queue["what"] == "strategies":
            talk.data(f"\n{row['id'][:10]}  {name}, quota {row['quota']}")
            if "rate" in row:
                talk.data(f"  {row['rate']['told']}")
            talk.data(f"  {row['edited'] or row['drafted']}")
        else:
            talk.data(f"\n{row['id'][:10]}  {name}\n  Input: {row['input']}\n  Output: {row['output']}")
