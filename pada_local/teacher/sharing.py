"""What questions have in common is computed once: one slot reads the shared beginning, the others get a copy of its state.

llama-server keeps a cache for each slot and looks only into its own; with many slots every one of them would read the same
beginning again. Here the beginning is read once, its state is saved into the server's private folder, and each slot restores
it before its first question of that kind. Where the server refuses to save, everything goes on as before, only slower.
"""

import os.path
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pada_local.teacher.protocol import Ask
from pada_local.teacher.settings import harmless
from pada_local.teacher.unixhttp import Exchange

SHARED_BYTES = 300
"""Shorter beginnings cost less to read again than to hand around."""
FEWEST = 3
"""Questions from which sharing is worth the wait for the first reading."""


@dataclass
class Group:
    """Questions with the same beginning, by position. `state`: new, reading, ready, or alone (nothing is shared)."""

    positions: list[int]
    prefix: str
    state: str = "alone"
    file: str = ""


def arrange(pending: dict[int, Ask], share: bool) -> list[Group]:
    """The questions in groups; those that begin alike stand together, so that each slot's own cache helps too."""
    if not share:
        return [Group(list(pending), "")]
    texts = {position: harmless(ask.prompt) for position, ask in pending.items()}
    groups: list[Group] = []
    for position in sorted(pending, key=lambda at: (texts[at], at)):
        common = os.path.commonprefix([groups[-1].prefix, texts[position]]) if groups else ""
        if len(common.encode()) >= SHARED_BYTES:
            groups[-1].positions.append(position)
            groups[-1].prefix = common
        else:
            groups.append(Group([position], texts[position]))
    for number, group in enumerate(groups):
        if len(group.positions) >= FEWEST:
            group.state, group.file = "new", f"shared-{number % 2}.bin"
    return groups


@dataclass
class Slots:
    """Which slots are free, and the beginning of which group each of them holds."""

    count: int
    free: list[int] = field(init=False)
    holds: dict[int, Group] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free = list(range(self.count))

    def take(self, group: Group) -> int:
        """A free slot, one that holds this group's beginning if there is one."""
        slot = next((slot for slot in self.free if self.holds.get(slot) is group), self.free[0])
        self.free.remove(slot)
        return slot

    def give(self, slot: int) -> None:
        self.free.append(slot)


class Errand:
    """A request that prepares a slot. `then` names what follows; its answer matters only by its status."""

    def __init__(self, exchange: Exchange, then: str, group: Group, slot: int, position: int = -1) -> None:
        self.exchange, self.then, self.group, self.slot, self.position = exchange, then, group, slot, position

    def advance(self) -> bool:
        """Read what came; True when something did. Raises Broken."""
        self.exchange.receive()
        return bool(self.exchange.lines()) or self.exchange.finished


def reading(group: Group, slot: int) -> dict[str, Any]:
    """The request that only reads a beginning: one token is written, since some servers refuse none."""
    return {
        "messages": [{"role": "user", "content": group.prefix}], "max_tokens": 1, "temperature": 0.0, "cache_prompt": True,
        "stream": True, "return_progress": True, "id_slot": slot,
    }  # fmt: skip


def forget(folder: Path) -> None:
    """Remove saved beginnings: they hold the prompts' words."""
    for file in folder.glob("shared-*.bin"):
        file.unlink(missing_ok=True)
