"""Training examples for the demo teacher: every job of the loop, with the loop's own prompts and an oracle's answers.

Each function draws one (prompt, answer) pair; `draw_job` mixes them. Answers are JSON in the shape that the loop asks for.
"""

import json
import random

from phrases import SLICE_PHRASES

from pada_local import prompts
from pada_local.demo import world
from pada_local.metrics.text import first_difference

FIELDS = ("age", "sex", "symptom", "negated", "duration", "temp")
SLICE_FIELD = {
    "negation": "negated", "abbreviation": "symptom", "fahrenheit": "temp", "spelled_age": "age",
    "relative_date": "duration", "two_findings": "symptom", "correction": "age", "gender_word": "sex",
    "short_unit": "duration", "history": "symptom",
}  # fmt: skip

ANY_STRATEGY = "Write items that fit the task."


def draw_job(rng: random.Random) -> tuple[str, str]:
    """One (prompt, answer) pair of a job drawn by weight."""
    return rng.choices(_JOBS, weights=_WEIGHTS)[0](rng)


def ask(name: str, answer: dict, **fields: object) -> tuple[str, str]:
    return prompts.render(name, card=world.TASK_CARD, **fields), json.dumps(answer, ensure_ascii=False)


def format_items(items: list[world.Item]) -> str:
    return "\n".join(f"Input: {item.note}\nOutput: {item.line}" for item in items)


def any_slice(rng: random.Random) -> str:
    return rng.choice(world.SLICES)


def anchors(rng: random.Random) -> str:
    return format_items([world.draw_item(rng, any_slice(rng)) for _ in range(2)])


# --- what the teacher says about a weakness ----------------------------------------------------------------------------


def root_cause(rng: random.Random, slice_name: str) -> str:
    skill = rng.choice(SLICE_PHRASES[slice_name].skills)
    return rng.choice((
        f"The model does not {skill}.", f"The model fails to {skill}.", f"It cannot yet {skill}.",
        f"The missing skill is to {skill}.",
    ))  # fmt: skip


def diagnosis(rng: random.Random, slice_name: str) -> dict:
    return {"root_cause": root_cause(rng, slice_name), "scenario": rng.choice(SLICE_PHRASES[slice_name].scenarios)}


def pattern_of(rng: random.Random, slice_name: str) -> dict:
    phrases = SLICE_PHRASES[slice_name]
    subject = rng.choice(("The student does not", "The model fails to", "The student cannot reliably"))
    text = f"{subject} {rng.choice(phrases.skills)}. It shows when {rng.choice(phrases.contexts)}."
    return {"name": rng.choice(phrases.scenarios), "pattern": text}


def strategy_of(rng: random.Random, slice_name: str) -> str:
    phrases = SLICE_PHRASES[slice_name]
    start = rng.choice(("Write notes where", "Make items in which", "Create notes in which"))
    end = rng.choice(("Vary age, sex and symptom.", "Vary the other facts.", "Use varied wording.", ""))
    return f"{start} {rng.choice(phrases.contexts)}; {rng.choice(phrases.instructions)}. {end}".strip()


# --- wrong answers -----------------------------------------------------------------------------------------------------


def parse_line(line: str) -> dict[str, str]:
    return dict(part.split(": ", 1) for part in line.split("; "))


def join_line(fields: dict[str, str]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in fields.items())


def random_value(rng: random.Random, field: str, avoid: str) -> str:
    """A value of the field that is not `avoid`."""
    while True:
        other = parse_line(world.draw_item(rng, any_slice(rng)).line)[field]
        if other != avoid:
            return other


def wrong_line(rng: random.Random, item: world.Item, field: str) -> str:
    """The line with one field wrong, in the way in which a naive student gets this slice wrong where there is one."""
    fields = parse_line(item.line)
    naive = _naive_value(rng, item, fields, field)
    fields[field] = naive if naive and naive != fields[field] else random_value(rng, field, fields[field])
    return join_line(fields)


