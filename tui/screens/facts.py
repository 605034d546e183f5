"""Facts about the examples as pages to read."""

from typing import Any

from tui.charts import bar
from tui.plain import shortened

SPLITS = ("train", "validation", "test")
MOST_LABELS = 40


def facts_in_words(facts: dict[str, Any]) -> str:
    """Counts and lengths of each split, the most frequent outputs, inputs that stand more than once."""
    lines = [f"{'':<12}{'examples':>10}{'input: median':>15}{'95 of 100':>11}{'longest':>9}{'output: median':>16}{'longest':>9}"]
    for split in SPLITS:
        one = facts["splits"].get(split)
        if one:
            given, answer = one["input"], one["output"]
            lines.append(f"{split:<12}{one['count']:>10,}{given['median']:>15,}{given['most']:>11,}{given['longest']:>9,}"
                         f"{answer['median']:>16,}{answer['longest']:>9,}")  # fmt: skip
    lines += ["Lengths are in characters.", ""]
    lines += _labels(facts)
    lines += ["", f"Inputs that stand more than once: {len(facts['twice']) or 'none'}"]
    for one in facts["twice"]:
        differ = f", with {one['different_outputs']} different outputs" if one["different_outputs"] > 1 else ""
        lines.append(f"  {one['count']} times in {' and '.join(one['splits'])}{differ}: {shortened(one['input'], 80)}")
    return "\n".join(lines)


def _labels(facts: dict[str, Any]) -> list[str]:
    """Outputs as labels where they repeat; free texts are only counted."""
    train = facts["splits"].get("train")
    if train is None or train["different_outputs"] > train["count"] / 2:
        return [f"{train['different_outputs'] if train else 0} different outputs in training: free text, no labels."]
    most = max((one["train"] for one in facts["outputs"]), default=0) or 1
    lines = [f"The most frequent of {train['different_outputs']} outputs in training (and in validation)"]
    for one in facts["outputs"][:MOST_LABELS]:
        lines.append(
            f"  {shortened(one['output'], 28):<28} {bar(one['train'] / most, 16)} {one['train']:>6,} ({one['validation']:,})"
        )
    return lines


def leaks_in_words(found: dict[str, Any]) -> str:
    """How many inputs are nearly the same across splits, and the pairs that may be shown."""
    lines = [f"Looked at {found['looked_at']:,} inputs; nearly the same means that {found['near']:.0%} of their words in threes "
             "are shared.", ""]  # fmt: skip
    if not found["counts"]:
        return "\n".join([*lines, "None was found."])
    lines += [f"{count:,} between {splits}" for splits, count in sorted(found["counts"].items())]
    lines += ["", "pada new --drop-overlap leaves those out of training that stand in another split word by word.", ""]
    for pair in found["pairs"]:
        lines += [f"1  {shortened(pair['first'], 150)}", f"2  {shortened(pair['second'], 150)}", ""]
    return "\n".join(lines)
