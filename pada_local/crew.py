"""The models of a run: student worker, teacher and judge, made from the project's settings; taking turns on one card."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pada_local.context import Rows
from pada_local.data.chat import family_of
from pada_local.errors import MissingError
from pada_local.events import Event, ModelLoading, ModelReady, Note
from pada_local.recipe import Recipe
from pada_local.runtime import allowed, memory
from pada_local.runtime.cache import must_hold
from pada_local.runtime.catalog import find_model, resolve
from pada_local.runtime.drafts import draft_of
from pada_local.runtime.examine import gguf_shape, gguf_template
from pada_local.student.client import StudentClient
from pada_local.student.protocol import Clustering, Generate, Step, Train
from pada_local.teacher.asking import CachedTeacher
from pada_local.teacher.backends import open_backend
from pada_local.teacher.loopback import Loopback, is_address, read_address
from pada_local.teacher.protocol import Answer, Ask, Backend
from pada_local.teacher.settings import Settings, identity
from pada_local.teacher.sitting import Then

SERVER_FAMILIES = {"chatml": "chatml", "llama-3": "llama3", "gemma": "gemma", "phi-3": "phi3", "none": "chatml", "plain": ""}
"""Template families of GGUF files as llama-server calls them; "" runs the file's own template inside the server."""
HASHED = ("model.safetensors", "model.safetensors.index.json", "config.json", "tokenizer.json", "tokenizer_config.json")


class Crew(NamedTuple):
    """The models of a run. `settings` are the project's with paths resolved and hashes added."""

    student: "Student"
    teacher: "Teacher"
    judge: "Teacher"
    settings: dict[str, str]

    def close(self) -> None:
        """End every child."""
        for member in (self.student, *self.teachers):
            member.close()

    @property
    def teachers(self) -> "list[Teacher]":
        """Teacher and judge, once where they are one."""
        return list({id(member): member for member in (self.teacher, self.judge)}.values())


class Turns:
    """On one card, student and teacher take turns: whoever comes ends the other, so that its memory is really free."""

    def __init__(self, exclusive: bool) -> None:
        self._exclusive, self._members = exclusive, list[Any]()

    def join(self, member: Any) -> None:
        self._members.append(member)

    def take(self, member: Any) -> None:
        """Called before a member uses its model."""
        for other in self._members if self._exclusive else ():
            if other is not member:
                other.close()


class Student:
    """`context.Student` with turns."""

    def __init__(self, client: StudentClient, turns: Turns) -> None:
        self._client, self._turns = client, turns
        turns.join(client)

    def train(self, job: Train, on_step: Callable[[Step], None]) -> dict[str, Any]:
        self._turns.take(self._client)
        return self._client.train(job, on_step)

    def generate(self, job: Generate) -> Iterator[tuple[list[int], list[str], list[int]]]:
        self._turns.take(self._client)
        return self._client.generate(job)

    def generate_facts(self) -> dict[str, Any]:
        return self._client.generate_facts()

    def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        self._turns.take(self._client)
        return self._client.embed(model, texts)

    def cluster(
        self, vectors: Sequence[Sequence[float]], k_max: int, seed: int, n_init: int, method: str = "kmeans"
    ) -> Clustering:
        return self._client.cluster(vectors, k_max, seed, n_init, method)

    def memory_mib(self) -> int:
        return self._client.memory_mib()

    def close(self) -> None:
        self._client.close()


class Teacher:
    """`context.Teacher` with turns."""

    def __init__(self, cached: CachedTeacher, turns: Turns) -> None:
        self._cached, self._turns, self.name = cached, turns, cached.name
        turns.join(cached)

    def ask_all(
        self, asks: Sequence[Ask], on_progress: Callable[[int], None] | None = None, then: Then | None = None
    ) -> list[Answer]:
        self._turns.take(self._cached)
        return self._cached.ask_all(asks, on_progress, then)

    def memory_mib(self) -> int:
        return self._cached.memory_mib()

    def tokens(self) -> int:
        """Tokens written so far; what was found in the file costs none."""
        return self._cached.counts["answer_tokens"]

    def close(self) -> None:
        self._cached.close()


