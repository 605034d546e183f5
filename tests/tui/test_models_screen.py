"""The models screen by its keys: adding with a typed path, ending the hashing, verifying, removing, and why one does not fit."""

import os
import shutil
import threading
from pathlib import Path

import pytest
from textual.widgets import DataTable, Input

from pada_local.runtime import allowed, catalog, memory, registered
from pada_local.runtime.examine import Facts
from tests.gguf_help import with_template
from tests.tui.conftest import shown, until
from tests.tui.test_app import at, drive
from tui.app import PadaApp
from tui.screens.dialogs import Page, Question
from tui.screens.models import fits_as
from tui.screens.typed import Checked, PathLine, Working, completions

TEACHER = Path(__file__).resolve().parents[2] / "models" / "demo-teacher" / "demo-teacher-f16.gguf"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a model, a text and a folder, in which the app is started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "store").mkdir()
    shutil.copy(TEACHER, tmp_path / "store" / "My Teacher.gguf")
    (tmp_path / "store" / "notes.txt").write_text("no model")
    return tmp_path


async def listed(pilot) -> DataTable:
    """The screen, once its models are shown."""
    await at(pilot, "models", "8")
    table = pilot.app.screen.query_one("#models", DataTable)
    await until(pilot, lambda: table.row_count >= 2)
    return table


def names(app) -> list[str]:
    return [one.model.name for one, _, _ in app.screen._seen]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_model_is_added_by_its_path_verified_and_removed(here, size):
    app = PadaApp()

    async def script(pilot):
        table = await listed(pilot)
        await until(pilot, lambda: "demo-student" in shown(app) and "✓ as recorded" in shown(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, PathLine) and app.screen.query(Input))
        await pilot.press(*"st", "tab")
        await until(pilot, lambda: app.screen.query_one(Input).value == "store/")
        await until(pilot, lambda: "My Teacher.gguf" in shown(app) and "notes.txt" not in shown(app))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: type(app.screen) is Checked and app.screen.query_one(Input).value == "my-teacher")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Page) and "as teacher: fits" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "models" and "my-teacher" in names(app))
        await until(pilot, lambda: app.screen._marked().model.name == "my-teacher" and "my-teacher  teacher, yours" in shown(app))
        await pilot.press("v")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "models" and "✓ verified" in shown(app))
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "models")
        assert "my-teacher" in catalog.load_catalog()
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "models" and table.row_count == 2)

    drive(app, script, size)
    assert "my-teacher" not in catalog.load_catalog() and (here / "store" / "My Teacher.gguf").exists()


def test_hashing_shows_how_far_it_is_and_escape_ends_it_with_nothing_kept(here, monkeypatch):
    app, go = PadaApp(), threading.Event()
    real = registered.add

    def slowly(path, name, tell):
        def told(done, total):
            tell(done, total)
            go.wait(20)
            tell(done, total)

        return real(path, name, told)

    monkeypatch.setattr(registered, "add", slowly)

    async def script(pilot):
        await listed(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, PathLine) and app.screen.query(Input))
        app.screen.query_one(Input).value = "store/My Teacher.gguf"
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen) is Checked and app.screen.query_one(Input).value == "my-teacher")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Working) and "MiB hashed" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Ending" in shown(app))
        go.set()
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "models")
        await until(pilot, lambda: any("Nothing was kept" in note.message for note in app._notifications))

    drive(app, script)
    assert "my-teacher" not in catalog.load_catalog()


def test_a_file_that_changed_is_named_and_one_that_ships_is_not_removed(here):
    file = here / "store" / "My Teacher.gguf"
    registered.add(file, "mine")
    kept = file.stat()
    with file.open("r+b") as bent:
        bent.seek(-1, os.SEEK_END)
        bent.write(b"\xff")
    os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    app = PadaApp()

    async def script(pilot):
        table = await listed(pilot)
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, Page) and "mine" in shown(app) and "✗ changed" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "models" and "✓ verified" in shown(app))
        at_shipped = names(app).index("demo-student")
        for _ in range(at_shipped):
            await pilot.press("down")
        await until(pilot, lambda: table.cursor_row == at_shipped)
        await pilot.press("d")
        await until(pilot, lambda: any("ships with the program" in note.message for note in app._notifications))
        assert getattr(app.screen, "NAME", "") == "models"

    drive(app, script)


def test_a_template_of_no_known_family_is_read_before_it_is_allowed(here):
    registered.add(with_template(TEACHER, here / "odd.gguf", "{% for m in messages %}<<{{ m.content }}>>{% endfor %}"))
    app = PadaApp()

    async def script(pilot):
        table = await listed(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, Page) and "<<{{ m.content }}>>" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.NAME == "models")
        assert not allowed.template_of("odd").allowed
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, Page))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: allowed.template_of("odd").allowed)
        table.move_cursor(row=names(app).index("demo-student"))
        await pilot.press("t")
        await until(pilot, lambda: any("needs no leave" in one.message for one in app._notifications))

    drive(app, script)


def test_why_a_model_does_not_fit_is_told(here, monkeypatch):
    monkeypatch.setattr(memory, "gpus", lambda: [])
    monkeypatch.setattr(memory, "available_mib", lambda: 20)
    app = PadaApp()

    async def script(pilot):
        table = await listed(pilot)
        await until(pilot, lambda: "too large as teacher" in shown(app))
        for _ in range(names(app).index("demo-teacher")):
            await pilot.press("down")
        await until(pilot, lambda: names(app)[table.cursor_row] == "demo-teacher" and "✗ as teacher: does not fit" in shown(app))
        assert "✗ as student: no: only a folder" in shown(app)

    drive(app, script)


def test_a_path_is_completed_as_it_was_begun(here):
    def gguf(path: Path) -> bool:
        return path.suffix == ".gguf"

    (here / "store" / "bad\x1bname.gguf").write_text("")
    (here / ".hidden").mkdir()
    assert completions("", gguf) == ["store/"]
    assert completions(".h", gguf) == [".hidden/"]
    assert completions("store/", gguf) == ["store/My Teacher.gguf"]
    assert completions(f"{here}/sto", gguf) == [f"{here}/store/"]
    assert completions("nowhere/x", gguf) == completions("~nobody-of-that-name/", gguf) == completions("a\0/b", gguf) == []


def test_roles_that_fit_are_named():
    facts = Facts(
        path="/m", kind="gguf", role="teacher", architecture="llama", parameters=1, bytes=1, context=1, template="chatml",
        licence="", fits={"teacher": "fits: 1 MiB", "judge": "does not fit: 9 MiB"},
    )  # fmt: skip
    assert fits_as(facts) == "teacher" and fits_as(None) == "-"
