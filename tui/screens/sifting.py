"""By what samples can be sifted, and how that is said."""

from typing import Any

STATES = ("accepted", "rejected", "duplicate", "leaked", "unparsable")
CHECKS = {
    "judge": "the judge's scores", "rederive": "answering again", "format": "the form of the answer",
    "duplicate": "being new", "leak": "repeating validation or test texts",
}  # fmt: skip


def choices(marked: dict[str, Any] | None, patterns: dict[str, str]) -> list[tuple[str, str]]:
    """What can be asked for, as `field=value` with its words."""
    answers = [("all", "All samples"), *((f"state={state}", f"{state.capitalize()} samples") for state in STATES)]
    answers += [(f"failed={name}", f"Failed: {words}") for name, words in CHECKS.items()]
    answers.append(("score", "By the judge's score …"))
    if marked is not None and marked["seed_examples"]:
        answers.append((f"example_id={marked['seed_examples'][0]}", "Written after the same training example as the marked one"))
    return [*answers, *((f"pattern_id={one}", f"Pattern of {name}") for one, name in patterns.items())]


def score_bounds(text: str) -> tuple[float, float] | None:
    """Two numbers, the smaller first; None for anything else."""
    try:
        low, high = sorted(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        return None
    return low, high


def in_words(sift: dict[str, Any], search: str, patterns: dict[str, str]) -> str:
    """What is left after sifting."""
    told = [f"{sift.get('state', 'all').capitalize()} samples"]
    if one := sift.get("pattern_id"):
        told.append(f"pattern of {patterns.get(one, one)}")
    if check := sift.get("failed"):
        told.append(f"failed {CHECKS.get(check, check)}")
    if "score_from" in sift:
        told.append(f"judge {sift['score_from']:g} to {sift['score_to']:g}")
    told += ["after one training example"] if sift.get("example_id") else []
    told += [f'with "{search}"'] if search else []
    return ", ".join(told)