def _naive_value(rng: random.Random, item: world.Item, fields: dict[str, str], field: str) -> str:
    right = fields[field]
    if rng.random() < 0.3:
        return ""
    if field == "negated":
        return "none" if right != "none" else rng.choice(world.SYMPTOMS)
    if field == "symptom" and item.slice == "two_findings":
        return rng.choice(right.split(", "))
    if field == "symptom" and item.slice in ("history", "negation"):
        mentioned = [name for name in world.SYMPTOMS if name in item.note and name != right]
        return rng.choice([*mentioned, *(f"{right}, {name}" for name in mentioned)]) if mentioned else ""
    if field == "age" and item.slice == "correction":
        return next((word for word in item.note.split() if word.isdigit() and word != right), "")
    if field == "age":
        return str(max(20, min(89, int(right) + rng.choice((-20, -10, -9, -2, -1, 1, 2, 9, 10, 20)))))
    if field == "duration":
        count, unit = right.split()
        return world.plural(int(count), rng.choice(("day", "week", "month")))
    return {"temp": {"high": "normal", "normal": "high"}, "sex": {"M": "F", "F": "M"}}.get(field, {}).get(right, "")


# --- one function per job ----------------------------------------------------------------------------------------------


def analyse(rng: random.Random) -> tuple[str, str]:
    name = any_slice(rng)
    item = world.draw_item(rng, name)
    own_field = SLICE_FIELD.get(name)
    field = own_field if own_field and rng.random() < 0.8 else rng.choice(FIELDS)
    predicted = wrong_line(rng, item, field)
    if rng.random() < 0.25:
        second = rng.choice(FIELDS)
        predicted = wrong_line(rng, world.Item(item.note, predicted, name), second)
    if rng.random() < 0.04:
        predicted = predicted[: rng.randrange(len(predicted))]
    if predicted == item.line:
        return analyse(rng)
    wrong = {key for key, value in parse_line(item.line).items() if f"{key}: {value}" not in predicted}
    history_slip = name in ("history", "negation") and bool(wrong & {"symptom", "negated"})
    cause = name if own_field in wrong or history_slip else "plain"
    why = first_difference(predicted, item.line)
    return ask("analyse", diagnosis(rng, cause), input=item.note, expected=item.line, predicted=predicted, why=why)


def summarise(rng: random.Random) -> tuple[str, str]:
    name, count = any_slice(rng), rng.randint(1, 10)
    impurity = rng.choice((0, 0, 0.15, 0.3))
    rows = [diagnosis(rng, any_slice(rng) if rng.random() < impurity else name) for _ in range(count)]
    rows[0] = diagnosis(rng, name)
    text = "\n".join(f"- {row['scenario']}: {row['root_cause']}" for row in rows)
    return ask("summarise", pattern_of(rng, name), analyses=text)


def draft(rng: random.Random) -> tuple[str, str]:
    name = any_slice(rng)
    pattern = pattern_of(rng, name)
    return ask("draft", {"strategy": strategy_of(rng, name)}, pattern=f"{pattern['name']}. {pattern['pattern']}")


def invent(rng: random.Random) -> tuple[str, str]:
    name = any_slice(rng)
    return ask("invent", {"name": rng.choice(SLICE_PHRASES[name].scenarios), "strategy": strategy_of(rng, name)})


def item_list(items: list[world.Item]) -> dict:
    return {"items": [{"input": item.note, "output": item.line} for item in items]}


def generate(rng: random.Random) -> tuple[str, str]:
    name, n = any_slice(rng), rng.randint(1, 5)
    items = [world.draw_item(rng, name) for _ in range(n)]
    return ask("generate", item_list(items), anchors=anchors(rng), strategy=strategy_of(rng, name), n=n)


def near_error(rng: random.Random) -> tuple[str, str]:
    name, n = any_slice(rng), rng.randint(1, 4)
    seed, *items = [world.draw_item(rng, name) for _ in range(n + 1)]
    return ask("near_error", item_list(items), input=seed.note, output=seed.line, n=n)


