"""Patterns: the groups of failures of the last round, what is written against each, and the failures behind one."""

from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Static

from pada_local.review import round_id
from tui import actions
from tui.feed import Seen
from tui.plain import block, difference, line
from tui.screens.base import ProjectScreen
from tui.screens.dialogs import Line, Question
from tui.themes import mark

SHOWN_FAILURES = 8


def patterns_of(door: Any, run_id: str) -> dict[str, Any]:
    """Patterns of the last round that has any, with their strategies and the failures behind them."""
    patterns = door.rows("Pattern", run_id=run_id)
    last = max((row["round"] for row in patterns), default=0)
    strategies = {row["pattern_id"]: row for row in door.rows("Strategy", run_id=run_id, round=last)}
    analyses = {row["id"]: row for row in door.rows("Analysis", run_id=run_id, round=last)}
    shown = sorted((row for row in patterns if row["round"] == last), key=lambda row: -row["failures"])
    sizes: dict[str, dict[int, int]] = {}
    for row in patterns:
        sizes.setdefault(row["name"], {})[row["round"]] = row["failures"]
    return {"run_id": run_id, "round": last, "patterns": shown, "strategies": strategies, "analyses": analyses, "sizes": sizes}


class PatternsScreen(ProjectScreen):
    """Why the student fails, and what is to be done about it."""

    NAME = actions.PATTERNS
    BINDINGS = actions.bindings(actions.PATTERNS)
    EXPLAINED = (
        "The teacher looked at each validation example that the student got wrong and said why. Explanations that say the same "
        "are one pattern. For each pattern the teacher drafted a strategy: what new training samples should be like.\n\n"
        "A pattern of a few failures is an anecdote. You may rewrite a strategy (e), change how many samples it brings (n) or "
        "leave it out (d), as long as nothing was written from it. With review.strategies in the recipe the run waits for you "
        "here; c lets it go on.\n\n"
        "On the right: what the student should have answered and what it did answer, the difference underlined."
    )

    def body(self) -> ComposeResult:
        yield Static(id="about", classes="head")
        with Horizontal():
            with Vertical(id="left"):
                yield DataTable(id="patterns", cursor_type="row")
            with Vertical(id="right"):
                yield Static(id="pattern", classes="pane")

    def on_mount(self) -> None:
        self._facts: dict[str, Any] = {}
        self._round = 0
        self.query_one(DataTable).add_columns("pattern", "failures", "before", "quota", "state")
        self.query_one(DataTable).focus()

    def show_seen(self, seen: Seen) -> None:
        stages = sum(stage.state == "done" for stage in seen.view.stages)
        if stages != self._round:
            self._round = stages
            self.reload()

    def reload(self) -> None:
        self.about_run(patterns_of, self._show)

    def _show(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        table = self.query_one(DataTable)
        at = table.cursor_row
        table.clear()
        for row in facts["patterns"]:
            strategy = facts["strategies"].get(row["id"])
            before = facts["sizes"][row["name"]].get(facts["round"] - 1)
            state = strategy["state"] if strategy else row["state"]
            quota = str(strategy["quota"]) if strategy else "-"
            table.add_row(line(row["name"] or "(no name)", 40), str(row["failures"]), str(before or "-"), quota, mark(state))
        table.move_cursor(row=at)
        told = f"Round {facts['round']}: {len(facts['patterns'])} patterns, {len(facts['analyses'])} failures explained"
        none = "No pattern yet: they come after the first round."
        self.query_one("#about", Static).update(block(told if facts["round"] else none))
        self._show_marked()

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        self._show_marked()

    def _marked(self) -> tuple[dict[str, Any], dict[str, Any] | None] | None:
        rows, at = self._facts.get("patterns", []), self.query_one(DataTable).cursor_row
        return (rows[at], self._facts["strategies"].get(rows[at]["id"])) if 0 <= at < len(rows) else None

    def _show_marked(self) -> None:
        marked = self._marked()
        if marked is None:
            self.query_one("#pattern", Static).update("")
            return
        row, strategy = marked
        text = Text.assemble(block(row["name"], "bold"), "\n", block(row["text"]), "\n\n")
        if strategy:
            text.append("strategy", "bold").append(" (rewritten)" if strategy["edited"] else "").append("\n")
            text.append(block(strategy["edited"] or strategy["drafted"])).append("\n\n")
        text.append("failures behind it, the most typical first\n", "bold")
        self.query_one("#pattern", Static).update(text)
        shown = [self._facts["analyses"][one] for one in row["members"][:SHOWN_FAILURES] if one in self._facts["analyses"]]
        door = self.pada.door
        if shown and door is not None:
            self.ask(lambda: (row["id"], _failures(door, shown)), lambda answer: self._add_failures(text, *answer))

    def _add_failures(self, text: Text, pattern_id: str, failures: list[Text]) -> None:
        marked = self._marked()
        if marked is not None and marked[0]["id"] == pattern_id:
            self.query_one("#pattern", Static).update(Text.assemble(text, *failures))

    # --- actions

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

        def typed(text: str | None) -> None:
            if text is not None:
                self._decide("rewrite", text=text)

        now = marked[1]["edited"] or marked[1]["drafted"]
        self.app.push_screen(Line("Strategy: what should new samples be like?", now), typed)

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


def _failures(door: Any, analyses: list[dict[str, Any]]) -> list[Text]:
    """Input, expected, predicted and cause of each."""
    examples = {row["id"]: row for row in door.rows("Example", id=[one["example_id"] for one in analyses])}
    answers = {row["id"]: row for row in door.rows("Prediction", id=[one["prediction_id"] for one in analyses])}
    found = []
    for one in analyses:
        example, answer = examples.get(one["example_id"]), answers.get(one["prediction_id"])
        if example and answer:
            shown = difference(example["output"], answer["text"])
            found.append(Text.assemble("\n", block(example["input"]), "\n", shown, block(one["root_cause"], "italic"), "\n"))
    return found
