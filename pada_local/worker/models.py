"""Loads students from local folders, safetensors only, and keeps the last one in memory between jobs."""

import dataclasses
import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pada_local.student.protocol import Loaded
from pada_local.worker import unsloth_backend
from pada_local.worker.folders import check_folder, fingerprint, read_json
from pada_local.worker.problems import JobError, is_out_of_memory

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
OLD_NAMES = frozenset({"torch_dtype", "rope_theta", "rope_scaling", "rope_local_base_freq", "quantization_config"})
"""Keys that the classes of today take from older files, or pass on."""
LARGE_WEIGHTS_BYTES = 100 * 10**6


class Shelf:
    """At most one model at a time: a second copy of a 1B student in float32 would cost 4 GB for a reload of seconds."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send
        self._key: tuple[str, ...] = ()
        self._model: Any = None

    def take(self, folder: str, dtype: torch.dtype, device: str) -> Any:
        """The base in this type, on this device, taken off the shelf: whoever changes it decides whether to put it back."""
        return self._take(self._key_of(folder, dtype, device, "")) or self._load(folder, dtype, device)

    def take_merged(self, folder: str, adapter: str, dtype: torch.dtype, device: str) -> Any:
        """The base with the adapter merged into its weights in memory; the files stay as they are."""
        return self._take(self._key_of(folder, dtype, device, adapter)) or _merge(self.take(folder, dtype, device), adapter)

    def take_unsloth(self, folder: str, adapter: str, dtype: torch.dtype, device: str, length: int) -> Any:
        """The same as Unsloth loads it, for sequences of up to `length` tokens."""
        model = self._take(self._key_of(folder, dtype, device, adapter, "unsloth"))
        if model is not None and getattr(model, "max_seq_length", 0) >= length:
            return model
        started = time.monotonic()
        model = unsloth_backend.load_for_answers(folder, adapter, dtype, length)
        self._send(Loaded(model=folder, elapsed_s=time.monotonic() - started))
        return model

    def put(self, model: Any, folder: str, dtype: torch.dtype, device: str, adapter: str = "", backend: str = "peft") -> None:
        """Keep the model for the next job."""
        self._model, self._key = model, self._key_of(folder, dtype, device, adapter, backend)

    def _key_of(self, folder: str, dtype: torch.dtype, device: str, adapter: str, backend: str = "peft") -> tuple[str, ...]:
        return (backend, folder, adapter, str(dtype), device, fingerprint(folder), fingerprint(adapter) if adapter else "")

    def _take(self, key: tuple[str, ...]) -> Any:
        model = self._model if key == self._key else None
        self._key, self._model = (), None
        return model

    def _load(self, folder: str, dtype: torch.dtype, device: str) -> Any:
        started = time.monotonic()
        model = load_base(folder, dtype).to(device)
        self._send(Loaded(model=folder, elapsed_s=time.monotonic() - started))
        return model


def load_base(folder: str, dtype: torch.dtype, **more: Any) -> Any:
    """The causal LM of a local folder, frozen, in evaluation mode."""
    path = check_folder(folder)
    from transformers import AutoModelForCausalLM

    # PyTorch's own attention leaves Gemma 2's cap on the scores out without a word.
    capped = read_json(path / "config.json").get("attn_logit_softcapping")
    safely = {"local_files_only": True, "trust_remote_code": False, "use_safetensors": True,
              "attn_implementation": "eager" if capped else "sdpa"}  # fmt: skip
    try:
        model = AutoModelForCausalLM.from_pretrained(path, config=known_config(path), dtype=dtype, **safely, **more)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise JobError("model", f"The student in {folder} cannot be loaded.", str(error), "Choose another model.") from error
    return model.eval().requires_grad_(False)


def known_config(path: Path) -> Any:
    """The folder's config with nothing in it but what the library's own class of that model type declares.

    Raises JobError for a type that the library does not know. What is dropped cannot steer the library in ways nobody thought of.
    """
    from transformers import CONFIG_MAPPING

    found = read_json(path / "config.json")
    name = str(found.get("model_type", ""))
    if name not in CONFIG_MAPPING:
        fix = "Choose a model of a family that is known (docs/models.md)."
        raise JobError("model", f"The student in {path} is of an unknown type {name[:40]!r}.", fix=fix)
    kind = CONFIG_MAPPING[name]
    declared = {field.name for field in dataclasses.fields(kind)} | set(kind.attribute_map) | OLD_NAMES
    return kind.from_dict({key: value for key, value in found.items() if key in declared})


def load_in_4_bits(folder: str, dtype: torch.dtype, device: str) -> Any:
    """The base in bitsandbytes' nf4 with double quantisation, computing in `dtype` (QLoRA, arXiv 2305.14314)."""
    from transformers import BitsAndBytesConfig

    quantised = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    return load_base(folder, dtype, quantization_config=quantised, device_map={"": device})


