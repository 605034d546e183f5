"""Keys and values of a batch: room for the whole answer taken once, and what all prompts begin with computed once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

SHORTEST_PREFIX = 8
"""Tokens below which a common beginning is not worth a pass of its own (project's choice; measured at 137 tokens only)."""


class RoomyLayer(DynamicLayer):
    """One layer's keys and values in a buffer for `room` tokens: the library's own copies all of them for every new token."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room
        self._buffers: list[torch.Tensor] = []

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *more: Any, **named: Any) -> Any:
        """Write behind what is there and return all of it. Raises ValueError past the room."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            shapes = [(*states.shape[:2], self._room, states.shape[3]) for states in (key_states, value_states)]
            self._buffers = [torch.empty(shape, dtype=self.dtype, device=self.device) for shape in shapes]
        start = self.get_seq_length()
        stop = start + key_states.shape[2]
        if stop > self._room:
            raise ValueError(f"The cache has room for {self._room} tokens, and {stop} are written.")
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, start:stop] = states
        self.keys, self.values = (buffer[:, :, :stop] for buffer in self._buffers)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these rows; only what is written is copied."""
        if not self.is_initialized:
            return
        written = self.get_seq_length()
        old, self._buffers = self._buffers, []
        for buffer in old:
            kept = torch.empty((len(indices), *buffer.shape[1:]), dtype=self.dtype, device=self.device)
            kept[:, :, :written] = buffer[:, :, :written].index_select(0, indices)
            self._buffers.append(kept)
        self.keys, self.values = (buffer[:, :, :written] for buffer in self._buffers)


@dataclass(frozen=True)
class Prefix:
    """Ids that all prompts begin with, and each layer's keys and values of them, for one row."""

    ids: list[int]
    states: list[tuple[torch.Tensor, torch.Tensor]]


def make(model: Any, room: int, rows: int, prefix: Prefix | None) -> DynamicCache:
    """An empty cache for `room` tokens a row, or one that holds the prefix in every row."""
    cache = DynamicCache(config=model.config)
    cache.layers = [RoomyLayer(room) if type(layer) is DynamicLayer else layer for layer in cache.layers]
    for layer, (keys, values) in zip(cache.layers, prefix.states if prefix else (), strict=prefix is not None):
        layer.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1))
    return cache


def shared(prompts: Sequence[list[int]]) -> list[int]:
    """What all prompts begin with, as long as each keeps a token of its own; empty when that is not worth a pass."""
    if len(prompts) < 2:
        return []
    common = os.path.commonprefix([min(prompts), max(prompts)])
    length = min(len(common), min(map(len, prompts)) - 1)
    return common[:length] if length >= SHORTEST_PREFIX else []


@torch.inference_mode()
def compute_prefix(model: Any, ids: list[int], device: str) -> Prefix | None:
    """Run the ids through the model once; None where a layer looks only so far back, since padding would stand in between."""
    cache = DynamicCache(config=model.config)
    if not ids or not all(type(layer) is DynamicLayer for layer in cache.layers):
        return None
    model(input_ids=torch.tensor([ids], device=device), past_key_values=cache, use_cache=True, logits_to_keep=1)
    return Prefix(ids, [(layer.keys, layer.values) for layer in cache.layers])
