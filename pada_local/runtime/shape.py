"""The sizes of a model, read from a config.json or from the header of a GGUF file: enough to say what memory it will take."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A decoder: numbers of weights and widths. `linear`: weights in the layers' matrices; `embedding`: in all others."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    feed_forward: int
    vocabulary: int
    tied: bool
    context: int = 0

    @property
    def matrices(self) -> dict[str, tuple[int, int]]:
        """The seven matrices of a layer: (in, out)."""
        queries, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        return {
            "q": (self.width, queries), "k": (self.width, keys), "v": (self.width, keys), "o": (queries, self.width),
            "gate": (self.width, self.feed_forward), "up": (self.width, self.feed_forward),
            "down": (self.feed_forward, self.width),
        }  # fmt: skip

    @property
    def linear(self) -> int:
        return self.layers * sum(a * b for a, b in self.matrices.values())

    @property
    def embedding(self) -> int:
        return self.vocabulary * self.width * (1 if self.tied else 2)

    def lora(self, rank: int) -> int:
        """Weights of a LoRA of this rank on all seven matrices of every layer."""
        return self.layers * rank * sum(a + b for a, b in self.matrices.values())

    def cache_bytes(self, tokens: int, bytes_per_number: float = 2) -> int:
        """Keys and values of so many tokens."""
        return round(2 * self.layers * self.kv_heads * self.head_width * bytes_per_number * tokens)


def of_config(config: Mapping[str, Any]) -> Shape | None:
    """The shape in a Transformers config.json; None when it does not say enough."""
    found = {name: _number(config.get(name)) for name in (
        "num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size",
        "vocab_size", "max_position_embeddings",
    )}  # fmt: skip
    return _shape(*found.values(), tied=bool(config.get("tie_word_embeddings", False)))


def of_gguf(metadata: Mapping[str, Any], tied: bool = False) -> Shape | None:
    """The shape in a GGUF header (arrays are given as their length); None when it does not say enough."""
    name = metadata.get("general.architecture", "")
    keys = ("block_count", "embedding_length", "attention.head_count", "attention.head_count_kv", "attention.key_length",
            "feed_forward_length")  # fmt: skip
    found = [_number(metadata.get(f"{name}.{key}")) for key in keys]
    words = _number(metadata.get("tokenizer.ggml.tokens")) or _number(metadata.get(f"{name}.vocab_size"))
    return _shape(*found, words, _number(metadata.get(f"{name}.context_length")), tied=tied)


def _shape(
    layers: int, width: int, heads: int, kv_heads: int, head_width: int, feed_forward: int, words: int, context: int, tied: bool
) -> Shape | None:
    if not (layers and width and heads):
        return None
    return Shape(
        layers=layers, width=width, heads=heads, kv_heads=kv_heads or heads, head_width=head_width or width // heads,
        feed_forward=feed_forward or 4 * width, vocabulary=words, tied=tied, context=context,
    )  # fmt: skip


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40 else 0
