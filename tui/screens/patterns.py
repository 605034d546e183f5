"""Patterns: the groups of failures of a round on a list and a map, what is written against each, the failures behind one."""

from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from pada_local.records import round_id
from tui import actions
from tui.charts import MARKS, Plot, scatter
from tui.plain import block, line
from tui.screens.base import ProjectScreen
from tui.screens.dialogs import Line, Question
from tui.screens.editor import Editor
from tui.screens.failures import failures_of, in_full, patterns_of
from tui.table import Table
from tui.themes import mark


class PatternsScreen(ProjectScreen):
    """Why the student fails, and what is to be done about it."""

    NAME = actions.PATTERNS
    BINDINGS = actions.bindings(actions.PATTERNS)
    EXPLAINED = (
        "The teacher looked at each validation example that the student got wrong and said why. Explanations that say the same "
        "are one pattern. For each pattern the teacher drafted a strategy: what new training samples should be like.\n\n"
        "With fewer than 30 failures in all, patterns are anecdotes. 'Rate' is the share of examples like these that fail, "
        "counted on the half of validation that did not say what these are like; ! means that they fail more often than the "
        "rest, beyond chance. 'Left' tells how many of its failures are still failures after each later "
        "round. You may rewrite a strategy (e), change how many samples it brings (n) or leave it out (d), as long as nothing "
        "was written from it. With review.strategies in the recipe the run waits for you here; c lets it go on.\n\n"
        "On the map each point is a failure; those whose explanations say nearly the same lie near each other, and each pattern "
        "has a mark of its own. It is a flat picture of a space with many dimensions: near on the map is not always near.\n\n"
        "On the right: what the student should have answered and what it did answer, the difference underlined. [ and ] go to "
        "the round before and after, j and k to the next failure and back. t takes the marked failure to the playground, where "
        "base, tuned student and teacher answer it: a later round may have learned it."
    )

    def body(self) -> ComposeResult:
        yield Static(id="about", classes="head")
        with Horizontal():
            with Vertical(id="left"):
                yield Table(id="patterns")
                yield Static(id="map-name", classes="note")
                yield Plot(id="map")
            with VerticalScroll(id="right", classes="pane"):
                yield Static(id="pattern")

    def on_mount(self) -> None:
        self._facts: dict[str, Any] = {}
        self._round, self._failure = 0, 0
        self._failures: list[dict[str, Any]] = []
        self.query_one(DataTable).add_columns("", "pattern", "fails", "rate", "quota", "state", "left")
        self.query_one(DataTable).focus()

    def reload(self) -> None:
        self.about_run(lambda door, run_id: patterns_of(door, run_id, self._round), self._show)

    def _show(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        table = self.query_one(DataTable)
        at = table.cursor_row
        table.clear()
        for row in facts["patterns"]:
            strategy = facts["strategies"].get(row["id"])
            left = " ".join(str(count) for _, count in facts["trends"].get(row["id"], [])[1:])
            state = strategy["state"] if strategy else row["state"]
            quota = str(strategy["quota"]) if strategy else "-"
            row["rate"] = rate = facts["rates"].get(row["id"])
            often = f"{rate['rate']:.0%}{'!' if rate['weak'] else ''}" if rate and rate["n"] else "-"
            name = line(row["name"] or "(no name)", 40)
            state = line(mark(state))
            table.add_row(MARKS[row["number"] % len(MARKS)], name, str(row["failures"]), often, quota, state, left or "-")
        table.move_cursor(row=at)
        told = f"Round {facts['round']} of {facts['last']}: {len(facts['patterns'])} patterns, {facts['explained']} explained"
        none = "No pattern yet: they come after the first round."
        self.query_one("#about", Static).update(block(told if facts["round"] else none))
        shown = facts["map"]
        share = f", {shown['explained']:.0%} of the spread" if shown["points"] else ""
        self.query_one("#map-name", Static).update(block(f"map of {len(shown['points'])} failures{share}"))
        self._show_marked()

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        self._show_marked()

    def _marked(self) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
        rows, at = self._facts.get("patterns", []), self.query_one(DataTable).cursor_row
        return (rows[at], self._facts["strategies"].get(rows[at]["id"])) if 0 <= at < len(rows) else None

    def _show_marked(self) -> None:
        marked, door = self._marked(), self.pada.door
        self._failures, self._failure = [], 0
        self._show_text()
        if marked is None or door is None:
            return
        row = marked[0]
        points = [(point["x"], point["y"], point["pattern"]) for point in self._facts["map"]["points"]]
        self.query_one("#map", Plot).show(lambda width, height: scatter(points, width, height, row["number"]))
        analyses = [self._facts["analyses"][one] for one in row["members"] if one in self._facts["analyses"]]
        if analyses:
            self.ask(lambda: (row["id"], failures_of(door, analyses)), lambda answer: self._add_failures(*answer))

    def _add_failures(self, pattern_id: str, failures: list[dict[str, Any]]) -> None:
        marked = self._marked()
        if marked is not None and marked[0]["id"] == pattern_id:
            self._failures = failures
            self._show_text()

    def _show_text(self) -> None:
        marked = self._marked()
        text = in_full(*marked, self._failures, self._failure) if marked else Content()
        self.query_one("#pattern", Static).update(text)

    # --- actions

    def action_turn(self, by: str) -> None:
        """The patterns of the round before or after."""
        if self._facts.get("round"):
            self._round = min(self._facts["last"], max(1, self._facts["round"] + int(by)))
            self._round = 0 if self._round == self._facts["last"] else self._round  # the last one follows the run
            self.reload()

    def action_step(self, by: str) -> None:
        """The next failure behind the pattern, or the one before."""
        if self._failures:
            self._failure = min(len(self._failures) - 1, max(0, self._failure + int(by)))
            self._show_text()

    def action_try_out(self) -> None:
        """The marked failure's input, asked in the playground, beside the answer that was expected."""
        if self._failures:
            failure = self._failures[self._failure]
            self.pada.to_playground(failure["input"], failure["expected"])
        else:
            self.notify("There is no failure to try out here.", severity="warning")

    def _decide(self, action: str, **words: str) -> None:
        marked, door = self._marked(), self.pada.door
        if marked is None or marked[1] is None or door is None:
            self.notify("There is no strategy to decide about.", severity="warning")
            return
        strategy = marked[1]["id"]
        self.ask(lambda: door.decide(self._facts["run_id"], strategy, action, **words), lambda _: self.reload())

    def action_rewrite(self) -> None:
        marked = self._marked()
        if marked is None or marked[1] is None:
            return

        def typed(texts: dict[str, str] | None) -> None:
            if texts is not None:
                self._decide("rewrite", text=texts["strategy"])

        now = marked[1]["edited"] or marked[1]["drafted"]
        self.app.push_screen(Editor("What should new samples be like?", {"strategy": now}), typed)

    def action_quota(self) -> None:
        def typed(text: str | None) -> None:
            if text is not None:
                self._decide("quota", count=text.strip())

        self.app.push_screen(Line("How many samples may this strategy bring?"), typed)

    def action_exclude(self) -> None:
        self._decide("exclude")

    def action_merge(self) -> None:
        marked = self._marked()
        others = [(self._facts["strategies"].get(row["id"]), row["name"]) for row in self._facts.get("patterns", [])]
        choices = [(one["id"], name) for one, name in others if one and one["state"] == "ok" and one != (marked or ("", ""))[1]]

        def chosen(strategy: str | None) -> None:
            if strategy:
                self._decide("merge", into=strategy)

        if marked is None or marked[1] is None or not choices:
            self.notify("There is no other strategy to merge it into.", severity="warning")
        else:
            self.app.push_screen(Question("Into which pattern's strategy?", [*choices, ("", "Into none")]), chosen)

    def action_undo(self) -> None:
        self._decide("undo")

    def action_confirm(self) -> None:
        door, facts = self.pada.door, self._facts
        if door is not None and facts.get("round"):
            subject = round_id("strategies", facts["round"])
            told = "Confirmed: s on the run screen goes on."
            self.ask(lambda: door.decide(facts["run_id"], subject, "confirm"), lambda _: self.notify(told))
