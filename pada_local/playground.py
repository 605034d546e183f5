"""The playground: the base student, any round's student or the teacher answer a free prompt, piece by piece.

Each question stands alone, as an example does in an evaluation, and is asked in the same way: the same chat format, system
text, greedy decoding and limit of tokens. Nothing of it is stored.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pada_local.crew import chat_family, source_of
from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.errors import Interrupted, PadaError, UsageError
from pada_local.export.report import find_run
from pada_local.recipe import Recipe, Teacher
from pada_local.records import Adapter, RecipeRow, Round, Run, Setting
from pada_local.runtime import memory
from pada_local.runtime.catalog import resolve
from pada_local.student.client import StudentClient
from pada_local.student.protocol import Answered, Said, Talk
from pada_local.teacher.inprocess import InProcess
from pada_local.teacher.loopback import is_address
from pada_local.teacher.protocol import Backend, Piece

BASE, ROUND, TEACHER = "base", "round", "teacher"
ANSWER_TOKENS = 1024
"""Longest answer of the teacher; a student has what its recipe's evaluation gives it."""
PROMPT_CHARACTERS = 200_000
WORKER_MIB = 400
"""What PyTorch takes beside the weights, about."""
TICK_S = 0.1
GRACE_S = 2.0
"""How long an answer may take to end by itself before its model's process is ended."""
STOPPED = "It was stopped."
ENDED = {"stop": "", "length": "It was cut off at evaluate.max_new_tokens.", "cut": STOPPED}
ALONE = Recipe(name="playground", teacher=Teacher(slots=1, restarts=1))


class Question(NamedTuple):
    """A prompt and what is needed to ask it; `job` is None for the teacher."""

    seat: str
    name: str
    prompt: str
    job: Talk | None = None


def needs_mib(settings: dict[str, str]) -> tuple[int, int]:
    """About what one copy of the student and the teacher take while they answer. Raises MissingError."""
    weights = sum(file.stat().st_size for file in resolve(settings["student"]).glob("*.safetensors")) // 2**20
    # Weights lie on disk in 16 bits and answer in 32.
    student = 2 * weights + WORKER_MIB
    if is_address(settings["teacher"]):
        return student, 0
    return student, resolve(settings["teacher"]).stat().st_size * 5 // 4 // 2**20 + WORKER_MIB


def check_room_beside_run(project: Any, path: Path) -> None:
    """Raises UsageError unless the playground's models can be had while a run of the project goes on."""
    student, teacher = needs_mib(_settings(project))
    fix = f"Ask again when it has ended, or pause it: pada pause {path}"
    if memory.gpus():
        detail = "Its student and teacher take turns on the graphics card, and there is no turn for the playground."
        raise UsageError("A run is using the models of this project.", detail, fix)
    # The run may not have loaded its own yet, and training takes the student's weights about twice.
    wanted, free = max(student, teacher) + 2 * student + teacher, memory.available_mib()
    if wanted > free:
        detail = f"A second copy beside it needs {wanted:,} MiB of free memory; there are {free:,}."
        raise UsageError("A run is using the models of this project.", detail, fix)


def _settings(project: Any) -> dict[str, str]:
    return {"system": ""} | {row.key: row.value for row in project.get(Setting)}


