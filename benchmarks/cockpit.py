"""The terminal app from outside, through a pseudo-terminal: `make bench-cockpit`. Each figure stands beside its target.

    python -m benchmarks.cockpit --project FILE.duckdb [--candidates 100000] [--examples 20000] [--keys 200] [--repeats 5]

FILE is a finished demo (`pada demo`); without it `pada demo --quick` makes one first. A copy of it is blown up: its
candidates and examples are repeated under new ids with a number in their texts, and the events of its last run are stored
again and again, 5 ms apart. `pada replay` of that run is then a run that says 200 things a second.

Times begin at the start of the process or at a key's way into the terminal and end when the bytes that show it have come out
and were read; reading them is a Python program on the same cores.
"""

import argparse
import itertools
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pada_local import events
from pada_local.records import Candidate, EventRow, Example, Run, content_id
from pada_local.store.project import Project
from tests.terminal.pseudo import Terminal
from tests.terminal.screen import Screen

EVENTS_PER_SECOND = 200
RUN_IS_SHOWN = r"✓ done .*round \d+ of"
SECONDS = 120
"""How long the run of many events is."""
FIRST_LINE = 3
"""Of a table on the screen, below title, heading and the names of its columns."""
LAST_LINE = 33
"""Where the cursor is at least when it stands on a page's last row: the list is longer than the screen."""
FOREIGN = ("libtorch", "duckdb", "numpy", "llama", "transformers", "sklearn")
"""What must not be mapped into the app's process."""


class Figures:
    """What was measured, printed as it comes."""

    def __init__(self) -> None:
        print(f"{'':<64} {'here':>12}  target")

    def tell(self, name: str, value: float, unit: str, target: float | None = None) -> None:
        held = "" if target is None else f"{target:g} {unit}  {'held' if value <= target else 'MISSED'}"
        print(f"{name:<64} {value:>8.3g} {unit:<3}  {held}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, help="a finished demo; one is made without it")
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--keys", type=int, default=200, help="key presses while events come")
    parser.add_argument("--repeats", type=int, default=5, help="how often what begins a process is done; the median counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pd", dir="/tmp") as folder:
        home = Path(folder)
        small = home / "demo" / "demo.duckdb"
        small.parent.mkdir()
        shutil.copy(options.project or _quick_demo(home), small)
        large = blow_up(small, home / "large" / "large.duckdb", options)
        busy, run_id = lengthen(large, home / "busy" / "busy.duckdb")
        figures = Figures()
        print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores before the first figure")
        opening(figures, small, (large, busy), options.repeats)
        lists(figures, large)
        keys_while_events_come(figures, busy, run_id, options.keys)
        print(f"load average {os.getloadavg()[0]:.2f} after the last figure")


def _quick_demo(home: Path) -> Path:
    subprocess.run([sys.executable, "-m", "pada_local.cli", "demo", "--quick", "--to", str(home / "quick")], check=True)
    return home / "quick" / "demo-1-quick.duckdb"


# --- the large project


def _last_run(project: Project) -> str:
    return next(run.id for run in reversed(project.get(Run)) if project.count(EventRow, run_id=run.id))


def blow_up(small: Path, large: Path, options: argparse.Namespace) -> Path:
    """A copy with many candidates in its last run, and many examples."""
    large.parent.mkdir()
    shutil.copy(small, large)
    with Project.open(large) as project:
        candidates, examples = project.get(Candidate, run_id=_last_run(project)), project.get(Example, split="train")
        for rows, wanted in ((candidates, options.candidates), (examples, options.examples)):
            more = _repeated(rows, wanted - len(rows))
            while batch := list(itertools.islice(more, 5000)):
                project.put(*batch)
    return large


def lengthen(large: Path, busy: Path) -> tuple[Path, str]:
    """A copy whose last run has so many events that it can be replayed for a while; with it the run's id."""
    busy.parent.mkdir()
    shutil.copy(large, busy)
    with Project.open(busy) as project:
        run_id = _last_run(project)
        _lengthen(project, run_id, EVENTS_PER_SECOND * SECONDS)
        return busy, run_id


def _lengthen(project: Project, run_id: str, wanted: int) -> None:
    """The run's stored events become `wanted`: those between its start and its end again and again, as later rounds."""
    rows = project.get(EventRow, run_id=run_id)
    said = [events.decode(row.body) for row in rows]
    middle = [one for one in said if not isinstance(one, events.RunStarted | events.RunDone)]
    rounds = max(one.round for one in middle if isinstance(one, events.RoundStarted))
    long = [said[0]]
    for at in range(wanted - 2):
        one, lap = middle[at % len(middle)], at // len(middle)
        long.append(msgspec.structs.replace(one, round=one.round + lap * rounds) if hasattr(one, "round") else one)
    long.append(said[-1])
    first = max(row.seq for row in project.get(EventRow)) + 1
    made = [_row(one, first + at, at / EVENTS_PER_SECOND) for at, one in enumerate(long)]
    for start in range(0, wanted, 5000):
        project.put(*made[start : start + 5000])
    # The run's first telling of itself must not be played before: it becomes the project's own, long ago.
    project.replace(*(msgspec.structs.replace(row, run_id="before", seq=row.seq) for row in rows))


def _repeated(rows: list, wanted: int) -> Iterator[Candidate | Example]:
    for at in range(wanted):
        row = rows[at % len(rows)]
        yield msgspec.structs.replace(row, id=content_id(row.id, at), input=f"{row.input} {at}")


def _row(event: events.Event, seq: int, seconds: float) -> EventRow:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_700_000_000 + int(seconds)))
    at = f"{whole}.{round(seconds % 1 * 1e6):06}+00:00"
    return EventRow(seq=seq, run_id=event.run_id, at=at, kind=type(event).__name__, body=events.encode(event).decode())


