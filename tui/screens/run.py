"""Run: the rail of stages, losses, scores against the vanilla line, the machine, the last events; start, pause, stop, skip."""

import time
from typing import Any

import msgspec
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Static

from pada_local import events
from pada_local.records import round_id
from pada_local.session import find_unfinished
from tui import actions, pace
from tui.charts import Interval, Plot, curve, whiskers
from tui.door import Door
from tui.feed import Seen
from tui.plain import block, line, shortened
from tui.screens.base import ProjectScreen
from tui.screens.dialogs import Line, Page
from tui.screens.starting import choose_recipe, next_seed
from tui.table import Table
from tui.themes import mark

MOST_SCORES = 8
RAIL_SECONDS = 0.5
SKIPPABLE = ("generate", "gate")
RAIL = ("r", "stage", "state", "s", "what came of it")


class RunScreen(ProjectScreen):
    """What goes on, live; and how it ended, when nothing does."""

    NAME = actions.RUN
    BINDINGS = actions.bindings(actions.RUN)
    EXPLAINED = (
        "A run goes in rounds. In each the student is fine-tuned (train), answers examples (evaluate), the teacher says why it "
        "failed (analyse), failures are grouped (group) and named, a strategy is drafted per group (draft), new samples are "
        "written (generate) and checked (gate), and some are chosen for the next round (select).\n\n"
        "The loss is how surprised the student is by the right answers: it should fall within a round. An o is the loss on "
        "examples kept out of training: where it rises while the line falls, the student learns by heart.\n\n"
        "The score is the project's metric on validation examples, with the interval in which it would likely lie on others "
        "like them. The broken line is the student trained once, without new samples (vanilla): what the rounds have to beat.\n\n"
        "s goes on or starts, w starts another run, p pauses, x stops, n ends the writing of samples after this wave. Leaving "
        "the app does not end a run unless you say so."
    )

    def body(self) -> ComposeResult:
        yield Static(id="headline", classes="head")
        with Horizontal():
            with Vertical(id="left"):
                yield Table(id="stages")
            with Vertical(id="right"):
                yield Static(id="loss-name", classes="note")
                yield Plot(id="loss")
                yield Static(id="scores-name", classes="note")
                yield Plot(id="scores")
                yield Static(id="machine", classes="note")
                yield Static(id="log", classes="pane")

    def on_mount(self) -> None:
        self._runs: list[dict[str, Any]] = []
        self._answered: Door | None = None  # whose runs these are
        self._pace = pace.Pace()
        self._rail: list[tuple[events.StageView, float | None]] = []
        self._rail_at, self._rail_waits = 0.0, False
        self._told: dict[str, str] = {}
        self._plotted: dict[str, Any] = {}
        self.query_one("#stages", DataTable).add_columns(*RAIL)
        self.query_one("#stages", DataTable).focus()

    def show_seen(self, seen: Seen) -> None:
        if not self.is_mounted or not self.query("#headline"):
            return
        view, now = seen.view, time.monotonic()
        self._pace = pace.follow(self._pace, view, now)
        left = pace.stage_left(self._pace, view, now)
        self._put("#headline", _headline(view, pace.run_left(view, left)) if view.run_id else self._without_run())
        if self._rail_is_due(view, now):
            self._show_rail(view, left)
        self._show_losses(view)
        self._show_scores(view)
        self._put("#machine", in_use(seen))
        self._put("#log", "\n".join(reversed(seen.lines[-40:])), fixed=True)

    def _without_run(self) -> str:
        """What the headline says as long as no run is shown."""
        door = self.pada.door
        if door is not None and self._answered is not door:
            return f"… opening {door.path.name}"
        return "… reading what the run said" if self._runs else "· no run yet: s starts one"

    def _put(self, selector: str, text: str, fixed: bool = False) -> None:
        """Draw a text if it is another one. The whole screen is laid out again only where it may need other lines."""
        before, self._told[selector] = self._told.get(selector), text
        if text != before:
            widget = self.query_one(selector, Static)
            fits = before is not None and max(len(before), len(text)) < widget.content_size.width and "\n" not in before + text
            widget.update(block(text), layout=not (fixed or fits))

    def _rail_is_due(self, view: events.RunView, now: float) -> bool:
        """Counts that run up are drawn twice a second, since a table is drawn whole; everything else at once."""
        known = [(_key(stage), stage.state) for stage, _ in self._rail]
        if now - self._rail_at >= RAIL_SECONDS or known != [(_key(stage), stage.state) for stage in view.stages]:
            self._rail_at, self._rail_waits = now, False
        elif not self._rail_waits:
            self._rail_waits = True
            self.set_timer(RAIL_SECONDS, lambda: self.show_seen(self.pada.seen))
        return self._rail_at == now

    def _show_rail(self, view: events.RunView, left: float | None) -> None:
        """Only what changed is drawn, in place; the cursor follows the stage that goes on unless the person has moved it."""
        table = self.query_one("#stages", DataTable)
        last = len(view.stages) - 1
        rail = [(stage, left if at == last else None) for at, stage in enumerate(view.stages)]
        followed = table.cursor_row >= table.row_count - 1
        if [_key(stage) for stage, _ in self._rail] != [_key(stage) for stage, _ in rail[: len(self._rail)]]:
            table.clear()
            self._rail = []
        for at, row in enumerate(rail):
            if at >= len(self._rail):
                table.add_row(*_cells(*row))
            elif row != self._rail[at]:
                for column, cell in enumerate(_cells(*row)):
                    if table.get_cell_at((at, column)) != cell:
                        table.update_cell_at((at, column), cell, update_width=True)
        self._rail = rail
        if followed and view.state == "running":
            table.move_cursor(row=table.row_count - 1)

    def _show_losses(self, view: events.RunView) -> None:
        drawn = [(step, loss) for number, step, loss in view.losses if number == view.round]
        marked = [(step, loss) for number, step, loss in view.held_out if number == view.round]
        told = "training loss"
        if drawn:
            told = f"training loss, round {view.round}: {drawn[-1][1]:.3f} after {len(drawn)} steps"
        if marked:
            told += f"; held out (o) {marked[-1][1]:.3f}"
        self._put("#loss-name", told)
        if self._plotted.get("loss") != (drawn, marked):
            self._plotted["loss"] = drawn, marked
            self.query_one("#loss", Plot).show(lambda width, height: curve(drawn, marked, width, height))

    def _show_scores(self, view: events.RunView) -> None:
        rows, vanilla = scored_rounds(self._runs, view)
        shown, plot = rows[-MOST_SCORES:], self.query_one("#scores", Plot)
        told = "validation score" if vanilla is None else f"validation score; ¦ vanilla {vanilla:.3f}"
        self._put("#scores-name", told)
        if self._plotted.get("scores") != (shown, vanilla):
            self._plotted["scores"] = shown, vanilla
            plot.styles.height = max(1, len(shown))
            plot.show(lambda width, _height: whiskers(shown, width, vanilla))

    def reload(self) -> None:
        if self.pada.door is not None:
            door = self.pada.door
            self.ask_newest("scores", lambda: door.ask("scores"), lambda runs: self._scored(door, runs))

    def _scored(self, door: Door, runs: list[dict[str, Any]]) -> None:
        self._answered, self._runs = door, runs
        self._show_scores(self.pada.seen.view)
        if not self.pada.seen.view.run_id:
            self._put("#headline", self._without_run())

    # --- actions

    def action_start(self) -> None:
        """Go on with the unfinished run; without one a recipe is chosen."""
        door = self.pada.door

        def look() -> Any:
            left = find_unfinished(door.status()["runs"])
            return (left, door.ask("recipe", id=left["recipe_id"])) if left else (None, None)

        def found(answer: Any) -> None:
            left, recipe = answer
            if recipe is None:
                self.action_other()
            else:
                self._begin(recipe, left["seed"])

        self.ask(look, found)

    def action_other(self) -> None:
        """Start a run with a recipe and a seed of the person's choice."""
        door = self.pada.door

        def chosen(recipe: Any) -> None:
            def typed(seed: str | None) -> None:
                if seed is not None and seed.strip().isdecimal():
                    self._begin(msgspec.to_builtins(recipe), int(seed))
                elif seed is not None:
                    self.notify("A seed is a whole number.", severity="warning")

            title = f"Seed for {recipe.name} (another seed, another draw)"
            self.ask(lambda: next_seed(door.ask("runs"), recipe), lambda seed: self.app.push_screen(Line(title, seed), typed))

        choose_recipe(self, chosen)

    def _begin(self, recipe: dict[str, Any], seed: int) -> None:
        door = self.pada.door
        self.ask(lambda: door.ask("start", recipe=recipe, seed=seed), lambda _: self.notify("The run goes on."))

    def action_pause(self) -> None:
        self._end("pause", "The run pauses after the step that is going on.")

    def action_stop(self) -> None:
        self._end("stop", "The run stops; everything done is kept.")

    def _end(self, how: str, told: str) -> None:
        door = self.pada.door
        self.ask(lambda: door.ask(how), lambda answer: self.notify(told if answer["asked"] else "Nothing is running."))

    def action_skip(self) -> None:
        """End the writing of samples; every other stage is needed whole, so that rounds can be compared."""
        view, door = self.pada.seen.view, self.pada.door
        stage = pace.going_on(view)
        if stage is None or stage.name not in SKIPPABLE:
            name = stage.name if stage else "nothing"
            told = f"Only the writing of samples can be cut short; what goes on is {shortened(name, 24)}. "
            told += "Rounds could not be compared if other stages stayed unfinished."
            self.notify(told, severity="warning", markup=False)
            return
        subject = round_id("samples", view.round)
        told = "This wave is the last one of the round; then samples are chosen."
        self.ask(lambda: door.decide(view.run_id, subject, "enough"), lambda _: self.notify(told))

    def action_events(self) -> None:
        self.app.push_screen(Page("The last events, the newest first", "\n".join(reversed(self.pada.seen.lines))))


