"""The playground by its keys: three answers beside each other through a real host, stopped, compared, and refused in words."""

import threading

import pytest
from textual.widgets import DataTable

from pada_local.errors import UsageError
from pada_local.host import starting
from pada_local.session import Session
from pada_local.teacher.protocol import Heard
from tests.host.conftest import make_recipe
from tests.talk_help import rows_of, said, set_teacher, slow_server, stored_answers
from tests.tui.conftest import shown, until
from tests.tui.test_app import at, drive
from tui.app import PadaApp
from tui.screens.dialogs import Question
from tui.screens.playground import Prompt
from tui.screens.voice import SHORT, Voice, in_full


def text_of(app, seat: str) -> str:
    """What stands in one answer's pane, all of it."""
    return app.screen.query_one(f"#{seat} > Static").render().plain


def title_of(app, seat: str) -> str:
    return app.screen.query_one(f"#{seat}").border_title or ""


async def open_playground(pilot, *handed: str) -> None:
    """From the start of the app to its playground, when it is known who can be asked."""
    await until(pilot, lambda: getattr(pilot.app.screen, "NAME", "") == "run" and pilot.app.screen.is_mounted)
    if handed:
        pilot.app.to_playground(*handed)
        await until(pilot, lambda: getattr(pilot.app.screen, "NAME", "") == "playground" and pilot.app.screen.is_mounted)
    else:
        await at(pilot, "playground", "7")
    await until(pilot, lambda: title_of(pilot.app, "teacher").startswith("teacher "))


@pytest.fixture
def slow(tuned):
    """(project, event): its teacher says "so far" and goes on when the event is set."""
    go_on = threading.Event()
    with slow_server([said("so "), said("far")], go_on) as address:
        set_teacher(tuned, address)
        yield tuned, go_on


def test_three_answer_beside_each_other_and_the_student_as_in_its_evaluation(slow):
    path, go_on = slow
    [(prompt, answer), *_], before = stored_answers(path).items(), rows_of(path)
    app = PadaApp(path)

    async def script(pilot):
        await open_playground(pilot, prompt, answer)
        await until(pilot, lambda: app.screen.query_one(Prompt).text == prompt and "A validation failure" in shown(app))
        assert not any(voice.has_answered for voice in app.screen.query(Voice)), "it is asked when the person says so"
        await pilot.press("a")
        await until(pilot, lambda: text_of(app, "teacher") == "so far" and "Answers come" in shown(app))
        await until(pilot, lambda: "✓ the same as expected" in text_of(app, "student"), 90)
        assert text_of(app, "student").startswith(answer) and title_of(app, "student") == "brief round 1"
        await until(pilot, lambda: not app.screen.query_one("#base", Voice).goes_on, 90)
        assert text_of(app, "base") and text_of(app, "teacher") == "so far"
        across = [voice.region for voice in app.screen.query(Voice)]
        assert len({region.y for region in across}) == 1 and len({region.x for region in across}) == 3
        await pilot.press("s")
        await until(pilot, lambda: "It was stopped." in text_of(app, "teacher") and "■ stopped" in shown(app))
        assert "expected" in text_of(app, "teacher") and "predicted so far" in text_of(app, "teacher")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: len({voice.region.y for voice in app.screen.query(Voice)}) == 3)
        assert {voice.region.x for voice in app.screen.query(Voice)} == {0} and "base demo-student" in shown(app)
        await pilot.press("tab", "tab")
        await until(pilot, lambda: "predicted so far" in shown(app))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)

    drive(app, script)
    assert rows_of(path) == before


def test_a_prompt_is_typed_asked_and_changed_and_one_is_left_out(slow):
    path, go_on = slow
    app = PadaApp(path)

    async def script(pilot):
        await open_playground(pilot)
        await pilot.press("a")
        await until(pilot, lambda: any("A prompt is needed" in note.message for note in app._notifications))
        await pilot.press("o", "tab", "o", "tab")
        assert shown(app).count("left out") == 2
        await at(pilot, "run", "2")
        app.to_playground("given", "something")
        await until(pilot, lambda: "expected something" in shown(app))
        await pilot.press("i", "end", *" 3q", "ctrl+j", *"[b]")
        assert app.screen.query_one(Prompt).text == "given 3q\n[b]", "in the prompt letters and figures are no keys"
        await pilot.press("enter")
        await until(pilot, lambda: text_of(app, "teacher") == "so far")
        assert isinstance(app.screen.focused, Voice) and not app.screen.query_one("#base", Voice).has_answered
        assert "expected something" not in shown(app), "another prompt has another answer"
        go_on.set()
        await until(pilot, lambda: "✓ done" in shown(app))
        assert text_of(app, "teacher") == "so far"
        await pilot.press("i", "escape", "n")
        assert not app.screen.query_one(Prompt).text and not text_of(app, "teacher")

    drive(app, script, (80, 24))


