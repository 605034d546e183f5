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
    _add_care(commands)
    _add_tools(commands)
    return parser


def _command(commands, name: str, does: str, help: str, file: bool = True, json: bool = True) -> argparse.ArgumentParser:
    """One command; most take a project file and print facts."""
    command = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
    command.set_defaults(does=does)
    if file:
        command.add_argument("file", type=Path, metavar="FILE", help="project file (*.duckdb)")
        _add_keys(command)
    if json:
        command.add_argument("--json", action="store_true", help="print the facts as JSON")
    return command


def _add_keys(command: argparse.ArgumentParser) -> None:
    """Where the key of an encrypted file comes from (docs/keeping.md); without these it is asked for."""
    command.add_argument("--key-file", type=Path, metavar="F", help="key of an encrypted project file")
    command.add_argument("--keyring", action="store_true", help="keep the key in the system's keyring (needs 'keyring')")


def _add_projects(commands) -> None:
    demo = _command(
        commands, "demo", "projects:demo", "the whole loop on the built-in models and data, then the report", file=False
    )
    demo.add_argument("--quick", action="store_true", help="one round trip with small numbers (under a minute)")
    demo.add_argument(
        "--to", type=Path, default=Path("demo-run"), metavar="DIR", help="where the project file is made (demo-run)"
    )
    demo.add_argument("--seed", type=int, default=1, help="draws data and missing slices (1)")

    _add_new(_command(commands, "new", "projects:new", "make a project file from your examples (docs/data.md)"))


def _add_new(new: argparse.ArgumentParser) -> None:
    """The options of `new`; docs/data.md explains them."""
    files = new.add_argument_group("files: JSONL, JSON, CSV, TSV, Parquet, Hugging Face data-set folders")
    files.add_argument("--train", nargs="+", required=True, metavar="F", help="training examples (F#PATH: inside a JSON file)")
    files.add_argument("--validation", nargs="+", metavar="F", help="taken out of --train when missing")
    files.add_argument("--test", nargs="+", metavar="F", help="taken out of --train when missing")
    files.add_argument("--records", default="", metavar="PATH", help="where the records of a JSON file are: data, '*[*]'")
    files.add_argument("--format", default="", choices=["jsonl", "json", "csv", "tsv", "parquet", "arrow"],
                       help="when the file's name does not say it")  # fmt: skip
    files.add_argument("--encoding", default="utf-8", choices=["utf-8", "latin-1", "cp1252"], help="of files that are not UTF-8")
    files.add_argument("--delimiter", default="", metavar="CHAR", help="between the fields of a CSV file (a comma)")
    columns = new.add_argument_group("columns: a name, a path such as data[*].text, a place such as 0, @key, @file")
    columns.add_argument("--input", default="", metavar="COL", help="what the model reads")
    columns.add_argument("--input-template", dest="template", default="", metavar="TEXT",
                         help="what the model reads, made of several columns: '{question}\\n{context}'")  # fmt: skip
    columns.add_argument("--output", default="", metavar="COL", help="the right answer")
    columns.add_argument("--messages", default="", metavar="COL", help="chat messages, instead of input and output")
    columns.add_argument("--join", default="\n", metavar="TEXT", help="between the values of a path with [*] (a new line)")
    columns.add_argument("--tags", action="append", default=[], metavar="COL", help="column to report by (may be repeated)")
    task = new.add_argument_group("task")
    task.add_argument("--metric", required=True, metavar="NAME", help="how an answer is scored, such as exact_match")
    task.add_argument("--task", default="", metavar="TEXT", help="the task in one sentence, for the teacher")
    task.add_argument("--system", default="", metavar="TEXT", help="system text of every prompt to the student")
    task.add_argument("--student", default="demo-student", metavar="NAME|PATH", help="model to be trained: a name or a folder")
    task.add_argument("--teacher", default="demo-teacher", metavar="NAME|PATH", help="model that writes samples: name or GGUF")
    task.add_argument("--judge", default="", metavar="NAME|PATH", help="model that judges them (the teacher when missing)")
    new.add_argument("--seed", type=int, default=1, help="decides the split when --validation or --test is missing (1)")
    new.add_argument("--encrypt", action="store_true", help="encrypt the project file (docs/keeping.md)")
    new.add_argument("--mask", action="store_true", help="write likely personal data as [NAME], [EMAIL], … (docs/privacy.md)")
    new.add_argument("--drop-overlap", action="store_true", help="drop an example from train when it is in another split too")
    new.add_argument("--truncate", action="store_true", help="cut inputs that are too long for the student, and count them")


