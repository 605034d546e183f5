"""What front ends call: attach to a project's host, start one, or open the file for a short question.

A `Session` answers the same questions on both ways. It imports nothing heavy: the terminal app and `pada status` start fast.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pada_local import events
from pada_local.errors import BusyError, Interrupted, LockedError, MissingError, PadaError, UsageError
from pada_local.host import starting, wire
from pada_local.recipe import Recipe
from pada_local.runtime import keys, recent
from pada_local.runtime.recipes import find_recipe as find_recipe
from pada_local.runtime.recipes import recipe_folders as recipe_folders
from pada_local.teacher.protocol import Piece


class _Said(msgspec.Struct, frozen=True):
    """A line after `subscribe`."""

    seq: int = 0
    event: events.AnyEvent | None = None
    outcome: dict[str, Any] | None = None


_SAID = msgspec.json.Decoder(_Said)


class Session:
    """A project as a front end sees it. Use as a context manager."""

    def __init__(self, path: Path, connection: socket.socket | None = None, project: Any = None) -> None:
        self.path, self.outcome = path, {}
        self.backlog = 0
        """How many of the events that `events` gives were stored before it was called."""
        self._connection, self._project = connection, project
        self._lines = wire.lines(connection) if connection is not None else iter(())

    @classmethod
    def open(cls, path: Path, remember: bool = True) -> "Session":
        """Attach to the file's host, or open the file itself when it has none. Raises MissingError, StoreError, BusyError.

        Who only looks at a list of projects does not `remember` this one as used.
        """
        path = _existing(path)
        deadline = time.monotonic() + 10
        while True:
            if (connection := starting.connect(path)) is not None:
                session = cls(path, connection)
                break
            try:
                session = cls(path, project=_open_file(path))
                break
            except BusyError:
                # A host that is starting or ending, or another short command: it answers or lets go in a moment.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        if remember:
            recent.remember(path)
        return session

    @classmethod
    def attach(cls, path: Path) -> "Session | None":
        """Attach to the file's host; None when it has none."""
        path = _existing(path)
        connection = starting.connect(path)
        return cls(path, connection) if connection is not None else None

    @classmethod
    def start_host(cls, path: Path) -> "Session":
        """Attach to the file's host and start one first when there is none."""
        path = _existing(path)
        deadline = time.monotonic() + starting.HOST_SECONDS
        while True:
            if (connection := starting.connect(path)) is not None:
                recent.remember(path)
                return cls(path, connection)
            try:
                _start_host(path)
            except BusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    @property
    def has_host(self) -> bool:
        """Whether a host answers, and not the file itself."""
        return self._connection is not None

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the host, or close the file."""
        if self._connection is not None:
            self._connection.close()
        if self._project is not None:
            self._project.close()
        self._connection = self._project = None

    def hang_up(self) -> None:
        """End what another thread is reading here: its `events` raise Interrupted."""
        if self._connection is not None:
            with contextlib.suppress(OSError):  # it may be over already
                self._connection.shutdown(socket.SHUT_RDWR)

    def ask(self, op: str, **words: Any) -> Any:
        """One question, one answer. Raises the host's PadaError here."""
        question = {"op": op, **words}
        if self._project is not None:
            from pada_local.host.answers import answer  # brings the report's statistics along: only when they are needed

            return answer(self._project, question)
        if self._connection is None:
            raise UsageError("This session is closed.")
        try:
            self._connection.sendall(wire.encode(question))
            reply = msgspec.json.decode(next(self._lines))
        except (OSError, StopIteration):
            raise _host_lost(self.path) from None
        if not reply.get("ok"):
            raise wire.error_from_wire(reply.get("error", {}))
        return reply["value"]

    def status(self) -> dict[str, Any]:
        """Settings, counts, runs, and what a live host is doing. Without a host nothing runs, whatever a killed one left."""
        facts = self.ask("status")
        for run in facts["runs"]:
            if run["state"] == "running" and not facts["active"]:
                run["state"], run["reason"] = "paused", "The program that ran it was ended."
        return facts

    def report(self) -> dict[str, Any]:
        return self.ask("report")

    def compare(self, first: str, second: str) -> dict[str, Any]:
        """Two runs by id, start of an id, or recipe name."""
        return self.ask("compare", a=first, b=second)

    def review(self, run: str) -> dict[str, Any]:
        """The strategies or samples of the run's last round that can be decided about (see `review.queue`)."""
        return self.ask("review", run=run)

    def decide(self, run_id: str, subject: str, action: str, **words: str) -> dict[str, Any]:
        """One decision of a person (see `review.decide`); needs a host, since it writes."""
        return self.ask("decide", run=run_id, subject=subject, action=action, words=words)

    def start(self, recipe: Recipe, seed: int, part: str = "") -> int:
        """Start a run or go on with it; returns the number from which its events are to be read.

        `part` is a study's: "train" ends before the test examples are looked at, "test" looks at them.
        """
        return self.ask("start", recipe=msgspec.to_builtins(recipe), seed=seed, part=part)["since"]

    def voices(self) -> list[dict[str, Any]]:
        """Who can be asked: the base, every trained round, the teacher (see `look.voices`)."""
        return self.ask("voices")

    def talk(self, prompt: str, who: str, run: str = "") -> Iterator[Piece]:
        """A free answer of base, teacher or round:N of a run, piece by piece, the last of kind `end`; needs a host.

        Until it has ended nothing else can be asked here; `hush` ends it, and so does leaving the iteration. An exception
        out of a signal while a piece is waited for uses the session up: a handler should call `hush` instead.
        Raises UsageError while a run needs the memory, MissingError, StudentError, TeacherError.
        """
        if self._project is not None:
            raise UsageError("Only a host can answer.", "This file was opened without one.")
        self.ask("talk", prompt=prompt, who=who, run=run)
        told = self._told()
        try:
            for said in told:
                if "piece" not in said:
                    if error := said.get("error"):
                        raise wire.error_from_wire(error)
                    return
                yield msgspec.convert(said["piece"], Piece)
        except GeneratorExit:
            self.hush()
            while "piece" in next(told, {}):
                pass
            raise
        raise _host_lost(self.path)

    def _told(self) -> Iterator[dict[str, Any]]:
        with contextlib.suppress(OSError):
            for line in self._lines:
                yield msgspec.json.decode(line)

    def hush(self) -> None:
        """End the answer that is on its way here; from any thread or signal handler, at any time."""
        if self._connection is not None:
            with contextlib.suppress(OSError):  # it may be over already
                self._connection.sendall(wire.encode({"op": "hush"}))

    def end_run(self, how: str, timeout_s: float = 20.0) -> bool:
        """`how` is pause or stop. Waits until the run has ended; False when nothing ran."""
        if not self.has_host or not self.ask(how)["asked"]:
            return False
        deadline = time.monotonic() + timeout_s
        try:
            while self.ask("status")["active"]:
                if time.monotonic() > deadline:
                    raise PadaError("The run has not ended yet.", f"It was told to {how}; the step it is in takes long.")
                time.sleep(0.1)
        except Interrupted:
            pass  # a host that was told to stop leaves when its run has ended
        return True

    def events(self, since: int = 0, forever: bool = False) -> Iterator[tuple[int, events.Event]]:
        """Numbered events, stored ones first, then live ones, until the run ends; `outcome` says how it ended.

        `forever` goes on with the next run's, whoever starts it, until `hang_up`.

        Uses this session up: no other question can be asked of it afterwards. Raises Interrupted when the host is lost.
        """
        if self._connection is None:
            return
        self.backlog = self.ask("subscribe", **{"from": since})["stored"]
        try:
            for line in self._lines:
                said = _SAID.decode(line)
                if said.event is not None:
                    yield said.seq, said.event
                elif said.outcome is not None:
                    self.outcome = said.outcome
                    if not forever:
                        return
                else:
                    break
        except OSError:
            pass
        raise _host_lost(self.path)