def test_leaving_the_app_in_the_middle_of_an_answer(slow):
    path, _ = slow
    app = PadaApp(path)

    async def script(pilot):
        await open_playground(pilot)
        await pilot.press("o", "tab", "o", "i", "x", "enter")
        await until(pilot, lambda: text_of(app, "teacher") == "so far")
        await pilot.press("3")
        await until(pilot, lambda: app.screen.NAME == "patterns")
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)

    drive(app, script)
    assert rows_of(path)["Run"] == 1, "the host leaves, and with it the answer"


def test_beside_a_run_without_memory_it_says_so(slow, monkeypatch, tmp_path):
    path, _ = slow
    monkeypatch.setattr(starting, "HOST_MODULE", "tests.host.fake_host")
    monkeypatch.setenv("TMPDIR", str(tmp_path.parent))
    monkeypatch.setenv("PADA_FAKE_FREE_MIB", "900")
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.05")
    app = PadaApp(path)

    async def script(pilot):
        await open_playground(pilot)
        with Session.start_host(path) as starter:
            starter.start(make_recipe(steps=2000), 1)
            await pilot.press("i", "x", "enter")
            for seat in ("base", "student", "teacher"):
                await until(pilot, lambda seat=seat: "A run is using the models" in text_of(app, seat))
                assert "pada pause" in text_of(app, seat)
            starter.end_run("pause")
        await pilot.press("o", "tab", "o", "a")
        await until(pilot, lambda: text_of(app, "teacher") == "so far")
        await pilot.press("s")

    drive(app, script)


def test_a_failure_is_sent_from_the_patterns_screen(finished):
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run")
        await at(pilot, "patterns", "3")
        await until(pilot, lambda: app.screen.query_one(DataTable).row_count > 0 and bool(app.screen._failures))
        await pilot.press("j")
        failure = app.screen._failures[app.screen._failure]
        await pilot.press("t")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "playground" and app.screen.is_mounted)
        await until(pilot, lambda: app.screen.query_one(Prompt).text == failure["input"])
        await until(pilot, lambda: f"expected {failure['expected']}" in shown(app) and "A validation failure" in shown(app))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Question) and "validation" in shown(app))

    drive(app, script)


def test_what_is_shown_of_an_answer():
    def plain(heard, expected="", error=None):
        return in_full(heard, error, expected).plain

    assert plain(Heard(note="loading it")) == "loading it"
    assert plain(Heard(thought="hm" * 900)).startswith("thinking: …hm") and len(plain(Heard(thought="hm" * 900))) < 400
    assert plain(Heard(thought="hmm", text="yes")) == "(thought first: 3 characters)\nyes"
    assert plain(Heard(text="a b", ended=""), "a b\n") == "a b\n✓ the same as expected"
    assert plain(Heard(text="a b"), "a c") == "a b", "compared when it has ended"
    assert plain(Heard(text="a b", ended=""), "a c") == "expected  a c\npredicted a b"
    long = plain(Heard(text="word " * SHORT, ended="It was cut off."), "a c")
    assert "the whole answer\n" + "word " * SHORT in long and long.endswith("It was cut off.")
    assert plain(Heard(ended=""), "a c") == "The answer is empty."
    assert plain(Heard(text="so far"), error=UsageError("No.", "Why.", "How.")) == "so far\nNo.\nWhy.\nHow."
    hostile = in_full(Heard(text="[b]x[/b]\x1b[31m", ended=""), None, "")
    assert "[b]x[/b]" in hostile.plain and "\x1b" not in hostile.plain and not hostile.spans