def _add_runs(commands) -> None:
    run = _command(commands, "run", "runs:run", "start a run, or go on with the one that was paused")
    run.add_argument("--recipe", metavar="NAME|PATH", help="what to do (the paused run's recipe, else pada)")
    run.add_argument("--rounds", type=int, metavar="N", help="rounds instead of the recipe's")
    run.add_argument("--seed", type=int, metavar="N", help="the paused run's seed, else 1")
    run.add_argument("--detach", action="store_true", help="leave it running in the background")
    run.add_argument("--events", choices=["json"], help="print every event on stdout, one JSON object a line")
    study = _command(commands, "study", "study:study", "several recipes, seeds and sizes, then one table", file=False)
    study.add_argument("files", type=Path, nargs="+", metavar="FILE", help="project files; each counts as a draw of its own")
    _add_keys(study)
    add_study_options(study)
    study.add_argument("--table", action="store_true", help="run nothing, print the table of what is done")
    bench = _command(commands, "bench", "bench:bench", "drawn worlds with known slices, measured against the truth", file=False)
    bench.add_argument("--to", type=Path, default=Path("bench-run"), metavar="DIR", help="where the projects lie (bench-run)")
    bench.add_argument("--draws", type=int, nargs="+", default=list(range(11, 21)), metavar="N", help="worlds (11 to 20)")
    bench.add_argument("--missing", type=int, default=0, metavar="N", help="missing slices (three or four, as drawn)")
    bench.add_argument("--noise", type=float, default=0.0, metavar="SHARE", help="training examples with a wrong output (0)")
    bench.add_argument("--train", type=int, default=240, metavar="N", help="training examples (240)")
    bench.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    add_study_options(bench, sizes=False)
    bench.add_argument("--table", action="store_true", help="run nothing, print what is done")
    _add_review(commands)
    _add_chat(commands)
    _command(commands, "status", "runs:status", "what the project holds and what is going on in it")
    _command(commands, "pause", "runs:pause", "pause the run; 'pada run FILE' goes on with it")
    _command(commands, "stop", "runs:stop", "stop the run and end the project's host; everything done is kept")


def _add_chat(commands) -> None:
    about = "ask the base, a tuned student or the teacher; each question stands alone, and nothing of it is stored"
    chat = _command(commands, "chat", "chat:chat", about)
    chat.add_argument("run", nargs="?", default="", metavar="RUN", help="whose students: id, start of an id, or recipe (newest)")
    chat.add_argument("--who", default="", metavar="WHO", help="base, teacher or round:N (the champion of RUN)")


def add_study_options(study: argparse.ArgumentParser, sizes: bool = True) -> None:
    """What is compared."""
    study.add_argument("--recipes", nargs="+", default=[], metavar="R", help="names or paths (the baselines and pada)")
    study.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="N", help="training seeds (1)")
    if sizes:
        what = "training examples: below 1 a share, 0 all (0)"
        study.add_argument("--sizes", type=float, nargs="+", default=[0.0], metavar="S", help=what)
    study.add_argument("--budget", type=int, default=0, metavar="N", help="accepted samples per run (those of --like)")
    study.add_argument("--like", default="", metavar="R", help="whose training settings all take (the last that uses patterns)")