@contextlib.contextmanager
def open_alone(path: Path, encryption: bool = False) -> Iterator[Any]:
    """The open project of a file that nothing else uses, for work that a run must not meet. Raises BusyError, MissingError."""
    path = _existing(path)
    if (host := starting.connect(path)) is not None:
        host.close()
        raise BusyError("The project is in use.", "Its host has the file open.", f"End it first: pada stop {path}")
    with _open_file(path, encryption) as project:
        yield project


def create_project(path: Path, settings: dict[str, str], examples: Iterable[Any], key: str = "") -> None:
    """Make a project file: complete or not at all. Raises UsageError when the path is taken, MissingError without a folder."""
    from pada_local.store.project import Project

    check_new_path(path)
    Project.create(path, settings, examples, key).close()
    recent.remember(path)


def check_new_path(path: Path) -> None:
    """Raises what `create_project` would raise for this path, so that nobody waits for it."""
    _check_name(path)
    if os.path.lexists(path):
        raise UsageError(f"{path} exists already.", "A project is never overwritten.", "Choose another name, or remove the file.")
    if not path.parent.is_dir():
        raise MissingError(f"The folder {path.parent} does not exist.", "", f"Make it: mkdir -p {path.parent}")


def memory_plan(student: str, teacher: str, recipe: Recipe) -> list[tuple[str, bool, str]]:
    """(what, whether it fits, words) about training, evaluation, teacher and both together; nothing is loaded.

    Raises MissingError for models that are not there or do not say their sizes, UsageError for a teacher behind an address
    and for a draft model that does not go with the teacher.
    """
    from pada_local.runtime import catalog, drafts, plan

    if teacher.startswith(("http://", "https://")):
        raise UsageError("The memory of a server cannot be planned from here.", teacher, "Name a GGUF file.")
    folder, file = catalog.resolve(student, "student"), catalog.resolve(teacher, "teacher")
    drafted = recipe.teacher.draft and not recipe.loop.reproducible
    draft = drafts.draft_of(recipe.teacher.draft, file) if drafted else None
    return plan.sentences(plan.for_models(folder, file, plan.wish_of(recipe), draft))


