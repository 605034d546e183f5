"""A finished project in which every text that a screen shows is an attack on the terminal, and one in which none is.

Each text holds a marker of its own, so that a test can see that it was shown, and that it was shown as plain characters.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from pada_local import events, records
from pada_local.store.project import Project

ATTACKS = {
    "plain": "{m}",
    "markup": "{m}[bold red]x[/] [@click=app.bell]{m}[/] [link=http://x/{m}]y[/link]",
    "unclosed": "[/]{m}[/nothing] [[{m}]",
    "variables": "{m} [$error on $no-such]{m}[/]",
    "csi": "{m}\x1b[5;6;17;5;6m{m}\x1b[7777;7777H\x1b[?4242h\x1b[8;1;1t\x1b[6n",
    "osc52": "{m}\x1b]52;c;{m}\x07",
    "osc8": "\x1b]8;id={m};http://x/{m}\x1b\\{m}\x1b]8;;\x1b\\",
    "strings": "{m}\x1bP{m}\x1b\\\x1b_{m}\x1b\\\x1b^{m}\x1b\\\x1bX{m}\x1b\\\x1bc",
    "c1": "{m}\x9b5;6m\x9d52;c;{m}\x9c\x90{m}\x9c\x85{m}",
    "bidi": "{m}\u202e{m}\u2066x\u2069\u200f\u061c",
    "controls": "{m}\x00\x07\x08\x0c\x0e\x7f\r{m}",
    "separators": "{m}\u2028{m}\u2029\U000e0041\U000e007f",
    "marks": "\u0301\u0489{m}\u20dd" + "\u0300" * 50,
    "wide": "{m}\uff21\U0001f468\u200d\U0001f469\u200d\U0001f467\ufe0f\u3000\uffff",
    "long": "{m}" + "x" * 1_000_000,
    "lines": "{m}" + "\n" * 5000 + "{m}",
}
"""Lone surrogates are missing: no row can hold them (`test_stored_text_is_unicode`). File names can, and here one does."""
MARKUP, CSI, OSC52 = 1, 4, 5
"""Numbers of attacks, for fields of which there is only one."""
NEVER = (
    "\x1b[5;6;", "\x1b[7777", "\x1b[?4242", "\x1b[8;1;1t", "\x1b[6n", "\x1b]52", "\x1b]8", "\x1bP", "\x1b_", "\x1b^", "\x1bX",
    "\x1bc",
)  # fmt: skip
"""Pieces of the sequences above; Textual sends none of them."""


class Texts:
    """Texts with markers: `Z<field><number>q`, where the number says which attack."""

    def __init__(self, harmless: bool) -> None:
        self._harmless, self.markers = harmless, set[str]()

    def of(self, field: str, number: int) -> str:
        number %= len(ATTACKS)
        marker = f"Z{field}{number:02}q"
        self.markers.add(marker)
        return marker if self._harmless else list(ATTACKS.values())[number].format(m=marker)


def fill(path: Path, harmless: bool) -> set[str]:
    """Put attacks (or their markers alone) into a finished project of the fake loop; returns the markers."""
    texts = Texts(harmless)
    of = texts.of
    with Project.open(path) as project:

        def change(kind: type, make: Callable[[int], dict], **where) -> list:
            made = [msgspec.structs.replace(row, **make(number)) for number, row in enumerate(project.get(kind, **where))]
            project.replace(*made)
            return made

        change(records.Example, lambda n: {
            "input": of("in", n), "output": of("out", n), "source": of("src", n), "tags": {of("tag", n): of("val", n)},
        }, split="train")  # fmt: skip
        change(records.Example, lambda n: {
            "input": of("vin", n), "output": of("vout", n), "tags": {"kind": of("slice", n)},
        }, split="validation")  # fmt: skip
        change(records.Prediction, lambda n: {"text": of("pred", n)})
        candidates = change(records.Candidate, lambda n: {"input": of("cin", n), "output": of("cout", n), "reason": of("why", n)})
        last = [row.id for row in candidates[-4:]]
        change(records.Verdict, lambda n: {"criterion": of("cri", n), "reason": of("ver", n)}, candidate_id=last)
        analyses = change(records.Analysis, lambda n: {"root_cause": of("cause", n)})
        pattern, strategy = project.one(records.Pattern), project.one(records.Strategy)
        for n in range(len(ATTACKS)):
            members = [analyses[n % len(analyses)].id, analyses[(n + 1) % len(analyses)].id]
            texts_of_it = {"name": of("pat", n), "text": of("ptext", n), "state": of("pstate", n)}
            project.replace(msgspec.structs.replace(pattern, id=f"p{n}", failures=99 - n, members=members, **texts_of_it))
            if n % 2 == 0:  # without a strategy the pattern's own state is shown
                state = "ok" if n < 8 else of("sstate", n)
                drafted = of("strat", n)
                project.replace(msgspec.structs.replace(strategy, id=f"s{n}", pattern_id=f"p{n}", drafted=drafted, state=state))
        for name in ("student", "teacher", "judge", "task"):
            project.replace(records.Setting(key=name, value=of(name, CSI)))
        change(records.Run, lambda _: {"recipe": of("recipe", CSI), "reason": of("reason", OSC52)})
        change(records.RecipeRow, lambda _: {"name": of("rname", MARKUP)})
        _say(project, texts)
    return texts.markers


def _say(project: Project, texts: Texts) -> None:
    """Events of the run: what a teacher, a model's name or an error brings along; and a stage with every name."""
    run, of = project.one(records.Run), texts.of
    seq = max(row.seq for row in project.get(records.EventRow)) + 1
    said: list[events.Event] = [
        events.RunStarted(recipe=of("erecipe", OSC52), seed=1, rounds=2, resumed=True),
        events.NeedsReview(round=2, waiting=1, what=of("what", CSI)),
        events.ModelReady(role=of("role", CSI), model="x"),
        events.RunDone(champion_round=1, test_mean=None, reason=of("over", CSI)),
        events.RoundScored(round=2, metric=of("metric", CSI), mean=1, low=1, high=1, n=1),
    ]  # fmt: skip
    for n in range(len(ATTACKS)):
        said += [
            events.Note(text=of("note", n)), events.ModelLoading(role="teacher", model=of("model", n)),
            events.RunFailed(title=of("title", n), detail=of("detail", n), fix="x"),
            events.StageProgress(round=2, stage=of("begun", n), done=1, total=2, note="x"),
            events.StageDone(round=2, stage=of("stage", n), counts={of("count", n): 1}),
        ]  # fmt: skip
    said.append(events.RunFailed(title=of("last", CSI), detail="x"))
    project.put(*(
        records.EventRow(seq=seq + at, run_id=run.id, at="2026-01-01T00:00:00", kind=type(event).__name__,
                         body=events.encode(msgspec.structs.replace(event, run_id=run.id)).decode())
        for at, event in enumerate(said)
    ))  # fmt: skip
