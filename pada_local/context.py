"""All that a stage or a method may touch: the recipe, the rows, the student, the teacher, a way to speak and to be stopped."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pada_local.data.subset import training_subset
from pada_local.errors import Interrupted
from pada_local.events import Event
from pada_local.recipe import Recipe
from pada_local.records import Example, Row
from pada_local.student.protocol import Clustering, Generate, Step, Train
from pada_local.teacher.protocol import Answer, Ask

AnyRow = TypeVar("AnyRow", bound=Row)


class Rows(Protocol):
    """Typed access to the project file (see `store.project`)."""

    def put(self, *rows: Row) -> None:
        """Insert rows in one transaction; a row whose primary key is there already is left as it is."""

    def replace(self, *rows: Row) -> None:
        """Insert rows or replace those with the same primary key, in one transaction."""

    def get(self, kind: type[AnyRow], /, **where: Any) -> list[AnyRow]:
        """Rows whose columns equal the given values (a list or tuple value means any of them), in order of insertion."""

    def one(self, kind: type[AnyRow], /, **where: Any) -> AnyRow | None: ...

    def count(self, kind: type[Row], /, **where: Any) -> int: ...

    def together(self) -> AbstractContextManager[None]:
        """Everything written inside commits together or not at all."""

    def put_adapter(self, adapter: Row, files: dict[str, bytes], *more: Row) -> None: ...

    def seal(self, run_id: str, stage_key: str, name: str) -> None:
        """Everything written up to here is finished: a link over it is added to the manifest."""

    def adapter_files(self, adapter_id: str) -> dict[str, bytes]: ...


class Student(Protocol):
    """The worker process, started when it is first needed (see `student.client`)."""

    def train(self, job: Train, on_step: Callable[[Step], None]) -> dict[str, Any]: ...

    def generate(self, job: Generate) -> Iterator[tuple[list[int], list[str], list[int]]]: ...

    def generate_facts(self) -> dict[str, Any]: ...

    def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]: ...

    def cluster(
        self, vectors: Sequence[Sequence[float]], k_max: int, seed: int, n_init: int, method: str = "kmeans"
    ) -> Clustering: ...


class Teacher(Protocol):
    """A teacher or judge behind the call cache (see `teacher.asking`): asks only what was not answered before."""

    name: str

    def ask_all(
        self, asks: Sequence[Ask], on_progress: Callable[[int], None] | None = None,
        then: Callable[[int, Answer], Sequence[Ask]] | None = None,
    ) -> list[Answer]:  # fmt: skip
        """Answers in the order of the questions; every one of them is committed before this returns.

        `then` is told of each final answer, in their order, while others are still written; the questions that it returns are
        asked as well, and found when somebody asks them. It may not be called at all, and must not change a result.
        """


@dataclass(frozen=True)
class Outcome:
    """What a stage leaves: counts, rows to insert and rows to replace. They commit together with the stage's done mark."""

    counts: dict[str, int]
    put: Sequence[Row] = ()
    replace: Sequence[Row] = ()


@dataclass
class Context:
    """What one run works with. `settings` are the project's (task card, metric, models, chat family, system text)."""

    run_id: str
    seed: int
    recipe: Recipe
    rows: Rows
    student: Student
    teacher: Teacher
    judge: Teacher
    settings: dict[str, str]
    handover: str
    emit: Callable[[Event], None]
    cancelled: Callable[[], bool]
    round: int = 1
    wave: int = 0
    scratch: dict[str, Any] = field(default_factory=dict)
    ahead: Callable[[Sequence[Row]], list[Ask]] = field(default=lambda rows: [])
    """Questions of later stages that can be asked now that the running stage has made these rows (see `loop.AHEAD`)."""

    def training_examples(self) -> list[Example]:
        """The training examples of this run in file order: all of them, or the share that `loop.train_size` leaves.

        Which ones stay hangs on the run's seed alone, and those of a smaller size are among those of a larger one.
        """
        if "training" not in self.scratch:
            rows = self.rows.get(Example, split="train")
            self.scratch["training"] = training_subset(rows, self.recipe.loop.train_size, self.seed)
        return list(self.scratch["training"])

    def check_cancelled(self) -> None:
        """Raises Interrupted when the run was asked to pause or stop."""
        if self.cancelled():
            raise Interrupted("The run was paused.", "Everything done so far is kept.", "Run it again to go on.")
