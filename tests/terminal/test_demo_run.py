"""`pada demo --quick` in a real terminal from start to report, with the app beside it, on the built-in models."""

import re

import pytest

MINUTES = 60.0


@pytest.mark.terminal
def test_a_demo_run_from_start_to_report_with_the_app_watching(start, tmp_path):
    demo = start("demo", "--quick", "--to", "demo-run", cwd=tmp_path, size=(120, 50))
    app = start(cwd=tmp_path)  # at home: the demo writes its file where home looks
    app.until("This machine")
    demo.until("round 1", 2 * MINUTES)
    app.press("r")
    app.until("demo-1-quick.duckdb")
    app.press("enter")
    app.until("▸ running", 2 * MINUTES)
    app.until(lambda screen: re.search(r"after \d+ steps", screen.text), 3 * MINUTES)
    assert demo.ended(8 * MINUTES) == 0, demo.screen.text
    told = demo.raw.decode()
    assert re.search(r"test\b.*0\.\d{3}", told), told[-3000:]
    app.until("✓ done", MINUTES)
    app.until("run done")
    for key, shows in (("3", r"Round 1 of \d+: \d+ patterns"), ("4", r"All samples: 1 to \d+ of \d+"), ("5", r"b minus a"),
                       ("6", r"Training and validation examples: 1 to 100 of")):  # fmt: skip
        app.press(key)
        app.until(lambda screen, shows=shows: re.search(shows, screen.text), MINUTES)
    app.press("q")
    assert app.ended() == 0
    replay = start("replay", "demo-run/demo-1-quick.duckdb", "demo-quick", "--speed", "64", cwd=tmp_path)
    replay.until("REPLAY")
    replay.press(">")
    replay.until("at the end")
    replay.until("run done")
    replay.press("q")
    assert replay.ended() == 0
