"""What the loop itself costs beside its models, and the project file: `make bench-loop`.

    python benchmarks/loop.py [--quick] [--to build/bench-loop]

The demo's pada arm runs in this process, which is what a project's host is. Time counts as *models* while a loaded student does a
job or the teacher has questions, as *loading* while a worker or a server starts or reads weights, and the rest is the loop's
own (target 3%; loading 10%). Then: the most memory of this process, memory of a front end, a file after ten rounds with adapters
of 22 MB beside a fresh copy of it, and how long a project with 100,000 candidates takes to open. `--quick` is the short recipe.
"""

import argparse
import os
import pty
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import loop_files

from pada_local import loop
from pada_local.demo.project import create_demo
from pada_local.errors import ExitCode
from pada_local.records import Setting
from pada_local.session import find_recipe
from pada_local.store.project import Project
from pada_local.student.client import StudentClient
from pada_local.student.protocol import Loaded
from pada_local.teacher.batch import Batch
from pada_local.teacher.server import LlamaServer

ROOT = Path(__file__).resolve().parents[1]
LOOP_TARGET, LOADING_TARGET, HOST_MIB, FRONT_MIB, COPY_TARGET, OPEN_S = 0.03, 0.10, 250, 150, 1.3, 0.5

QUIET_S, SCREEN_BYTES = 8.0, 20_000
"""The terminal app has drawn its screen when so much came and then nothing for so long."""


class Clock:
    """Seconds by kind. Loading inside a job is taken out of the job."""

    def __init__(self) -> None:
        self.models = self.loading = 0.0

    def watch(self) -> None:
        """Put a watch around starts, jobs and questions; only in this benchmark's process."""
        StudentClient._do = self._jobs(StudentClient._do)
        StudentClient._started = self._timed(StudentClient._started, "loading", inside_models=True)
        LlamaServer._ready = self._timed(LlamaServer._ready, "loading")
        Batch.run = self._timed(Batch.run, "models")

    def _jobs(self, do: Callable) -> Callable:
        def watched(client, job, *more):
            begun = time.monotonic()
            try:
                for message in do(client, job, *more):
                    if isinstance(message, Loaded):
                        self.loading += message.elapsed_s
                        self.models -= message.elapsed_s
                    yield message
            finally:
                self.models += time.monotonic() - begun

        return watched

    def _timed(self, work: Callable, kind: str, inside_models: bool = False) -> Callable:
        def watched(*arguments):
            begun = time.monotonic()
            try:
                return work(*arguments)
            finally:
                seconds = time.monotonic() - begun
                setattr(self, kind, getattr(self, kind) + seconds)
                self.models -= seconds if inside_models else 0

        return watched


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the short recipe; small files")
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "bench-loop")
    options = parser.parse_args()
    shutil.rmtree(options.to, ignore_errors=True)
    options.to.mkdir(parents=True)
    path = create_demo(options.to, 1, options.quick)
    run_loop(path, "demo-quick" if options.quick else "demo-pada")
    said("front end that shows it", front_end_mib(path), FRONT_MIB, "MiB")
    rounds, candidates = (2, 2000) if options.quick else (10, 100_000)
    ratio, size = loop_files.file_ratio(options.to, path, rounds)
    said(f"file after {rounds} rounds of 22 MB ({size:.0f} MB), times a fresh copy", ratio, COPY_TARGET, "")
    wall, processor = loop_files.opening(options.to, path, candidates)
    said(f"open and look at a project with {candidates:,} candidates", wall, OPEN_S, "s")
    print(f"  ({processor:.3g} processor seconds of it)")


def run_loop(path: Path, recipe: str) -> None:
    """One run in this process; prints the shares of its wall time."""
    clock = Clock()
    clock.watch()
    with Project.open(path) as project, tempfile.TemporaryDirectory(prefix="pada-bench-", dir="/tmp") as private:
        settings = {row.key: row.value for row in project.get(Setting)}
        begun, used = time.monotonic(), time.process_time()
        state = loop.start_run(project, find_recipe(recipe), 1, settings, Path(private), lambda event: None, lambda: False)
        wall, processor = time.monotonic() - begun, time.process_time() - used
    if state != "done":
        raise SystemExit(f"the run ended {state}")
    own = wall - clock.models - clock.loading
    print(f"{recipe}: {wall:.1f} s; models {clock.models:.1f} s, loading {clock.loading:.1f} s, the loop {own:.1f} s", flush=True)
    print(f"  ({processor:.1f} processor seconds in this process; load of the machine {os.getloadavg()[0]:.1f})", flush=True)
    said("the loop's share of the time", own / wall, LOOP_TARGET, "")
    said("loading's share of the time", clock.loading / wall, LOADING_TARGET, "")
    said("most memory of the host", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, HOST_MIB, "MiB")


def front_end_mib(path: Path) -> float:
    """Memory of the terminal app after it has shown the project's run, on a terminal of its own."""
    leader, follower = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    command = [sys.executable, "-m", "pada_local.cli", "tui", str(path)]
    app = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True)
    os.close(follower)
    seen, most, until = b"", 0, time.monotonic() + 120
    while time.monotonic() < until and app.poll() is None:
        if select.select([leader], [], [], QUIET_S)[0]:
            seen += os.read(leader, 65536)
        elif len(seen) > SCREEN_BYTES:
            break  # it has drawn, and is quiet
    for line in Path(f"/proc/{app.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            most = int(line.split()[1])
    drain = threading.Thread(target=_drain, args=(leader,), daemon=True)
    drain.start()
    app.send_signal(signal.SIGTERM)
    try:
        app.wait(20)
    except subprocess.TimeoutExpired:
        app.kill()
        app.wait()
    subprocess.run([sys.executable, "-m", "pada_local.cli", "stop", str(path)], capture_output=True)
    if not most:
        raise SystemExit(f"the terminal app ended with {app.returncode}, expected {ExitCode.DONE}")
    return most / 1024


def _drain(leader: int) -> None:
    try:
        while os.read(leader, 65536):
            pass
    except OSError:
        return


def said(name: str, found: float, target: float, unit: str) -> None:
    """One line: the figure beside its target."""
    verdict = "reached" if found <= target else "MISSED"
    print(f"  {name}: {found:.3g}{' ' + unit if unit else ''}, target {target}: {verdict}", flush=True)


if __name__ == "__main__":
    main()
