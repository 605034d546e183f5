"""report, compare, explain."""

import argparse
import json
from pathlib import Path

from pada_local.cli import talk
from pada_local.cli.study import compare_examples
from pada_local.errors import ExitCode, UsageError
from pada_local.runtime.safe import safe
from pada_local.session import Session


def report(options: argparse.Namespace) -> int:
    """The report of a project, whether its host runs or not."""
    with Session.open(options.file) as session:
        found = session.report()
    if options.json or options.format == "json":
        text = json.dumps(found, ensure_ascii=False, indent=2)
    elif options.format == "html":
        from pada_local.export.html import render_html

        text = render_html(found)
    else:
        from pada_local.export.text import render_text

        text = render_text(found)
    if options.out:
        _write(options.out, safe(text) + "\n")
    elif options.json or options.format == "json":
        talk.facts(found)
    else:
        talk.data(text)
    return ExitCode.DONE


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(f"There is a file {file} already; it was left as it is.", "", "Name a new file with --out.") from None
    talk.say(f"The report is in {file}.")


def compare(options: argparse.Namespace) -> int:
    """Two runs side by side."""
    with Session.open(options.file) as session:
        found = session.compare(options.first, options.second)
        told = compare_examples(session, options.first, options.second, options.examples) if options.examples is not None else ""
    if options.json:
        talk.facts(found)
    else:
        from pada_local.export.text import render_comparison

        talk.data(render_comparison(found) + (f"\n{told}" if told else ""))
    return ExitCode.DONE


def explain(options: argparse.Namespace) -> int:
    """One definition, or all."""
    from pada_local.export.glossary import define, glossary

    name = " ".join(options.name)
    found = {name: define(name)} if name else glossary()
    if options.json:
        talk.facts(found)
    else:
        talk.data("\n".join(f"{name}: {text}" for name, text in found.items()))
    return ExitCode.DONE
