"""Label accuracy: the answer is one label out of a set."""

from pada_local.metrics.registry import Score, metric

# Quotes, brackets and a full stop around a label are habit, not content; + - # stay, because labels such as -1 or C# need them.
_AROUND = " \t\r\n\"'`()[]*.:"


def label(text: str) -> str:
    """The label in a form that can be compared: casefolded, single spaces, no quotes, brackets or stop around it."""
    folded = " ".join(text.casefold().split())
    return folded.strip(_AROUND) or folded


@metric("label_accuracy", description="1 when the answer is the right label, case and quotes aside")
def label_accuracy(predicted: str, expected: str) -> Score:
    """Share of items whose label is right (accuracy, when averaged)."""
    got, wanted = label(predicted), label(expected)
    if got == wanted:
        return Score(1.0, "the label is right")
    shown = got if len(got) <= 80 else got[:80] + "…"
    return Score(0.0, f'the answer has the label "{shown}" where "{wanted}" was expected')
