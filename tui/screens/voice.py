"""One who answers in the playground: a name, what was said so far, and how it differs from what was expected."""

from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pada_local.errors import PadaError
from pada_local.teacher.protocol import Heard
from tui.asking import Answer, Spoke
from tui.door import Door
from tui.plain import block, difference, shortened
from tui.themes import mark

LONGEST = 40_000
SHORT = 800
"""Characters of an answer that the difference shows in full."""
THOUGHT = 300
"""How much of what a model thinks is shown while it thinks."""
NOBODY = "No trained student yet: the first comes with round 1 of a run."
SHOW_SECONDS = 0.05


class Voice(VerticalScroll):
    """Base, a round's student or the teacher. `who` is the row of `look.voices` that is asked, None when there is nobody."""

    def __init__(self, seat: str) -> None:
        super().__init__(id=seat)
        self.seat = seat
        self.who: dict[str, Any] | None = None
        self.left_out = False
        self._answer: Answer | None = None
        self._expected, self._over = "", True

    def compose(self) -> ComposeResult:
        yield Static()

    def on_mount(self) -> None:
        self.name_it()

    @property
    def goes_on(self) -> bool:
        """Whether an answer is on its way."""
        return self._answer is not None and self._answer.goes_on

    @property
    def has_answered(self) -> bool:
        """Whether an answer, or a part of one, is shown."""
        return self._answer is not None

    def be(self, who: dict[str, Any] | None) -> None:
        """Somebody else from here on: what the one before said is taken away."""
        self.hush()
        self.who, self._answer = who, None
        self.name_it()

    def lack(self) -> None:
        """It is known that there is nobody."""
        self.query_one(Static).update(block(NOBODY, "italic"))

    def ask(self, door: Door, prompt: str, expected: str, run: str) -> None:
        """Ask; an answer that goes on is ended. `run` is the run whose settings count."""
        self.hush()
        if self.who is not None and not self.left_out:
            self._expected = expected
            self._answer = Answer(door, prompt, self.who["who"], self.who["run"] or run, self.post_message)
            self._answer.start()
            self._over = False
            self.name_it()

    def hush(self) -> None:
        """End the answer that is on its way."""
        if self._answer is not None:
            self._answer.hush()

    def leave_out(self) -> None:
        """Not to be asked, or asked again."""
        self.left_out = not self.left_out
        self.name_it()

    def on_spoke(self, message: Spoke) -> None:
        """Show what came: some twenty times a second at most."""
        message.stop()
        if message.answer is self._answer:
            self.set_timer(SHOW_SECONDS, self._go_on)

    def _go_on(self) -> None:
        """Follow the text while it grows; an answer that has ended is read from its beginning."""
        follows, was_over = self.is_vertical_scroll_end, self._over
        self.name_it()
        self._over = not self.goes_on
        if follows and not was_over:
            self.call_after_refresh(self.scroll_home if self._over else self.scroll_end, animate=False)

    def name_it(self) -> None:
        """Name, state and text as they are now."""
        answer, state = self._answer, ""
        if answer is None:
            text = Text()
        else:
            heard = answer.take()
            text = in_full(heard, answer.error, self._expected)
            state = (
                mark("running") if answer.goes_on else mark("failed" if answer.error else "stopped" if heard.ended else "done")
            )
        self.border_title = Content(shortened(self.who["name"] if self.who else self.seat, 60))
        self.border_subtitle = Content("left out") if self.left_out else Content(state) if state else None
        self.query_one(Static).update(text)


def in_full(heard: Heard, error: PadaError | None, expected: str) -> Text:
    """What was said, why there is no more of it, and the difference from what was expected once it has ended."""
    over, said = heard.ended is not None, heard.text.strip()
    same = said == expected.strip()
    compared = over and bool(expected) and bool(said)
    parts: list[Text] = []
    if heard.thought:
        thinks = not heard.text and not over
        told = "thinking: …" + heard.thought[-THOUGHT:] if thinks else f"(thought first: {len(heard.thought):,} characters)"
        parts.append(block(told, "italic"))
    if compared and not same:
        parts.append(difference(expected, heard.text))
        parts[-1].rstrip()
    # A short answer of one line stands in the difference in full.
    if said and (not compared or same or "\n" in said or len(said) > SHORT):
        if compared and not same:
            parts.append(Text("the whole answer", style="bold"))
        parts.append(block(heard.text, longest=LONGEST))
    if compared and same:
        parts.append(Text("✓ the same as expected", style="bold"))
    if over and not said and not heard.ended:
        parts.append(Text("The answer is empty.", style="italic"))
    parts += [block(told, "italic") for told in (heard.note, heard.ended) if told]
    if error is not None:
        parts.append(block("\n".join(filter(None, [error.title, error.detail, error.fix]))))
    return Text("\n").join(parts)
