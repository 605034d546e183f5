"""Pre-training text for the student's base: copying, formats, other domains, unlabelled notes and never-gap labels.

No labelled item of a slice that can be drawn as a gap is in here; `test_training_text` holds that up.
"""

import random

from pada_local.demo import world

WORDS = (
    "red blue green small large old new wooden steel round flat heavy light quick slow warm cold left right upper lower north south "
    "first last main spare broken clean dirty open closed dry wet loud quiet sharp blunt thick thin early late door window table "
    "lamp chair wheel brake engine pump filter pipe cable screen printer router battery garden fence roof oven fridge drill saw"
).split()  # fmt: skip
DOMAINS = (
    ("guests", "room", ("single", "double", "suite", "twin"), ("breakfast", "parking", "late checkout", "sea view", "extra bed", "cot")),
    ("parcels", "size", ("small", "medium", "large"), ("fragile", "signature", "express", "insured", "gift wrap", "neighbour drop")),
    ("seats", "class", ("first", "second", "sleeper"), ("window", "aisle", "quiet car", "bike space", "table seat", "power outlet")),
    ("plants", "light", ("shade", "sun", "half shade"), ("watering", "repotting", "pruning", "pest check", "new soil", "delivery")),
    ("copies", "paper", ("matte", "glossy", "recycled"), ("stapling", "colour", "double sided", "binding", "lamination", "hole punch")),
    ("bikes", "kind", ("road", "city", "cargo"), ("brake check", "new tyre", "chain oil", "gear tuning", "light repair", "wash")),
)  # fmt: skip


def draw(rng: random.Random) -> tuple[str, str]:
    """One document as (prompt, answer); an empty prompt means plain text."""
    return rng.choices(_KINDS, weights=_WEIGHTS)[0](rng)


def repeat(rng: random.Random) -> tuple[str, str]:
    """Copying comes first: nothing else is learned without it."""
    pool = WORDS if rng.random() < 0.4 else _VOCABULARY
    words = [rng.choice(pool) if rng.random() < 0.8 else str(rng.randint(1, 120)) for _ in range(rng.randint(3, 22))]
    text = " ".join(words)
    return f"Repeat: {text}", text


def span(rng: random.Random) -> tuple[str, str]:
    """Say what stands after, before or between given words: the skill behind extraction."""
    words = rng.sample(_VOCABULARY, rng.randint(6, 20))
    at = rng.randrange(1, len(words) - 3)
    kind = rng.randrange(3)
    text = " ".join(words)
    if kind == 0:
        return f"{text}. After {words[at]}?", words[at + 1]
    if kind == 1:
        return f"{text}. Before {words[at]}?", words[at - 1]
    return f"{text}. From {words[at]} to {words[at + 2]}?", " ".join(words[at : at + 3])


def number_words(rng: random.Random) -> tuple[str, str]:
    numbers = [rng.randint(20, 89) for _ in range(rng.randint(1, 6))]
    spelled, digits = " ".join(world.spell(n) for n in numbers), " ".join(map(str, numbers))
    return (f"Digits: {spelled}", digits) if rng.random() < 0.7 else (f"Words: {digits}", spelled)


def other_domain(rng: random.Random) -> tuple[str, str]:
    """Extraction in the same surface form from texts about other things, with one or two wishes and a price level."""
    noun, choice_name, choices, wishes = rng.choice(DOMAINS)
    count, choice = rng.randint(1, 99), rng.choice(choices)
    wanted = rng.sample(wishes, rng.choice((1, 1, 2)))
    unit = rng.choice(("day", "week", "month"))
    stay = world.plural(rng.randint(1, 12), unit)
    parts = [
        rng.choice(("{c} {n}, {k} {x}", "order of {c} {n} with {k} {x}", "{k} {x} and {c} {n}", "{c} {n} please, {x} is {k}")).format(
            c=count, n=noun, k=choice, x=choice_name),
        rng.choice(("needs {}", "wants {}", "please add {}", "with {}")).format(rng.choice((" and ", " plus ")).join(wanted)),
        rng.choice(("for {}", "within {}", "booked for {}", "ready in {}")).format(stay),
    ]  # fmt: skip
    rng.shuffle(parts)
    text = rng.choice((", ", ". ", "; ")).join(parts)
    fields = [f"{noun}: {count}", f"{choice_name}: {choice}", f"wish: {', '.join(wanted)}", f"time: {stay}"]
    return text, "; ".join(fields)


def notes(rng: random.Random) -> tuple[str, str]:
    """Unlabelled notes of every slice, several to a document."""
    return "", "\n".join(world.draw_item(rng, rng.choice(world.SLICES)).note for _ in range(rng.randint(2, 4)))


def never_gap_label(rng: random.Random) -> tuple[str, str]:
    item = world.draw_item(rng, rng.choice(world.NEVER_GAPS))
    return item.note, item.line


def never_gap_field(rng: random.Random) -> tuple[str, str]:
    item = world.draw_item(rng, rng.choice(world.NEVER_GAPS))
    field = rng.choice(item.line.split("; "))
    return f"{item.note}\nOnly {field.split(':')[0]}", field


_VOCABULARY = sorted({*WORDS, *(word for name in world.SYMPTOMS for word in name.split()), *(w for f in world.FILLERS for w in f.split())})
_KINDS = (repeat, span, number_words, other_domain, notes, never_gap_label, never_gap_field)
_WEIGHTS = (16, 10, 4, 22, 14, 24, 10)
