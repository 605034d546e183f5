"""What a run uses of the machine: figures of living processes, and a thread that ends with its run."""

import threading

from pada_local.events import Resources
from pada_local.watch import Watch


class Writer:
    def __init__(self, mib: int) -> None:
        self.mib, self.written = mib, 0

    def memory_mib(self) -> int:
        return self.mib

    def tokens(self) -> int:
        self.written += 1000
        return self.written


def test_figures_add_up_and_the_pace_is_since_the_look_before():
    told = []
    watch = Watch("r", Writer(100), [Writer(200), Writer(300)], told.append)
    first, second = watch.look(), watch.look()
    assert isinstance(first, Resources) and first.run_id == "r"
    assert (first.worker_mib, first.teacher_mib) == (100, 500)
    assert first.host_mib > 5 and first.free_mib > 5
    assert second.teacher_tokens_per_s > 0


def test_the_thread_ends_with_the_run(monkeypatch):
    monkeypatch.setattr("pada_local.watch.EVERY_S", 0.001)
    told, seen = [], threading.Event()

    def emit(event):
        told.append(event)
        seen.set()

    with Watch("r", Writer(1), [Writer(1)], emit):
        assert seen.wait(10)
    count = len(told)
    assert "watch" not in {thread.name for thread in threading.enumerate()} and len(told) == count
