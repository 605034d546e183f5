"""The examples by keys, their facts as a page, and what may not be shown of test examples."""

from textual.widgets import DataTable

from tests.tui.conftest import shown, until
from tests.tui.test_app import at, drive
from tui.app import PadaApp
from tui.screens import data, paged
from tui.screens.dialogs import Page
from tui.screens.facts import facts_in_words, leaks_in_words

SPLIT = {"count": 4, "input": {"median": 5, "most": 9, "longest": 12}, "output": {"median": 2, "most": 2, "longest": 3}}


def test_examples_with_one_output_facts_and_leaks(finished):
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run")
        await at(pilot, "data", "6")
        await until(pilot, lambda: bool(getattr(app.screen, "rows", [])))
        whole = app.screen._total
        await pilot.press("o")
        await until(pilot, lambda: 'answered "out' in shown(app) and app.screen._total < whole)
        assert len({row["output"] for row in app.screen.rows}) == 1
        await pilot.press("o")
        await until(pilot, lambda: app.screen._total == whole)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, Page) and "outputs in training" in shown(app))
        await pilot.press("escape", "l")
        await until(pilot, lambda: isinstance(app.screen, Page) and "Looked at 108 inputs" in shown(app))

    drive(app, script)


def test_labels_are_counted_and_free_texts_are_not_listed():
    facts = {
        "splits": {"train": SPLIT | {"different_outputs": 2}, "test": SPLIT | {"different_outputs": 2}},
        "outputs": [{"output": "yes\x1b[31m", "train": 3, "validation": 1}, {"output": "no", "train": 1, "validation": 0}],
        "twice": [{"input": "same", "count": 2, "different_outputs": 2, "splits": ["train"]}],
    }
    told = facts_in_words(facts)
    assert "3 (1)" in told and "2 times in train, with 2 different outputs: same" in told and "\x1b" not in told
    free = facts_in_words(facts | {"splits": {"train": SPLIT | {"different_outputs": 4}}})
    assert "free text, no labels" in free and "yes" not in free


def test_leaks_are_counted_for_all_splits_and_shown_for_those_that_may_be_seen():
    found = {"near": 0.8, "looked_at": 9, "counts": {"test and train": 2, "train and validation": 1},
             "pairs": [{"first": "one", "second": "two", "why": "words"}]}  # fmt: skip
    told = leaks_in_words(found)
    assert "2 between test and train" in told and "1  one\n2  two" in told
    assert "None was found." in leaks_in_words(found | {"counts": {}, "pairs": []})


def test_turning_a_page_goes_to_the_next_example_and_back_to_the_one_before(finished, monkeypatch):
    for module in (paged, data):
        monkeypatch.setattr(module, "PAGE", 10)
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "run")
        await at(pilot, "data", "6")
        screen, table = app.screen, app.screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count == 10)
        await pilot.press(*["down"] * 9)
        last = screen.marked
        await pilot.press("down")
        await until(pilot, lambda: "11 to 20 of 72" in shown(app))
        assert screen.marked == screen.rows[0] != last
        await pilot.press("up")
        await until(pilot, lambda: "1 to 10 of 72" in shown(app))
        assert screen.marked == screen.rows[9] == last

    drive(app, script)