def trains_in_4_bits(base_bits: int, device: str) -> bool:
    """Whether the base is quantised for training. Raises JobError when it was asked for and the package is not there."""
    installed = importlib.util.find_spec("bitsandbytes") is not None
    if base_bits == 4 and not installed:
        fix = "Set train.base_bits to 16, or install pada-local[gpu]."
        raise JobError("model", "A base in 4 bits needs the package bitsandbytes.", fix=fix)
    return installed and (base_bits == 4 or (base_bits == 0 and device == "cuda"))


def load_tokenizer(folder: str) -> Any:
    """The tokenizer of a local folder; it has a pad id, whatever the folder says."""
    check_folder(folder)
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise JobError("model", f"The tokenizer in {folder} cannot be loaded.", str(error), "Choose another model.") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def encode(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """Token ids of each text as it stands: the texts carry their own special tokens."""
    return tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []


def context_of(folder: str) -> int:
    """Longest sequence that the model was made for; 0 when its config does not say."""
    return int(read_json(check_folder(folder) / "config.json").get("max_position_embeddings") or 0)


def _merge(base: Any, adapter: str) -> Any:
    check_folder(adapter)
    from peft import PeftModel

    try:
        model = PeftModel.from_pretrained(base, adapter, is_trainable=False, local_files_only=True)
        return model.merge_and_unload(safe_merge=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise JobError("model", "The adapter does not fit the student.", str(error), "Train the adapter again.") from error


def choose_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def forget_peak(device: str) -> None:
    """Begin to count the most memory that PyTorch takes on the card."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak(device: str) -> dict[str, int]:
    """The most bytes that were taken since `forget_peak`; nothing on a processor, where the system counts other things too."""
    return {"peak_bytes": torch.cuda.max_memory_allocated()} if device == "cuda" else {}


def choose_dtype(name: str, device: str, folder: str) -> torch.dtype:
    """The named type; auto is bfloat16 where the hardware multiplies in it and the student is large enough to gain by it."""
    if name in DTYPES:
        return DTYPES[name]
    if name != "auto":
        raise JobError("data", f"There is no arithmetic {name!r}.", fix="Set dtype to auto, float32 or bfloat16.")
    if device == "cuda":
        return torch.bfloat16
    # Measured on 2M parameters with AMX: what the products gain is lost again in conversions, and float32 is exact.
    return torch.bfloat16 if is_large(folder) and cpu_multiplies_bfloat16() else torch.float32


def is_large(folder: str) -> bool:
    """Whether the matrices are large enough for bfloat16 and several threads to gain anything."""
    return sum(file.stat().st_size for file in check_folder(folder).glob("*.safetensors")) >= LARGE_WEIGHTS_BYTES


def cpu_multiplies_bfloat16() -> bool:
    """True where the CPU has AVX512-BF16 or AMX; elsewhere bfloat16 is emulated and slower than float32."""
    checks = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(check() for check in checks if check is not None)


def set_threads(threads: int, folder: str) -> None:
    """0 chooses: one for a small model, whose steps take longer on two (0.32 s against 0.24 s for the demo student)."""
    torch.set_num_threads(threads or (len(os.sched_getaffinity(0)) if is_large(folder) else 1))


def name_of(dtype: torch.dtype) -> str:
    """float32, bfloat16, …"""
    return str(dtype).removeprefix("torch.")
