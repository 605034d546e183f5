"""Two rounds compared by keys: the sides, the words, the examples that changed, and test examples that stay hidden."""

from tests.tui.conftest import shown, until
from tests.tui.test_app import at, drive
from tui.app import PadaApp
from tui.screens.arms import VIEWS, arms_of, first_choice, in_full
from tui.screens.studied import studies_in_full

FOUND = {
    "split": "validation", "difference": {"difference": 0.1, "low": 0.02, "high": 0.2, "p": 0.0004, "n": 50},
    "by_slice": {"slice=a very long name of a slice": {"a": 0.5, "b": 1.0, "n": 10}}, "by_pattern": {},
    "fixed": ["e1"], "broken": [], "items": {"e1": {"input": "q", "expected": "yes", "a": "no", "b": "yes"}},
}  # fmt: skip


def test_sides_are_chosen_and_changed_examples_walked_through(finished):
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.state == "done")
        await at(pilot, "compare", "5")
        await until(pilot, lambda: "b fixes 12 and breaks 0" in shown(app) and "B is better." in shown(app))
        await pilot.press("v")
        await until(pilot, lambda: "1 of 12: b answers it better" in shown(app))
        await pilot.press("j")
        await until(pilot, lambda: "2 of 12" in shown(app) and "predicted unsure" in shown(app))
        await pilot.press("v")
        await until(pilot, lambda: "No example of which" in shown(app))
        await pilot.press("v", "down", "a")
        await until(pilot, lambda: "ab" in shown(app) and "No difference that can be told" in shown(app))
        await pilot.press("t")
        await until(pilot, lambda: "on test examples" in shown(app))

    drive(app, script)


def test_test_examples_stay_hidden_while_a_run_is_open(waiting):
    app = PadaApp(waiting)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run")
        await at(pilot, "compare", "5")
        await until(pilot, lambda: "on validation examples" in shown(app))
        await pilot.press("t")
        await until(pilot, lambda: any("stay hidden" in note.message for note in app._notifications))

    drive(app, script, (80, 24))


def test_each_view_says_what_it_shows():
    told = {view: in_full(FOUND, view, 0, 60).plain for view in VIEWS}
    assert "p below 0.001" in told["summary"] and "slice=a very long name of…" in told["summary"]
    assert "1 of 1" in told["fixed"] and "answer of a" in told["fixed"]
    assert told["broken"].startswith("No example of which a answered")


def test_before_anybody_chose_vanilla_is_compared_with_the_last_champion():
    def run(key, recipe, champion):
        rounds = [{"round": number, "validation": {"mean": 0.5}} for number in (1, 2)]
        return {"id": key, "recipe": recipe, "seed": 1, "champion_round": champion, "rounds": rounds, "tokens_trained": 1,
                "teacher": {"tokens": 1, "seconds": 1}, "test": None}  # fmt: skip

    arms = arms_of({"runs": [run("p", "pada", 1), run("v", "vanilla", 1), run("q", "pada", 2)]})
    assert first_choice(arms) == (("v", 1), ("q", 2))
    control_last = arms_of({"runs": [run("q", "pada", 2), run("v", "vanilla", 1)]})
    assert first_choice(control_last) == (("v", 1), ("q", 2))
    assert first_choice(arms_of({"runs": [run("p", "pada", 0)]})) == (("p", 1), ("p", 2))
    assert first_choice([]) == (None, None)


def test_studies_show_means_differences_and_who_waits():
    def row(recipe, mean, against=None, tokens=None):
        test = {"mean": mean, "low": mean - 0.04, "high": mean + 0.04} if mean else None
        return {"recipe": recipe, "size": 0.5 if mean else 0, "test": test, "tokens_per_accepted": tokens,
                "to_vanilla": against, "to_best": None}  # fmt: skip

    pair = {"difference": 0.13, "low": 0.1, "high": 0.16, "holm_p": 0.001}
    table = {"id": "abcdef0123", "budget": 160, "tested": 2, "runs": 3, "family": 1, "best_baseline": {"0": "vanilla"},
             "rows": [row("vanilla", 0.7), row("pada", 0.83, pair, 830.2), row("auggpt", None)]}  # fmt: skip
    told = studies_in_full([table], 76).plain
    assert "2 of 3 runs tested, at most 160 samples" in told and "0.830 [0.790, 0.870]  830 tokens a sample" in told
    assert "pada (0.5) - vanilla" in told and "0.130 [0.100, 0.160]  p 0.001" in told and "not tested yet: auggpt" in told
    assert max(map(len, told.splitlines())) <= 100
    assert "pada study FILE" in studies_in_full([], 76).plain


def test_a_key_shows_the_studies_and_the_two_sides_again(finished):
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.state == "done")
        await at(pilot, "compare", "5")
        await until(pilot, lambda: "b minus a" in shown(app))
        await pilot.press("y")
        await until(pilot, lambda: "in no study yet" in shown(app))
        await pilot.press("y")
        await until(pilot, lambda: "b minus a" in shown(app))

    drive(app, script)
