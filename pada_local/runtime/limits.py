"""How much memory a child may take while a model of unknown origin is in it, from the sizes of the model's files.

The limit is on what a process allocates (RLIMIT_DATA: private, writable memory; a file that is only mapped does not count). It is
twice what the memory plan (`needs`) expects and two GiB more, so a model that is what it says never meets it; one that says
more than its files hold gets nothing for what it says. Where a card is there is none: drivers map what they like.
"""

import os
from pathlib import Path

from pada_local.errors import MissingError
from pada_local.runtime import examine, memory, needs
from pada_local.runtime.shape import Shape

SLACK = 2 * 2**30
"""Libraries, the interpreter, buffers; and for every processor core the stacks of its threads."""
STACKS = 32 * 2**20
GENEROUS = 2
COPIES = 6
"""Of a student's weights as they lie on disk: in float32 they are twice as large as in 16 bits, and merging holds two of them."""
SHARE = 0.9
"""Of main memory, whatever a model is expected to take."""
LEAST_BYTES_A_WEIGHT = {"gguf": 0.12, "safetensors": 0.4}
"""A file with less for the weights that its header speaks of does not hold them."""


def of_teacher(file: Path, slots: int, context: int, draft: Path | None = None) -> int:
    """Bytes for a server of this GGUF file, and of the draft model beside it; 0 where there is no limit."""
    parts = [_serving(one, slots, context) for one in (file, draft) if one is not None]
    known = [part for part in parts if part is not None]
    return _bounded(sum(known) if len(known) == len(parts) else None)


def _serving(file: Path, slots: int, context: int) -> int | None:
    """What a server takes for a file; None when its header does not tell: the server will say what is wrong with it."""
    try:
        shape, size = examine.gguf_shape(file), file.stat().st_size
    except (MissingError, OSError):
        return None
    if shape is None:
        return None
    if not _holds(size, shape, "gguf"):
        return size
    # Without flash attention the scores of what is read at once are written out.
    scores = 2 * needs.SCRATCH_TOKENS * slots * context * shape.heads * 4
    return needs.teacher_bytes(shape, size, slots, context) + scores


def of_student(folder: Path, tokens: int, length: int, rank: int = 0) -> int:
    """Bytes for a worker with this student; 0 where there is no limit.

    `tokens` are in memory at once, in sequences of at most `length`; `rank`: of the LoRA that is trained.
    """
    try:
        shape = examine.folder_shape(folder)
        size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    except (MissingError, OSError):
        return _bounded(None)  # the worker will say what is wrong with it
    if shape is None:
        return _bounded(None)
    return _bounded(COPIES * size + (_working(shape, tokens, length, rank) if _holds(size, shape, "safetensors") else 0))


def _working(shape: Shape, tokens: int, length: int, rank: int) -> int:
    """Cache and logits of answers, or what a step of training keeps, with the attention's scores written out."""
    scores = shape.heads * tokens * length * 4
    if not rank:
        return shape.cache_bytes(tokens, 4) + tokens * shape.vocabulary * 8 + 2 * scores
    length = min(length, tokens)
    wish = needs.Wish(lora_rank=rank, base_bits=32)
    step = needs.training_bytes(shape, wish, max(1, tokens // length), length, checkpointing=False, on_card=False)
    return step.lora + step.activations + shape.layers * scores


def _holds(size: int, shape: Shape, kind: str) -> bool:
    return shape.linear * LEAST_BYTES_A_WEIGHT[kind] <= size


def _bounded(expected: int | None) -> int:
    if memory.gpus():
        return 0
    whole = int(memory.total_mib() * 2**20 * SHARE)
    if expected is None:
        return whole
    wanted = GENEROUS * expected + SLACK + STACKS * (os.cpu_count() or 1)
    return min(wanted, whole) if whole else wanted
