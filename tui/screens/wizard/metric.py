"""Step: how an answer is scored."""

from collections.abc import Callable, Iterator
from typing import Any

from textual.app import ComposeResult
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.plain import block
from tui.screens.wizard import look
from tui.screens.wizard.fields import Field, Named, choice
from tui.screens.wizard.step import Step


class MetricStep(Step):
    """Every metric with its explanation, tried on the references."""

    NAME, TITLE = "metric", "How is an answer scored?"
    EXPLAINED = (
        "A metric compares the student's answer with your output and gives a number from 0 (wrong) to 1 (right). The whole loop "
        "depends on it: what scores below 1 counts as a failure, and failures are what new samples are written against.\n\n"
        "The check gives every output of yours to the metric as an answer to itself. A metric that does not score all of them "
        "1.0 cannot be used: the student could never be right. The list says how many passed, and the first that did not.\n\n"
        "The marked metric is the one that your outputs ask for, and the reason stands below; any other can be marked. "
        "Labels: label_accuracy. Exact lines: exact_match. Numbers at the end of a longer answer: numeric_match. JSON: "
        "json_fields. Free text: token_f1 or rouge_l, or judge. regex and python take a word: a pattern, or FILE.py:FUNCTION."
    )

    def compose(self) -> ComposeResult:
        yield OptionList(id="metrics", classes="choices")
        yield Named("word", Field("word", hint="for regex: a pattern; for python: FILE.py:FUNCTION"))
        yield Static(id="metric", classes="note")

    def on_mount(self) -> None:
        self._metrics = look.metrics()
        self._tried: dict[str, look.Tried] = {}
        self._tried_on: Any = None
        self._chosen, self._why = False, ""  # whether the person chose the metric; why the marked one is proposed
        self._list()

    def _list(self) -> None:
        choices = self.query_one("#metrics", OptionList)
        names = [name for name, _, _ in self._metrics]
        choices.clear_options()
        choices.add_options([Option(choice(name, _short(self._tried.get(name), word)), id=name)
                             for name, word, _ in self._metrics])  # fmt: skip
        choices.highlighted = names.index(self.draft.metric)

    def entered(self) -> None:
        super().entered()
        draft = self.draft
        files = (draft.train, draft.validation, draft.test, draft.records, draft.format, draft.encoding, draft.delimiter)
        tried_on = (files, draft.input, draft.output, draft.template, draft.messages, draft.join)
        if tried_on != self._tried_on:
            self._tried_on, self._tried = tried_on, {}
            self._list()
            self.run_worker(lambda: self._try_all(draft), thread=True, exclusive=True, group="all", exit_on_error=False)

    def _try_all(self, draft: Any) -> None:
        found: Iterator[tuple[str, look.Tried]] = look.try_all(draft, [name for name, word, _ in self._metrics if not word])
        for name, tried in found:
            self.app.call_from_thread(self._show_tried, name, tried)

    def _show_tried(self, name: str, tried: look.Tried) -> None:
        self._tried[name] = tried
        choices = self.query_one("#metrics", OptionList)
        choices.replace_option_prompt(name, choice(name, _short(tried, "")))

    def question(self) -> Callable[[], look.Proposed]:
        draft = self.draft
        if self._chosen:
            return lambda: look.Proposed(draft.metric, "", look.try_metric(draft))
        return lambda: look.proposed(draft)

    def changed(self) -> None:
        # The file of a metric in Python is run when the person is done typing, not after every key.
        if self.draft.metric == "python":
            self.sound = False
            self.say("note", "Enter looks at the function.")
        else:
            super().changed()

    def answered(self, found: look.Proposed) -> None:
        answer = self._answer = found.tried
        if not self._chosen:
            self._why = found.why
            self.wizard.keep(metric=found.metric)
            at = [name for name, _, _ in self._metrics].index(found.metric)
            self.query_one("#metrics", OptionList).highlighted = at
            self._explain(at)
        of = "" if answer.whole else " of the first rows (all are checked when the project is made)"
        if answer.wrong:
            told = f"{answer.wrong:,} of {answer.seen:,} references{of} do not get the full score. The first: {answer.first}"
            self.say("missing", f"{told}. Choose another metric, or correct them.")
        else:
            self.say("ok", f"All {answer.seen:,} references{of} get the full score.")

    def may_go(self) -> bool:
        return self._answer.wrong == 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index != event.option_list.highlighted:
            return  # another one is marked by now
        name, _, _ = self._metrics[event.option_index]
        if name != self.draft.metric:
            self._chosen, self._why = True, ""
            self.wizard.keep(metric=name)
            self.changed()
        self._explain(event.option_index)

    def _explain(self, at: int) -> None:
        name, word, about = self._metrics[at]
        takes = f" Takes a word: {name}:{word}." if word else ""
        self.query_one("#metric", Static).update(block(f"{name}: {about}.{takes}" + (f" {self._why}" if self._why else "")))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if self._metrics[event.option_index][1] and not self.draft.word:
            self.query_one("#field-word").focus()
        else:
            self.go()


def _short(tried: look.Tried | None, word: str) -> str:
    if word:
        return f"takes a word: {word}"
    if tried is None:
        return "…"
    right = f"{tried.seen - tried.wrong:,} of {tried.seen:,} references score 1.0"
    return f"{'✗' if tried.wrong else '✓'} {right}"
