"""Base model through Unsloth in 4 bits on a CUDA card. Not run on a card yet; training itself is the loop of `lora`.

Only the loading and the adapter differ. Evaluation never uses this: it merges into 16 or 32 bits (see `answer`).
"""

import importlib.util
import os
from typing import Any

from pada_local.student.protocol import TrainSettings
from pada_local.worker.folders import check_folder
from pada_local.worker.models import PROJECTIONS
from pada_local.worker.problems import JobError


def is_available() -> bool:
    """True when there is a CUDA card and the package; asks without importing Unsloth, which patches Transformers."""
    import torch

    return torch.cuda.is_available() and importlib.util.find_spec("unsloth") is not None


def chosen(name: str) -> bool:
    """Whether this job trains through Unsloth. Raises JobError when it was asked for and cannot."""
    if name not in ("auto", "peft", "unsloth"):
        raise JobError("data", f"There is no backend {name!r}.", fix="Set backend to auto, peft or unsloth.")
    if name == "unsloth" and not is_available():
        raise JobError(
            "model",
            "Unsloth needs a CUDA card and the package unsloth.",
            fix="Set train.backend to peft, or install pada-local[gpu].",
        )
    return name != "peft" and is_available()


def load_with_adapter(folder: str, settings: TrainSettings) -> Any:
    """A 4-bit base with a fresh LoRA. Statistics and look-ups by name are off here and in the worker's environment."""
    path = check_folder(folder)
    os.environ["UNSLOTH_RETURN_LOGITS"] = "1"  # without it Unsloth's forward returns none, and the loop needs them
    from unsloth import FastLanguageModel  # first of all imports that touch Transformers in this process

    model, _ = FastLanguageModel.from_pretrained(
        str(path), max_seq_length=settings.max_length, load_in_4bit=True, dtype=None, use_exact_model_name=True,
        local_files_only=True, trust_remote_code=False,
    )  # fmt: skip
    model = FastLanguageModel.get_peft_model(
        model, r=settings.lora_rank, lora_alpha=settings.lora_alpha, lora_dropout=settings.lora_dropout,
        target_modules=list(PROJECTIONS), bias="none", use_gradient_checkpointing="unsloth", random_state=settings.seed,
    )  # fmt: skip
    FastLanguageModel.for_training(model)
    return model
