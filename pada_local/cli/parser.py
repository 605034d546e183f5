"""The words of the command line. `does` names module and function, loaded only when called."""

import argparse
from pathlib import Path


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from pada_local.cli.version import version

        parser.exit(0, f"pada {version()}\n")


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    about = "Fine-tune a small model on this machine, see why it fails, and teach it what is missing."
    parser = argparse.ArgumentParser(prog="pada", description=about, allow_abbrev=False)
    parser.add_argument("--version", "-V", action=_Version, nargs=0, help="print the version and leave")
    parser.set_defaults(does="tools:open_tui", file=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_projects(commands)
    _add_runs(commands)
    _add_reports(commands)
    _add_tools(commands)
    return parser


def _command(commands, name: str, does: str, help: str, file: bool = True, json: bool = True) -> argparse.ArgumentParser:
    """One command; most take a project file and print facts."""
    command = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
    command.set_defaults(does=does)
    if file:
        command.add_argument("file", type=Path, metavar="FILE", help="project file (*.duckdb)")
    if json:
        command.add_argument("--json", action="store_true", help="print the facts as JSON")
    return command


def _add_projects(commands) -> None:
    demo = _command(
        commands, "demo", "projects:demo", "the whole loop on the built-in models and data, then the report", file=False
    )
    demo.add_argument("--quick", action="store_true", help="one round trip with small numbers (under a minute)")
    demo.add_argument(
        "--to", type=Path, default=Path("demo-run"), metavar="DIR", help="where the project file is made (demo-run)"
    )
    demo.add_argument("--seed", type=int, default=1, help="draws data and missing slices (1)")

    new = _command(commands, "new", "projects:new", "make a project file from your examples")
    new.add_argument("--train", type=Path, required=True, metavar="F", help="JSONL with the training examples")
    new.add_argument("--validation", type=Path, metavar="F", help="JSONL; taken out of --train when missing")
    new.add_argument("--test", type=Path, metavar="F", help="JSONL; taken out of --train when missing")
    new.add_argument("--input", required=True, metavar="COL", help="column with what the model reads")
    new.add_argument("--output", required=True, metavar="COL", help="column with the right answer")
    new.add_argument("--tags", action="append", default=[], metavar="COL", help="column to report by (may be repeated)")
    new.add_argument("--metric", required=True, metavar="NAME", help="how an answer is scored, such as exact_match")
    new.add_argument("--task", default="", metavar="TEXT", help="the task in one sentence, for the teacher")
    new.add_argument("--system", default="", metavar="TEXT", help="system text of every prompt to the student")
    new.add_argument("--student", default="demo-student", metavar="NAME|PATH", help="model to be trained: a name or a folder")
    new.add_argument("--teacher", default="demo-teacher", metavar="NAME|PATH", help="model that writes samples: a name or a GGUF")
    new.add_argument("--judge", default="", metavar="NAME|PATH", help="model that judges them (the teacher when missing)")
    new.add_argument("--seed", type=int, default=1, help="decides the split when --validation or --test is missing (1)")


def _add_runs(commands) -> None:
    run = _command(commands, "run", "runs:run", "start a run, or go on with the one that was paused")
    run.add_argument("--recipe", metavar="NAME|PATH", help="what to do (the paused run's recipe, else pada)")
    run.add_argument("--rounds", type=int, metavar="N", help="rounds instead of the recipe's")
    run.add_argument("--seed", type=int, metavar="N", help="the paused run's seed, else 1")
    run.add_argument("--detach", action="store_true", help="leave it running in the background")
    run.add_argument("--events", choices=["json"], help="print every event on stdout, one JSON object a line")
    _command(commands, "status", "runs:status", "what the project holds and what is going on in it")
    _command(commands, "pause", "runs:pause", "pause the run; 'pada run FILE' goes on with it")
    _command(commands, "stop", "runs:stop", "stop the run and end the project's host; everything done is kept")


def _add_reports(commands) -> None:
    report = _command(commands, "report", "reports:report", "how much better the student became, and why")
    report.add_argument("--format", choices=["text", "json", "html"], default="text", help="text (default), json or html")
    report.add_argument("--out", type=Path, metavar="F", help="a new file instead of stdout")
    compare = _command(commands, "compare", "reports:compare", "two runs on the same test examples")
    compare.add_argument("first", metavar="RUN", help="id, start of an id, or recipe name")
    compare.add_argument("second", metavar="RUN", help="id, start of an id, or recipe name")
    export = _command(commands, "export", "reports:export", "write the champion's adapter into a folder")
    export.add_argument("--kind", choices=["adapter"], required=True, help="what to write")
    export.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    export.add_argument("--run", default="", metavar="RUN", help="whose champion (the best one on validation when missing)")


def _add_tools(commands) -> None:
    recipes = commands.add_parser("recipes", help="list, show or check recipes", allow_abbrev=False)
    kinds = recipes.add_subparsers(required=True, metavar="list|show|check")
    _command(kinds, "list", "tools:list_recipes", "names and what they are for", file=False)
    show = _command(kinds, "show", "tools:show_recipe", "every field of a recipe with its meaning", file=False)
    show.add_argument("recipe", metavar="NAME|PATH")
    check = _command(kinds, "check", "tools:check_recipe", "whether a recipe can be used", file=False)
    check.add_argument("recipe", metavar="NAME|PATH")
    models = commands.add_parser("models", help="the local model store", allow_abbrev=False)
    kinds = models.add_subparsers(required=True, metavar="list")
    _command(kinds, "list", "tools:list_models", "models that can be named, and whether their files are sound", file=False)
    _command(commands, "doctor", "tools:doctor", "what this machine has, and what to do about what is missing", file=False)
    tui = _command(commands, "tui", "tools:open_tui", "the terminal app", file=False, json=False)
    tui.add_argument("file", type=Path, nargs="?", metavar="FILE", help="project file (*.duckdb)")
