"""Samples: what the teacher wrote, what was checked about it, and the decision of the person who knows the task."""

from typing import Any

from rich.text import Text
from textual.timer import Timer
from textual.widgets import DataTable, Static

from pada_local.records import round_id
from tui import actions
from tui.door import Door
from tui.plain import line, number, shortened
from tui.screens.dialogs import Line, Question
from tui.screens.editor import Editor
from tui.screens.paged import PAGE, PagedScreen
from tui.screens.sifting import choices, in_words, score_bounds
from tui.screens.story import heading, story
from tui.themes import mark

STILL_SECONDS = 0.1
"""A sample's story takes the host a search through all training examples: it is asked for where the cursor rests."""


class SamplesScreen(PagedScreen):
    """The review queue."""

    NAME = actions.SAMPLES
    BINDINGS = actions.bindings(actions.SAMPLES)
    COLUMNS = ("r", "state", "judge", "input", "output")
    EXPLAINED = (
        "Each line is a sample that the teacher wrote. The gate has checked it: is it readable, does its answer have the right "
        "form, is it new, does it repeat validation or test texts, does the judge find it relevant and right (from 1 to 10), "
        "does answering the input again give the same output.\n\n"
        "You have the last word as long as the round's samples are not chosen yet: a accepts, r rejects with a reason, e changes "
        "the texts, u takes back. What repeats validation or test text can never be accepted. With review.samples in the "
        "recipe the run waits for you here; c lets it go on.\n\n"
        "f sifts: by state, pattern, failed check, judge's score, or the training example that a sample is like. b decides about "
        "everything that is left after sifting, and can take that back."
    )

    def on_mount(self) -> None:
        self._sift: dict[str, Any] = {}
        self._story_timer: Timer | None = None
        self._patterns: dict[str, str] = {}  # the list itself is mounted after this: Textual calls every class's own on_mount

    def fetch(self, door: Door, offset: int) -> dict[str, Any]:
        runs = [run["id"] for run in door.ask("runs")]
        shown = self.pada.seen.view.run_id
        if not runs:
            return {"rows": [], "total": 0, "offset": 0, "run": "", "patterns": {}}
        run = shown if shown in runs else runs[-1]
        page = door.ask("samples", filter={**self._sift, "run_id": run, "search": self._search}, offset=offset, limit=PAGE)
        named = {row["id"]: f"round {row['round']}: {row['name'] or '(no name)'}" for row in door.rows("Pattern", run_id=run)}
        return page | {"run": run, "patterns": named}

    def _show(self, page: dict[str, Any]) -> None:
        self._run, self._patterns = page["run"], page["patterns"]
        super()._show(page)

    def told(self) -> str:
        waits = "  ? the run waits for you: c lets it go on" if self.pada.seen.view.state == "waiting for review" else ""
        return in_words(self._sift, self._search, self._patterns) + waits

    def cells(self, row: dict[str, Any]) -> tuple[Any, ...]:
        chosen = " *" if row["selected"] else ""
        score = number(row.get("score"), 1)
        return str(row["round"]), line(mark(row["state"]) + chosen), score, line(row["input"], 60), line(row["output"], 40)

    def show_row(self, row: dict[str, Any]) -> None:
        text, door = heading(row), self.pada.door
        self.query_one("#row", Static).update(text)
        if self._story_timer is not None:
            self._story_timer.stop()
        if door is not None:
            self._story_timer = self.set_timer(STILL_SECONDS, lambda: self._ask_story(door, row, text))

    def _ask_story(self, door: Door, row: dict[str, Any], text: Text) -> None:
        self.ask_newest("story", lambda: story(door, row), lambda told: self._add(row["id"], Text.assemble(text, told)))

    def _add(self, sample: str, text: Text) -> None:
        if self.marked is not None and self.marked["id"] == sample:
            self.query_one("#row", Static).update(text)

    # --- one sample

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
        self.rows[at] = {"score": self.rows[at].get("score")} | after
        for column, cell in enumerate(self.cells(self.rows[at])):
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
        def typed(texts: dict[str, str] | None) -> None:
            if texts is not None:
                self._decide("edit", **texts)

        row = self.marked
        if row is not None:
            self.app.push_screen(Editor("The sample as it should be", {"input": row["input"], "output": row["output"]}), typed)

    def action_undo(self) -> None:
        self._decide("undo")

    # --- many samples

    def action_filter(self) -> None:
        """Sift by one thing more, or by nothing again."""

        def chosen(key: str | None) -> None:
            name, _, value = (key or "").partition("=")
            if name == "score":
                self.app.push_screen(Line("Judge's score from and to, such as: 1 5.5"), self._bound)
            elif name:
                self._sift_by({} if name == "all" else {name: value})

        self.app.push_screen(Question("Show which samples?", choices(self.marked, self._patterns)), chosen)

    def _bound(self, text: str | None) -> None:
        if text is not None:
            bounds = score_bounds(text)
            if bounds is None:
                self.notify("Two numbers are needed, such as: 1 5.5", severity="warning")
            else:
                self._sift_by({"score_from": bounds[0], "score_to": bounds[1]})

    def _sift_by(self, more: dict[str, Any]) -> None:
        self._sift = self._sift | more if more else {}
        self._search = self._search if more else ""
        self._offset = 0
        self.reload()

    def action_all(self) -> None:
        """One decision about everything that the list holds, not only the page."""
        what = f"{self._total} samples ({in_words(self._sift, self._search, self._patterns)})"
        answers = [("accept", "Accept them"), ("reject", "Reject them"), ("undo", "Take the last decision about each back"),
                   ("", "Leave them as they are")]  # fmt: skip

        def typed(reason: str | None) -> None:
            if reason is not None:
                self._decide_all("reject", reason=reason)

        def chosen(action: str | None) -> None:
            if action == "reject":
                self.app.push_screen(Line("Why not? (kept with each sample)"), typed)
            elif action:
                self._decide_all(action)

        if self._total:
            self.app.push_screen(Question(f"What becomes of {what}?", answers), chosen)

    def _decide_all(self, action: str, **words: str) -> None:
        door, sift = self.pada.door, {**self._sift, "run_id": self._run, "search": self._search}

        def told(answer: dict[str, Any]) -> None:
            stayed = f"; {answer['refused']} stayed as they were: {shortened(answer['why'], 200)}" if answer["refused"] else ""
            self.notify(f"{answer['changed']} samples were decided about{stayed}", markup=False)
            self.reload()

        if door is not None:
            self.ask(lambda: door.ask("decide_all", filter=sift, action=action, words=words), told)

    def action_confirm(self) -> None:
        row, door = self.marked, self.pada.door
        if row is not None and door is not None:
            subject = round_id("samples", row["round"])
            told = "Confirmed: s on the run screen goes on."
            self.ask(lambda: door.decide(row["run_id"], subject, "confirm"), lambda _: self.notify(told))
