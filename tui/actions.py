"""Everything that can be done, once: bindings, command palette and help are made from this table."""

from dataclasses import dataclass

from textual.binding import Binding

HOME, RUN, PATTERNS, SAMPLES, COMPARE, DATA, RECIPES = "home", "run", "patterns", "samples", "compare", "data", "recipes"
PLAYGROUND = "playground"
MODELS = "models"
WIZARD = "new project"


@dataclass(frozen=True)
class Action:
    """What a key does on a screen; an empty `screen` means on all. `call` names the method `action_…`."""

    screen: str
    key: str
    call: str
    name: str
    help: str
    in_footer: bool = True


ACTIONS = (
    Action("", "1", "go('home')", "go: home", "Projects and what this machine has.", False),
    Action("", "2", "go('run')", "go: run", "Stages, losses and scores of the run.", False),
    Action("", "3", "go('patterns')", "go: patterns", "Why the student fails, in groups, and what is written against it.", False),
    Action("", "4", "go('samples')", "go: samples", "New samples one by one.", False),
    Action("", "5", "go('compare')", "go: compare", "Runs side by side.", False),
    Action("", "6", "go('data')", "go: data", "The examples of the project.", False),
    Action("", "7", "go('playground')", "go: playground", "Ask base, tuned student and teacher something.", False),
    Action("", "8", "go('models')", "go: models", "The models that can be named, and what they fit.", False),
    Action("", "9", "go('recipes')", "go: recipes", "Every setting with its meaning.", False),
    Action("", "g", "jump", "go: jump", "A letter at every panel and a number at every screen; pressing one goes there."),
    Action("", "f1", "explain", "help: explain this panel", "What it shows, for someone who never fine-tuned."),
    Action("", "question_mark", "keys", "help: keys", "The keys of this screen.", False),
    Action("", "f2", "theme", "view: next theme", "Dark, light, high contrast.", False),
    Action("", "q", "leave", "app: leave", "Leave; a run that goes on is asked about."),
    Action(HOME, "n", "new", "project: new", "Make a project from your files, step by step."),
    Action(HOME, "o", "open_path", "project: open by path", "Type the path of a project file."),
    Action(HOME, "d", "forget", "project: take off the list", "Forget the marked project; its file stays where it is."),
    Action(HOME, "r", "look_again", "home: look again", "Read the list of projects and the doctor's findings again."),
    Action(WIZARD, "ctrl+n", "next", "step: next", "Go on, when what this step asks for is sound."),
    Action(WIZARD, "escape", "back", "step: back", "The step before; from the first one home. What you typed is kept."),
    Action(WIZARD, "tab", "complete", "step: complete", "Complete the path in this line, else go to the next line.", False),
    Action(WIZARD, "down", "offer(1)", "step: next offer", "Mark the next of what is offered for this line.", False),
    Action(WIZARD, "up", "offer(-1)", "step: offer before", "Mark the one before.", False),
    Action(RUN, "s", "start", "run: start or resume", "Go on with the unfinished run; without one, choose a recipe."),
    Action(RUN, "w", "other", "run: start another", "Choose a recipe and a seed.", False),
    Action(RUN, "p", "pause", "run: pause", "End after the step that is going on; starting again goes on from there."),
    Action(RUN, "x", "stop", "run: stop", "Pause the run and end the host of this project."),
    Action(RUN, "n", "skip", "run: skip to the next stage", "Make this wave of samples the last one of the round.", False),
    Action(RUN, "l", "events", "run: last events", "The last two hundred things that happened.", False),
    Action(PATTERNS, "e", "rewrite", "strategy: rewrite", "Edit the marked strategy before samples are written from it."),
    Action(PATTERNS, "n", "quota", "strategy: quota", "How many samples the strategy may bring."),
    Action(PATTERNS, "d", "exclude", "strategy: exclude", "Write no samples for this pattern."),
    Action(PATTERNS, "m", "merge", "strategy: merge", "Give this pattern's share to another strategy of the round."),
    Action(PATTERNS, "u", "undo", "strategy: undo", "Take back the last decision about it."),
    Action(PATTERNS, "c", "confirm", "review: confirm", "Let a run that waits for you go on with these strategies."),
    Action(PATTERNS, "left_square_bracket", "turn('-1')", "patterns: round before", "The patterns of the round before.", False),
    Action(PATTERNS, "right_square_bracket", "turn('1')", "patterns: next round", "The patterns of the round after.", False),
    Action(PATTERNS, "j", "step('1')", "failure: next", "The next failure behind the pattern.", False),
    Action(PATTERNS, "k", "step('-1')", "failure: previous", "The failure before.", False),
    Action(PATTERNS, "t", "try_out", "failure: try out", "Ask base, student and teacher the marked failure's input.", False),
    Action(SAMPLES, "a", "accept", "sample: accept", "Let the sample into training; the next one is shown."),
    Action(SAMPLES, "r", "reject", "sample: reject", "Keep the sample out of training, with a reason."),
    Action(SAMPLES, "e", "edit", "sample: edit", "Change the texts of the sample."),
    Action(SAMPLES, "u", "undo", "sample: undo", "Take back the last decision about it."),
    Action(SAMPLES, "c", "confirm", "review: confirm", "Let a run that waits for you go on with these samples."),
    Action(SAMPLES, "f", "filter", "samples: sift", "By state, pattern, failed check, judge's score, training example."),
    Action(SAMPLES, "b", "all", "samples: decide about all", "Accept, reject or take back everything that the list holds."),
    Action(SAMPLES, "slash", "search", "samples: search", "Samples whose text holds a word."),
    Action(COMPARE, "a", "side('a')", "compare: side a", "Compare the marked line …"),
    Action(COMPARE, "b", "side('b')", "compare: side b", "… with this one."),
    Action(COMPARE, "v", "view", "compare: next view", "Summary, fixed examples, newly broken examples."),
    Action(COMPARE, "t", "split", "compare: test or validation", "Test examples stay hidden until both runs are done."),
    Action(COMPARE, "y", "studies", "compare: studies", "Recipes over seeds, as 'pada study' ran them.", False),
    Action(COMPARE, "j", "step('1')", "example: next", "The next example that was fixed or broken.", False),
    Action(COMPARE, "k", "step('-1')", "example: previous", "The example before.", False),
    Action(COMPARE, "r", "look_again", "compare: look again", "Compute the comparison again.", False),
    Action(DATA, "f", "filter", "data: next split", "All, training, validation; test examples stay hidden."),
    Action(DATA, "o", "same_output", "data: same output", "Only examples with the output of the marked one; again: all."),
    Action(DATA, "i", "facts", "data: facts", "Counts, lengths, the most frequent outputs, what stands twice."),
    Action(DATA, "l", "leaks", "data: leak report", "Inputs that are nearly the same in two splits."),
    Action(DATA, "slash", "search", "data: search", "Examples whose text holds a word."),
    Action(PLAYGROUND, "i", "type", "prompt: type", "Write the prompt: Enter asks, Ctrl-J begins a new line, Escape leaves it."),
    Action(PLAYGROUND, "a", "ask_all", "prompt: ask", "Ask everybody who is not left out."),
    Action(PLAYGROUND, "s", "hush", "answers: stop", "End the answers; what was told stays on the screen."),
    Action(PLAYGROUND, "r", "choose", "student: choose round", "Which round's student answers in the middle."),
    Action(
        PLAYGROUND,
        "o",
        "leave_out",
        "answer: leave out",
        "Leave the marked one out, or take it in again (tab marks the next one).",
    ),
    Action(PLAYGROUND, "n", "empty", "prompt: new", "An empty prompt and no answers."),
    Action(MODELS, "a", "add", "model: add", "A GGUF file or a model folder; it is looked at and hashed, and stays where it is."),
    Action(MODELS, "v", "verify", "model: verify", "Hash every file of the marked model again."),
    Action(MODELS, "V", "verify_all", "model: verify all", "Hash every file of every model again."),
    Action(MODELS, "t", "allow", "model: allow template", "Read the chat template of the marked model's own, and let it be run."),
    Action(MODELS, "d", "forget", "model: remove", "Take the marked model off the list; its files stay."),
    Action(MODELS, "r", "look_again", "models: look again", "Read the list and what the models need again.", False),
    Action(RECIPES, "e", "edit", "recipe: edit field", "Give the marked field another value (Enter does the same)."),
    Action(RECIPES, "r", "reset", "recipe: reset field", "Give the marked field its default value."),
    Action(RECIPES, "b", "back", "recipe: field as in base", "Give the marked field the value of the recipe this one is from."),
    Action(RECIPES, "u", "undo", "recipe: drop changes", "Forget every change that is not saved.", False),
    Action(RECIPES, "s", "save", "recipe: save as", "Keep it as a recipe of yours, found by its name everywhere."),
    Action(RECIPES, "d", "delete", "recipe: delete own", "Delete the marked recipe of yours."),
    Action(RECIPES, "w", "start", "recipe: start a run", "Start a run of the open project with the marked recipe."),
)

