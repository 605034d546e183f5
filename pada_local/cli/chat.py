"""chat: ask the base, a round's student or the teacher; each question stands alone and nothing is kept."""

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from typing import Any

from pada_local.cli import talk
from pada_local.errors import ExitCode, PadaError, UsageError
from pada_local.session import Session
from pada_local.teacher.protocol import Heard, hear

HELP = "/who tells who can be asked, /who NAME asks another one (base, teacher, round:2), /quit leaves, Ctrl-C stops an answer."


def chat(options: argparse.Namespace) -> int:
    """Ask and answer until there are no more questions. Returns what the first error asks for; on a terminal errors are told."""
    with Session.start_host(options.file) as session:
        asker = Asker(session, options.json)
        asker.choose(options.who, options.run)
        if sys.stdin.isatty() and not options.json:
            talk.say(f"Asking {asker.voice['name']}. Each question stands alone; nothing of it is stored.\n{HELP}")
            _converse(asker, _typed())
            return ExitCode.DONE
        return _converse(asker, _read(options.json))


class Asker:
    """Who is asked, and how the answer is shown."""

    def __init__(self, session: Session, as_json: bool) -> None:
        self.session, self.as_json = session, as_json
        self.voices = session.voices()
        self.voice = self.voices[0]

    def choose(self, who: str, run: str = "") -> None:
        """The named voice; without a name the champion of the run, or of the newest run. Raises UsageError."""
        if not run and ":" in who:
            run = self.voice["run"] or next((one["run"] for one in reversed(self.voices) if one["run"]), "")
        rounds = [one for one in self.voices if one["run"] and (one["run"].startswith(run) or one["recipe"] == run)]
        if run and len({one["run"] for one in rounds}) != 1:
            known = sorted({f"{one['run'][:10]} ({one['recipe']})" for one in rounds or self.voices if one["run"]})
            what = f"'{run}' fits several trained runs." if rounds else f"There is no trained run '{run}'."
            fix = "Name one by its id, the start of it, or its recipe."
            raise UsageError(what, f"There are: {', '.join(known) or 'none'}.", fix)
        if not who:
            best = [one for one in rounds if one["best"]]
            self.voice = best[-1] if best else self.voices[0]
            return
        fits = [one for one in [*rounds, *self.voices] if one["who"] == who]
        if not fits:
            known = dict.fromkeys(one["who"] for one in self.voices)
            raise UsageError(f"There is nobody called '{who}' to ask.", f"There are: {', '.join(known)}.")
        self.voice = fits[0]

    def ask(self, prompt: str) -> None:
        """Show the answer while it comes; Ctrl-C stops it. Raises PadaError."""
        heard = Heard()
        before = signal.signal(signal.SIGINT, lambda *_: self.session.hush())
        notes = talk.Bar()
        try:
            for piece in self.session.talk(prompt, self.voice["who"], self.voice["run"]):
                self._show(piece.kind, piece.text, heard, notes)
                heard = hear(heard, piece)
        finally:
            signal.signal(signal.SIGINT, before)
            notes.end()
            if heard.text and not self.as_json:
                talk.data("")
        if self.as_json:
            answer = {"who": self.voice["who"], "run": self.voice["run"], "prompt": prompt, "answer": heard.text}
            talk.fact_line(answer | {"thought": heard.thought, "ended": heard.ended or ""})
        elif heard.ended:
            talk.say(heard.ended)

    def _show(self, kind: str, text: str, heard: Heard, notes: talk.Bar) -> None:
        if self.as_json:
            return
        if kind == "note":
            notes.tell(text)
            return
        notes.end()
        if kind == "text":
            talk.flow(text)
        elif kind == "rethought":
            talk.data("")
            talk.say("(What came so far was thinking; the answer begins here.)")
        elif kind == "thought":
            notes.tell(f"thinking: …{(heard.thought + text)[-60:]}")


def _converse(asker: Asker, lines: Iterator[str]) -> int:
    """A question or a command a line; a trouble is told and the next one taken. Returns the first trouble's exit code."""
    code = int(ExitCode.DONE)
    for line in lines:
        words = line.split()
        try:
            if words[:1] == ["/quit"]:
                break
            if words[:1] == ["/who"]:
                _who(asker, words[1:])
            elif words[:1] == ["/help"]:
                talk.say(HELP)
            elif words:
                asker.ask(line)
        except PadaError as error:
            talk.complain(error)
            code = code or int(error.exit_code)
            if _lost(asker.session):
                break
    return code


def _lost(session: Session) -> bool:
    """Whether the host is gone, so that no question can be asked any more."""
    try:
        session.ask("ping")
    except PadaError:
        return True
    return False


def _who(asker: Asker, words: list[str]) -> None:
    if words:
        asker.choose(words[0], words[1] if len(words) > 1 else "")
        talk.say(f"Asking {asker.voice['name']}.")
        return
    asker.voices = asker.session.voices()
    rows = []
    for one in asker.voices:
        score = "" if one["validation"] is None else f"{one['validation']:.3f}"
        marks = ["asked now"] * (one == asker.voice) + ["best"] * one["best"]
        rows.append([one["who"], one["name"], one["run"][:10], score, ", ".join(marks)])
    talk.say(talk.table(rows, ["who", "name", "run", "validation", ""]))


def _typed() -> Iterator[str]:
    """Lines typed at a terminal, with a history that ends with the program; Ctrl-C clears the line, Ctrl-D ends."""
    import readline  # noqa: F401  makes input() a line editor; nothing of its history is written anywhere

    while True:
        try:
            yield input("> ")
        except KeyboardInterrupt:
            talk.say("")
        except EOFError:
            talk.say("")
            return


def _read(as_json: bool) -> Iterator[str]:
    """Lines of a pipe. With --json a line that is a JSON string stands for its text, which may have several lines."""
    for line in sys.stdin:
        text = line.rstrip("\r\n")
        yield _decoded(text) if as_json and text.startswith('"') else text


def _decoded(line: str) -> str:
    try:
        value: Any = json.loads(line)
    except ValueError:
        return line
    return value if isinstance(value, str) else line
