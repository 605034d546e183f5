"""Training examples as token ids: checked before training, drawn in a seeded order, packed into micro-batches."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pada_local.student.protocol import TrainExample
from pada_local.worker.models import encode
from pada_local.worker.problems import JobError


@dataclass(frozen=True)
class Tokens:
    """Ids of one example; the loss is on `ids[loss_from:]`."""

    ids: list[int]
    loss_from: int

    @property
    def labels(self) -> int:
        """Tokens that carry loss."""
        return len(self.ids) - self.loss_from


@dataclass(frozen=True)
class MicroBatch:
    """Right-padded ids. `where` are positions in the flattened batch whose next token is the label in `labels`.

    With causal attention a labelled position never sees the padding on its right, so no attention mask is needed.
    """

    ids: torch.Tensor
    where: torch.Tensor
    labels: torch.Tensor


def tokenize(tokenizer: Any, examples: Sequence[TrainExample], max_length: int) -> list[Tokens]:
    """Ids of all examples. Raises JobError naming the first one that is too long or has nothing to learn from."""
    if not examples:
        raise JobError("data", "There is nothing to train on.", "The training set is empty.", "Add training examples.")
    prompts = encode(tokenizer, [example.prompt for example in examples])
    answers = encode(tokenizer, [example.answer for example in examples])
    result = []
    for example, prompt, answer in zip(examples, prompts, answers, strict=True):
        # The very first token has nothing before it to be predicted from.
        tokens = Tokens([*prompt, *answer], max(1, len(prompt)))
        if tokens.labels < 1:
            raise JobError(
                "data", f"Training example {example.id} has an empty answer.",
                "All of its labels would be masked: there is nothing to learn from it.", "Give it an output or remove it.",
            )  # fmt: skip
        if len(tokens.ids) > max_length:
            raise JobError(
                "data", f"Training example {example.id} is too long: {len(tokens.ids)} tokens, {max_length} are allowed.",
                "It was refused before training; cutting it would teach the student to stop early.",
                "Shorten or remove it, or raise train.max_length in the recipe.",
            )  # fmt: skip
        result.append(tokens)
    return result


def draw_steps(examples: Sequence[Tokens], tokens_per_step: int, seed: int) -> Iterator[list[Tokens]]:
    """Endless optimizer steps: examples in a seeded order, reshuffled after each pass, until a step has its tokens."""
    rng = random.Random(seed)
    order = list(range(len(examples)))
    waiting: list[int] = []
    while True:
        step: list[Tokens] = []
        tokens = 0
        while tokens < tokens_per_step:
            if not waiting:
                rng.shuffle(order)
                waiting = order[::-1]
            step.append(examples[waiting.pop()])
            tokens += len(step[-1].ids)
        yield step


def micro_batches(step: Sequence[Tokens], size: int, pad: int, device: str) -> Iterator[MicroBatch]:
    """The step's examples, sorted by length so that little is padded, in as few batches of at most `size` as there can be."""
    ordered = sorted(step, key=lambda tokens: len(tokens.ids))
    count = -(-len(ordered) // size)
    bounds = [len(ordered) * number // count for number in range(count + 1)]
    for start, stop in itertools.pairwise(bounds):
        rows = ordered[start:stop]
        width = len(rows[-1].ids)
        ids = torch.tensor([row.ids + [pad] * (width - len(row.ids)) for row in rows])
        pairs = [(number, row) for number, row in enumerate(rows)]
        where = [number * width + spot - 1 for number, row in pairs for spot in range(row.loss_from, len(row.ids))]
        labels = [label for row in rows for label in row.ids[row.loss_from :]]
        yield MicroBatch(ids.to(device), torch.tensor(where).to(device), torch.tensor(labels).to(device))
