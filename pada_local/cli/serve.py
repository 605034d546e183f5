"""serve: the tuned student behind an OpenAI-style API on the loopback address, until Ctrl-C."""

import argparse
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from pada_local.cli import talk
from pada_local.cli.exports import read_subject
from pada_local.errors import ExitCode, MissingError, TeacherError, UsageError
from pada_local.runtime.private import temporary_folder_for

CHECKED_PROMPTS = 64


def serve(options: argparse.Namespace) -> int:
    """Tell address, key and model, and serve until SIGINT or SIGTERM; 5 when the server ends by itself."""
    from pada_local.teacher.serving import Offer, Served, new_key, read_key

    if not 0 <= options.port < 65536:
        raise UsageError(f"There is no port {options.port}.", "", "Choose one from 1024 to 65535, or 0 for any that is free.")
    key = read_key(options.api_key_file) if options.api_key_file else new_key()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _found(options) as (file, name, system, tokens):
            offer = Offer(model=file, name=name, port=options.port, key=key, slots=options.slots, context=options.context,
                          max_tokens=tokens)  # fmt: skip
            with Served(offer) as server:
                _tell(options, server.address, name, "" if options.api_key_file else key, system)
                status = server.wait()
        raise TeacherError("The server ended.", f"Its exit status was {status}.", "Start it with less --context or --slots.")
    except KeyboardInterrupt:
        talk.say("Stopped.")
        return ExitCode.DONE
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(options: argparse.Namespace, address: str, name: str, key: str, system: str) -> None:
    facts = {"base_url": address, "api_key": key, "model": name, "system": system}
    if options.json:
        talk.fact_line(facts)
        return
    talk.data(f"base URL  {address}\nmodel     {name}\nkey       {key or f'in {options.api_key_file}'}")
    if system:
        talk.data(f"system    {system}")
        talk.say("It was trained with this system text: send it in every request.")
    talk.say("Only programs on this machine that know the key can ask. Ctrl-C stops it.")
    talk.flush()


@contextlib.contextmanager
def _found(options: argparse.Namespace) -> Iterator[tuple[Path, str, str, int]]:
    """GGUF file, name, system text and answer length of what is served; a project's student is exported and checked first."""
    given: Path = options.file
    if not given.exists():
        raise MissingError(f"There is nothing at {given}.", "", "Give a project file, an exported folder, or a GGUF file.")
    if given.suffix == ".gguf" or (given.is_dir() and any(given.glob("*.gguf"))):
        file = given if given.is_file() else _only(given)
        yield file, file.stem, "", 512
        return
    from pada_local.export.models import Wish, check, export_model

    wish = Wish(kind="openai", types=(options.type,), most=CHECKED_PROMPTS)
    check(wish)
    bar = talk.Bar()
    with temporary_folder_for(given, "pada-serve-") as folder:
        to = Path(folder) / "export"
        (Path(folder) / "adapter").mkdir()
        subject = read_subject(given, options.run, Path(folder) / "adapter")
        try:
            report = export_model(subject, to, wish, bar.show, lambda: False)
        finally:
            bar.end()
        [line] = report["files"]
        what = "validation prompts are answered as by the student" if subject.items else "texts go on as with the model itself"
        told = f"{line['prompts_agreed']} of {line['prompts_compared']} {what}."
        talk.say(told + ("" if report["verdict"] == "same" else f" It differs: {line['why']}."))
        yield _only(to), subject.name, subject.system, subject.max_new_tokens


def _only(folder: Path) -> Path:
    files = sorted(folder.glob("*.gguf"))
    if len(files) != 1:
        names = ", ".join(file.name for file in files)
        raise UsageError(f"{folder} holds {len(files)} GGUF files.", names, "Name one of them.")
    return files[0]
