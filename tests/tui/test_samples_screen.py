"""Sifting samples, deciding about all that is left, editing one, taking it back: by keys, on a run that waits."""

import pytest
from textual.widgets import Input, OptionList, TextArea

from pada_local.session import Session
from tests.tui.conftest import shown, until
from tests.tui.test_app import at, drive
from tui.app import PadaApp
from tui.screens.dialogs import Question
from tui.screens.sifting import choices, in_words, score_bounds


async def choose(pilot, starts: str) -> None:
    """Mark the answer that begins so, by the arrow key, and take it."""
    await until(pilot, lambda: isinstance(pilot.app.screen, Question))
    answers = pilot.app.screen.query_one(OptionList)
    texts = [str(answers.get_option_at_index(at).prompt) for at in range(answers.option_count)]
    wanted = next(at for at, text in enumerate(texts) if text.startswith(starts))
    for _ in range(wanted):
        await pilot.press("down")
    await until(pilot, lambda: answers.highlighted == wanted)
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, Question))


def states(path) -> list[str]:
    with Session.open(path) as session:
        return [row["state"] for row in session.ask("rows", kind="Candidate")]


def test_all_samples_of_a_pattern_are_rejected_and_taken_back(waiting):
    app = PadaApp(waiting)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run")
        await at(pilot, "samples", "4")
        await until(pilot, lambda: len(getattr(app.screen, "rows", [])) >= 20)
        whole = app.screen._total
        await pilot.press("f")
        await choose(pilot, "Pattern of round 1: kind4")
        await until(pilot, lambda: "pattern of round 1: kind4" in shown(app) and 0 < app.screen._total < whole)
        held = app.screen._total
        await pilot.press("b")
        await choose(pilot, "Reject")
        await until(pilot, lambda: bool(app.screen.query(Input)))
        await pilot.press("n", "o", "enter")
        await until(pilot, lambda: any(f"{held} samples were decided" in note.message for note in app._notifications))
        await until(pilot, lambda: app.screen.rows and all(row["state"] == "rejected" for row in app.screen.rows))
        assert "A person: no" in app.screen.rows[0]["reason"]
        await pilot.press("b")
        await choose(pilot, "Take the last")
        await until(pilot, lambda: all(row["state"] == "accepted" for row in app.screen.rows))
        await pilot.press("f")
        await choose(pilot, "All samples")
        await until(pilot, lambda: app.screen._total == whole)

    drive(app, script)
    assert "rejected" not in states(waiting)


def test_a_sample_is_edited_in_both_texts_and_what_repeats_a_held_out_text_is_refused(waiting):
    with Session.open(waiting) as session:
        (held_out,) = session.ask("page", kind="Example", where={"split": "validation"}, limit=1)["rows"]
    app = PadaApp(waiting)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run")
        await at(pilot, "samples", "4")
        await until(pilot, lambda: app.screen.rows and "most similar training example" in shown(app))
        await pilot.press("e")
        await until(pilot, lambda: len(app.screen.query(TextArea)) == 2)
        app.screen.query_one("#input", TextArea).text = held_out["input"]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any("cannot be used" in note.message for note in app._notifications))
        first = app.screen.rows[0]["id"]
        await pilot.press("e")
        await until(pilot, lambda: len(app.screen.query(TextArea)) == 2)
        await pilot.press("end", "x", "ctrl+s")
        await until(pilot, lambda: app.screen.rows[0]["output"].endswith("x"))
        assert app.screen.rows[0]["id"] == first

    drive(app, script, (120, 60))


@pytest.mark.parametrize(
    ("typed", "bounds"), [("1 5.5", (1, 5.5)), ("8,2", (2, 8)), ("3", None), ("a b", None), ("1 2 3", None), ("", None)]
)
def test_two_numbers_bound_the_score(typed, bounds):
    assert score_bounds(typed) == bounds


def test_what_is_left_after_sifting_is_said():
    sift = {"state": "rejected", "failed": "judge", "score_from": 1.0, "score_to": 5.5, "pattern_id": "p", "example_id": "e"}
    told = in_words(sift, "wk", {"p": "round 1: units"})
    for part in ("Rejected", "pattern of round 1: units", "failed the judge's scores", "judge 1 to 5.5", "one training", '"wk"'):
        assert part in told
    assert in_words({}, "", {}) == "All samples"
    assert {key.partition("=")[0] for key, _ in choices({"seed_examples": ["e"]}, {"p": "x"})} == {
        "all", "state", "failed", "score", "example_id", "pattern_id",
    }  # fmt: skip
