"""Samples: what the teacher wrote, what was checked about it, and the decision of the person who knows the task."""

from typing import Any

from rich.text import Text
from textual.widgets import DataTable, Static

from pada_local.review import round_id
from tui import actions
from tui.plain import block, line
from tui.screens.dialogs import Line
from tui.screens.paged import PagedScreen
from tui.themes import mark

STATES = ("accepted", "rejected", "duplicate", "leaked", "unparsable")


class SamplesScreen(PagedScreen):
    """The review queue."""

    NAME = actions.SAMPLES
    BINDINGS = actions.bindings(actions.SAMPLES)
    KIND, COLUMNS = "Candidate", ("round", "state", "input", "output")
    FILTERS = (("All samples", {}), *((f"{state.capitalize()} samples", {"state": state}) for state in STATES))
    EXPLAINED = (
        "Each line is a sample that the teacher wrote. The gate has checked it: is it readable, does its answer have the right "
        "form, is it new, does it repeat validation or test texts, does the judge find it relevant and right, does answering "
        "the input again give the same output.\n\n"
        "You have the last word as long as the round's samples are not chosen yet: a accepts, r rejects with a reason, e changes "
        "the output, u takes back. What repeats validation or test text can never be accepted. With review.samples in the "
        "recipe the run waits for you here; c lets it go on."
    )

    def cells(self, row: dict[str, Any]) -> tuple[Any, ...]:
        chosen = " *" if row["selected"] else ""
        return str(row["round"]), mark(row["state"]) + chosen, line(row["input"], 60), line(row["output"], 40)

    def show_row(self, row: dict[str, Any]) -> None:
        text = Text.assemble(("input\n", "bold"), block(row["input"]), ("\n\noutput\n", "bold"), block(row["output"]), "\n\n")
        text.append(f"{mark(row['state'])}{', chosen for training' if row['selected'] else ''}", "bold")
        text.append(block(f"  {row['reason']}\n"))
        self.query_one("#row", Static).update(text)
        door = self.pada.door
        if door is not None:
            self.ask(lambda: _story(door, row), lambda story: self._add(row["id"], Text.assemble(text, story)))

    def _add(self, sample: str, text: Text) -> None:
        if self.marked is not None and self.marked["id"] == sample:
            self.query_one("#row", Static).update(text)

    # --- actions

    def _decide(self, action: str, **words: str) -> None:
        row, door = self.marked, self.pada.door
        if row is None or door is None:
            return
        self.ask(lambda: door.decide(row["run_id"], row["id"], action, **words), lambda after: self._decided(row["id"], after))

    def _decided(self, sample: str, after: dict[str, Any]) -> None:
        """The line shows the decision, and the next one is marked at once."""
        table = self.query_one(DataTable)
        at = next((at for at, row in enumerate(self.rows) if row["id"] == sample), None)
        if at is None:
            return
        self.rows[at] = after
        for column, cell in enumerate(self.cells(after)):
            table.update_cell_at((at, column), cell)
        table.move_cursor(row=min(at + 1, len(self.rows) - 1))

    def action_accept(self) -> None:
        self._decide("accept")

    def action_reject(self) -> None:
        def typed(text: str | None) -> None:
            if text is not None:
                self._decide("reject", reason=text)

        self.app.push_screen(Line("Why not? (kept with the sample)"), typed)

    def action_edit(self) -> None:
        def typed(text: str | None) -> None:
            if text is not None:
                self._decide("edit", output=text)

        if self.marked is not None:
            self.app.push_screen(Line("The right output", self.marked["output"]), typed)

    def action_undo(self) -> None:
        self._decide("undo")

    def action_confirm(self) -> None:
        row, door = self.marked, self.pada.door
        if row is not None and door is not None:
            subject = round_id("samples", row["round"])
            told = "Confirmed: s on the run screen goes on."
            self.ask(lambda: door.decide(row["run_id"], subject, "confirm"), lambda _: self.notify(told))


def _story(door: Any, row: dict[str, Any]) -> Text:
    """Pattern, strategy, every check, and the training examples that were shown as models."""
    text = Text()
    for strategy in door.rows("Strategy", id=row["strategy_id"]) if row["strategy_id"] else []:
        text.append("\nstrategy\n", "bold").append(block(strategy["edited"] or strategy["drafted"])).append("\n")
    text.append("\nchecks\n", "bold")
    for verdict in door.rows("Verdict", candidate_id=row["id"]):
        value = "" if verdict["value"] is None else f" {verdict['value']:.2f}"
        text.append(block(f"{'✓' if verdict['passed'] else '✗'} {verdict['criterion']}{value}  {verdict['reason']}\n"))
    seeds = door.rows("Example", id=row["seed_examples"]) if row["seed_examples"] else []
    text.append("\nwritten with these training examples in view\n" if seeds else "", "bold")
    for seed in seeds:
        text.append(block(f"{seed['input']}\n  -> {seed['output']}\n"))
    return text
