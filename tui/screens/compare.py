"""Compare: two arms side by side, each a round of a run: the paired test in words, bars, and the examples that changed."""

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from tui import actions
from tui.plain import block, line, number
from tui.screens.arms import VIEWS, arms_of, first_choice, in_full
from tui.screens.base import ProjectScreen
from tui.screens.studied import studies_in_full
from tui.table import Table

COLUMNS = ("", "run", "round", "validation", "interval", "test", "teacher tokens", "teacher s", "tokens trained")


class CompareScreen(ProjectScreen):
    """What is better, and how sure that is."""

    NAME = actions.COMPARE
    BINDINGS = actions.bindings(actions.COMPARE)
    EXPLAINED = (
        "Each line above is a round of a run. a marks the one that is compared, b the one that it is compared with.\n\n"
        "A difference is computed example by example: only those count on which the two disagree. p tells how often chance alone "
        "would make the two differ as much. When the interval of the difference holds zero, or p is above 0.05, they may well be "
        "equally good: more examples would tell.\n\n"
        "A slice is a kind of example that the data names, a pattern a group of failures that the teacher named. The bars show "
        "the score of each side.\n\n"
        "v shows the examples that b fixed, those that it newly broke, and the summary again; j and k go through them. t "
        "compares on the test examples, once both runs are done: whoever looks at them often begins to tune to them. The "
        "costs are the whole run's.\n\n"
        "y shows the studies that the project was in (pada study): means over seeds, and which differences are left when it is "
        "counted that many were looked at (Holm)."
    )

    def body(self) -> ComposeResult:
        yield Table(id="arms")
        yield Static(id="about", classes="head")
        with VerticalScroll(id="below", classes="pane"):
            yield Static(id="result")

    def on_mount(self) -> None:
        self._arms: list[dict[str, Any]] = []
        self._a: tuple[str, int] | None = None
        self._b: tuple[str, int] | None = None
        self._split, self._view, self._step = "validation", 0, 0
        self._found: dict[str, Any] = {}
        self._studies: list[dict[str, Any]] = []
        self._studied = False
        self.query_one(DataTable).add_columns(*COLUMNS)
        self.query_one(DataTable).focus()

    def action_look_again(self) -> None:
        self.reload()

    def reload(self) -> None:
        door = self.pada.door
        if door is not None:
            self.ask_newest("report", lambda: door.ask("report"), self._show)

    def _show(self, report: dict[str, Any]) -> None:
        self._arms, self._studies = arms_of(report), report["studies"]
        known = [arm["key"] for arm in self._arms]
        first = first_choice(self._arms)
        self._a = self._a if self._a in known else first[0]
        self._b = self._b if self._b in known else first[1]
        self._fill()
        self._compare()

    def _fill(self) -> None:
        table = self.query_one(DataTable)
        at = table.cursor_row
        table.clear()
        for arm in self._arms:
            sides = ("a" if arm["key"] == self._a else "") + ("b" if arm["key"] == self._b else "")
            score, test = arm["validation"], number(arm["test"])
            interval = f"[{score['low']:.3f}, {score['high']:.3f}]"
            costs = [f"{arm['cost'][name]:,.0f}" for name in ("tokens", "seconds", "trained")]
            name = line(f"{arm['recipe']}, seed {arm['seed']}", 30)
            table.add_row(sides, name, str(arm["key"][1]), number(score["mean"]), interval, test, *costs)
        table.move_cursor(row=at)

    def _compare(self) -> None:
        door, words = self.pada.door, {"split": self._split}
        if door is None or self._a is None or self._b is None:
            self.query_one("#result", Static).update(block("A score is needed to compare: the first comes with round 1."))
            return
        for side, (run, number_) in (("a", self._a), ("b", self._b)):
            words[side] = {"run": run, "round": number_}
        self.ask_newest("arms", lambda: door.ask("arms", **words), self._compared)

    def _compared(self, found: dict[str, Any]) -> None:
        self._found = found
        self._show_result()

    def _show_result(self) -> None:
        if self._studied:
            self.query_one("#about", Static).update(block("studies: recipes over seeds at equal budget; y goes back to a and b"))
            self.query_one("#result", Static).update(studies_in_full(self._studies, max(40, self.size.width - 4)))
            return
        found, names = self._found, {arm["key"]: f"{arm['recipe']} {arm['key'][1]}" for arm in self._arms}
        if not found:
            return
        view = VIEWS[self._view]
        sides = f"a {names.get(self._a, '')}, b {names.get(self._b, '')}, on {found['split']} examples"
        self.query_one("#about", Static).update(block(f"{view}: {sides}"))
        width = max(20, self.size.width - 50)
        self.query_one("#result", Static).update(in_full(found, view, self._step, width))
        self.query_one("#below").scroll_home(animate=False)

    # --- actions

    def _mark(self, side: str) -> None:
        at = self.query_one(DataTable).cursor_row
        if 0 <= at < len(self._arms):
            setattr(self, side, self._arms[at]["key"])
            self._step = 0
            self._fill()
            self._compare()

    def action_side(self, side: str) -> None:
        """Put the marked line on side a or b."""
        self._mark(f"_{side}")

    def action_view(self) -> None:
        """Summary, fixed examples, newly broken ones."""
        self._view, self._step = (self._view + 1) % len(VIEWS), 0
        self._studied = False
        self._show_result()

    def action_step(self, by: str) -> None:
        """The next changed example, or the one before."""
        ids = self._found.get(VIEWS[self._view], [])
        if ids:
            self._step = min(len(ids) - 1, max(0, self._step + int(by)))
            self._show_result()

    def action_studies(self) -> None:
        """The studies that this project was in, or the two sides again."""
        self._studied = not self._studied
        self._show_result()
        self.query_one("#below").scroll_home(animate=False)

    def action_split(self) -> None:
        """Validation or test examples."""
        self._split, self._step = ("test" if self._split == "validation" else "validation"), 0
        self._compare()
