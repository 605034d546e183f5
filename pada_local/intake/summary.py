"""What was read for a new project, as text for a person."""

from typing import Any

from pada_local.runtime.safe import safe, safe_line, table

_LABELS_SHOWN = 8
_LONGEST_SHOWN = 700


def render_summary(facts: dict[str, Any]) -> str:
    """The summary as lines of text."""
    parts = [_read(facts), *_oddities(facts), _labels(facts["labels"]), _lengths(facts.get("tokens") or {}), _example(facts)]
    return "\n".join(part for part in parts if part)


def short_summary(facts: dict[str, Any]) -> str:
    """What somebody who has already seen files and rows still has to know: how many were taken, and what is odd about them."""
    return "\n".join([_counts(facts), *_oddities(facts), _labels(facts["labels"])])


def _read(facts: dict[str, Any]) -> str:
    rows = [[one["file"], one["format"], one["split"], f"{one['rows']:,}"] for one in facts["read"]]
    return f"{table(rows, ['file', 'format', 'given for', 'rows'])}\n{_counts(facts)}"


def _counts(facts: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {split}" for split, count in facts["examples"].items())
    return f"{facts['file']}: {counts} examples"


def _oddities(facts: dict[str, Any]) -> list[str]:
    said = []
    if masked := facts["masked"]:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(masked.items(), key=lambda one: -one[1]))
        said.append(f"Masked: {kinds}. What the rules do not know is still there: look at the examples.")
    if twice := facts["duplicates"]:
        said.append(f"Duplicates: {twice:,} (the same input and output again; taken once).")
    if dropped := facts["dropped_overlap"]:
        said.append(f"Dropped: {dropped:,} (another split holds the same input).")
    if against := facts["contradictory"]:
        where = safe_line(facts["contradiction"], 200)
        what = f"another output for an input that was there before, such as {where}"
        said.append(f"Contradictory: {against:,} ({what}). They were kept.")
    near = facts["near_duplicates"]
    if near["count"]:
        pairs = ", ".join(f"{count:,} in {name}" for name, count in near["in"].items())
        looked = f" among {near['looked_at']:,} examples" if near["looked_at"] < sum(facts["examples"].values()) else ""
        first, second = (safe_line(text, 50) for text in near["example"])
        said.append(f"Near duplicates{looked}: {pairs}, such as: {first} | {second}. They were kept.")
    return said


def _labels(labels: dict[str, dict[str, int]] | None) -> str:
    if not labels:
        return "Outputs: free text (no labels)."
    totals = sorted(((sum(counts.values()), label) for label, counts in labels.items()), key=lambda pair: (-pair[0], pair[1]))
    shown = ", ".join(f"{safe_line(label, 40)} {count:,}" for count, label in totals[:_LABELS_SHOWN])
    rest = f", … rarest: {safe_line(totals[-1][1], 40)} {totals[-1][0]:,}" if len(totals) > _LABELS_SHOWN else ""
    missing = [label for label, counts in labels.items() if not counts["train"]]
    gap = f"\nLabels without a training example: {', '.join(safe_line(label, 40) for label in missing[:5])}" if missing else ""
    return f"Labels: {len(totals)}: {shown}{rest}.{gap}"


def _lengths(tokens: dict[str, Any]) -> str:
    if not tokens:
        return ""
    if "unknown" in tokens:
        return f"Token lengths are not known: {safe_line(tokens['unknown'], 200)}"
    context = f"; the student's context is {tokens['context']:,}" if tokens["context"] else "; the student names no context"
    cut = f"\n{tokens['truncated']:,} inputs were cut to fit." if tokens["truncated"] else ""
    if over := tokens["over_max_length"]:
        cut += f"\n{over:,} examples are longer than {tokens['max_length']} tokens: raise train.max_length in your recipe."
    return (
        f"Tokens (prompt and answer): median {tokens['median']:,}, 95% up to {tokens['p95']:,}, longest {tokens['longest']:,};"
        f" longest answer {tokens['longest_answer']:,}{context}.{cut}"
    )


def _example(facts: dict[str, Any]) -> str:
    chat, rendered = facts["chat"], facts["rendered"]
    about = "plain, because the student's folder names no chat format" if chat == "plain" else chat
    prompt, answer = (_shortened(rendered[name]) for name in ("prompt", "answer"))
    head = f"Chat format: {about}. An example as the student reads it, and what it learns to answer:"
    return f"{head}\n---\n{prompt}\n--->\n{answer}\n---"


def _shortened(text: str) -> str:
    text = safe(text).rstrip("\n")
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN // 2] + " […] " + text[-_LONGEST_SHOWN // 2 :]
