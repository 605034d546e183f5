"""The wizard by its keys: from files to a run, and what it refuses on the way."""

import json
import time

import pytest
from textual.widgets import Checkbox, DataTable, OptionList, TextArea

from pada_local.host import starting
from pada_local.runtime import places
from pada_local.session import Session
from tests.tui.conftest import shown, until
from tests.tui.test_app import drive
from tui.app import PadaApp
from tui.screens.wizard import look
from tui.screens.wizard.fields import Field

ROWS = [{"question": f"note number {n}", "answer": f"label {n % 2}", "kind": f"k{n % 2}"} for n in range(40)]

METRICS = [name for name, _, _ in look.metrics()]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with two training files; hosts run the fake loop."""
    (tmp_path / "notes.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (tmp_path / "table.csv").write_text("text;label\n" + "\n".join(f"{row['question']};{row['answer']}" for row in ROWS))
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(starting, "HOST_MODULE", "tests.host.fake_host")
    return tmp_path


async def step(pilot, number: int) -> None:
    """Wait for this step, and that its check is over."""
    app = pilot.app
    await until(pilot, lambda: getattr(app.screen, "at", 0) == number - 1 and f"{number} of 7" in shown(app))
    await until(pilot, lambda: "looking …" not in shown(app))


async def opened(pilot) -> None:
    await until(pilot, lambda: bool(pilot.app.screen.query("#projects")) and pilot.app.screen.focused is not None)
    await pilot.press("n")
    await step(pilot, 1)


async def typed(pilot, name: str, text: str) -> None:
    """Put a text into a field, as pasting does."""
    field = pilot.app.screen.query_one(f"#field-{name}", Field)
    field.focus()
    field.fill(text)
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_from_files_to_a_run_by_keys_alone(here, size):
    app = PadaApp()
    path = here / "first.duckdb"

    async def script(pilot):
        await opened(pilot)
        await pilot.press(*"no", "tab")
        await until(pilot, lambda: "✓ train: notes.jsonl (jsonl, 40 rows)" in shown(app))
        await pilot.press("enter", *"fold", "tab")
        await until(pilot, lambda: app.screen.draft.validation == "folder/")
        await pilot.press(*["backspace"] * 7)
        await pilot.press("ctrl+n")
        await step(pilot, 2)
        await until(pilot, lambda: "40 rows can be taken" in shown(app) and "note number 0<|im_end|>" in shown(app))
        draft = app.screen.draft
        assert (draft.input, draft.output, draft.tags) == ("question", "answer", "kind")
        await pilot.press("ctrl+n")
        await step(pilot, 3)
        await until(pilot, lambda: "All 40 references get the full score" in shown(app) and "… " not in shown(app))
        assert app.screen.draft.metric == "label_accuracy" and "references are labels: 2 short" in " ".join(shown(app).split())
        draft = app.screen.draft
        await pilot.press("escape")
        await step(pilot, 2)
        await pilot.press("escape")
        await step(pilot, 1)
        assert app.screen.query_one("#field-train", Field).value == "notes.jsonl", "what was typed is kept"
        for number in (2, 3, 4):
            await pilot.press("ctrl+n")
            await step(pilot, number)
        assert app.screen.draft == draft
        await pilot.press(*"Name it.", "enter")
        assert isinstance(app.screen.focused, TextArea)
        await pilot.press(*"Be", "enter", *"brief.", "ctrl+n")
        await step(pilot, 5)
        await until(pilot, lambda: "✓ student demo-student: fits" in shown(app) and "✓ teacher demo-teacher" in shown(app))
        await pilot.press("enter", "enter", "enter")
        await step(pilot, 6)
        await until(pilot, lambda: "Fine-tunings in a run" in shown(app))
        await pilot.press("down", "enter")
        await step(pilot, 7)
        assert "pada new notes.duckdb --train notes.jsonl" in shown(app) and "--recipe vanilla" in shown(app)
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "shift+tab")
        assert app.screen.focused.name == "file"
        await pilot.press(*["backspace"] * 20, *"first.duckdb", *["tab"] * 4, "enter")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "run", 60)
        await until(pilot, lambda: app.seen.view.recipe == "vanilla" and app.seen.view.state in ("running", "done"))
        await pilot.press("1", "n")
        await step(pilot, 1)
        assert app.screen.query_one("#field-train", Field).value == "", "the next project begins anew"

    drive(app, script, size)
    with Session.open(path) as opened_again:
        facts = opened_again.status()
        opened_again.end_run("stop")
    assert facts["settings"]["task"] == "Name it." and facts["settings"]["system"] == "Be\nbrief."
    assert facts["examples"] == {"train": 24, "validation": 8, "test": 8} and [run["recipe"] for run in facts["runs"]] == [
        "vanilla"
    ]


def test_each_step_refuses_in_place_what_it_cannot_use(here):
    broken = places.user_folder() / "recipes"
    broken.mkdir()
    (broken / "aaa.toml").write_text('name = "x"\nnonsense = 1\n')
    (here / "broken.jsonl").write_text('{"a": 1}\n\n{"a": \n')
    (here / "there.duckdb").write_text("")
    app = PadaApp()

    async def refused(pilot, number: int, *words: str) -> None:
        await pilot.press("ctrl+n")
        await until(pilot, lambda: all(word in " ".join(shown(app).split()) for word in words))
        assert app.screen.at == number - 1

    async def script(pilot):
        await opened(pilot)
        await refused(pilot, 1, "No file with training examples is named yet.")
        for text, words in (
            ("none.jsonl", "The data file is not there."), ("broken.jsonl", "broken.jsonl, line 3: it is not JSON"),
            ("folder", "holds no split train"), ("table.csv", "add 'delimiter'"), ("\x1b[2J\x00.csv", "\\u001b[2J"),
        ):  # fmt: skip
            await typed(pilot, "train", text)
            await refused(pilot, 1, words)
        await typed(pilot, "train", "notes.jsonl")
        await typed(pilot, "encoding", "ebcdic")
        await refused(pilot, 1, "There is no encoding 'ebcdic'")
        await typed(pilot, "encoding", "")
        await typed(pilot, "test", "table.csv")
        await typed(pilot, "delimiter", ";")
        await pilot.press("ctrl+n")
        await step(pilot, 2)
        await refused(pilot, 2, "table.csv", 'no column "question"')
        await typed(pilot, "input", "missing")
        await refused(pilot, 2, 'notes.jsonl, line 1: there is no column "missing"')
        await typed(pilot, "template", "{question")
        await refused(pilot, 2, "It is not clear which columns")
        await typed(pilot, "input", "")
        await refused(pilot, 2, "has a brace without its partner")
        await typed(pilot, "template", "")
        await typed(pilot, "input", "question")
        await pilot.press("escape")
        await step(pilot, 1)
        await typed(pilot, "test", "")
        await pilot.press("ctrl+n")
        await step(pilot, 2)
        await pilot.press("ctrl+n")
        await step(pilot, 3)
        await pilot.press("home", *["down"] * METRICS.index("json_fields"))
        await until(pilot, lambda: "looking …" not in shown(app))
        assert app.screen.draft.metric == "json_fields", "what the person chose is not proposed away"
        await refused(pilot, 3, "references do not get the full score. The first:", "notes.jsonl, line")
        await pilot.press("home", *["down"] * METRICS.index("regex"))
        await typed(pilot, "word", "(")
        await refused(pilot, 3, "is not a regular expression")
        await typed(pilot, "word", "[0-9]+")
        await pilot.press("ctrl+n")
        await step(pilot, 4)
        await pilot.press("ctrl+n")
        await step(pilot, 5)
        await typed(pilot, "student", str(here))
        await refused(pilot, 5, "This is no student model.", "no config.json")
        await typed(pilot, "student", "demo-student")
        await typed(pilot, "teacher", "./notes.jsonl")
        await refused(pilot, 5, "is not a GGUF file")
        await typed(pilot, "teacher", "http://example.com:1")
        await refused(pilot, 5, "example.com")
        await typed(pilot, "teacher", "demo-teacher")
        await pilot.press("ctrl+n")
        await step(pilot, 6)
        await pilot.press("down", "down")
        await refused(pilot, 6, "cannot be used", "nonsense")
        await pilot.press("up", "ctrl+n")
        await step(pilot, 7)
        await typed(pilot, "file", "there.duckdb")
        await refused(pilot, 7, "there.duckdb exists already.")
        await typed(pilot, "file", "p.db")
        await refused(pilot, 7, "ends in .duckdb")
        assert "\x1b" not in shown(app)

    drive(app, script, (80, 24))


def test_what_is_refused_at_the_end_names_file_and_line_and_can_be_mended(here):
    (here / "test.jsonl").write_text("\n".join(map(json.dumps, [*ROWS[3:4], {"question": "new", "answer": "label 0"}])))
    app = PadaApp()

    async def script(pilot):
        await opened(pilot)
        await typed(pilot, "train", "notes.jsonl")
        await typed(pilot, "test", "test.jsonl")
        for number in range(2, 8):
            await pilot.press("ctrl+n")
            await step(pilot, number)
        await pilot.press("enter")
        told = "both in train and in test. notes.jsonl, line 4 and test.jsonl, line 1"
        await until(pilot, lambda: told in " ".join(shown(app).split()), 60)
        assert not (here / "notes.duckdb").exists()
        app.screen.query_one("#drop_overlap", Checkbox).focus()
        assert "▐ ▌ drop overlap" in shown(app)
        await pilot.press("space")
        await until(pilot, lambda: "▐✓▌ drop overlap" in shown(app) and "--drop-overlap" in shown(app))
        app.screen.query_one("#make", OptionList).focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: "no run yet: s starts one" in shown(app), 60)

    drive(app, script)
    with Session.open(here / "notes.duckdb") as made:
        assert made.status()["runs"] == [], "the person starts the run"


def test_making_can_be_broken_off_while_the_app_answers(here, monkeypatch):
    def endless(draft, tell):
        while True:
            tell("reading [red]notes", 7, 0.5)
            time.sleep(0.005)

    monkeypatch.setattr(look, "make", endless)
    app = PadaApp()

    async def script(pilot):
        await opened(pilot)
        await typed(pilot, "train", "notes.jsonl")
        for number in range(2, 8):
            await pilot.press("ctrl+n")
            await step(pilot, number)
        await pilot.press("enter")
        await until(pilot, lambda: "50%" in shown(app) and "reading [red]notes: 7 rows" in shown(app))
        await pilot.press("f1")
        await until(pilot, lambda: "What this screen shows" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "What this screen shows" not in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Broken off; nothing was written." in shown(app) and "50%" not in shown(app))
        assert app.screen.at == 6
        await pilot.press("escape")
        await step(pilot, 6)

    drive(app, script)


def test_hostile_names_and_rows_are_shown_harmless(here):
    row = {"\x1b[31mtext": "a", "$(x) 'y'": "[@click=app.quit]go[/]\x1b[2J\u202e {n}", "label": "[red]"}
    (here / "[bold]evil.jsonl").write_text("\n".join(json.dumps(row | {"n": n}) for n in range(12)))
    (here / "esc\x1b[2J.jsonl").write_text("{}")
    app = PadaApp()

    async def script(pilot):
        await opened(pilot)
        await until(pilot, lambda: "[bold]evil.jsonl" in shown(app) and "esc\\u001b[2J.jsonl (this name cannot" in shown(app))
        await pilot.press("[", "tab")
        await until(pilot, lambda: "✓ train: [bold]evil.jsonl" in shown(app))
        await pilot.press("ctrl+n")
        await step(pilot, 2)
        await typed(pilot, "input", "$(x) 'y'")
        await typed(pilot, "output", "label")
        await typed(pilot, "tags", "")
        await until(pilot, lambda: "[@click=app.quit]go[/]\\u001b[2J\\u202e" in shown(app) and "[red]<|im_end|>" in shown(app))
        assert "\\u001b[31mtext" in shown(app) and "\x1b" not in shown(app) and "\u202e" not in shown(app)

    drive(app, script)


def test_home_shows_the_new_project_and_keys_lead_away_and_back(here):
    app = PadaApp()

    async def script(pilot):
        await opened(pilot)
        await until(pilot, lambda: "choose below with the arrow keys" in shown(app) and "notes.jsonl" in shown(app))
        await pilot.press("tab")
        assert app.screen.focused.name == "validation" and app.screen.draft.train == "", "Tab fills in nothing unasked"
        await typed(pilot, "train", "notes.jsonl")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "The new project is not made yet." in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: getattr(app.screen, "at", None) == 0)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.NAME == "home")
        assert app.screen.query_one("#projects", DataTable).row_count == 0
        await pilot.press("n")
        await step(pilot, 1)
        assert app.screen.query_one("#field-train", Field).value == "notes.jsonl"

    drive(app, script, (80, 24))