def assemble(
    rows: Rows, recipe: Recipe, settings: dict[str, str], private: Path,
    emit: Callable[[Event], None], cancelled: Callable[[], bool],
) -> Crew:  # fmt: skip
    """Name and prepare the models; nothing is loaded before it is needed. Raises MissingError."""
    student = resolve(settings["student"])

    def say(text: str) -> None:
        emit(Note(text=text))

    teacher = source_of(settings["teacher"], recipe, private / "teacher", say)
    named = settings.get("judge") or settings["teacher"]
    # The draft model is the teacher's: a judge of its own may have another vocabulary.
    alone = msgspec.structs.replace(recipe, teacher=msgspec.structs.replace(recipe.teacher, draft=""))
    judge = teacher if named == settings["teacher"] else source_of(named, alone, private / "judge", say)
    known = {
        **settings, "student": str(student), "student_hash": folder_hash(student), "chat": chat_family(student),
        "teacher": teacher.identity, "judge": judge.identity, "system": settings.get("system", ""),
    }  # fmt: skip
    turns = Turns(exclusive=bool(memory.gpus()))
    client = StudentClient(private / "student", int(settings.get("threads", "0")), emit, cancelled)
    first = _teacher(rows, teacher, "teacher", emit, cancelled, turns)
    same = judge.identity == teacher.identity
    second = first if same else _teacher(rows, judge, "judge", emit, cancelled, turns)
    return Crew(Student(client, turns), first, second, known)


class Source(NamedTuple):
    """A teacher before it is loaded: its name in every call's key, what people call it, and how it is opened."""

    identity: str
    name: str
    open: Callable[[], Backend]


def source_of(named: str, recipe: Recipe, folder: Path, say: Callable[[str], None]) -> Source:
    """A model file, prompted in its own chat format and with the recipe's draft model, or a server that the user started.

    Raises MissingError, UsageError.
    """
    if is_address(named):
        address = read_address(named)
        return Source(address.identity, address.model, lambda: Loopback(address, Settings.of(recipe), say))
    model = resolve(named)
    family = SERVER_FAMILIES[gguf_template(model)]
    if not family:
        allowed.must_be_allowed(model)
    draft = draft_of(recipe.teacher.draft, model) if recipe.teacher.draft else None
    used = Settings.of(recipe, family, draft)
    if used.cache != "f16":
        must_hold(used.cache, gguf_shape(model), model.name)

    def opened() -> Backend:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_backend(str(model), used, folder)

    return Source(identity(model, family, used.cache), model.name, opened)


def check_teacher(named: str) -> str:
    """What a project keeps of a teacher that was named: a model's name or path, or a server's address."""
    if is_address(named):
        read_address(named)
        return named
    return find_model(named, "teacher")


def _teacher(rows: Rows, source: Source, role: str, emit, cancelled, turns: Turns) -> Teacher:
    def backend() -> Backend:
        emit(ModelLoading(role=role, model=source.name))
        opened = source.open()
        emit(ModelReady(role=role, model=source.name))
        return opened

    return Teacher(CachedTeacher(rows, backend, source.identity, cancelled=cancelled), turns)


def folder_hash(folder: Path) -> str:
    """SHA-256 over the files that decide what a student answers. Raises MissingError for a folder without weights."""
    digest, found = hashlib.sha256(), 0
    for name in (*HASHED, *sorted(file.name for file in folder.glob("model-*.safetensors"))):
        file = folder / name
        if file.is_file():
            found += name.endswith(".safetensors")
            with open(file, "rb") as stream:
                digest.update(f"{name}:".encode() + hashlib.file_digest(stream, "sha256").digest())
    if not found:
        fix = "Give a folder with config.json, tokenizer.json and safetensors weights."
        raise MissingError("There are no weights in the student's folder.", os.fspath(folder), fix)
    return digest.hexdigest()[:32]


def chat_family(folder: Path) -> str:
    """The family whose chat format the student gets; plain when nothing in its folder names one."""

    def read(name: str) -> dict[str, Any]:
        file = folder / name
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    return family_of(read("tokenizer_config.json"), str(read("config.json").get("model_type", "")))
