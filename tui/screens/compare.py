"""Compare: every pair of finished runs on the same test examples, in words, and the slices side by side."""

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from tui import actions
from tui.plain import block, line, number
from tui.screens.base import ProjectScreen

WIDTH = 20


class CompareScreen(ProjectScreen):
    """What is better, and how sure that is."""

    NAME = actions.COMPARE
    BINDINGS = actions.bindings(actions.COMPARE)
    EXPLAINED = (
        "Each run was scored once on the same test examples. A difference is computed example by example: only those count on "
        "which the two runs disagree. When the interval of the difference holds zero, or p is above 0.05, the runs may well be "
        "equally good: more test examples would tell.\n\n"
        "A slice is a kind of example that the data names. The bars show the share that is right."
    )

    def body(self) -> ComposeResult:
        yield Static("Pairs of runs, second minus first", classes="head")
        yield DataTable(id="pairs", cursor_type="row")
        yield Static("By slice", classes="head")
        with VerticalScroll(classes="pane"):
            yield Static(id="slices")

    def on_mount(self) -> None:
        self.query_one(DataTable).add_columns("first", "second", "difference", "interval", "p", "in words")
        self.query_one(DataTable).focus()

    def action_look_again(self) -> None:
        self.reload()

    def reload(self) -> None:
        door = self.pada.door
        if door is not None:
            self.ask(lambda: door.ask("report"), self._show)

    def _show(self, report: dict[str, Any]) -> None:
        if not self.is_mounted:
            return
        table = self.query_one(DataTable)
        table.clear()
        for pair in report["comparisons"]:
            interval = f"[{pair['low']:+.3f}, {pair['high']:+.3f}]"
            p = "<0.001" if pair["p"] < 0.001 else f"{pair['p']:.3f}"
            table.add_row(line(pair["a"], 24), line(pair["b"], 24), f"{pair['difference']:+.3f}", interval, p, in_words(pair))
        lines = []
        for name in sorted({name for run in report["runs"] if run["test"] for name in run["test"]["by_slice"]}):
            lines.append(name)
            for run in report["runs"]:
                if run["test"] and name in run["test"]["by_slice"]:
                    share = run["test"]["by_slice"][name]
                    lines.append(f"  {run['recipe'][:24]:<24} {bar(share)} {number(share)}")
        self.query_one("#slices", Static).update(block("\n".join(lines) or "No run has a test score yet."))


def in_words(pair: dict[str, Any]) -> str:
    """What the interval and the test allow to say."""
    if pair["low"] <= 0 <= pair["high"]:
        return "no difference that can be told from chance"
    return "second is better" if pair["difference"] > 0 else "first is better"


def bar(share: float, width: int = WIDTH) -> str:
    """A bar whose filled part is the share."""
    full = round(share * width)
    return "█" * full + "░" * (width - full)