def _headline(view: events.RunView, left: float | None) -> str:
    still = f", {pace.in_words(left)} left (estimate)" if left is not None else ""
    return f"{mark(view.state)}  {view.recipe}, seed {view.seed}, round {view.round} of {view.rounds}{still}  {view.message}"


def _key(stage: events.StageView) -> tuple[int, str, int]:
    return stage.round, stage.name, stage.wave


def _cells(stage: events.StageView, left: float | None) -> list[Any]:
    counts = ", ".join(f"{count} {name}" for name, count in stage.counts.items())
    came = counts or (f"{stage.done} of {stage.total}" if stage.total else "")
    came += f", {pace.in_words(left)} left" if left is not None and stage.state == "running" else ""
    name = f"{stage.name} ({stage.wave})" if stage.wave else stage.name
    seconds = "" if stage.state in ("running", "kept") else f"{stage.elapsed_s:.1f}"
    return [str(stage.round), line(name, 24), line(mark(stage.state)), seconds, line(came, 80)]


def scored_rounds(runs: list[dict[str, Any]], view: events.RunView) -> tuple[list[Interval], float | None]:
    """Every scored round, those of the run that is shown last, and the score of the student that was trained once.

    That is the first round of a run with a vanilla recipe if there is one, else the first round of the run that is shown.
    """
    rows, vanilla = [], None
    live = {score.round: score for score in view.scores}
    for run in sorted(runs, key=lambda one: one["id"] == view.run_id):
        known = {one["round"]: one for one in run["rounds"] if one["validation"]}
        for number, one in known.items():
            score = one["validation"]
            if run["id"] == view.run_id and number in live:
                continue
            rows.append(Interval(f"{number} {run['recipe']}", score["mean"], score["low"], score["high"], _test(run, number)))
            if "vanilla" in run["recipe"] and vanilla is None:
                vanilla = score["mean"]
    shown = next((run for run in runs if run["id"] == view.run_id), {"champion_round": 0, "test": None})
    rows += [
        Interval(f"{number} {view.recipe}", score.mean, score.low, score.high, _test(shown, number))
        for number, score in sorted(live.items())
    ]
    if vanilla is None and 1 in live:
        vanilla = live[1].mean
    return rows, vanilla


def _test(run: dict[str, Any], number: int) -> str:
    return f"test {run['test']['mean']:.3f}" if run["test"] and number == run["champion_round"] else ""


def in_use(seen: Seen) -> str:
    """Pace and memory, as far as they are known."""
    used, told = seen.resources, []
    if seen.trained_per_s and seen.view.state == "running":
        told.append(f"training {seen.trained_per_s:.0f} tokens/s")
    if used is not None:
        told += [f"teacher {used.teacher_tokens_per_s:.0f} tokens/s"] if used.teacher_tokens_per_s else []
        told.append(f"memory: host {used.host_mib}, student {used.worker_mib}, teacher {used.teacher_mib} MiB")
        told += [f"card {used.gpu_mib} MiB"] if used.gpu_mib else []
        told.append(f"free {used.free_mib} MiB")
    return "; ".join(told)
