"""Every screen as a picture at two sizes, from a recorded run: what a person sees does not change unnoticed.

`PADA_SNAPSHOTS=write` writes the pictures anew; look at them (tests/tui/pictures/*.svg) before they are committed.
"""

import io
import os
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from rich.segment import Segment, Segments

from pada_local import events
from pada_local.records import EventRow
from pada_local.store.project import Project
from tests.tui.conftest import shown, until
from tests.tui.test_app import drive
from tui.app import PadaApp

PICTURES = Path(__file__).with_name("pictures")
SIZES = {"small": (80, 24), "large": (120, 40)}
SCREENS = {
    # name: key, what has to be on the screen
    "run": ("2", "run done"), "patterns": ("3", "failures behind it"), "samples": ("4", "output"),
    "compare": ("5", "b minus a"), "data": ("6", "Training and validation examples"),
}  # fmt: skip
FONT = re.compile(r"@font-face\s*\{[^}]*\}\s*")


@pytest.fixture(scope="session")
def recorded_file(finished_file, tmp_path_factory):
    """The finished run with the same times on every machine."""
    path = shutil.copy(finished_file, tmp_path_factory.mktemp("pictures") / "notes.duckdb")
    project = Project.open(path)
    for number, row in enumerate(project.get(EventRow)):
        event = events.decode(row.body)
        if isinstance(event, events.StageDone):
            event = msgspec.structs.replace(event, elapsed_s=1.5 + number % 7)
        project.replace(msgspec.structs.replace(row, body=events.encode(event).decode()))
    project.close()
    return path


def picture(app: PadaApp) -> str:
    """The screen as SVG, without what differs between two drawings of the same: how runs of one style are cut into pieces."""
    width, height = app.size
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True, color_system="truecolor", record=True,
                      legacy_windows=False, safe_box=False)  # fmt: skip
    for strip in app.screen._compositor.render_strips():
        plain = (Segment(one.text, one.style.clear_meta_and_links() if one.style else None) for one in strip)
        console.print(Segments([*Segment.simplify(plain), Segment.line()]), end="")
    return FONT.sub("", console.export_svg(title=app.title, unique_id="terminal")) + "\n"


async def settled(pilot) -> str:
    """The picture that has not changed for a while: tables find their widths when nothing else is to be done."""
    last: list[str] = []
    while len(last) < 4 or len(set(last[-4:])) > 1:
        await pilot.pause(0.05)
        last.append(picture(pilot.app))
        assert len(last) < 200, "the screen never comes to rest"
    return last[-1]


@pytest.mark.parametrize("size", SIZES)
def test_a_recorded_run_looks_as_it_did(recorded_file, tmp_path, monkeypatch, size):
    monkeypatch.chdir(tmp_path)
    app = PadaApp(Path(shutil.copy(recorded_file, tmp_path / "notes.duckdb")))
    drawn = {}

    async def script(pilot):
        await until(pilot, lambda: app.screen.NAME == "run" and app.seen.view.state == "done" and "vanilla 0.667" in shown(app))
        for name, (key, wanted) in SCREENS.items():
            await pilot.press(key)
            await until(pilot, lambda name=name, wanted=wanted: name == app.screen.NAME and wanted in shown(app))
            await until(pilot, lambda: not any(worker.group == "ask" and worker.is_running for worker in app.workers))
            drawn[name] = await settled(pilot)

    drive(app, script, SIZES[size])
    changed = []
    for name, made in drawn.items():
        kept = PICTURES / f"{name}-{size}.svg"
        if os.environ.get("PADA_SNAPSHOTS") == "write":
            PICTURES.mkdir(exist_ok=True)
            kept.write_text(made, encoding="utf-8")
        if not kept.is_file() or kept.read_text(encoding="utf-8") != made:
            changed.append(kept.name)
            (tmp_path / kept.name).write_text(made, encoding="utf-8")
    assert not changed, f"these look otherwise now: {changed}; the new ones are in {tmp_path} (PADA_SNAPSHOTS=write keeps them)"
