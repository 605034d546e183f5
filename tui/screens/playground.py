"""Playground: one prompt, and what base, a round's student and the teacher say to it, side by side."""

from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.widgets import Static, TextArea

from pada_local.runtime.safe import safe
from tui import actions
from tui.door import Door
from tui.plain import block, line, number
from tui.screens.base import ProjectScreen
from tui.screens.dialogs import Question
from tui.screens.voice import Voice

WIDE = 100
"""Columns from which the answers stand side by side; below they stand one above the other."""
TOLD_SECONDS = 0.25


class Prompt(TextArea):
    """Enter asks, Ctrl-J begins a new line, Escape leaves it."""

    BINDINGS = [
        Binding("enter", "screen.ask_all", "ask", priority=True), Binding("ctrl+j", "new_line", "new line"),
        Binding("escape", "screen.leave_prompt", "leave the prompt"),
    ]  # fmt: skip

    def action_new_line(self) -> None:
        self.insert("\n")


class PlaygroundScreen(ProjectScreen):
    """What they say to something of your own."""

    NAME = actions.PLAYGROUND
    BINDINGS = actions.bindings(actions.PLAYGROUND)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
    EXPLAINED = (
        "One prompt, three answers: the base is the student before any training, the one in the middle is the student after a "
        "round of a run (r chooses which; at first the best round of the newest run), the teacher is the large model that "
        "wrote the training samples. So you see what training changed, and what the teacher would have said.\n\n"
        "i types a prompt, Enter asks, a asks again, s stops. Each prompt stands alone and is asked as the examples of an "
        "evaluation are: an example's input gets the answer that was scored. Nothing of it is stored.\n\n"
        "t on the patterns screen brings a failure here. Then each answer is held against the one that was expected, words that "
        "differ underlined; 'the same' means letter by letter, and a metric may be kinder.\n\n"
        "A model is loaded with its first question. Where they do not fit into memory together they take turns. While a run "
        "goes on it comes first: it ends the answers when it begins, and beside it there are answers only where memory is left "
        "for a second copy. tab goes from one answer to the next, o leaves one out."
    )

    def __init__(self) -> None:
        super().__init__()
        self._known: list[dict[str, Any]] = []
        self._door: Door | None = None
        self._chosen, self._wanted = False, False
        self._said = ""
        self._given = ("", "", "")
        """A prompt from elsewhere: the text itself, what it is shown as, and the answer that is expected."""

    def body(self) -> ComposeResult:
        yield Static(id="about", classes="head")
        yield Prompt(id="prompt", soft_wrap=True, tab_behavior="focus", placeholder="i types a prompt, Enter asks it")
        yield Static(id="expected", classes="note")
        with Container(id="voices"):
            for seat in ("base", "student", "teacher"):
                yield Voice(seat)

    def on_mount(self) -> None:
        self.query_one(Voice).focus()
        self.set_interval(TOLD_SECONDS, self._say)

    def on_screen_resume(self) -> None:
        if self._door is not self.pada.door:
            self._door = self.pada.door
            self._known, self._chosen, self._wanted = [], False, False
            self.action_empty()
            for voice in self.query(Voice):
                voice.be(None)
        if self.pada.handed is not None:
            self._take(*self.pada.handed)
            self.pada.handed = None

    def _take(self, prompt: str, expected: str) -> None:
        """A prompt from elsewhere; the answers to the one before go."""
        self.action_empty()
        area = self._prompt
        area.load_text(safe(prompt))
        self._given = (prompt, area.text, expected)
        self.query_one("#expected", Static).update(line(f"expected  {expected}", 240) if expected else "")
        self._say()

    def reload(self) -> None:
        door = self.pada.door
        if door is not None:
            self.ask_newest("voices", lambda: (door, door.ask("voices")), lambda answer: self._show(*answer))

    def _show(self, door: Door, voices: list[dict[str, Any]]) -> None:
        if door is not self.pada.door:
            return
        self._known = voices
        students = [one for one in voices if one["run"]]
        newest = [one for one in students if one["run"] == students[-1]["run"]]
        best = next((one for one in newest if one["best"]), newest[-1] if newest else None)
        # Whoever has answered stays who it is, however the run goes on.
        for seat, who in (("base", voices[0]), ("student", best), ("teacher", voices[-1])):
            voice = self.query_one(f"#{seat}", Voice)
            if voice.who != who and not voice.has_answered and not (self._chosen and seat == "student"):
                voice.be(who)
            elif who is None:
                voice.lack()
        self._say()
        if self._wanted:
            self.action_ask_all()

    @property
    def _prompt(self) -> Prompt:
        return self.query_one(Prompt)

    def _say(self) -> None:
        """What can be done now, in words."""
        if not self.query(Prompt):  # the clock still ticks while the app goes away
            return
        going_on = any(voice.goes_on for voice in self.query(Voice))
        text = self._prompt.text
        if going_on or self._wanted:
            told = "Answers come; s stops them"
        elif not text.strip():
            told = "Ask base, tuned student and teacher something; nothing of it is stored"
        elif text == self._given[1]:
            told = "A validation failure, and the answer that was expected; a asks" if self._given[2] else "a asks"
        else:
            told = "a asks, i changes the prompt, n begins anew"
        if told != self._said:
            self._said = told
            self.query_one("#about", Static).update(block(told))

    # --- actions

    def action_type(self) -> None:
        self._prompt.focus()

    def action_leave_prompt(self) -> None:
        """From the prompt to the answers, where letters are keys again."""
        self.query_one(Voice).focus()

    def action_ask_all(self) -> None:
        text, door = self._prompt.text, self.pada.door
        if door is None or not text.strip():
            self.notify("A prompt is needed: i types one.", severity="warning")
            return
        if text == self._given[1]:
            prompt, expected = self._given[0], self._given[2]
        else:
            # An answer to another question cannot be expected of this one.
            prompt, expected, self._given = text, "", ("", "", "")
            self.query_one("#expected", Static).update("")
        if self._prompt.has_focus:
            self.action_leave_prompt()
        self._wanted = not self._known  # who can be asked comes in a moment
        student = self.query_one("#student", Voice).who
        for voice in self.query(Voice):
            voice.ask(door, prompt, expected, student["run"] if student else "")
        self._say()

    def action_hush(self) -> None:
        self._wanted = False
        for voice in self.query(Voice):
            voice.hush()

    def action_leave_out(self) -> None:
        """Ask two of three, or one."""
        if isinstance(self.focused, Voice):
            self.focused.leave_out()
        else:
            self.notify("Go to an answer first: tab.", severity="warning")

    def action_empty(self) -> None:
        """No prompt, no answers."""
        self._given = ("", "", "")
        self._prompt.load_text("")
        self.query_one("#expected", Static).update("")
        for voice in self.query(Voice):
            voice.be(voice.who)
        self._say()

    def action_choose(self) -> None:
        """Another round's student in the middle."""
        students = [one for one in reversed(self._known) if one["run"]]
        answers = [(f"{one['run']} {one['who']}", _told(one)) for one in students]

        def chosen(key: str | None) -> None:
            for one in students:
                if key == f"{one['run']} {one['who']}":
                    self._chosen = True
                    self.query_one("#student", Voice).be(one)

        if students:
            self.app.push_screen(Question("Which student answers?", [*answers, ("", "The same as now")]), chosen)
        else:
            self.notify("No student is trained yet.", severity="warning")


def _told(one: dict[str, Any]) -> str:
    best = ", the best of its run" if one["best"] else ""
    return f"{one['name']}, seed {one['seed']}, validation {number(one['validation'])}{best} ({one['run'][:10]})"
