"""export: what a project leaves behind, each kind into a new folder (a project into a new file)."""

import argparse
import json
import signal
from pathlib import Path
from typing import Any

from pada_local.cli import talk
from pada_local.errors import ExitCode, PadaError, UsageError
from pada_local.export.folder import check_target, new_folder
from pada_local.runtime.private import temporary_folder_for
from pada_local.runtime.safe import safe
from pada_local.session import Session, check_new_path

MODELS = ("merged", "gguf", "ollama", "openai")


def export(options: argparse.Namespace) -> int:
    """One kind of export; 5 when an exported model does not answer as the student does (it is kept)."""
    asked: list[int] = []

    def end(number: int, _frame: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _export(options)
    except PadaError as error:
        if asked:  # the database makes an error of its own of what interrupts it
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _export(options: argparse.Namespace) -> int:
    to = Path(options.to).absolute()
    if options.kind != "project":
        check_target(to)
    if options.kind in MODELS:
        return _model(options, to)
    if options.file.is_dir():
        fix = "A model folder can be exported as merged, gguf, ollama or openai."
        raise UsageError(f"{options.file} is a model folder, and --kind {options.kind} needs a project file.", "", fix)
    makers = {"adapter": _adapter, "dataset": _dataset, "report": _report, "project": _project}
    with Session.open(options.file) as session:
        done, told = makers[options.kind](session, to, options)
    if options.json:
        talk.facts(done)
    else:
        talk.data(to)
        talk.say(told)
    return ExitCode.DONE


Told = tuple[dict[str, Any], str]
"""Facts for programs, and a sentence."""


def _adapter(session: Session, to: Path, options: argparse.Namespace) -> Told:
    done = session.ask("export_adapter", to=str(to), run=options.run)
    return done, f"Adapter of run {done['run']} (recipe {done['recipe']}, round {done['round']}): {len(done['files'])} files."


def _dataset(session: Session, to: Path, options: argparse.Namespace) -> Told:
    from pada_local.export.tables import add_parquet

    with new_folder(to) as folder:
        done = session.ask("export_dataset", to=str(folder), run=options.run)
        add_parquet(folder)
        done |= {"to": str(to), "files": sorted(file.name for file in folder.iterdir())}
    rows = done["rows"]
    told = f"{rows['train']} training rows ({done['synthetic']} written by a teacher) and {rows['validation']} validation rows."
    return done, f"{told} They hold the private examples themselves."


def _report(session: Session, to: Path, _options: argparse.Namespace) -> Told:
    from pada_local.export.html import render_html
    from pada_local.export.text import render_text

    found = session.report()
    pages = {"report.txt": render_text(found), "report.html": render_html(found),
             "report.json": json.dumps(found, ensure_ascii=False, indent=2)}  # fmt: skip
    with new_folder(to) as folder:
        for name, text in pages.items():
            (folder / name).write_text(safe(text) + "\n", encoding="utf-8")
    return {"to": str(to), "files": sorted(pages)}, f"The report as {', '.join(sorted(pages))}."


def _project(session: Session, to: Path, _options: argparse.Namespace) -> Told:
    if to.suffix != ".duckdb":
        raise UsageError(f"A project file's name ends in .duckdb, and {to} does not.", "", f"Use --to {to}.duckdb")
    check_new_path(to)
    done = session.ask("export_project", to=str(to))
    told = f"Checked: none of {done['private_texts']} private texts stands in the {done['checked']} texts of the copy."
    removed = f" {done['removed']} texts quoted an example and were left out." if done["removed"] else ""
    return done, f"{told}{removed} Read its patterns and strategies before you hand it on: they were written about your examples."


def _model(options: argparse.Namespace, to: Path) -> int:
    from pada_local.export.models import Wish, check, export_model

    if options.adapter_only and options.kind != "gguf":
        raise UsageError("--adapter-only goes with --kind gguf.", "", "For PEFT's own files: --kind adapter")
    kind = "lora" if options.adapter_only else options.kind
    wish = Wish(kind=kind, types=tuple(options.type.split(",")), dtype=options.dtype, most=options.prompts)
    check(wish)
    bar = talk.Bar()
    with temporary_folder_for(options.file, "pada-export-") as folder:
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