def _add_review(commands) -> None:
    review = _command(commands, "review", "review:review", "look at strategies and samples, decide about them, confirm a round")
    actions = ["list", "accept", "reject", "edit", "rewrite", "quota", "exclude", "merge", "undo", "confirm", "enough"]
    review.add_argument("action", nargs="?", choices=actions, default="list", help="what to do (list)")
    review.add_argument("id", nargs="?", default="", metavar="ID", help="strategy or sample: its id, or the start of it")
    review.add_argument("--run", default="", metavar="RUN", help="whose (the unfinished run's when missing)")
    review.add_argument("--reason", metavar="TEXT", help="of a rejection; kept with it")
    review.add_argument("--input", metavar="TEXT", help="of an edited sample")
    review.add_argument("--output", metavar="TEXT", help="of an edited sample")
    review.add_argument("--text", metavar="TEXT", help="of a rewritten strategy")
    review.add_argument("--count", metavar="N", help="samples that a strategy may bring")
    review.add_argument("--into", metavar="ID", help="strategy that takes over the merged one's share")


def _add_reports(commands) -> None:
    report = _command(commands, "report", "reports:report", "how much better the student became, and why")
    report.add_argument("--format", choices=["text", "json", "html"], default="text", help="text (default), json or html")
    report.add_argument("--out", type=Path, metavar="F", help="a new file instead of stdout")
    compare = _command(commands, "compare", "reports:compare", "two runs on the same test examples")
    compare.add_argument("first", metavar="RUN", help="id, start of an id, or recipe name")
    compare.add_argument("second", metavar="RUN", help="id, start of an id, or recipe name")
    compare.add_argument("--examples", type=int, metavar="N", help="show up to N examples on which one was right and one wrong")
    explain = _command(commands, "explain", "reports:explain", "what a number means that the program shows", file=False)
    explain.add_argument("name", nargs="*", metavar="NAME", help="as the report calls it (all when missing)")
    _add_exports(commands)


def _add_exports(commands) -> None:
    about = "write what people deploy, offline, and check it against the student (docs/export/README.md)"
    export = _command(commands, "export", "exports:export", about)
    kinds = ["adapter", "merged", "gguf", "ollama", "openai", "dataset", "report", "project"]
    export.add_argument("--kind", choices=kinds, required=True, help="what to write")
    export.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new or empty folder (project: a new file)")
    export.add_argument("--run", default="", metavar="RUN", help="whose champion (the best one on validation when missing)")
    export.add_argument("--type", default="f16", metavar="T,T", help="GGUF types, such as f16,q8_0,q4_k_m (f16)")
    export.add_argument("--adapter-only", action="store_true", help="with --kind gguf: the LoRA alone, for a GGUF of its base")
    export.add_argument("--dtype", choices=["auto", "float16", "bfloat16"], default="auto", help="of merged weights (the base's)")
    export.add_argument("--prompts", type=_positive, default=256, metavar="N", help="validation examples to check with (256)")
    _add_serve(commands)
    _add_import(commands)


def _add_import(commands) -> None:
    about = "take a LoRA that was trained elsewhere as a run, scored like any other (docs/export/import.md)"
    bring = _command(commands, "import-adapter", "imports:import_adapter", about)
    bring.add_argument("folder", type=Path, metavar="DIR", help="adapter_config.json and adapter_model.safetensors")
    bring.add_argument("--name", default="imported", metavar="NAME", help="what reports call it (imported)")


def _add_serve(commands) -> None:
    about = "serve the tuned student on this machine alone, OpenAI-style, with a key (docs/export/openai.md)"
    serve = _command(commands, "serve", "serve:serve", about, file=False)
    serve.add_argument("file", type=Path, metavar="FILE", help="project file, exported folder, or GGUF file")
    serve.add_argument("run", nargs="?", default="", metavar="RUN", help="whose champion (the best one on validation)")
    _add_keys(serve)
    serve.add_argument("--port", type=int, default=8080, metavar="N", help="on 127.0.0.1 (8080; 0: any that is free)")
    serve.add_argument("--api-key-file", type=Path, metavar="F", help="key of requests (one is made and printed when missing)")
    serve.add_argument("--type", default="f16", metavar="T", help="GGUF type of a project's student (f16)")
    serve.add_argument("--slots", type=_positive, default=2, metavar="N", help="requests answered at a time (2)")
    serve.add_argument("--context", type=_positive, default=4096, metavar="N", help="tokens of one request (4096)")


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("a number of at least 1 is needed")
    return int(text)


