"""scan."""

import argparse

from pada_local.cli import talk
from pada_local.errors import ExitCode
from pada_local.session import Session


def scan(options: argparse.Namespace) -> int:
    """Show what looks like personal data in examples and samples, by kind."""
    with Session.open(options.file) as session:
        found = session.ask("scan")
    if options.json:
        talk.facts(found)
        return ExitCode.DONE
    for part in found["parts"]:
        talk.data(f"{part['what']}: {len(part['marked'])} of {part['rows']} hold what looks like personal data")
        for kind, count in part["counts"].items():
            talk.data(f"  {kind}  {count}")
            for place in part["shown"][kind]:
                talk.data(f"    {place}")
    talk.say("Rules find what has a form; many names have none. 'pada new --mask' writes [NAME], [EMAIL], … (docs/privacy.md).")
    return ExitCode.DONE
