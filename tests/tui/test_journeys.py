"""The main ways through the app, each as a table: keys a person presses, and what must then be on the screen.

A key is named as Textual names it; a text with `=` before it is typed letter by letter. `@3` means that the third row of the
table is marked. The next line's keys are pressed when all words of a line are on the screen, so nothing here waits for a
clock. The screen is the smallest that is promised, 80x24.
"""

import json

import pytest
from textual.widgets import DataTable

from pada_local.demo import world
from pada_local.runtime import places
from pada_local.session import Session
from tests.loop.test_loop import Bench
from tests.tui.conftest import keep_events, shown, until
from tests.tui.test_app import drive
from tui.app import PadaApp

Line = tuple[str | tuple[str, ...], ...]

TINY = """
name = "tiny"
about = "The whole loop with the smallest numbers."
[loop]
rounds = 2
augment = "patterns"
[train]
steps = 6
tokens_per_step = 256
[generate]
budget = 4
max_waves = 1
[gate]
audit_items = 4
"""
VANILLA = """
name = "vanilla"
[loop]
rounds = 1
augment = "none"
"""

NEW_PROJECT_TO_RUN: list[Line] = [
    ((), "Projects", "none yet; n makes one", "This machine", "own models"),
    ("n", "1 of 7: Which files hold your examples?", "notes.jsonl"),
    (("=no", "tab"), "✓ train: notes.jsonl (jsonl, 90 rows)", "validation and test: a fifth"),
    ("ctrl+n", "2 of 7: Which columns", "90 rows can be taken", "Chat format: chatml", "and learns to answer"),
    ("ctrl+n", "3 of 7: How is an answer scored?", "All 90 references get the full score."),
    ("ctrl+n", "4 of 7: What is the task?", "Without a sentence"),
    ("=Read a note and write its facts.", "facts."),
    ("ctrl+n", "5 of 7: Which models?", "✓ student demo-student: fits", "✓ teacher demo-teacher: fits"),
    ("ctrl+n", "6 of 7: What shall the first run do?", "Fine-tunings in a run"),
    (("home", "up"), "The whole loop with the smallest numbers. loop.rounds = 2"),
    ("enter", "7 of 7: Make the project", "pada new notes.duckdb --train notes.jsonl --input note", "--recipe tiny"),
    ("enter", "tiny, seed 1, round", "train"),
    ((), "✓ done tiny, seed 1, round 2 of 2", "validation score", "run done"),
    ("3", "Round 1 of 1", "failures behind it"),
    ("4", "All samples: 1 to", "✓ accepted", "strategy"),
    ("1", "notes.duckdb", "tiny, 2 rounds"),
]

READ_PATTERNS_TO_EDITED_STRATEGY: list[Line] = [
    ((), "waiting for review", "2 strategies wait"),
    ("3", "Round 1 of 1: 2 patterns, 12 explained", "Write items of kind4.", "▸ 1 of 6", "expected out4 predicted unsure"),
    ("j", "▸ 2 of 6"),
    ("down", "Write items of kind5.", "▸ 1 of 6"),
    ("e", "What should new samples be like?", "ctrl+s keeps it"),
    (("= Be brief.", "ctrl+s"), "Write items of kind5. Be brief.", "(rewritten)"),
    ("n", "How many samples may this strategy bring?"),
    (("=5", "enter"), "kind5 6 100%! 5"),
    ("u", "kind5 6 100%! 12", "(rewritten)"),
    ("c", "Confirmed: s on the run screen goes on."),
]

REVIEW_20_SAMPLES: list[Line] = [
    ((), "waiting for review", "28 samples wait"),
    ("4", "All samples ? the run waits for you: c lets it go on: 1 to 28 of 28", "Write items of kind4.", "✓ schema", "@1"),
    *(("a", f"@{row}") for row in range(2, 11)),
    ("r", "Why not? (kept with the sample)"),
    (("=too easy", "enter"), "✗ rejected", "@11"),
    *(("a", f"@{row}") for row in range(12, 21)),
    ("e", "The sample as it should be"),
    (("= indeed", "ctrl+s"), "@21"),
    ("up", "@20", "out5 indeed"),
    ("f", "Show which samples?", "Rejected samples"),
    (("down", "down", "enter"), "Rejected samples ? the run waits for you: c lets it go on: 1 to 1 of 1", "too easy"),
    ("c", "Confirmed: s on the run screen goes on."),
]