def _add_care(commands) -> None:
    check = _command(commands, "check", "care:check", "hash, count and follow everything that the file holds")
    check.add_argument("--repair", action="store_true", help="take damaged rows out and keep them in the file's quarantine")
    backup = _command(commands, "backup", "care:backup", "a compacted, verified copy, also while a run goes on")
    backup.add_argument("to", type=Path, metavar="TO", help="a new file (*.duckdb)")
    _command(commands, "encrypt", "locks:encrypt", "encrypt the project file (asks for a passphrase, or makes --key-file)")
    _command(commands, "decrypt", "locks:decrypt", "make an encrypted project file plain again")
    rekey = _command(commands, "rekey", "locks:rekey", "give an encrypted project file another key")
    _command(commands, "scan", "scanning:scan", "likely personal data in examples and samples")
    forget = _command(commands, "forget", "forgetting:forget", "take one person's data out of every table (shows it first)")
    forget.add_argument("--match", action="append", required=True, metavar="TEXT",
                        help="a text of that person (may be repeated)")  # fmt: skip
    forget.add_argument("--runs", action="store_true", help="take out the runs whose adapters learned from it, too")
    forget.add_argument("--yes", action="store_true", help="do it; without this it is only shown")
    rekey.add_argument("--new-key-file", type=Path, metavar="F", help="made when it is not there; a passphrase when missing")


def _add_tools(commands) -> None:
    recipes = commands.add_parser("recipes", help="list, show or check recipes", allow_abbrev=False)
    kinds = recipes.add_subparsers(required=True, metavar="list|show|check")
    _command(kinds, "list", "tools:list_recipes", "names and what they are for", file=False)
    show = _command(kinds, "show", "tools:show_recipe", "every field of a recipe with its meaning", file=False)
    show.add_argument("recipe", metavar="NAME|PATH")
    check = _command(kinds, "check", "tools:check_recipe", "whether a recipe can be used", file=False)
    check.add_argument("recipe", metavar="NAME|PATH")
    models = commands.add_parser("models", help="the local model store", allow_abbrev=False)
    kinds = models.add_subparsers(required=True, metavar="list|add|verify|allow|remove")
    _command(kinds, "list", "tools:list_models", "models that can be named, and whether their files are sound", file=False)
    add = _command(kinds, "add", "tools:add_model", "register a GGUF file or a model folder, and say whether it fits", file=False)
    add.add_argument("path", type=Path, metavar="PATH")
    add.add_argument("--name", default="", metavar="NAME", help="what to call it (made from the file's name when missing)")
    verify = _command(kinds, "verify", "tools:verify_models", "hash every file again", file=False)
    verify.add_argument("name", nargs="?", default="", metavar="NAME", help="one model (all when missing)")
    allow = _command(kinds, "allow", "tools:allow_template", "show the chat template of a teacher's own, or allow it", file=False)
    allow.add_argument("name", metavar="NAME")
    allow.add_argument("--hash", default="", metavar="SHA256", help="allow the text with this hash (without it, it is shown)")
    remove = _command(kinds, "remove", "tools:remove_model", "forget a registered model; its files stay", file=False)
    remove.add_argument("name", metavar="NAME")
    doctor = _command(
        commands, "doctor", "tools:doctor", "what this machine has, and what to do about what is missing", file=False
    )
    doctor.add_argument("--student", metavar="NAME|PATH", help="with --teacher: what memory the two would take here")
    doctor.add_argument("--teacher", metavar="NAME|PATH", help="a GGUF file")
    doctor.add_argument("--recipe", metavar="NAME|PATH", default="pada", help="whose batches and lengths (pada)")
    tui = _command(commands, "tui", "tools:open_tui", "the terminal app", file=False, json=False)
    tui.add_argument("file", type=Path, nargs="?", metavar="FILE", help="project file (*.duckdb)")
    _add_keys(tui)
    replay = _command(commands, "replay", "tools:replay", "a stored run again, in the terminal app, at any speed", json=False)
    replay.add_argument("run", metavar="RUN", help="id, start of an id, or recipe name")
    replay.add_argument("--speed", type=float, default=1.0, metavar="N", help="times the run's own speed (1); keys change it")