# --- a terminal with the app


@contextmanager
def app(*words: object, cwd: Path) -> Iterator[Terminal]:
    """`pada WORDS` in a terminal of 120 by 40."""
    command = [sys.executable, "-m", "pada_local.cli", *map(str, words)]
    data = tempfile.mkdtemp(prefix="data", dir=cwd)  # nobody's list of projects used last
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as an installed app has it
    environment = kept | {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "XDG_DATA_HOME": data}
    with Terminal(command, environment, (120, 40), cwd) as terminal:
        yield terminal
        terminal.press("q")
        terminal.ended()


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident memory of a process now and at most, in MiB."""
    told = Path(f"/proc/{pid}/status").read_text()
    now, most = (int(re.search(rf"{name}:\s+(\d+)", told)[1]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def processor_seconds(pid: int) -> float:
    """What the process has used of the processors so far: the same on a busy machine."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mapped(pid: int) -> set[str]:
    """Which of the libraries that have no place in the app are mapped into the process."""
    told = Path(f"/proc/{pid}/maps").read_text()
    return {name for name in FOREIGN if name in told}


def saying(pattern: str) -> Callable[[Screen], object]:
    """For `Terminal.until`: a line of the screen matches."""
    return lambda screen: re.search(pattern, screen.text)


def opening(figures: Figures, small: Path, others: tuple[Path, Path], repeats: int) -> None:
    """From the start of the process, or from Enter at home, to what a person waits for."""
    painted, used, ready, alien = [], [], [], set()
    for _ in range(repeats):
        with app("tui", small, cwd=small.parent) as terminal:
            painted.append(terminal.until(saying(rf"This machine|… opening|… reading|{RUN_IS_SHOWN}")) - terminal.began)
            used.append(processor_seconds(terminal.process.pid))
            ready.append(terminal.until(saying(RUN_IS_SHOWN)) - terminal.began)
            alien |= mapped(terminal.process.pid)
    figures.tell("demo project: from the start of the process to a painted screen", statistics.median(painted), "s", 0.7)
    figures.tell("  processor time used until then", statistics.median(used), "s")
    figures.tell("demo project: from the start of the process to its run", statistics.median(ready), "s")
    for file, name, target in ((others[0], "large project", 0.5), (others[1], "large project with 26,000 events", None)):
        figures.tell(f"{name}: from Enter at home to its run", statistics.median(entered(file, repeats)), "s", target)
    figures.tell(f"libraries in the app's process that have no place there {' '.join(sorted(alien))}", len(alien), "", 0)


def entered(file: Path, repeats: int) -> list[float]:
    """Seconds from Enter on a project in the list to its run."""
    took = []
    for _ in range(repeats):
        with app(cwd=file.parent) as terminal:
            terminal.until(saying(rf"{file.name} .*test 0\.\d\d"))  # the list is complete, and the doctor has looked
            terminal.until("MiB free")
            pressed = terminal.press("enter")
            took.append(terminal.until(saying(RUN_IS_SHOWN)) - pressed)
    return took


# --- lists


