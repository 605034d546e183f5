"""Terminals that are small, colourless, old or resized all the time."""

import re

import pytest


def test_a_window_that_is_back_at_its_size_before_anybody_looked_is_drawn_anew(start, finished):
    terminal = start("tui", finished, size=(80, 24))
    terminal.until("run done")
    for _ in range(10):
        terminal.resize(90, 30)
        terminal.resize(80, 24)  # what was drawn is gone, and the app may never have seen another size
        terminal.until("run done")


@pytest.mark.parametrize(
    "environment",
    [
        {}, pytest.param({"NO_COLOR": "1"}, marks=pytest.mark.terminal),
        pytest.param({"TERM": "dumb", "COLORTERM": ""}, marks=pytest.mark.terminal),
        pytest.param({"TERM": "vt100", "COLORTERM": "", "LANG": "C", "LC_ALL": "C"}, marks=pytest.mark.terminal),
        pytest.param({"LANG": "C", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, marks=pytest.mark.terminal),
    ],
    ids=str,
)  # fmt: skip
def test_poor_terminals_and_resize_storms(start, finished, environment):
    terminal = start("tui", finished, size=(80, 24), **environment)
    terminal.until("done")
    for key, shows in (("4", "All samples"), ("3", "2 patterns"), ("5", "b fixes"), ("2", "round")):
        terminal.press(key)
        terminal.until(shows)
        for size in [(20, 5), (200, 60), (1, 1), (80, 24)] * 10:  # as fast as they are drawn
            drawn = len(terminal.raw)
            terminal.resize(*size)
            terminal.until(lambda _, drawn=drawn: len(terminal.raw) > drawn)
        for size in ((100, 30), (80, 24)):
            terminal.resize(*size)
            terminal.until(shows)
    terminal.resize(20, 5)
    terminal.press("4")
    terminal.until("All samples")
    terminal.resize(120, 40)
    terminal.until("checks")
    if "NO_COLOR" in environment:
        colours = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)[;m]", terminal.raw))
        assert colours and all(red == green == blue for red, green, blue in colours), "greys only"
    terminal.press("q")
    assert terminal.ended() == 0
