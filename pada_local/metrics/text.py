"""Where a prediction departs from its reference, in words that a person and a teacher can use."""


def first_difference(predicted: str, expected: str) -> str:
    """One sentence on the first word that differs, with the word before it; whitespace separates words."""
    got, wanted = predicted.split(), expected.split()
    for position in range(max(len(got), len(wanted))):
        here = got[position] if position < len(got) else None
        there = wanted[position] if position < len(wanted) else None
        if here != there:
            before = f'after "{wanted[position - 1]}" ' if 0 < position <= len(wanted) else ""
            if here is None:
                return f'{before}the answer ends where "{there}" was expected'
            if there is None:
                return f'{before}the answer goes on with "{here}" where nothing was expected'
            return f'{before}the answer has "{here}" where "{there}" was expected'
    return "the answer differs from the reference only in white space"
