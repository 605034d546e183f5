"""The parts without a screen: folding events, foreign strings, words for differences."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local import events as e
from tui.actions import ACTIONS
from tui.feed import SHOWN, Seen, apply
from tui.plain import LONGEST, block, difference, line
from tui.screens.arms import in_words
from tui.themes import THEMES, mark

HOSTILE = [
    "[bold red]x[/]", "\x1b[31mred\x1b[0m", "\x1b]52;c;aGk=\x07", "\x9b31m", "a\u202eb\u2066c", "NUL\0", "\ud800", 
    "x" * 3_000_000, "line\u2028two", "[@click=app.quit]go[/]", "\r\noverwritten",
]  # fmt: skip
STEPS = [
    e.RunStarted(run_id="r", recipe="pada", seed=1, rounds=2, resumed=False), e.RoundStarted(run_id="r", round=1),
    e.StageStarted(run_id="r", round=1, stage="train", total=3),
    e.TrainStep(run_id="r", round=1, step=1, steps=3, loss=2.0, learning_rate=0.1),
    e.RoundScored(run_id="r", round=1, metric="m", mean=0.5, low=0.4, high=0.6, n=9),
    e.NeedsReview(run_id="r", round=1, waiting=3, what="samples"), e.Resources(run_id="r", host_mib=100),
    e.RunFailed(run_id="r", title="Paused."),
    e.RunDone(run_id="r", champion_round=1, test_mean=0.5, reason="All rounds are done."),
]  # fmt: skip


@given(st.lists(st.sampled_from(STEPS), max_size=40), st.integers(0, 40))
def test_a_screen_that_opens_late_shows_what_an_early_one_shows(steps, cut):
    early = Seen()
    for step in steps:
        early = apply(early, step)
    late = Seen()
    for step in steps[:cut]:
        late = apply(late, step)
    for step in steps[cut:]:
        late = apply(late, step)
    assert early == late and len(early.lines) <= SHOWN


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_reaches_the_screen_harmless(text):
    for made in (line(text), block(text), difference(text, "other"), difference("other", text)):
        assert not any(ord(char) < 32 and char != "\n" or 127 <= ord(char) < 160 for char in made.plain)
        assert not any("\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in made.plain)
        assert len(made.plain) < LONGEST + 200
    if "[" in text and "\x1b" not in text:
        assert text in block(text).plain and block(text).spans == []
    assert "\n" not in line(text).plain


@pytest.mark.parametrize(
    ("expected", "predicted", "underlined"),
    [
        ("age: 58", "age: 85", ["58", "85"]), ("a; b; c", "a; x; b; c", [";", "x"]), ("same", "same", []),
        ("age: 58; sex: M", "sex: M", ["age", ":", "58", ";"]),
    ],
)  # fmt: skip
def test_words_that_differ_are_underlined(expected, predicted, underlined):
    text = difference(expected, predicted)
    assert [text.plain[span.start : span.end] for span in text.spans if span.style == "underline"] == underlined


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ({"low": -0.1, "high": 0.2, "difference": 0.05}, "no difference"),
        ({"low": 0.1, "high": 0.2, "difference": 0.15}, "b is better"),
        ({"low": -0.3, "high": -0.1, "difference": -0.2}, "a is better"),
    ],
)  # fmt: skip
def test_a_difference_is_said_in_words(pair, said):
    assert said in in_words(pair)


def test_state_is_never_shown_by_colour_alone():
    states = ["done", "running", "paused", "failed", "accepted", "rejected", "leaked", "duplicate", "excluded"]
    assert all(state in mark(state) for state in states) and len({mark(state)[0] for state in states}) >= 7
    assert len(THEMES) == 3


def test_the_readme_names_the_keys_of_the_table():
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    section = text.partition("## The cockpit")[2].partition("\n## ")[0]
    for action in ACTIONS:
        shown = {"question_mark": "?", "slash": "/", "f1": "F1", "f2": "F2"}.get(action.key, action.key)
        if action.screen in ("", "run", "samples") and action.key not in ("c",):
            assert f"`{shown}`" in section, action


def test_every_table_is_the_one_that_keeps_its_header_in_step():
    rooms = (Path(__file__).resolve().parents[2] / "tui").rglob("*.py")
    assert {path.name for path in rooms if re.search(r"DataTable\(", path.read_text(encoding="utf-8"))} <= {"table.py"}
