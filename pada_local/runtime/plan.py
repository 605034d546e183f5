"""How much memory student and teacher will take, said before anything is loaded. Estimates, in bytes (`needs`)."""

from pathlib import Path

import msgspec

from pada_local.errors import MissingError
from pada_local.recipe import Recipe
from pada_local.runtime import examine, memory
from pada_local.runtime.cache import NUMBER_BYTES, must_hold, type_in_use
from pada_local.runtime.needs import (
    RESERVE_SHARE,
    SHORTEST,
    Training,
    Wish,
    choose_training,
    evaluation_bytes,
    teacher_bytes,
)
from pada_local.runtime.shape import Shape

FEWEST_SLOTS = 4
"""Slots below which the plan does not go."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A model that guesses ahead for the teacher: a file and a cache beside the teacher's own."""

    shape: Shape
    file_bytes: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What fits into `room` bytes. `training` is None when not even one short example fits."""

    room: int
    on_card: bool
    training: Training | None
    evaluation: int
    teacher: int
    slots: int
    cache_type: str
    draft: int
    """Bytes of the teacher's part that its draft model takes; 0 without one."""
    teacher_layers: int
    """Layers of the teacher that fit beside nothing else; all on a processor if it fits at all."""
    of_layers: int
    together: bool
    """Whether both may stay loaded at once; else they take turns."""


def make(
    student: Shape, teacher: Shape, teacher_file_bytes: int, room_bytes: int, on_card: bool, wish: Wish,
    draft: Draft | None = None,
) -> Plan:  # fmt: skip
    """The plan for one memory: a card's, or main memory where there is no card."""

    def guessing(slots: int) -> int:
        return teacher_bytes(draft.shape, draft.file_bytes, slots, wish.context) if draft else 0

    def writing(slots: int) -> int:
        return teacher_bytes(teacher, teacher_file_bytes, slots, wish.context, wish.cache_type) + guessing(slots)

    room = round(room_bytes * (1 - RESERVE_SHARE))
    training = choose_training(student, wish, room, on_card)
    slots = wish.slots
    while slots > FEWEST_SLOTS and writing(slots) > room:
        slots //= 2
    needed = writing(slots)
    evaluation = evaluation_bytes(student, wish, room, on_card)
    most = max(training.total if training else room + 1, evaluation)
    cache = teacher.cache_bytes(slots * wish.context, NUMBER_BYTES[wish.cache_type])
    layer = (teacher_file_bytes + cache) / (teacher.layers + 1)
    beside = teacher_bytes(teacher, 0, 0, 0) + guessing(slots)
    layers = teacher.layers if needed <= room else max(0, min(teacher.layers, int((room - beside) // layer)))
    return Plan(
        room=room, on_card=on_card, training=training, evaluation=evaluation, teacher=needed, slots=slots,
        cache_type=wish.cache_type, draft=guessing(slots),
        teacher_layers=layers, of_layers=teacher.layers, together=most + needed <= room,
    )  # fmt: skip


def sentences(plan: Plan) -> list[tuple[str, bool, str]]:
    """(name, whether it fits, words) for people; every figure is called an estimate."""
    where = "on the card" if plan.on_card else "in main memory"
    found = []
    if plan.training is None:
        found.append(("training", False, f"does not fit: not even one example of {SHORTEST} tokens ({_mib(plan.room)} {where})"))
    else:
        t = plan.training
        how = f"micro-batch {t.micro_batch}, {t.max_length} tokens" + (", layers recomputed" if t.checkpointing else "")
        parts = f"base {_mib(t.base)}, LoRA {_mib(t.lora)}, activations {_mib(t.activations)}, PyTorch {_mib(t.framework)}"
        found.append(("training", True, f"about {_mib(t.total)} with {how}: {parts} (estimate)"))
    fits = plan.evaluation <= plan.room
    found.append(("evaluation", fits, f"about {_mib(plan.evaluation)} (estimate)"))
    fits = plan.teacher <= plan.room
    held = "" if fits else f"; {plan.teacher_layers} of {plan.of_layers} layers fit {where}"
    how = f"{plan.slots} slots" + (f", cache {plan.cache_type}" if plan.cache_type != "f16" else "")
    how += f", {_mib(plan.draft)} of it the draft model" if plan.draft else ""
    found.append(("teacher", fits, f"about {_mib(plan.teacher)} with {how} (estimate){held}"))
    side = "student and teacher fit side by side" if plan.together else "student and teacher do not fit side by side"
    found.append(("both", plan.together, f"{side} in {_mib(plan.room)} {where}"))
    return found


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def for_models(student: Path, teacher: Path, wish: Wish | None = None, draft: Path | None = None) -> Plan:
    """The plan for a student's folder, a teacher's file and its draft's on this machine: its largest card, else main memory.

    Without a wish: the defaults of recipes, with the base in 4 bits on a card and in 16 or 32 on a processor, by its size.
    Raises MissingError for a model whose sizes cannot be read, UsageError for a teacher that cannot have the wished cache.
    """
    cards = memory.gpus()
    room = max((card.free_mib for card in cards), default=0) or memory.available_mib()
    shape, writer = examine.folder_shape(student), examine.gguf_shape(teacher)
    guesser = examine.gguf_shape(draft) if draft else None
    for found, path in ((shape, student), (writer, teacher), *([(guesser, draft)] if draft else [])):
        if found is None:
            raise MissingError("The model does not say its sizes.", str(path), "Its config or header names no layers or widths.")
    wish = wish or Wish(base_bits=4 if cards else 32)
    must_hold(wish.cache_type, writer, teacher.name)
    beside = Draft(shape=guesser, file_bytes=draft.stat().st_size) if draft and guesser else None
    return make(shape, writer, teacher.stat().st_size, room * 2**20, bool(cards), wish, beside)


def wish_of(recipe: Recipe) -> Wish:
    """What a recipe asks for; 0 in it means the project's choice."""
    on_card = bool(memory.gpus())
    return Wish(
        lora_rank=recipe.train.lora_rank, micro_batch=recipe.train.micro_batch, max_length=recipe.train.max_length,
        base_bits=recipe.train.base_bits or (4 if on_card else 32), evaluation_tokens=recipe.evaluate.tokens_per_batch,
        answer_bytes=2 if recipe.evaluate.dtype == "bfloat16" else 4, slots=recipe.teacher.slots or (16 if on_card else 32),
        context=recipe.teacher.context or 1024,
        cache_type=type_in_use(recipe.teacher.cache_type, recipe.teacher.context, on_card),
    )  # fmt: skip
