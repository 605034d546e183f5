"""Whether an exported file answers as the student did: the same prompts to both, greedily, and what differs said aloud.

The reference is the worker on the base in 16 bits (computing as the project's evaluation does) with the adapter on top.
Answers are compared without the blanks at their ends, which tokenizers and servers treat differently.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from pada_local.export.scores import interval, rounded
from pada_local.export.subject import Item, Subject
from pada_local.metrics.compare import compare_scores
from pada_local.metrics.registry import score

AGREEMENT_PROMPTS = 64
NEEDED_SHARE = 62 / 64
ALLOWED_LOSS = 0.02
"""Of a quantised file's metric, in parts of one: two points."""
_BEGINNINGS = (
    "Once upon a time", "The capital of France is", "def add(a, b):", "1, 2, 3, 4,", "Dear Sir or Madam,", "It's not they've",
    "A list of fruit:\n- apple\n-", "Zürich, naïve café,", "    indented", "UPPER lower MiXeD", "3.14159 and 1e-9",
    '{"name": "', 'She said: "I', "tabs\tand  spaces", "东京は", "🙂 smile",
)  # fmt: skip
TEXTS = (*_BEGINNINGS, *(f"{one} {_BEGINNINGS[at - skip]}" for skip in (1, 5, 7) for at, one in enumerate(_BEGINNINGS)))
"""What a model without a task is given to go on with: ordinary beginnings, and some that tokenizers stumble over."""


