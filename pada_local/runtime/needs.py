"""Bytes that student and teacher take, from the models' sizes: what the plan adds up, and what the worker trains by.

Training keeps the frozen base, a LoRA with gradient and two moments (16 bytes a weight) and what the backward pass needs;
evaluation keeps the merged base in the arithmetic of answers and a cache; the teacher its file and a cache for each slot.
"""

import msgspec

from pada_local.runtime.cache import NUMBER_BYTES
from pada_local.runtime.shape import Shape

NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Of a weight in four bits: itself, a byte of scale for each block of 64, and a float for each 256 of those."""
LORA_BYTES = 16
FRAMEWORK = {True: 600 * 2**20, False: 400 * 2**20}
"""What PyTorch takes before a model is there: on a card (context, workspaces), and in main memory."""
LABELLED_SHARE = 0.5
"""Part of a sequence that counts as answer; logits are made there only."""
SCRATCH_TOKENS = 512
"""Tokens that llama.cpp computes at once while it reads a prompt."""
RESERVE_SHARE = 0.1
"""Kept free of the memory that there is: these are estimates."""
EVALUATION_TOKENS = {True: 65536, False: 8192}
"""Tokens of a batch of answers where memory does not ask for less: on a card and on a processor, which gains little by more."""
FEWEST_TOKENS = 1024
"""Tokens of a batch of answers below which the plan does not go."""
SHORTEST = 128
"""Tokens below which the plan does not shorten examples."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would like; the plan lowers micro-batch, length and slots until they fit. `base_bits`: 4, 16 or 32.

    `evaluation_tokens` of 0: a batch that fits what is free.
    """

    lora_rank: int = 16
    micro_batch: int = 16
    max_length: int = 512
    base_bits: int = 4
    answer_bytes: int = 4
    evaluation_tokens: int = 0
    slots: int = 16
    context: int = 1024
    cache_type: str = "f16"


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of a training with this micro-batch and length; `checkpointing` recomputes layers instead of keeping them."""

    micro_batch: int
    max_length: int
    checkpointing: bool
    base: int
    lora: int
    activations: int
    framework: int

    @property
    def total(self) -> int:
        return self.base + self.lora + self.activations + self.framework


def training_bytes(shape: Shape, wish: Wish, micro_batch: int, length: int, checkpointing: bool, on_card: bool) -> Training:
    """Bytes of one training step. Activations are in two bytes, in four when the base is in 32 bits."""
    number = 4 if wish.base_bits == 32 else 2
    linear = NF4_BYTES if wish.base_bits == 4 else number
    tokens = micro_batch * length
    keys = shape.kv_heads * shape.head_width
    # Inputs of norms and products, queries, attention's result and the residual; gate, up, their product and its factor.
    layer = 6 * shape.width + 2 * keys + 4 * shape.feed_forward
    kept = shape.layers * shape.width + layer if checkpointing else shape.layers * layer
    logits = round(tokens * LABELLED_SHARE) * shape.vocabulary * (number + 4 + 4)  # as made, as float, and their gradient
    return Training(
        micro_batch=micro_batch, max_length=length, checkpointing=checkpointing,
        base=round(shape.linear * linear) + shape.embedding * number, lora=shape.lora(wish.lora_rank) * LORA_BYTES,
        activations=tokens * kept * number + logits, framework=FRAMEWORK[on_card],
    )  # fmt: skip


def evaluation_bytes(shape: Shape, wish: Wish, room: int, on_card: bool) -> int:
    """The base in the arithmetic of answers and the cache of a batch, made smaller for a short room unless wished for."""
    fixed = (shape.linear + shape.embedding) * wish.answer_bytes + FRAMEWORK[on_card]
    tokens = wish.evaluation_tokens or EVALUATION_TOKENS[on_card]
    while not wish.evaluation_tokens and tokens > FEWEST_TOKENS and fixed + shape.cache_bytes(tokens, wish.answer_bytes) > room:
        tokens //= 2
    return fixed + shape.cache_bytes(tokens, wish.answer_bytes)


def answer_bytes(shape: Shape, own: int, width: int, number: int) -> int:
    """What one row of a batch of answers takes: `own` tokens are computed at once, `width` are kept, in `number` bytes each.

    Scores are counted for all heads, as where no kernel saves them.
    """
    keys = shape.kv_heads * shape.head_width
    states = own * (6 * shape.width + 2 * keys + 3 * shape.feed_forward) * number
    scores = own * width * (2 * shape.heads * number + 5)  # before and after the softmax, and the mask
    logits = shape.vocabulary * (number + 4)
    return shape.cache_bytes(width, number) + states + scores + logits


def teacher_bytes(shape: Shape, file_bytes: int, slots: int, context: int, cache_type: str = "f16") -> int:
    """The file, a cache for each slot, and scratch space for reading prompts. A draft model (cache f16) takes the same."""
    scratch = SCRATCH_TOKENS * max(shape.vocabulary, shape.feed_forward) * 4
    return file_bytes + shape.cache_bytes(slots * context, NUMBER_BYTES[cache_type]) + scratch


def choose_pass(shape: Shape, wish: Wish, room: int, length: int, on_card: bool) -> Training | None:
    """The largest micro-batch that fits; then with checkpointing; None when nothing fits."""
    for checkpointing in (False, True):
        size = wish.micro_batch
        while size >= 1:
            found = training_bytes(shape, wish, size, length, checkpointing, on_card)
            if found.total <= room:
                return found
            size //= 2
    return None


def choose_training(shape: Shape, wish: Wish, room: int, on_card: bool) -> Training | None:
    """What `choose_pass` finds; then with shorter sequences; None when nothing fits."""
    length = wish.max_length
    while length >= min(SHORTEST, wish.max_length):
        if found := choose_pass(shape, wish, room, length, on_card):
            return found
        length //= 2
    return None
