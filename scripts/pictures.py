"""Pictures of the terminal app for the README: docs/pictures/*.svg, drawn from a finished demo (make pictures).

Each picture is the screen of the real app on the real project file. Nothing in it is loaded from elsewhere: the font that
Textual's export names is left out, and any monospaced one takes its place.
"""

import argparse
import asyncio
import re
import shutil
import tempfile
import time
from pathlib import Path

from textual.pilot import Pilot

from tui.app import PadaApp

ROOT = Path(__file__).resolve().parents[1]
SIZE = (120, 36)
PICTURES = {
    # name: keys, what has to be read on the screen before the picture is taken
    "run": ([], "validation score"),
    "patterns": (["3"], "failures behind it"),
    "samples": (["4"], "checks"),
    "compare": (["5"], "b minus a"),
}
FONT = re.compile(r"@font-face\s*\{[^}]*\}\s*")
SECONDS = 60.0


def drawn(app: PadaApp) -> str:
    """The screen as SVG that loads nothing."""
    return FONT.sub("", app.export_screenshot(simplify=True))


def text_of(app: PadaApp) -> str:
    """What a person can read on the screen, and below it in scrolled panes."""
    return drawn(app).replace("&#160;", " ")


async def take(project: Path, folder: Path) -> None:
    """One picture per entry of PICTURES."""
    app = PadaApp(project)
    async with app.run_test(size=SIZE) as pilot:
        await _until(pilot, "done")
        for name, (keys, wanted) in PICTURES.items():
            await pilot.press(*keys)
            await _until(pilot, wanted)
            (folder / f"{name}.svg").write_text(drawn(app) + "\n", encoding="utf-8")


async def _until(pilot: Pilot[int], wanted: str) -> None:
    deadline = time.monotonic() + SECONDS
    while wanted not in text_of(pilot.app):  # type: ignore[arg-type]
        if time.monotonic() > deadline:
            raise SystemExit(f"the screen never showed {wanted!r}")
        await pilot.pause(0.2)
    await pilot.pause(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path, help="project file of a finished demo")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "pictures", help="folder of the pictures")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "demo.duckdb"  # looking at a project keeps it open; the copy may be kept as long as needed
        shutil.copy(options.project, copied)
        asyncio.run(take(copied, options.to))


if __name__ == "__main__":
    main()
