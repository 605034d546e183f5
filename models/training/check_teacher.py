"""Measure the demo teacher job by job against the oracle, through llama.cpp as the loop uses it.

    python models/training/check_teacher.py [GGUF] [--n 120]
"""

import argparse
import random
from collections import Counter
from pathlib import Path

import jobs
from phrases import SLICE_PHRASES

from pada_local.demo import oracle, world
from pada_local.teacher import schemas
from pada_local.teacher.backends import open_backend
from pada_local.teacher.parse import parse
from pada_local.teacher.protocol import Ask

DEFAULT = Path(__file__).resolve().parent.parent / "demo-teacher" / "demo-teacher-f16.gguf"


def ask_all(backend, asks: list[Ask]) -> list:
    """Parsed answers in order; None where the text did not parse."""
    replies = {}
    backend.ask_all(asks, lambda position, reply: replies.__setitem__(position, reply), lambda: False)
    return [parse(replies[position].text, ask.schema)[0] for position, ask in enumerate(asks)]


def slice_of_strategy(text: str) -> str:
    """The slice whose context the strategy names, or ''."""
    found = [name for name, phrases in SLICE_PHRASES.items() if any(context in text for context in phrases.contexts)]
    return found[0] if found else ""


def slice_of_cause(text: str) -> str:
    found = [name for name, phrases in SLICE_PHRASES.items() if any(skill in text for skill in phrases.skills)]
    return found[0] if found else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--n", type=int, default=120)
    options = parser.parse_args()
    backend, rng = open_backend(str(options.gguf)), random.Random(7)
    try:
        for check in (analyse, summarise, draft, invent, generate, solve, judge):
            print(check.__name__, check(backend, rng, options.n), flush=True)
    finally:
        backend.close()


def drawn(job, rng: random.Random, n: int) -> list[tuple[str, dict]]:
    import json

    pairs = [job(rng) for _ in range(n)]
    return [(prompt, json.loads(answer)) for prompt, answer in pairs]


def share(flags: list[bool]) -> str:
    return f"{sum(flags)}/{len(flags)}"


def analyse(backend, rng, n) -> str:
    pairs = drawn(jobs.analyse, rng, n)
    got = ask_all(backend, [Ask(purpose="a", prompt=p, schema=schemas.Analysis, max_tokens=160) for p, _ in pairs])
    right = [slice_of_cause(a.root_cause) == slice_of_cause(w["root_cause"]) for a, (_, w) in zip(got, pairs, strict=True) if a]
    return f"cause right {share(right)}"


def summarise(backend, rng, n) -> str:
    pairs = drawn(jobs.summarise, rng, n)
    got = ask_all(backend, [Ask(purpose="s", prompt=p, schema=schemas.PatternName, max_tokens=160) for p, _ in pairs])
    right = [slice_of_cause(a.pattern) == slice_of_cause(w["pattern"]) for a, (_, w) in zip(got, pairs, strict=True) if a]
    return f"pattern right {share(right)}"


def draft(backend, rng, n) -> str:
    pairs = drawn(jobs.draft, rng, n)
    got = ask_all(backend, [Ask(purpose="d", prompt=p, schema=schemas.StrategyText, max_tokens=160) for p, _ in pairs])
    right = [slice_of_strategy(a.strategy) == slice_of_strategy(w["strategy"]) for a, (_, w) in zip(got, pairs, strict=True) if a]
    return f"strategy right {share(right)}"


def invent(backend, rng, n) -> str:
    prompt, _ = jobs.invent(rng)
    asks = [Ask(purpose="i", prompt=prompt, schema=schemas.Invented, max_tokens=160, temperature=1.0, seed=i) for i in range(n)]
    return str(Counter(slice_of_strategy(a.strategy) for a in ask_all(backend, asks) if a).most_common())


def generate(backend, rng, n) -> str:
    asks, slices = [], []
    for number in range(n // 2):
        name = world.SLICES[number % len(world.SLICES)]
        prompt, _ = jobs.ask("generate", {}, anchors=jobs.anchors(rng), strategy=jobs.strategy_of(rng, name), n=4)
        asks.append(Ask(purpose="g", prompt=prompt, schema=schemas.NewItems, max_tokens=700, temperature=0.7, seed=number))
        slices.append(name)
    right, on_slice, wrong = [], [], Counter()
    for answer, name in zip(ask_all(backend, asks), slices, strict=True):
        for item in answer.items if answer else ():
            truth = oracle.label(item.input)
            right.append(truth == item.output)
            on_slice.append(truth is not None and name in oracle.slices(item.input))
            wrong[name] += truth != item.output
    return f"label right {share(right)}, on slice {share(on_slice)}, wrong by slice {dict(wrong)}"


def solve(backend, rng, n) -> str:
    pairs = drawn(jobs.solve, rng, n * 2)
    got = ask_all(backend, [Ask(purpose="v", prompt=p, schema=schemas.Solution, max_tokens=160) for p, _ in pairs])
    return f"answer right {share([a is not None and a.answer == w['answer'] for a, (_, w) in zip(got, pairs, strict=True)])}"


def judge(backend, rng, n) -> str:
    pairs = drawn(jobs.judge, rng, n)
    got = ask_all(backend, [Ask(purpose="j", prompt=p, schema=schemas.Scores, max_tokens=160) for p, _ in pairs])
    right = [(a.correctness <= 5) == (w["correctness"] <= 5) for a, (_, w) in zip(got, pairs, strict=True) if a]
    return f"right from wrong {share(right)}"


if __name__ == "__main__":
    main()