def refusal(rng: random.Random, name: str) -> tuple[world.Item, str]:
    """A refused item for a strategy of the slice, and the reason that the gate or the judge gives."""
    item = world.draw_item(rng, name)
    field = rng.choice(FIELDS)
    kind = rng.randrange(4)
    if kind == 0:
        return world.Item(item.note, wrong_line(rng, item, field), name), f"The {field} in the output is wrong."
    if kind == 1:
        bad = world.Item(item.note, wrong_line(rng, item, field), name)
        return bad, f"Answering the input again gave another output: {item.line}"
    if kind == 2:
        other = rng.choice([slice_name for slice_name in world.SLICES if slice_name != name])
        return world.draw_item(rng, other), "The note does not follow the strategy."
    return item, rng.choice(("It is too much like an item that is there already.", "The item can be improved."))


def regenerate(rng: random.Random) -> tuple[str, str]:
    name, n = any_slice(rng), 1
    bad, reason = refusal(rng, name)
    items = [world.draw_item(rng, name) for _ in range(n)]
    fields = {"strategy": strategy_of(rng, name), "input": bad.note, "output": bad.line, "reason": reason, "n": n}
    return ask("regenerate", item_list(items), **fields)


def judge(rng: random.Random) -> tuple[str, str]:
    name = any_slice(rng)
    item, good = world.draw_item(rng, name), lambda: rng.randint(8, 10)
    output, reason, correctness, adherence, relevance = item.line, "Nothing is wrong with the item.", good(), good(), good()
    kind = rng.random()
    if kind < 0.4:
        field = SLICE_FIELD[name] if name in SLICE_FIELD and rng.random() < 0.5 else rng.choice(FIELDS)
        output = wrong_line(rng, item, field)
        reason, correctness = f"The {field} in the output is wrong.", rng.randint(1, 4)
    strategy_slice = name
    if kind > 0.88:
        strategy_slice = rng.choice([other for other in world.SLICES if other != name])
        reason, adherence = "The note does not follow the strategy.", rng.randint(2, 4)
    scores = {"relevance": relevance, "adherence": adherence, "utility": good(), "correctness": correctness}
    strategy = ANY_STRATEGY if strategy_slice == name and rng.random() < 0.2 else strategy_of(rng, strategy_slice)
    return ask("judge", {"reason": reason, **scores}, strategy=strategy, input=item.note, output=output)


def solve(rng: random.Random) -> tuple[str, str]:
    item = world.draw_item(rng, any_slice(rng))
    return ask("solve", {"answer": item.line}, anchors=anchors(rng), input=item.note)


def repair(rng: random.Random) -> tuple[str, str]:
    prompt, answer = rng.choice((draft, analyse, solve, lambda r: one_item(r)))(rng)
    shape = json.dumps(_shape(json.loads(answer)))
    broken = answer[: -rng.randint(1, 3)] if rng.random() < 0.5 else answer.replace('"', rng.choice(("'", "")), rng.randint(1, 3))
    return prompts.render("repair", shape=shape, text=broken), answer


def one_item(rng: random.Random) -> tuple[str, str]:
    return "", json.dumps(item_list([world.draw_item(rng, any_slice(rng))]))


def _shape(value: object) -> object:
    """The value's keys with empty content, as the loop shows a shape to the teacher."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    return [_shape(value[0])] if isinstance(value, list) else "" if isinstance(value, str) else 0


def rephrase(rng: random.Random) -> tuple[str, str]:
    n = rng.randint(2, 6)
    item, others = world.draw_rephrasings(rng, any_slice(rng), n)
    return ask("rephrase", {"rephrasings": others}, input=item.note, n=n)


_JOBS = (analyse, summarise, draft, invent, generate, near_error, regenerate, judge, solve, repair, rephrase)
_WEIGHTS = (14, 5, 4, 3, 20, 6, 5, 16, 18, 2, 3)
