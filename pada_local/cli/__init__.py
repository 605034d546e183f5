"""The `pada` command. Importing it stays light: every command loads what it needs when it is called.

parser.py    the words of the command line
talk.py      everything that is printed, and progress
projects.py  new, demo
summary.py   what new has read
runs.py      run, status, pause, stop
reports.py   report, compare, export
chat.py      chat
care.py      check, backup
locks.py     encrypt, decrypt, rekey, and where keys come from
forgetting.py  forget
scanning.py  scan
tools.py     recipes, models, doctor, tui, replay
"""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code (errors.ExitCode)."""
    words = sys.argv[1:] if arguments is None else arguments
    if words in (["--version"], ["-V"]):
        from pada_local.cli.version import version

        sys.stdout.write(f"pada {version()}\n")
        return 0
    from pada_local.cli.call import call

    return call(words)
