"""export: what a project leaves behind, each kind into a new folder."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from pada_local.cli import talk
from pada_local.errors import ExitCode, UsageError
from pada_local.session import Session

MODELS = {"merged": "merged", "gguf": "gguf", "ollama": "ollama"}


def export(options: argparse.Namespace) -> int:
    """One kind of export; 5 when an exported model does not answer as the student does (it is kept)."""
    from pada_local.export.folder import check_target

    to = Path(options.to).absolute()
    check_target(to)
    if options.kind == "openai":
        fix = f"Start it with: pada serve {options.file}"
        raise UsageError("An OpenAI-style server is not a file.", "It is started, not written.", fix)
    if options.kind in MODELS:
        return _model(options, to)
    if options.file.is_dir():
        fix = "A model folder can be exported as merged, gguf or ollama."
        raise UsageError(f"{options.file} is a model folder, and --kind {options.kind} needs a project file.", "", fix)
    with Session.open(options.file) as session:
        done = session.ask(f"export_{options.kind}", to=str(to), run=options.run)
    if options.json:
        talk.facts(done)
        return ExitCode.DONE
    talk.data(done["to"])
    talk.say(_told(options.kind, done))
    return ExitCode.DONE


def _told(kind: str, done: dict[str, Any]) -> str:
    if kind == "adapter":
        return f"Adapter of run {done['run']} (recipe {done['recipe']}, round {done['round']}): {len(done['files'])} files."
    return done["told"]


def _model(options: argparse.Namespace, to: Path) -> int:
    from pada_local.export.models import Wish, check, export_model

    kind = "lora" if options.adapter_only else MODELS[options.kind]
    if options.adapter_only and options.kind != "gguf":
        raise UsageError("--adapter-only goes with --kind gguf.", "", "For PEFT's own files: --kind adapter")
    wish = Wish(kind=kind, types=tuple(options.type.split(",")), dtype=options.dtype, most=options.prompts)
    check(wish)
    bar = talk.Bar()
    with tempfile.TemporaryDirectory(prefix="pada-export-") as folder:
        subject = read_subject(options.file, options.run, Path(folder))
        try:
            report = export_model(subject, to, wish, bar.show, lambda: False)
        finally:
            bar.end()
    text = report.pop("text")
    if options.json:
        talk.facts(report)
    else:
        talk.data(text)
        talk.say(f"\nThe export is in {to}; this report lies in it as parity.txt and parity.json.")
    if report["verdict"] == "differs":
        talk.say("It differs from the student by more than is allowed: look at the first difference before you use it.")
        return ExitCode.FAILED
    return ExitCode.DONE


def read_subject(file: Path, run: str, adapter: Path) -> Any:
    """What is to be exported: the champion of a project (its adapter goes into the folder), or a model folder."""
    from pada_local.export.subject import folder_subject, subject_of

    if file.is_dir():
        return folder_subject(file)
    with Session.open(file) as session:
        facts = session.ask("export_student", to=str(adapter), run=run)
    return subject_of(facts, adapter)