def lists(figures: Figures, large: Path) -> None:
    """Page by page through samples and examples, a page being 100 rows; then a filter and a search."""
    with app("tui", large, cwd=large.parent) as terminal:
        terminal.until(saying(RUN_IS_SHOWN))
        for key, what in (("4", "samples"), ("6", "examples")):
            pressed = terminal.press(key)
            first = terminal.until(saying(rf"{what}: 1 to 100 of \d+")) - pressed
            total = int(re.search(rf"{what}: 1 to 100 of (\d+)", terminal.screen.text)[1])
            figures.tell(f"{total:,} {what}: from the key to the first page", first, "s")
            figures.tell(f"{total:,} {what}: the next page, median of ten", statistics.median(pages(terminal)), "s")
            terminal.press("f")
            if what == "samples":
                terminal.until("Show which samples?")
                terminal.press("down")
                pressed, filtered = terminal.press("enter"), r"Accepted samples: 1 to 100"
            else:
                pressed, filtered = time.monotonic(), r"Training examples: 1 to 100"
            figures.tell(f"{total:,} {what}: filtered", terminal.until(saying(filtered)) - pressed, "s")
            terminal.press("/")
            terminal.until("Which word?")
            pressed = terminal.press("777", "enter")
            figures.tell(f"{total:,} {what}: searched", terminal.until(saying(r'with "777": 1 to')) - pressed, "s")
        now, most = memory_mib(terminal.process.pid)
        figures.tell("memory of the app's process after all this", now, "MiB", 150)
        figures.tell("memory of the app's process at most", most, "MiB", 150)


def pages(terminal: Terminal, count: int = 10) -> list[float]:
    """Seconds from `down` on a page's last row to the next page on the screen."""
    took = []
    for page in range(count):
        terminal.press("ctrl+end")
        terminal.until(lambda screen: (cursor_line(screen) or 0) >= LAST_LINE)
        pressed = terminal.press("down")
        took.append(terminal.until(f": {(page + 1) * 100 + 1} to") - pressed)
        terminal.until(lambda screen: cursor_line(screen) == FIRST_LINE)
    return took


# --- keys while a run goes on


def background(screen: Screen, row: int, column: int = 2) -> str:
    """The colour behind a cell, as it was sent."""
    found = re.findall(r"48;2;(\d+;\d+;\d+)", screen.style(row, column))
    return found[-1] if found else ""


def cursor_line(screen: Screen) -> int | None:
    """The screen's line on which the table's cursor is: the only one with its background."""
    behind = [background(screen, row) for row in range(FIRST_LINE, screen.height - 1)]
    return next((FIRST_LINE + at for at, one in enumerate(behind) if behind.count(one) == 1), None)


def keys_while_events_come(figures: Figures, large: Path, run_id: str, count: int) -> None:
    """`up` and `down` in lists, and screens in turn, while the replayed run says 200 things a second."""
    pause = random.Random(1)
    with app("replay", large, run_id, cwd=large.parent) as terminal:
        terminal.until(saying(r"after \d+ steps"))
        first, began = _events_so_far(terminal), time.monotonic()
        for key, shows, what in (
            ("2", "training loss", "run"),
            ("4", "samples: 1 to 100 of", "samples"),
            ("6", "examples: 1 to 100 of", "examples"),
        ):
            terminal.press(key, "up", "up", "up")
            terminal.until(shows)
            terminal.until(lambda screen: cursor_line(screen) is not None)
            took = []
            for number in range(count):
                time.sleep(pause.uniform(0.02, 0.12))
                before = cursor_line(terminal.screen)
                pressed = terminal.press("up" if number % 2 else "down")
                took.append(terminal.until(lambda screen, before=before: cursor_line(screen) not in (before, None)) - pressed)
            figures.tell(f"{what}: from up or down to the marked row, p95 of {count}", percentile(took, 95) * 1000, "ms", 50)
        changes = []
        for number in range(count // 4):
            time.sleep(pause.uniform(0.1, 0.3))
            key, shows = (("2", "training loss"), ("6", "validation examples: "), ("4", "All samples: "))[number % 3]
            pressed = terminal.press(key)
            changes.append(terminal.until(shows) - pressed)
        figures.tell(f"from 2, 4 or 6 to another screen, p95 of {len(changes)}", percentile(changes, 95) * 1000, "ms")
        rate = (_events_so_far(terminal) - first) / (time.monotonic() - began)
        print(f"meanwhile the run said {rate:.0f} things a second")


def _events_so_far(terminal: Terminal) -> int:
    found = re.search(r"event (\d+) of", terminal.screen.text)
    return int(found[1]) if found else 0


def percentile(values: list[float], share: int) -> float:
    """The value that `share` of 100 do not exceed."""
    return sorted(values)[max(0, -(-len(values) * share // 100) - 1)]


if __name__ == "__main__":
    main()
