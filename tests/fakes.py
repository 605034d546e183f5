"""A student and a teacher for tests: plain code with the doors of the real ones, in a world of coloured kinds.

An example's input is "<filler> kind<N> item<M> …" and its output "out<N>". The fake student answers a kind rightly once its
training data holds three examples of it. The fake teacher writes items of the kind that it finds in its prompt.
"""

import hashlib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pada_local.records import Example, content_id
from pada_local.student.protocol import Clustering, Generate, Step, Train
from pada_local.teacher import schemas
from pada_local.teacher.protocol import Answer, Ask

KINDS = 6
WORDS = "amber birch cedar delta ember fjord grove haven inlet jetty knoll lagoon meadow nook oasis prairie quarry ridge".split()


def example(rng: random.Random, kind: int, split: str, position: int, words: int = 14) -> Example:
    """A labelled input of `words` words."""
    text = " ".join([f"kind{kind}", f"item{rng.randrange(10**6)}", *(rng.choice(WORDS) for _ in range(words - 2))])
    output = f"out{kind}"
    return Example(id=content_id(text, output), split=split, position=position, input=text, output=output)


def examples(seed: int, missing: Sequence[int], words: int = 14) -> list[Example]:
    """36 training examples without the missing kinds, 36 for validation, 36 for the test."""
    rng = random.Random(seed)
    known = [kind for kind in range(KINDS) if kind not in missing]
    rows = [example(rng, known[i % len(known)], "train", i, words) for i in range(36)]
    for split in ("validation", "test"):
        rows += [example(rng, i % KINDS, split, i, words) for i in range(36)]
    return rows


SETTINGS = {
    "task": "Name the output of the kind.", "metric": "exact_match", "student": "fake", "student_hash": "0", "chat": "plain",
    "system": "", "teacher": "fake-teacher", "judge": "fake-teacher",
}  # fmt: skip


class FakeStudent:
    """Knows the kinds of which it saw three examples in training."""

    def __init__(self) -> None:
        self.trained: list[Train] = []

    def memory_mib(self) -> int:
        return 0

    def train(self, job: Train, on_step: Callable[[Step], None]) -> dict[str, Any]:
        self.trained.append(job)
        seen = [kind for kind in range(KINDS) if sum(f"kind{kind} " in row.prompt for row in job.examples) >= 3]
        for number in range(1, 4):
            loss = 1 / number
            on_step(Step(step=number, steps=3, loss=loss, grad_norm=1, learning_rate=0.1, tokens=10, elapsed_s=0.1))
        Path(job.to, "adapter_model.safetensors").write_bytes(",".join(map(str, seen)).encode())
        return {"tokens": 30, "seconds": 0.3}

    def generate(self, job: Generate) -> Iterator[tuple[list[int], list[str], list[int]]]:
        known = Path(job.adapter, "adapter_model.safetensors").read_text().split(",") if job.adapter else []
        for start in range(0, len(job.prompts), 5):
            positions = list(range(start, min(start + 5, len(job.prompts))))
            kinds = [re.search(r"kind(\d+)", job.prompts[p])[1] for p in positions]
            yield positions, [f"out{kind}" if kind in known else "unsure" for kind in kinds], [1] * len(positions)

    def generate_facts(self) -> dict[str, Any]:
        return {"backend": "fake", "dtype": "float32"}

    def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """One axis per kind that the text names."""
        return [[float(f"kind{kind}" in text) for kind in range(KINDS)] for text in texts]

    def cluster(
        self, vectors: Sequence[Sequence[float]], k_max: int, seed: int, n_init: int, method: str = "kmeans"
    ) -> Clustering:
        """Distinct vectors are the clusters; inertia falls until there are as many clusters as distinct vectors."""
        distinct = sorted({tuple(vector) for vector in vectors})
        labels = [[distinct.index(tuple(vector)) % k for vector in vectors] for k in range(1, k_max + 1)]
        inertia = [float(max(0, len(distinct) - k)) * 10 for k in range(1, k_max + 1)]
        silhouette = [1.0 if k == len(distinct) and k > 1 else 0.0 for k in range(1, k_max + 1)]
        return Clustering(inertia=inertia, silhouette=silhouette, labels=labels, distances=[[0.0] * len(vectors)] * k_max)

    def close(self) -> None:
        pass


class FakeTeacher:
    """Answers by purpose. `behave(ask)` may return a value that replaces the ordinary answer, or None for unparsable."""

    name = "fake-teacher"

    def __init__(self, behave: Callable[[Ask], Any] | None = None) -> None:
        self.asks: list[Ask] = []
        self._behave = behave

    def memory_mib(self) -> int:
        return 0

    def tokens(self) -> int:
        return 0

    def ask_all(self, asks: Sequence[Ask], on_progress: Callable[[int], None] | None = None, then: Any = None) -> list[Answer]:
        self.asks += asks
        answers = []
        for done, ask in enumerate(asks, 1):
            key = content_id("fake", ask.purpose, ask.prompt, ask.seed)
            value = self._behave(ask) if self._behave else ...
            value = self._ordinary(ask) if value is ... else value
            answers.append(Answer(value=value, call_key=key, reason="" if value is not None else "no JSON"))
            if on_progress:
                on_progress(done)
        return answers

    def _ordinary(self, ask: Ask) -> Any:
        kinds = re.findall(r"kind(\d+)", ask.prompt)
        kind = kinds[-1] if kinds else str(ask.seed % KINDS)
        match ask.purpose:
            case "analyse":
                kind = re.search(r"Input: .*?kind(\d+)", ask.prompt)[1]
                style = hashlib.sha256(ask.prompt.encode()).hexdigest()[:6]
                return schemas.Analysis(root_cause=f"The model does not know kind{kind} ({style}).", scenario=f"kind{kind} items")
            case "summarise":
                return schemas.PatternName(name=f"kind{kind}", pattern=f"The student cannot do kind{kind}.")
            case "draft":
                return schemas.StrategyText(strategy=f"Write items of kind{kind}.")
            case "invent":
                return schemas.Invented(name=f"kind{kind}", strategy=f"Write items of kind{kind}.")
            case "generate" | "near_error" | "regenerate":
                return schemas.NewItems(items=self.items(ask))
            case "judge":
                return schemas.Scores(reason="fine", relevance=9, adherence=9, utility=9, correctness=self._correctness(ask))
            case "solve":
                kind = re.findall(r"Input: .*?kind(\d+)", ask.prompt)[-1]
                return schemas.Solution(answer=f"out{kind}")
        raise AssertionError(ask.purpose)

    def items(self, ask: Ask) -> list[schemas.NewItem]:
        strategy = re.search(r"(?:strategy|wrong).*?kind(\d+)", ask.prompt, re.DOTALL)
        kind = strategy[1] if strategy else "0"
        count = int(re.search(r"Write (\d+)", ask.prompt)[1])
        digest = int(hashlib.sha256(f"{ask.prompt}{ask.seed}".encode()).hexdigest(), 16)
        rng = random.Random(digest)
        words = [[f"kind{kind}", f"new{rng.randrange(10**9)}", *rng.choices(WORDS, k=12)] for _ in range(count)]
        return [schemas.NewItem(input=" ".join(row), output=f"out{kind}") for row in words]

    @staticmethod
    def _correctness(ask: Ask) -> int:
        kind = re.search(r"Input: .*?kind(\d+)", ask.prompt)[1]
        return 9 if f"Output: out{kind}" in ask.prompt else 2

    def close(self) -> None:
        pass
