"""Step: the task in a sentence, and what stands before every prompt."""

from textual.app import ComposeResult
from textual.widgets import Static, TextArea

from tui.screens.wizard.fields import Field, Named
from tui.screens.wizard.step import Step


class TaskStep(Step):
    """Both may stay empty; one sentence helps the teacher."""

    NAME, TITLE = "task", "What is the task?"
    EXPLAINED = (
        "The task, in one sentence, is read by the teacher: it sees some of your examples, but not what they are for. 'Read an "
        "intake note and write one line of facts.' is enough. It is never shown to the student.\n\n"
        "The system text stands before every prompt to the student, in training and ever after: who uses the student later has "
        "to say the same. Leave it empty unless your prompts have one already; a small student learns the task without it."
    )

    def compose(self) -> ComposeResult:
        yield Named("task", Field("task", hint="one sentence for the teacher: Read a note and name its topic."))
        yield Static("system text of every prompt to the student (may stay empty; ctrl+n goes on)", classes="note")
        yield TextArea(id="system", compact=True, classes="system")

    def entered(self) -> None:
        super().entered()
        self._tell()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self.wizard.keep(system=event.text_area.text.strip())
        self.changed()

    def answered(self, answer: None) -> None:
        self._tell()

    def _tell(self) -> None:
        if not self.draft.task.strip():
            self.say("note", "Without a sentence the teacher sees examples, but not what the task is called.")
