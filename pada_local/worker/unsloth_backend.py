"""Base model through Unsloth: in 4 bits on a CUDA card, in 16 or 32 bits on a processor where a recipe asks for it by name.

Training is the loop of `lora`; only the loading and the adapter differ. Answers come from Unsloth's own `generate`, with the
adapter merged into an unquantised base as in `answer`. Executed on a processor by `make test-unsloth`; not run on a card yet.
"""

import importlib.util
import os
from typing import Any

import torch

from pada_local.student.protocol import TrainSettings
from pada_local.worker.folders import check_folder
from pada_local.worker.problems import JobError

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def chosen(name: str) -> bool:
    """Whether this job trains through Unsloth; `auto` does where there is a card. Raises JobError when it cannot.

    Asks for the package without importing it: the import patches Transformers.
    """
    if name not in ("auto", "peft", "unsloth"):
        raise JobError("data", f"There is no backend {name!r}.", fix="Set backend to auto, peft or unsloth.")
    installed = importlib.util.find_spec("unsloth") is not None
    if name == "unsloth" and not installed:
        fix = "Set train.backend to peft, or install pada-local[gpu]."
        raise JobError("model", "The package unsloth is not installed.", fix=fix)
    return name == "unsloth" or (name == "auto" and installed and torch.cuda.is_available())


def answers(name: str, dtype: torch.dtype) -> bool:
    """Whether this job's answers come from Unsloth; with `auto` never in float32, since its kernels are for 16 bits.

    Raises as `chosen` does.
    """
    return chosen(name) and (name == "unsloth" or dtype == torch.bfloat16)


def prepare() -> None:
    """Import Unsloth. It wants to come before Transformers, so call this before anything else of a training job."""
    # Without it Unsloth's forward returns no logits, and the loop needs them.
    os.environ["UNSLOTH_RETURN_LOGITS"] = "1"
    import unsloth  # noqa: F401


def load(folder: str, settings: TrainSettings, dtype: torch.dtype) -> Any:
    """The base to train on. Statistics and look-ups by name are off here and in the worker's environment."""
    path, on_card = check_folder(folder), torch.cuda.is_available()
    from unsloth import FastLanguageModel

    model, _ = FastLanguageModel.from_pretrained(
        str(path), max_seq_length=settings.max_length, load_in_4bit=on_card, dtype=None if on_card else dtype,
        use_exact_model_name=True, local_files_only=True, trust_remote_code=False,
    )  # fmt: skip
    return model


def load_for_answers(folder: str, adapter: str, dtype: torch.dtype, length: int) -> Any:
    """The unquantised base with the adapter merged into it, ready for `generate` on sequences of up to `length` tokens."""
    path = check_folder(folder)
    prepare()
    from unsloth import FastLanguageModel

    model, _ = FastLanguageModel.from_pretrained(
        str(path), max_seq_length=length, load_in_4bit=False, dtype=dtype, use_exact_model_name=True, local_files_only=True,
        trust_remote_code=False,
    )  # fmt: skip
    if adapter:
        from peft import PeftModel

        check_folder(adapter)
        model = PeftModel.from_pretrained(model, adapter, is_trainable=False, local_files_only=True)
        model = model.merge_and_unload(safe_merge=True)
    FastLanguageModel.for_inference(model)
    return model


def add_adapter(base: Any, settings: TrainSettings, checkpointing: bool) -> Any:
    """A fresh LoRA on the base; `checkpointing` recomputes layers, on a card in Unsloth's own way."""
    from unsloth import FastLanguageModel

    recompute = "unsloth" if torch.cuda.is_available() else True
    model = FastLanguageModel.get_peft_model(
        base, r=settings.lora_rank, lora_alpha=settings.lora_alpha, lora_dropout=settings.lora_dropout,
        target_modules=list(PROJECTIONS), bias="none", use_gradient_checkpointing=recompute if checkpointing else False,
        random_state=settings.seed,
    )  # fmt: skip
    FastLanguageModel.for_training(model, use_gradient_checkpointing=recompute if checkpointing else False)
    return model