class Playground:
    """Models that answer; each is loaded with its first question and stays until `close`, which is final.

    Where they fit into memory side by side, base, round and teacher answer at the same time; else they take turns, and
    whoever comes ends the others. `private` is a folder for hand-over files and logs.
    """

    def __init__(self, project: Any, private: Path, in_turns: bool = False) -> None:
        self._project, self._private, self._settings = project, private, _settings(project)
        student, teacher = needs_mib(self._settings)
        cards = memory.gpus()
        free = cards[0].free_mib if cards else memory.available_mib()
        self.in_turns = in_turns or not memory.fit_together(2 * student, teacher, free)
        only = threading.Lock()
        self._locks = {seat: only if self.in_turns else threading.Lock() for seat in (BASE, ROUND, TEACHER)}
        self._students: dict[str, StudentClient] = {}
        self._teacher: Backend | None = None
        self._closed = ""

    def question(self, who: str, run: str, prompt: str) -> Question:
        """What is asked of whom. Raises UsageError, MissingError."""
        if not prompt.strip() or len(prompt) > PROMPT_CHARACTERS:
            raise UsageError("A prompt must have text, and no more than 200,000 characters.")
        if who == TEACHER:
            system = self._settings["system"]
            # In front of the prompt, since not every teacher's chat format has a place for system text.
            return Question(TEACHER, self._settings["teacher"], f"{system}\n\n{prompt}" if system else prompt)
        if who == BASE:
            return self._ask_student(BASE, "", self._recipe(find_run(self._project.get(Run), run) if run else None), prompt)
        kind, _, number = who.partition(":")
        if kind != ROUND or not number.isdigit():
            raise UsageError(f"There is nobody called '{who}' to ask.", "Known: base, teacher, round:N (such as round:2).")
        found = find_run(self._project.get(Run), run)
        row = self._project.one(Round, run_id=found.id, number=int(number))
        if row is None or not row.adapter_id or self._project.one(Adapter, id=row.adapter_id) is None:
            known = [str(row.number) for row in self._project.get(Round, run_id=found.id) if row.adapter_id]
            detail = f"Run {found.id[:10]} has {'round ' + ', '.join(known) if known else 'no trained round yet'}."
            raise UsageError(f"There is no trained student of round {number}.", detail)
        return self._ask_student(ROUND, row.adapter_id, self._recipe(found), prompt)

    def _ask_student(self, seat: str, adapter_id: str, recipe: Recipe, prompt: str) -> Question:
        student, evaluate = resolve(self._settings["student"]), recipe.evaluate
        chat = chat_family(student)
        job = Talk(
            base=str(student), adapter=self._materialise(adapter_id),
            prompt=prompt_and_answer(chat, self._settings["system"], prompt, "")[0], stop=end_token(chat),
            max_new_tokens=evaluate.max_new_tokens, dtype=evaluate.dtype, threads=int(self._settings.get("threads", "0")),
        )  # fmt: skip
        return Question(seat, student.name, prompt, job)

    def _recipe(self, run: Run | None) -> Recipe:
        """Whose evaluation sets limit and arithmetic: the run's, else the newest run's, else the usual ones."""
        run = run or next(iter(reversed(self._project.get(Run))), None)
        row = self._project.one(RecipeRow, id=run.recipe_id) if run else None
        return msgspec.json.decode(row.body, type=Recipe) if row else ALONE

    def _materialise(self, adapter_id: str) -> str:
        if not adapter_id:
            return ""
        folder = self._private / f"talk-{adapter_id}"
        if not folder.exists():
            files = self._project.adapter_files(adapter_id)
            folder.mkdir(parents=True)
            for name, content in files.items():
                (folder / name).write_bytes(content)
        return str(folder)

    # --- answers

    def answer(self, question: Question, over: Callable[[], bool]) -> Iterator[Piece]:
        """Pieces, the last of kind `end`. Ends early when `over` says so, or the playground is closed. Raises PadaError."""

        def is_over() -> bool:
            return bool(self._closed) or over()

        lock, waiting = self._locks[question.seat], False
        while not lock.acquire(timeout=TICK_S):
            if is_over():
                yield Piece("end", self._closed or STOPPED)
                return
            if not waiting:
                waiting = True
                yield Piece("note", "waits for another answer")
        try:
            if not is_over():
                yield from self._ask_model(question, is_over)
                return
        except PadaError as error:
            if not self._closed and not (isinstance(error, Interrupted) and over()):
                raise
        finally:
            if self._closed:
                self._end_models([question.seat])
            lock.release()
        yield Piece("end", self._closed or STOPPED)

    def _ask_model(self, question: Question, over: Callable[[], bool]) -> Iterator[Piece]:
        if self.in_turns:
            self._end_models([BASE, ROUND] if question.seat == TEACHER else [TEACHER])
        if question.job is None:
            yield from self._ask_teacher(question, over)
            return
        seat = self._chair(question.seat)
        if seat not in self._students:
            self._students[seat] = StudentClient(self._private / f"student-{seat}", question.job.threads)
        client = self._students[seat]
        if not client.pid:
            yield Piece("note", f"loading {question.name}")
        ended = STOPPED
        for message in client.talk(question.job, over):
            if isinstance(message, Said):
                yield Piece("text", message.text)
            elif isinstance(message, Answered):
                ended = ENDED[str(message.facts["ended"])]
        yield Piece("end", self._closed or ended)

    def _ask_teacher(self, question: Question, over: Callable[[], bool]) -> Iterator[Piece]:
        if self._teacher is None:
            yield Piece("note", "loading the teacher")
            self._teacher = source_of(question.name, ALONE, self._private / "teacher", lambda text: None).open()
        for piece in self._teacher.talk(question.prompt, ANSWER_TOKENS, over):
            # A teacher that is told to stop does not know why; whoever asked should.
            yield Piece("end", self._closed) if piece.kind == "end" and self._closed else piece

    def close(self, reason: str = STOPPED, grace_s: float = GRACE_S) -> None:
        """End all answers, which say `reason`, and all models."""
        self._closed = reason
        for seat, lock in self._locks.items():
            ended = lock.acquire(timeout=grace_s)
            try:
                # A model inside this process cannot be ended under the answer that uses it: that answer ends it.
                if ended or seat != TEACHER or not isinstance(self._teacher, InProcess):
                    self._end_models([seat])
            finally:
                if ended:
                    lock.release()

    def _chair(self, seat: str) -> str:
        """In turns, base and rounds share one worker."""
        return BASE if self.in_turns and seat == ROUND else seat

    def _end_models(self, seats: Sequence[str]) -> None:
        for seat in map(self._chair, seats):
            if seat == TEACHER:
                teacher, self._teacher = self._teacher, None
                if teacher is not None:
                    teacher.close()
            elif client := self._students.pop(seat, None):
                client.close()