class Prompts(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides are asked: conversations (empty for a model without a task), the texts they make, and the right answers."""

    texts: list[str]
    conversations: list[list[dict[str, str]]] = []
    items: list[Item] = []


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """How many prompts the file's template writes as in training, and how many texts its tokenizer cuts as the base's does."""

    prompts: int
    same_prompt: int
    same_tokens: int
    first: dict[str, Any] = {}


def judge(
    subject: Subject, name: str, prompts: Prompts, reference: Sequence[str], exported: Sequence[str], form: Form, quantised: bool
) -> dict[str, Any]:
    """The report on one file. `verdict` is same or differs; `why` says by which rule."""
    first_64 = list(zip(reference, exported, strict=True))[:AGREEMENT_PROMPTS]
    agreed = sum(_same(a, b) for a, b in first_64)
    needed = math.ceil(NEEDED_SHARE * len(first_64))
    found: dict[str, Any] = {
        "file": name, "quantised": quantised, "prompts_compared": len(first_64), "prompts_agreed": agreed,
        "prompts_needed": None if quantised else needed, "prompts_answered": len(reference),
        "form": msgspec.to_builtins(form), "first_difference": _first(prompts, reference, exported),
    }  # fmt: skip
    why = []
    if form.same_prompt < form.prompts:
        wrong = form.prompts - form.same_prompt
        why.append(f"its chat template writes {wrong} of {form.prompts} prompts otherwise than in training")
    if form.same_tokens < form.prompts:
        why.append(f"its tokenizer cuts {form.prompts - form.same_tokens} of {form.prompts} prompts into other tokens")
    if not quantised and agreed < needed:
        why.append(f"it gives the same answer to {agreed} of {len(first_64)} prompts, and {needed} are needed")
    if prompts.items and subject.metric:
        found |= _scores(subject, prompts.items, reference, exported)
        loss = found.get("loss")
        if quantised and loss and loss["difference"] > ALLOWED_LOSS:
            why.append(f"it loses {100 * loss['difference']:.1f} points, and {100 * ALLOWED_LOSS:.0f} are allowed")
    return rounded(found | {"verdict": "differs" if why else "same", "why": "; ".join(why)})


def _same(a: str, b: str) -> bool:
    return a.strip() == b.strip()


def _first(prompts: Prompts, reference: Sequence[str], exported: Sequence[str]) -> dict[str, Any] | None:
    """The first prompt that was answered differently, if there is one."""
    for at, (a, b) in enumerate(zip(reference, exported, strict=True)):
        if not _same(a, b):
            named = {"example": prompts.items[at].id} if prompts.items else {}
            return named | {"prompt": prompts.texts[at], "student": a, "exported": b}
    return None


def _scores(subject: Subject, items: Sequence[Item], reference: Sequence[str], exported: Sequence[str]) -> dict[str, Any]:
    """The metric of both on the same examples, and the loss (student minus export) with its paired interval."""
    sides: list[dict[str, float]] = []
    for answers in (reference, exported):
        values = {item.id: score(subject.metric, answer, item.output).value for item, answer in zip(items, answers, strict=True)}
        sides.append({key: value for key, value in values.items() if value is not None})
    shared = sides[0].keys() & sides[1].keys()
    if not shared:
        return {"metric": subject.metric, "unscored": len(items)}
    loss = compare_scores({key: sides[1][key] for key in shared}, {key: sides[0][key] for key in shared})
    return {
        "metric": subject.metric, "unscored": len(items) - len(shared),
        "student": interval([sides[0][key] for key in sorted(shared)]),
        "exported": interval([sides[1][key] for key in sorted(shared)]),
        "loss": {"difference": loss.difference, "low": loss.low, "high": loss.high, "p": loss.p, "n": loss.n},
    }  # fmt: skip


def whole_report(subject: Subject, files: Sequence[dict[str, Any]], facts: dict[str, Any]) -> dict[str, Any]:
    """What lies in parity.json."""
    return {
        "model": subject.name, "run": subject.run.get("id", ""), "verdict": _verdict(files), "project": rounded(subject.recorded),
        "reference": facts, "files": list(files),
    }  # fmt: skip


def _verdict(files: Sequence[dict[str, Any]]) -> str:
    return "differs" if any(one["verdict"] == "differs" for one in files) else "same"


def render(report: dict[str, Any], examples: bool = True) -> str:
    """The report as text: what was measured, nothing else; without `examples` no text of the data is in it."""
    how = ", ".join(f"{name} {value}" for name, value in report["reference"].items())
    lines = [f"Parity of {report['model']}", f"Reference: the worker, {how}"]
    recorded = report["project"].get("score")
    if recorded:
        base = report["project"]["trained_with_base_in"] or "an unrecorded precision"
        scored = recorded["decoding"].get("base_precision") or "an unrecorded precision"
        lines.append(
            f"In the project: {recorded['metric']} {_interval(recorded)} on validation, n={recorded['n']} "
            f"(trained with the base in {base}, scored with it in {scored})"
        )
    for one in report["files"]:
        lines += ["", *_file(one, examples)]
    return "\n".join(lines)


def _file(one: dict[str, Any], examples: bool) -> list[str]:
    lines = [f"{one['file']}: {one['verdict']}" + (f" ({one['why']})" if one["why"] else "")]
    lines.append(f"  same greedy answer: {one['prompts_agreed']} of {one['prompts_compared']} prompts"
                 + ("" if one["quantised"] else f" ({one['prompts_needed']} needed)"))  # fmt: skip
    form = one["form"]
    lines.append(f"  same prompt from its template: {form['same_prompt']} of {form['prompts']}; "
                 f"same tokens: {form['same_tokens']} of {form['prompts']}")  # fmt: skip
    if "loss" in one:
        loss = one["loss"]
        means = f"student {_interval(one['student'])}, exported {_interval(one['exported'])}"
        lines.append(f"  {one['metric']}: {means}, n={loss['n']}")
        lines.append(f"  loss: {100 * loss['difference']:+.1f} points [{100 * loss['low']:+.1f}, {100 * loss['high']:+.1f}]")
    elif one.get("metric"):
        lines.append(f"  {one['metric']} could not be computed here; only the answers were compared")
    elif one["quantised"]:
        lines.append("  what it loses is not known: there are no examples to score, and single answers of such a file may change")
    if examples and one["first_difference"]:
        first = one["first_difference"]
        lines += ["  first difference:", f"    prompt:   {_cut(first['prompt'])}", f"    student:  {_cut(first['student'])}",
                  f"    exported: {_cut(first['exported'])}"]  # fmt: skip
    if examples and form["first"]:
        lines.append(f"  first other form: {_cut(str(form['first']))}")
    return lines


def _interval(found: dict[str, Any]) -> str:
    return f"{found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _cut(text: str) -> str:
    line = repr(text)
    return line if len(line) <= 200 else line[:120] + " … " + line[-75:]
