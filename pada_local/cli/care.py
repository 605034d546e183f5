"""check, backup."""

import argparse
from pathlib import Path

from pada_local.cli import talk
from pada_local.errors import ExitCode, UsageError
from pada_local.session import Session, open_alone

_MOST_SHOWN = 50


def check(options: argparse.Namespace) -> int:
    """Look at everything in the file; with --repair take out what is damaged. 5 when something is wrong."""
    if options.repair:
        return _repair(options)
    with Session.open(options.file) as session:
        found = session.ask("check")
    if options.json:
        talk.facts(found)
    else:
        looked = found["looked"]
        talk.data(f"{looked['rows']:,} rows, {looked['adapters']} adapters, {looked['links']} links of the manifest,"
                  f" {looked['references']} kinds of references: {'all sound' if found['sound'] else 'NOT sound'}.")  # fmt: skip
        _tell(found["found"])
        if not found["sound"]:
            talk.say(f"Make a copy of the file as it is, then: pada check {options.file} --repair")
    return ExitCode.DONE if found["sound"] else ExitCode.FAILED


def _repair(options: argparse.Namespace) -> int:
    from pada_local.look import health

    with open_alone(options.file) as project:
        done = health.repair(project)
    if options.json:
        talk.facts(done)
    elif not done["found"]:
        talk.data("Nothing is damaged; nothing was changed.")
    else:
        _tell(done["found"])
        talk.data(f"{done['quarantined']} rows were taken out; they are kept in the file's table 'quarantine'.")
        for run_id in done["runs"]:
            talk.data(f"Run {run_id[:10]} has to make some of it anew: pada run {options.file}")
    return ExitCode.FAILED if done["left"] else ExitCode.DONE


def _tell(found: list[dict[str, str]]) -> None:
    for one in found[:_MOST_SHOWN]:
        talk.data(f"- {one['what']}")
    if len(found) > _MOST_SHOWN:
        talk.data(f"… and {len(found) - _MOST_SHOWN} more (--json lists all)")


def backup(options: argparse.Namespace) -> int:
    """Copy into a new file; the host does it when there is one."""
    if options.to.suffix != ".duckdb":
        raise UsageError(f"A project file's name ends in .duckdb, and {options.to} does not.", "", f"Name it {options.to}.duckdb")
    with Session.open(options.file) as session:
        done = session.ask("backup", to=str(Path(options.to).absolute()))
    if options.json:
        talk.facts(done)
    else:
        talk.data(done["to"])
        talk.say(f"{sum(done['rows'].values()):,} rows, {done['bytes'] / 2**20:.1f} MiB, read back and found equal.")
    return ExitCode.DONE
