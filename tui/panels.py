"""What each panel is called and shows: F1 and the jump overlay tell it. A panel without a row here is told by its screen."""

from textual.screen import Screen
from textual.widget import Widget

from tui import actions

PANELS: dict[str, dict[str, tuple[str, str]]] = {
    actions.HOME: {
        "projects": ("projects", "Each line is a project file: examples, runs and trained students of one task. Enter opens it."),
        "doctor": ("this machine", "Each line is something that a run needs or can use. ✓ is there, · is worth knowing, ✗ is "
                                   "missing. Enter does or shows what helps."),
    },
    actions.RUN: {
        "stages": ("stages", "Each line is one step of the run, in the order in which they happen. The last column says what "
                             "came of it. A step that was done before is kept and not done again."),
        "loss": ("the loss", "How surprised the student is by the right answers, step by step: it should fall within a round. An "
                             "o is the loss on examples kept out of training; where it rises while the line falls, the student "
                             "learns by heart."),
        "scores": ("the scores", "One line per round: the share of the metric that was reached on validation examples, with the "
                                 "interval in which it would likely lie on others like them. The broken line is the student that "
                                 "was trained once, without new samples: what the rounds have to beat."),
        "log": ("last events", "What happened, the newest first. l shows two hundred of them."),
    },
    actions.PATTERNS: {
        "patterns": ("patterns", "Each line is a group of failures with one cause, the largest first. The quota is how many new "
                                 "samples are to be written against it. What is marked is shown in full beside it."),
        "map": ("the map", "Each point is a failure, each pattern has a mark of its own. Failures whose explanations say nearly "
                           "the same lie near each other. It is a flat picture of a space with many dimensions: near on the map "
                           "is not always near."),
        "right": ("the pattern", "The marked pattern in full: its cause, the strategy against it, and the failures behind it. "
                                 "Expected is what your data says, predicted is what the student answered."),
    },
    actions.SAMPLES: {
        "rows": ("samples", "Each line is a sample that the teacher wrote, with what the gate decided. A star means that it was "
                            "chosen for training. What is marked is shown in full beside it."),
        "right": ("the sample", "The marked sample in full, the strategy that it was written from, and every check that it "
                                "passed or failed."),
    },
    actions.COMPARE: {
        "arms": ("rounds", "Each line is a round of a run with its score and what it has cost. a and b put the marked line on "
                           "one side of the comparison below."),
        "below": ("the comparison", "Both sides on the same examples. The interval is where the difference would likely lie on "
                                    "others like these: one that holds zero tells nothing. v goes on to the examples that b "
                                    "fixes and to those that it breaks, one by one."),
    },
    actions.DATA: {
        "rows": ("examples", "Each line is one of your examples. Training examples teach; validation examples show what fails. "
                             "Test examples stay hidden, so that nobody tunes to them."),
        "right": ("the example", "The marked example in full: what the student is asked, and what it should answer."),
    },
    actions.PLAYGROUND: {
        "prompt": ("the prompt", "What everybody is asked. Enter asks it, Ctrl-J begins a new line, Escape leaves it for the "
                                 "answers. Nothing of it is stored."),
        "base": ("the base", "What the small model says before any training. o leaves it out."),
        "student": ("the student", "What the small model says after a round of training; r chooses the round. The difference to "
                                   "the base is what training has changed."),
        "teacher": ("the teacher", "What the large model says that wrote the training samples: about as far as the student can "
                                   "come."),
    },
    actions.MODELS: {
        "models": ("models", "Each line is a model that can be named. 'as recorded' means: its files have the size and time that "
                             "they had when they were hashed; v reads every byte again."),
        "facts": ("the model", "What the marked model's files say about it. The context is the most text, in tokens (pieces of "
                               "words), that it can read at once. The template is how a conversation is written down for it. "
                               "Whether it fits is an estimate from its size and from the memory that is free now."),
    },
    actions.RECIPES: {
        "recipes": ("recipes", "Each line is a recipe. Those that ship are never changed; a copy of yours can be. A star marks "
                               "changes that are not saved yet."),
        "fields": ("fields", "Each line is one setting. A star marks a value that differs from the recipe that this one was made "
                             "from, which stands behind it. Enter changes the marked setting; what it means is told below."),
        "edit": ("the new value", "Type the value. What is wrong with it is said below while you type. Enter takes it, Escape "
                                  "leaves the setting as it was."),
    },
}  # fmt: skip


def name_of(screen: Screen, panel: Widget) -> str:
    """What the panel is called: by the table, else by its own id."""
    found = _row(screen, panel)
    return found[0] if found else (panel.id or type(panel).__name__).replace("-", " ").lower()


def explained(screen: Screen) -> tuple[str, str]:
    """Name and explanation of the panel that has the keyboard; two empty strings where only the screen is explained."""
    focused = screen.focused
    return (_row(screen, focused) if focused is not None else None) or ("", "")


def make_reachable(screen: Screen) -> None:
    """Let each panel that has a row have the keyboard: it can be jumped to, and F1 explains it."""
    for name in PANELS.get(getattr(screen, "NAME", ""), {}):
        for panel in screen.query(f"#{name}"):
            if not panel.can_focus and not any(one.can_focus for one in panel.query("*")):
                panel.can_focus = True


def _row(screen: Screen, panel: Widget) -> tuple[str, str] | None:
    """A scrolled panel may be known by what it holds, and a part of a panel by what it lies in."""
    rows = PANELS.get(getattr(screen, "NAME", ""), {})
    near = [panel, *panel.query("*"), *panel.ancestors]
    return next((rows[one.id] for one in near if one.id in rows), None)
