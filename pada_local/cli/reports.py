"""report, compare, export."""

import argparse
from pathlib import Path

from pada_local.cli import talk
from pada_local.errors import ExitCode
from pada_local.session import Session


def report(options: argparse.Namespace) -> int:
    """The report of a project, whether its host runs or not."""
    with Session.open(options.file) as session:
        found = session.report()
    if options.json or options.format == "json":
        talk.facts(found)
    else:
        from pada_local.export.text import render_text

        talk.data(render_text(found))
    return ExitCode.DONE


def compare(options: argparse.Namespace) -> int:
    """Two runs side by side."""
    with Session.open(options.file) as session:
        found = session.compare(options.first, options.second)
    if options.json:
        talk.facts(found)
    else:
        from pada_local.export.text import render_comparison

        talk.data(render_comparison(found))
    return ExitCode.DONE


def export(options: argparse.Namespace) -> int:
    """Write the adapter; the host writes it when there is one, hence the absolute path."""
    with Session.open(options.file) as session:
        done = session.ask("export_adapter", to=str(Path(options.to).absolute()), run=options.run)
    if options.json:
        talk.facts(done)
    else:
        talk.data(done["to"])
        talk.say(f"Adapter of run {done['run']} (recipe {done['recipe']}, round {done['round']}): {len(done['files'])} files.")
    return ExitCode.DONE
