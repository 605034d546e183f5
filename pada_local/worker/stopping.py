"""Early stopping: a share of the training examples is only watched, and the adapter of its lowest loss is kept."""

import math
import random
from collections.abc import Sequence

import torch

from pada_local.student.protocol import TrainSettings
from pada_local.worker.examples import Tokens


def hold_out(examples: list[Tokens], settings: TrainSettings) -> tuple[list[Tokens], list[Tokens]]:
    """What is trained on and what is only watched: a seeded share, and nothing where the recipe asks for none."""
    count = round(len(examples) * settings.held_out_share)
    chosen = set(random.Random(f"held out {settings.seed}").sample(range(len(examples)), count))
    return [row for at, row in enumerate(examples) if at not in chosen], [examples[at] for at in sorted(chosen)]


class Watch:
    """Keeps the weights of the lowest held-out loss and says when there was no lower one for long enough."""

    def __init__(self, weights: Sequence[torch.Tensor], patience: int) -> None:
        self._weights, self._patience = weights, patience
        self._best, self._step, self._waited = math.inf, 0, 0
        self._kept: list[torch.Tensor] = []

    def has_enough(self, step: int, loss: float) -> bool:
        """Look at the loss after a step; True when training should stop."""
        if loss < self._best:
            self._best, self._step, self._waited = loss, step, 0
            self._kept = [weight.detach().clone() for weight in self._weights]
        else:
            self._waited += 1
        return self._waited >= self._patience

    def go_back(self) -> dict[str, float | int | str]:
        """Put the best weights back; which step they are from."""
        with torch.no_grad():
            for weight, kept in zip(self._weights, self._kept, strict=True):
                weight.copy_(kept)
        return {"best_step": self._step, "held_out_loss": self._best}
