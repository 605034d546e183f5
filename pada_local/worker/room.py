"""How much a job may take at once: what is free after its model was loaded, shared out by the sizes in the model's config."""

from collections.abc import Callable

import torch

from pada_local.runtime import memory, needs
from pada_local.runtime.shape import Shape, of_config
from pada_local.student.protocol import Generate, TrainSettings
from pada_local.worker.folders import check_folder, read_json

ANSWER_SHARE = {True: 0.8, False: 0.5}
"""Part of what is free that a batch of answers may take: on a card, and in main memory, where other programs live, too."""
Size = Callable[[int], int]


def free_bytes(device: str) -> int:
    """Memory that PyTorch could still take: the card's, with what its allocator holds unused, or main memory; 0 is unknown."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return memory.available_mib() * 2**20


def shape_of(folder: str) -> Shape | None:
    """Sizes of the model in this folder; None when its config does not say enough."""
    return of_config(read_json(check_folder(folder) / "config.json"))


def rows_at_once(job: Generate, dtype: torch.dtype, device: str, shared_tokens: int) -> Size:
    """How many prompts of a length go into one batch. Asked once for a job, when its model is in memory.

    With `tokens_per_batch`: as many as stay within it, padding and answers counted. Without: as many as the free memory
    holds, up to the work that keeps the device busy; the shared beginning takes memory and is no work.
    """
    new, on_card = job.max_new_tokens, device == "cuda"
    shape = None if job.tokens_per_batch else shape_of(job.base)
    most = needs.EVALUATION_TOKENS[on_card] if shape else job.tokens_per_batch or needs.EVALUATION_TOKENS[False]
    free = free_bytes(device) * ANSWER_SHARE[on_card] if shape else 0.0

    def size(length: int) -> int:
        if shape is None:
            return max(1, most // (length + new))
        busy = most // (length - shared_tokens + new)
        row = needs.answer_bytes(shape, length - shared_tokens, length + new, dtype.itemsize)
        return max(1, min(busy, int(free // row)) if free else busy)

    return size


def training_pass(base: str, settings: TrainSettings, longest: int, base_bits: int, device: str) -> tuple[int, bool]:
    """Micro-batch, and whether layers are recomputed instead of kept, for examples of up to `longest` tokens.

    Asked when the frozen base is in memory. The micro-batch of the settings where it fits, else a smaller one; recomputed
    only where not even one example fits without. The size of a step, its loss and its gradient do not depend on it.
    """
    shape, free = shape_of(base), free_bytes(device)
    if shape is None or not free:
        return settings.micro_batch, False
    wish = needs.Wish(lora_rank=settings.lora_rank, micro_batch=settings.micro_batch, base_bits=base_bits)
    one = needs.training_bytes(shape, wish, 1, longest, True, device == "cuda")
    room = round(free * (1 - needs.RESERVE_SHARE)) + one.base + one.framework  # these two are there already
    found = needs.choose_pass(shape, wish, room, longest, device == "cuda")
    return (found.micro_batch, found.checkpointing) if found else (1, True)
