"""What a run uses of the machine, told every few seconds: memory of each process, the card, the pace of the teacher."""

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from pada_local.events import Event, Resources
from pada_local.runtime import memory
from pada_local.runtime.process import memory_mib

EVERY_S = 5.0


class Member(Protocol):
    """A student or teacher, as far as it is watched."""

    def memory_mib(self) -> int: ...


class Writer(Member, Protocol):
    """A teacher, whose tokens are counted."""

    def tokens(self) -> int: ...


class Watch:
    """Emits `Resources` from a thread of its own, from `with` to the end of it."""

    def __init__(self, run_id: str, student: Member, teachers: list[Writer], emit: Callable[[Event], None]) -> None:
        self._run_id, self._student, self._teachers, self._emit = run_id, student, teachers, emit
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)
        self._before = (time.monotonic(), 0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.wait(EVERY_S):
            self._emit(self.look())

    def look(self) -> Resources:
        """The figures of this moment; the teacher's pace is that since the look before."""
        now, tokens = time.monotonic(), sum(teacher.tokens() for teacher in self._teachers)
        then, before = self._before
        self._before = (now, tokens)
        cards = memory.gpus()
        return Resources(
            run_id=self._run_id, host_mib=memory_mib(os.getpid()), worker_mib=self._student.memory_mib(),
            teacher_mib=sum(teacher.memory_mib() for teacher in self._teachers), free_mib=memory.available_mib(),
            gpu_mib=sum(card.total_mib - card.free_mib for card in cards),
            teacher_tokens_per_s=max(0, tokens - before) / max(now - then, 1e-6),
        )  # fmt: skip
