"""In what numbers a teacher's cache is kept. Known before a model is loaded, since it is part of what its answers depend on."""

from pada_local.errors import UsageError
from pada_local.runtime.shape import Shape

PLAIN_ATTENTION_TOKENS = 4096
"""Tokens per slot up to which a processor computes attention without the flash kernel."""
NUMBER_BYTES = {"f16": 2.0, "q8_0": 34 / 32}
"""By type: bytes of one number of a key or value. A block of 32 numbers in eight bits has a scale of two bytes."""

BLOCK = 32
"""Numbers in a block of eight bits: a head's width must be a multiple of it."""


def type_in_use(wanted: str, context: int, on_card: bool) -> str:
    """The wanted type where flash attention is sure to be on, else f16: llama.cpp keeps values in eight bits only with it.

    `context` is what the recipe sets for a slot. With 0 it is chosen from the questions, when answers have their names already;
    on a processor it is nearly always short enough for plain attention then.
    """
    return wanted if on_card or context > PLAIN_ATTENTION_TOKENS else "f16"


def must_hold(cache_type: str, shape: Shape | None, model: str) -> None:
    """Raises UsageError when a model's heads are too narrow or odd for blocks of numbers: its server would not start."""
    if cache_type != "f16" and shape is not None and shape.head_width % BLOCK:
        detail = f"A head of {model} is {shape.head_width} wide, and blocks hold {BLOCK} numbers."
        raise UsageError(f"This teacher's cache cannot be {cache_type}.", detail, "Set teacher.cache_type to f16 in the recipe.")