def find_unfinished(runs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The run that `pada run` without a recipe goes on with: the newest one that has not come to its end."""
    return next((run for run in reversed(runs) if run["state"] not in ("done", "held")), None)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise MissingError(
            f"There is no project file {path}.", "", f"Make one: pada new {path} --train FILE.jsonl … (or: pada demo)"
        )
    real = Path(os.path.realpath(path))
    _check_name(real)
    return real


def _check_name(path: Path) -> None:
    """DuckDB and the socket's messages take UTF-8 only; a file's name may be any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        told = f"It is {str(path)!a}."
        raise UsageError("The name of this file, or of a folder above it, is no UTF-8 text.", told, "Rename it.") from None


def _open_file(path: Path, encryption: bool = False) -> Any:
    from pada_local.store.project import Project

    key = keys.ring.known(path)
    try:
        return Project.open(path, key=key, encryption=encryption)
    except LockedError:
        if key:
            raise
    return _with_key(path, lambda key: Project.open(path, key=key, encryption=encryption))


def _with_key(path: Path, open_it: Callable[[str], Any]) -> Any:
    """Open an encrypted file with the key that the person gives. Raises LockedError when there is none or it does not fit.

    A key out of the keyring may be of an earlier day: when it does not fit, the person is asked.
    """
    while True:
        key = keys.ring.key_for(path)
        try:
            opened = open_it(key)
        except LockedError:
            if not keys.ring.refused(path):
                raise
            continue
        try:
            keys.ring.remember(path, key)
        except BaseException:
            if opened is not None:
                opened.close()
            raise
        return opened


def _start_host(path: Path) -> None:
    key = keys.ring.known(path)
    try:
        starting.spawn(path, key)
    except LockedError:
        if key:
            raise
        _with_key(path, lambda key: starting.spawn(path, key))


def _host_lost(path: Path) -> Interrupted:
    fix = f"Go on with 'pada run {path}'."
    return Interrupted("The host of this project has ended.", "Everything committed so far is kept.", fix)