COMPARE_TWO_RUNS: list[Line] = [
    ((), "run done"),
    ("5", "summary: a vanilla 1, b test 2, on validation examples", "B is better.", "p below 0.001", "b fixes 12 and breaks 0."),
    ("v", "fixed: a vanilla 1, b test 2", "1 of 12", "unsure"),
    ("j", "2 of 12"),
    ("v", "broken: a vanilla 1, b test 2", "No example"),
    (("v", "t"), "summary: a vanilla 1, b test 2, on test examples", "B is better."),
    ("a", "summary: a test 1, b test 2, on test examples"),
]

RAN_OUT = 120.0
"""Seconds after which what has to be on the screen is missing; a run of the real models is among it."""


def holds(app: PadaApp, wanted: str) -> bool:
    """Whether a person can read it: on the screen, its lines and spaces run together, or in a notice."""
    if wanted.startswith("@"):
        return app.screen.query_one(DataTable).cursor_row == int(wanted[1:]) - 1
    return wanted in " ".join(" ".join([shown(app), *(note.message for note in app._notifications)]).split())


def play(path, script: list[Line]) -> None:
    """Press the keys of every line and wait for what must be seen."""
    app = PadaApp(path)

    async def pressed(pilot):
        for keys, *wanted in script:
            for key in (keys,) if isinstance(keys, str) else keys:
                await pilot.press(*(key[1:] if key.startswith("=") else [key]))
            await until(pilot, lambda wanted=wanted: all(holds(app, one) for one in wanted), RAN_OUT)

    drive(app, pressed, (80, 24))


@pytest.fixture
def two_runs(tmp_path, monkeypatch):
    """A file with the run of a loop and one of fine-tuning alone, the loop's done first."""
    bench = Bench(tmp_path, monkeypatch)
    bench.run()
    keep_events(bench)
    bench.run(VANILLA)
    bench.project.close()
    return bench.path


def test_from_files_to_a_finished_run(tmp_path, monkeypatch):
    """With the repository's own models, in a real host."""
    items = world.draw_split(3, "train", 90)
    rows = (json.dumps({"note": item.note, "line": item.line, "slice": item.slice}) for item in items)
    (tmp_path / "notes.jsonl").write_text("\n".join(rows))
    recipes = places.user_folder() / "recipes"
    recipes.mkdir()
    (recipes / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    play(None, NEW_PROJECT_TO_RUN)
    with Session.open(tmp_path / "notes.duckdb") as made:
        [run] = made.status()["runs"]
        assert (run["recipe"], run["state"], run["rounds"]) == ("tiny", "done", 2)
        assert made.status()["settings"]["task"] == "Read a note and write its facts."


def test_reading_patterns_and_editing_a_strategy(waiting_for_strategies):
    play(waiting_for_strategies, READ_PATTERNS_TO_EDITED_STRATEGY)
    with Session.open(waiting_for_strategies) as session:
        actions = [row["action"] for row in session.ask("rows", kind="Decision")]
        edited = [row["edited"] for row in session.ask("rows", kind="Strategy")]
    assert actions == ["rewrite", "quota", "undo", "confirm"]
    assert [text.endswith("Be brief.") for text in edited].count(True) == 1


def test_reviewing_twenty_samples(waiting):
    play(waiting, REVIEW_20_SAMPLES)
    with Session.open(waiting) as session:
        rows = session.ask("rows", kind="Decision")
    made = [row["action"] for row in rows if row["action"] in ("accept", "reject", "edit")]
    assert made == ["accept"] * 9 + ["reject"] + ["accept"] * 9 + ["edit"] and rows[-1]["action"] == "confirm"


def test_comparing_two_runs(two_runs):
    play(two_runs, COMPARE_TWO_RUNS)
