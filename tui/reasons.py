"""Why an action cannot be taken now. The palette says it beside the name, and says it again when it is chosen all the same."""

from typing import TYPE_CHECKING

from textual.widgets import DataTable

from tui import actions

if TYPE_CHECKING:
    from tui.app import PadaApp

WITHOUT_PROJECT = (actions.HOME, actions.MODELS, actions.RECIPES, actions.WIZARD)
"""The screens that show something without a project."""


def no_project(app: "PadaApp") -> str:
    return "" if app.door is not None else "Open a project first."


def nothing_runs(app: "PadaApp") -> str:
    return "" if app.seen.view.state == "running" else "Nothing is running."


def something_runs(app: "PadaApp") -> str:
    return "A run is going on already." if app.seen.view.state == "running" else ""


def nothing_marked(app: "PadaApp") -> str:
    tables = app.base_screen.query(DataTable)
    return "" if any(table.row_count for table in tables) else "The list is empty."


NEEDS = {
    "run: start or resume": (no_project, something_runs),
    "run: start another": (no_project, something_runs),
    "run: pause": (no_project, nothing_runs),
    "run: stop": (no_project, nothing_runs),
    "run: skip to the next stage": (no_project, nothing_runs),
    **dict.fromkeys(("strategy: rewrite", "strategy: quota", "strategy: exclude", "strategy: merge", "strategy: undo",
                     "sample: accept", "sample: reject", "sample: edit", "sample: undo", "review: confirm",
                     "failure: next", "failure: previous"), (no_project, nothing_marked)),
    "recipe: start a run": (no_project, something_runs),
}  # fmt: skip
"""What must hold, by the action's name; what a screen alone can tell, its `why_not` says."""


def why_not(app: "PadaApp", action: actions.Action) -> str:
    """A sentence that says why the action cannot be taken now; "" when it can."""
    name, _, rest = action.call.partition("('")
    if name == "go" and rest.removesuffix("')") not in WITHOUT_PROJECT:
        return no_project(app)
    found = next(filter(None, (look(app) for look in NEEDS.get(action.name, ()))), "")
    own = getattr(app.base_screen, "why_not", None)
    return found or (own(action.call) if own is not None and action.screen else "")
