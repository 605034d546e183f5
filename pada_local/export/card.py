"""README.md of an exported model: what it was made for and from, what was measured, what it is bad at, whose licence holds."""

from pathlib import Path
from typing import Any

from pada_local.export.subject import Subject
from pada_local.runtime.examine import examine_model
from pada_local.runtime.safe import safe

WEAKEST = 3
SPLITS = (("train", "training"), ("validation", "validation"), ("test", "test examples"))


def write_card(subject: Subject, folder: Path, parity_text: str, how_to: str, alone: bool = False) -> None:
    """Write the card (`alone`: of an adapter that was not merged). Slices and patterns are named in it, examples are not."""
    licence = examine_model(subject.base).licence
    parts = [f"# {subject.name}", _what(subject, alone), "## Use", how_to.strip("\n"), *_form(subject)]
    if subject.run:
        parts += ["## What was measured", *_measured(subject.report), "## How it was made", *_made(subject),
                  "## Known weaknesses", *_weak(subject.report)]  # fmt: skip
    parts += ["## The check of this export", f"```\n{parity_text}\n```", "## Licence", _licence(subject, licence)]
    (folder / "README.md").write_text(safe("\n\n".join(parts)) + "\n", encoding="utf-8")


def _what(subject: Subject, alone: bool) -> str:
    if not subject.run:
        return f"The model `{subject.base.name}`, converted by PaDA Local and not changed."
    run = subject.run
    return (
        f"Task: {subject.task or 'not described'}\n\nA LoRA adapter for `{subject.base.name}`, trained by PaDA Local (recipe "
        f"`{run['recipe']}`, seed {run['seed']}, round {run['champion_round']})"
        + (", alone: it needs a GGUF file of that base." if alone else " and merged into the unquantised base.")
    )


def _form(subject: Subject) -> list[str]:
    if not subject.run:
        return []
    system = f"Always send this system text, with which it was trained:\n\n    {subject.system}" if subject.system else (
        "It was trained without a system text: send none.")  # fmt: skip
    return [f"Answers were trained and scored greedily (temperature 0), with up to {subject.max_new_tokens} new tokens. {system}"]


def _measured(report: dict[str, Any]) -> list[str]:
    lines = []
    champion = next((one for one in report["rounds"] if one["round"] == report["champion_round"]), None)
    if report["test"]:
        lines.append(f"- test, {report['test']['metric']}: {_interval(report['test'])} (95% interval), n={report['test']['n']}")
        if report["test_looks"] > 1:
            lines.append(f"- the test set was looked at {report['test_looks']} times, so this score is optimistic")
    else:
        lines.append("- the test set was not scored")
    if champion and champion["validation"]:
        lines.append(f"- validation: {_interval(champion['validation'])}, n={champion['validation']['n']}; "
                     "it chose the round and is optimistic")  # fmt: skip
    return ["\n".join(lines)]


def _made(subject: Subject) -> list[str]:
    report, counts = subject.report, subject.counts
    rounds = [one for one in report["rounds"] if one["round"] <= report["champion_round"]]
    last = rounds[-1]["train"]["examples"] if rounds else 0
    synthetic = max(0, last - counts.get("train", 0))
    share = f"{100 * synthetic / last:.0f}%" if last else "0%"
    lines = [
        "- data: " + ", ".join(f"{counts.get(split, 0)} {what}" for split, what in SPLITS),
        f"- rounds up to the champion: {len(rounds)} of {len(report['rounds'])}",
        f"- written by a teacher model: {synthetic} of {last} training examples ({share})",
    ]  # fmt: skip
    if not last:
        lines[-1:] = ["- its adapter was trained elsewhere: on what, this project does not know"]
    patterns = [pattern for one in rounds for pattern in one["patterns"]]
    for pattern in patterns:
        after = [left for left in pattern["left"] if left["round"] <= report["champion_round"]]
        left = f", {after[-1]['failures']} left in round {after[-1]['round']}" if after else ", not looked at again"
        lines.append(f'- pattern "{pattern["name"]}": {pattern["failures"]} failures{left}')
    return ["\n".join(lines)]


def _weak(report: dict[str, Any]) -> list[str]:
    slices = sorted((report["test"] or {}).get("slices", {}).items(), key=lambda one: one[1]["mean"])[:WEAKEST]
    lines = [f"- slice `{name}`: {_interval(found)}, n={found['n']}" for name, found in slices]
    for one in report["rounds"]:
        for pattern in one["patterns"]:
            left = [after for after in pattern["left"] if after["round"] == report["champion_round"]]
            if one["round"] == report["champion_round"] or (left and left[0]["failures"]):
                count = left[0]["failures"] if left else pattern["failures"]
                failures = "failure is" if count == 1 else "failures are"
                lines.append(f'- "{pattern["name"]}": {count} validation {failures} left')
    lines.append("- it was made for this one task; nothing was measured on any other")
    return ["\n".join(lines)]


def _licence(subject: Subject, licence: str) -> str:
    base = f"The base `{subject.base.name}` says: {licence}." if licence else (
        f"The folder of the base `{subject.base.name}` names no licence; look for it where the base came from.")  # fmt: skip
    return (
        f"{base} A tuned model is bound by its base's licence, and by what the training data and the licence of the teacher "
        "that wrote samples allow. Licence files that lay beside the base lie beside this model."
    )


def _interval(found: dict[str, Any]) -> str:
    return f"{found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
