"""Run: the stages, the loss, the scores, the last events; start, pause, stop."""

from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Sparkline, Static

from pada_local import events
from pada_local.recipe import Recipe
from pada_local.session import find_recipe, find_unfinished
from tui import actions
from tui.feed import Seen
from tui.plain import block, line, number
from tui.screens.base import ProjectScreen
from tui.themes import mark


class RunScreen(ProjectScreen):
    """What goes on, live; and how it ended, when nothing does."""

    NAME = actions.RUN
    BINDINGS = actions.bindings(actions.RUN)
    EXPLAINED = (
        "A run goes in rounds. In each the student is fine-tuned (train), answers examples (evaluate), the teacher says why it "
        "failed (analyse), failures are grouped (group) and named, a strategy is drafted per group (draft), new samples are "
        "written (generate) and checked (gate), and some are chosen for the next round (select).\n\n"
        "The loss is how surprised the student is by the right answers: it should fall within a round. The score is the "
        "project's metric on validation examples, with the interval in which it would likely lie on others like them.\n\n"
        "s starts or goes on, p pauses, x stops. Leaving the app does not end a run unless you say so."
    )

    def body(self) -> ComposeResult:
        yield Static(id="headline", classes="head")
        with Horizontal():
            with Vertical(id="left"):
                yield DataTable(id="stages", cursor_type="row")
            with Vertical(id="right"):
                yield Static(id="loss-name", classes="note")
                yield Sparkline([], id="loss")
                yield DataTable(id="scores", cursor_type="none")
                yield Static(id="log", classes="pane")

    def on_mount(self) -> None:
        self.query_one("#stages", DataTable).add_columns("round", "stage", "state", "seconds", "what came of it")
        self.query_one("#scores", DataTable).add_columns("run", "round", "validation", "interval", "test")
        self.query_one("#stages", DataTable).focus()

    def show_seen(self, seen: Seen) -> None:
        if not self.is_mounted or not self.query("#headline"):
            return
        view = seen.view
        where = f"{view.recipe}, seed {view.seed}, round {view.round} of {view.rounds}"
        what = where if view.run_id else "no run yet: s starts one"
        self.query_one("#headline", Static).update(block(f"{mark(view.state)}  {what}  {view.message}"))
        self._show_stages(view)
        losses = [loss for number_, _, loss in view.losses if number_ == view.round]
        self.query_one("#loss", Sparkline).data = losses[-400:]
        told = f"training loss, round {view.round}: {losses[-1]:.3f} after {len(losses)} steps" if losses else "training loss"
        self.query_one("#loss-name", Static).update(block(told + _resources(seen.resources)))
        self.query_one("#log", Static).update(block("\n".join(reversed(seen.lines[-40:]))))

    def _show_stages(self, view: events.RunView) -> None:
        table = self.query_one("#stages", DataTable)
        at = table.cursor_row
        table.clear()
        for stage in view.stages:
            counts = ", ".join(f"{count} {name}" for name, count in stage.counts.items())
            came = counts or (f"{stage.done} of {stage.total}" if stage.total else "")
            name = f"{stage.name} ({stage.wave})" if stage.wave else stage.name
            table.add_row(str(stage.round), name, mark(stage.state), f"{stage.elapsed_s:.1f}", line(came, 80))
        table.move_cursor(row=table.row_count - 1 if view.state == "running" else at)

    def reload(self) -> None:
        if self.pada.door is not None:
            self.ask(lambda door=self.pada.door: door.ask("report"), self._show_scores)

    def _show_scores(self, report: dict[str, Any]) -> None:
        if not self.is_mounted:
            return
        table = self.query_one("#scores", DataTable)
        table.clear()
        for run in report["runs"]:
            for one in run["rounds"]:
                score = one["validation"]
                interval = f"[{score['low']:.3f}, {score['high']:.3f}]" if score else ""
                test = number(run["test"]["mean"]) if run["test"] and one["round"] == run["champion_round"] else ""
                mean = number(score["mean"] if score else None)
                table.add_row(line(run["recipe"], 20), str(one["round"]), mean, interval, test)

    # --- actions

    def action_start(self) -> None:
        door = self.pada.door

        def start() -> Any:
            facts = door.status()
            left = find_unfinished(facts["runs"])
            recipe = door.ask("recipe", id=left["recipe_id"]) if left else None
            chosen = recipe or _plain(find_recipe("pada"))
            return door.ask("start", recipe=chosen, seed=left["seed"] if left else 1)

        self.ask(start, lambda _: self.notify("The run goes on."))

    def action_pause(self) -> None:
        self._end("pause", "The run pauses after the step that is going on.")

    def action_stop(self) -> None:
        self._end("stop", "The run stops; everything done is kept.")

    def _end(self, how: str, told: str) -> None:
        door = self.pada.door
        self.ask(lambda: door.ask(how), lambda answer: self.notify(told if answer["asked"] else "Nothing is running."))


def _plain(recipe: Recipe) -> dict[str, Any]:
    import msgspec

    return msgspec.to_builtins(recipe)


def _resources(used: events.Resources | None) -> str:
    if used is None:
        return ""
    card = f", card {used.gpu_mib} MiB" if used.gpu_mib else ""
    speed = f", teacher {used.teacher_tokens_per_s:.0f} tokens/s" if used.teacher_tokens_per_s else ""
    return f"   memory: host {used.host_mib}, student {used.worker_mib}, teacher {used.teacher_mib} MiB{card}{speed}"
