"""Step: which model is trained, and which one writes samples."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.widgets import Static

from tui.plain import block
from tui.screens.wizard import look
from tui.screens.wizard.complete import Offer, Offers, offers
from tui.screens.wizard.fields import Field, Named, OfferList
from tui.screens.wizard.step import Step


def models_for(role: str) -> Callable[[str], Offers]:
    """What is offered for a role: models that have a name, then files and folders when the text is a path."""

    def offered(text: str) -> Offers:
        named = look.known_models(role)
        # A whole name is no beginning of one: whoever comes here sees all that there are.
        start = "" if text in [name for name, _ in named] else text
        found = [Offer(name, f"{name}  {about}") for name, about in named if name.startswith(start)]
        if "/" in text or text.startswith(("~", ".")):
            paths = offers(text, () if role == "student" else (".gguf",))
            return Offers(found + paths.found, paths.more)
        return Offers(found)

    return offered


class ModelsStep(Step):
    """Student, teacher and judge, with a verdict on memory."""

    NAME, TITLE = "models", "Which models?"
    EXPLAINED = (
        "The student is the small model that is fine-tuned: a name from the list, or the folder of a Transformers model "
        "(config.json, tokenizer.json, *.safetensors). The teacher is a larger model that says why the student fails and writes "
        "new samples: a name, a GGUF file, or the address of a server of yours on this machine (http://localhost:8080). The "
        "judge checks samples; left empty, the teacher judges its own work, which is weaker.\n\n"
        "The verdict compares an estimate of what the model needs with the memory that is free now. 'does not fit' is a "
        "warning: close other programs, or take a smaller model.\n\n"
        "demo-student and demo-teacher only know the built-in demo's world: they show that everything works, and no more."
    )

    def compose(self) -> ComposeResult:
        for role, hint in (("student", "name or folder"), ("teacher", "name, GGUF file or address"), ("judge", "the teacher")):
            value = "" if role == "judge" else f"demo-{role}"
            yield Named(role, Field(role, value, hint=hint, offering=models_for(role)))
        yield Static(id="verdicts", classes="note")
        yield OfferList(classes="offers")

    def question(self) -> Callable[[], list[look.Verdict]]:
        draft = self.draft
        return lambda: look.models(draft)

    def answered(self, answer: list[look.Verdict]) -> None:
        lines = [f"{'✓' if one.fits else '✗'} {one.role} {one.name}: {one.words}" for one in answer]
        if all(one.role != "judge" for one in answer):
            lines.append("· judge: the teacher's own model; the report will say that it was not independent")
        demo = [one.name for one in answer if one.name in ("demo-student", "demo-teacher")]
        if demo:
            known = "knows" if len(demo) == 1 else "know"
            lines.append(f"! {' and '.join(demo)} only {known} the built-in demo's world: for a task of yours name other models")
        self.query_one("#verdicts", Static).update(block("\n".join(lines)))
