"""Themes are remembered and readable; nothing needs a colour, Unicode or a certain terminal."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.widgets import DataTable

from pada_local.runtime import places
from tests.tui.conftest import shown, until
from tests.tui.test_app import at, drive
from tui import charts, kept
from tui.app import SCREENS, PadaApp
from tui.glyphs import MARKS, Ascii, needed, plain
from tui.themes import MARKS as STATES
from tui.themes import THEMES, mark

TUI = Path(__file__).resolve().parents[2] / "tui"


def test_the_theme_that_was_chosen_is_there_next_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def press(pilot):
        await until(pilot, lambda: pilot.app.screen.NAME == "home")
        await pilot.press("f2")
        await until(pilot, lambda: pilot.app.theme == "pada-light")
        await until(pilot, lambda: any("theme is light" in note.message for note in pilot.app._notifications))

    async def look(pilot):
        assert pilot.app.theme == "pada-light"

    drive(PadaApp(), press)
    drive(PadaApp(), look)
    assert [file.name for file in places.user_folder().glob("cockpit*")] == [kept.FILE]


@pytest.mark.parametrize("content", [b"", b"{", b'{"theme": 3}', b'{"theme": "none of ours"}', b"\xff", b'{"later": 1}'])
def test_what_was_kept_and_cannot_be_read_stops_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (places.user_folder() / kept.FILE).write_bytes(content)

    async def look(pilot):
        assert pilot.app.theme == THEMES[0].name

    drive(PadaApp(), look)


def test_a_folder_that_cannot_be_written_is_said_and_the_theme_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (places.user_folder() / kept.FILE).mkdir()

    async def press(pilot):
        await until(pilot, lambda: pilot.app.screen.NAME == "home")
        await pilot.press("f2")
        await until(pilot, lambda: any("not remembered" in note.message for note in pilot.app._notifications))
        assert pilot.app.theme == "pada-light"

    drive(PadaApp(), press)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2: from 1, the same, to 21, black on white."""

    def light(colour: str) -> float:
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in Color.parse(colour).normalized]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_colour_can_be_read_on_every_ground(theme):
    least = 7.0 if theme.name == "pada-contrast" else 4.5
    for name in ("foreground", "primary", "secondary", "accent", "success", "warning", "error"):
        grounds = [theme.background, theme.surface] + ([theme.panel] if name in ("foreground", "primary") else [])
        assert all(contrast(getattr(theme, name), ground) >= least for ground in grounds), name


def test_colours_are_named_by_meaning_only():
    literal = re.compile(r"#[0-9a-fA-F]{6}\b|\brgb\(|ansi_\w+|[\"'\s:](?:red|green|blue|yellow|cyan|magenta|orange)[\"';]")
    for file in [*TUI.rglob("*.py"), *TUI.rglob("*.tcss")]:
        if file.name != "themes.py":
            assert not literal.search(file.read_text(encoding="utf-8")), file.name


def test_every_state_has_its_word_beside_its_mark():
    assert all(mark(state).endswith(f" {state}") and len(mark(state)) == len(state) + 2 for state in STATES)
    assert plain(mark("ok")) == "+ ok" and plain(mark("missing")) == "x missing" != plain(mark("changed"))


@pytest.mark.parametrize(
    ("environment", "ascii_only"),
    [
        ({}, False), ({"LANG": "de_DE.UTF-8"}, False), ({"LANG": "C"}, True), ({"LANG": "POSIX"}, True),
        ({"LANG": "C.UTF-8"}, False), ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True), ({"LANG": "en_US.ISO-8859-1"}, True),
        ({"LANG": "C", "LC_ALL": "en_US.utf8"}, False), ({"LANG": "C.UTF-8", "LC_ALL": "C"}, True),
        ({"LANG": "C.UTF-8", "TERM": "dumb"}, True), ({"TERM": "vt100"}, True), ({"TERM": "xterm-256color"}, False),
    ],
)  # fmt: skip
def test_the_locale_and_the_terminal_say_whether_unicode_is_shown(environment, ascii_only):
    assert needed(environment) is ascii_only


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Mn", "Me", "Cf", "Zl", "Zp"]), max_size=40))
def test_ascii_takes_as_many_cells_as_before(text):
    assert plain(text).isascii() and cell_len(plain(text)) == sum(cell_len(char) for char in text)
    assert [one.text for one in Ascii().apply([Segment(text)], Color(0, 0, 0))] == [plain(text)]


def test_marks_stay_apart_in_ascii():
    states = ["ok", "missing", "running", "paused", "stopped", "duplicate", "unparsable"]
    assert len({plain(mark(state)[0]) for state in states}) >= 6 and all(value.isascii() for value in MARKS.values())
    assert len({plain(one) for one in charts.MARKS}) == len(charts.MARKS)
    used = {char for file in TUI.rglob("*.py") for char in file.read_text(encoding="utf-8") if not char.isascii()}
    assert [char for char in used if plain(char) == "?"] == [], "every character of our own has an ASCII one"


def test_every_screen_without_colour_and_without_unicode(finished, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LANG", "C")
    app = PadaApp(finished)

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.state == "done")
        for name, key in zip(SCREENS, "123456789", strict=False):
            await at(pilot, name, key)
            tables = list(app.screen.query(DataTable))
            await until(pilot, lambda tables=tables: all(table.row_count > 0 for table in tables[:1]))
            await until(pilot, lambda: "PaDA Local" in shown(app))
            assert shown(app).isascii(), name
            strips = app.screen._compositor.render_strips()
            colours = {
                part for strip in strips for one in strip if one.style for part in (one.style.color, one.style.bgcolor) if part
            }
            assert all(len(set(colour.get_truecolor())) == 1 for colour in colours), "greys only"
            marked = [one for strip in strips for one in strip if one.style and one.style.reverse and one.text.strip()]
            assert marked or not any(table.has_focus for table in tables), f"{name}: what is marked is seen without colour"

    drive(app, script, (80, 24))