REPLAY = (
    Action("", "space", "replay('pause')", "replay: pause or play", "Hold the replay, or let it go on."),
    Action("", "plus,equals_sign", "replay('faster')", "replay: faster", "Twice as fast."),
    Action("", "minus", "replay('slower')", "replay: slower", "Half as fast."),
    Action("", "full_stop", "replay('stage')", "replay: next stage", "On to where the next stage starts."),
    Action("", "greater_than_sign", "replay('end')", "replay: to the end", "Everything at once.", False),
    Action("", "less_than_sign", "replay('start')", "replay: to the start", "Begin again.", False),
)
"""Keys of `pada replay`, on every screen of it."""
SIGNS = {
    "plus,equals_sign": "+", "minus": "-", "full_stop": ".", "greater_than_sign": ">", "less_than_sign": "<",
    "question_mark": "?", "slash": "/", "left_square_bracket": "[", "right_square_bracket": "]",
}  # fmt: skip
"""How keys with long names are shown."""

CHANGES = frozenset({
    (RUN, "start"), (RUN, "other"), (RUN, "pause"), (RUN, "stop"), (RUN, "skip"), (PATTERNS, "rewrite"), (PATTERNS, "quota"),
    (PATTERNS, "exclude"), (PATTERNS, "merge"), (PATTERNS, "undo"), (PATTERNS, "confirm"), (SAMPLES, "accept"),
    (SAMPLES, "reject"), (SAMPLES, "edit"), (SAMPLES, "undo"), (SAMPLES, "all"), (SAMPLES, "confirm"), (RECIPES, "start"),
})  # fmt: skip
"""Screen and call of what changes the project: off in a replay. One that is missing here the host still refuses."""


MOVES = (
    ("tab", "next panel", "shift+tab goes to the one before."),
    ("up down", "in a panel", "The line before, the next line; page up and page down, home and end."),
    ("enter", "take", "Open or take what is marked."),
    ("ctrl+p", "everything", "The same by name."),
)
"""Keys that mean the same in every panel: key, name, help."""


def of_screen(screen: str) -> list[Action]:
    """The actions of one screen, those of every screen last."""
    own = [action for action in ACTIONS if action.screen == screen] if screen else []
    return own + [action for action in ACTIONS if not action.screen]


def bindings(screen: str) -> list[Binding]:
    """Textual's bindings for one screen, or for the app where `screen` is empty."""
    return bindings_of(tuple(action for action in ACTIONS if action.screen == screen))


def bindings_of(own: tuple[Action, ...]) -> list[Binding]:
    """Textual's bindings for some actions."""
    return [
        Binding(action.key, action.call, action.name.partition(": ")[2], show=action.in_footer, key_display=None)
        for action in own
    ]
