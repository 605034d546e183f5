"""An adapter merged into its unquantised base, file by file: every weight is computed in float32 and rounded once.

No model is built and nothing is quantised on the way, so a base of any size needs the memory of one of its files.
"""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pada_local.student.protocol import CheckAdapter, Merge
from pada_local.worker.folders import check_folder, read_header, read_json
from pada_local.worker.problems import JobError

Facts = dict[str, float | int | str]
Deltas = dict[str, tuple[torch.Tensor, torch.Tensor, float]]
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
NAMES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32"}
KEPT = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model",
        "vocab.json", "merges.txt", "generation_config.json")  # fmt: skip
PREFIX = "base_model.model."
LARGEST_HALF = 65504.0
FIT = "Give the base that it was trained on."


def merge(job: Merge) -> Facts:
    """Write the folder. Raises JobError when the adapter does not fit or is of a kind that cannot be merged exactly."""
    base, to = check_folder(job.base), Path(job.to)
    config = read_json(base / "config.json")
    if "quantization_config" in config:
        fix = "Give the project the same model in 16 bits as its student, then export again."
        raise JobError("model", "The base is quantised; merging into it would lose what was trained.", str(base), fix)
    deltas = read_adapter(Path(job.adapter)) if job.adapter else {}
    files = _weight_files(base)
    dtype = _choose(job.dtype, files)
    to.mkdir(parents=True, exist_ok=True)
    used: set[str] = set()
    for file in files:
        used |= _merge_file(file, to / file.name, deltas, dtype, fallible=job.dtype == "auto")
    if missing := sorted(deltas.keys() - used):
        detail = f"{len(missing)} of {len(deltas)} layers are not in {base}, the first is {missing[0]}."
        raise JobError("model", "The adapter does not fit the base.", detail, FIT)
    index = base / "model.safetensors.index.json"
    if index.is_file() and len(files) > 1:
        shutil.copyfile(index, to / index.name)
    _write_settings(job, base, to, config, dtype)
    return {"dtype": dtype, "layers": len(used), "bytes": sum(file.stat().st_size for file in to.iterdir())}


def check_adapter(job: CheckAdapter) -> Facts:
    """Names and shapes of the adapter's layers against the base's files. Raises JobError when one does not fit."""
    deltas = read_adapter(Path(job.adapter))
    shapes = {name: list(entry["shape"]) for file in _weight_files(check_folder(job.base)) for name, entry in
              read_header(file).items()}  # fmt: skip
    for name, (a, b, _) in deltas.items():
        if name not in shapes:
            raise JobError("model", "The adapter does not fit the base.", f"The base has no {name}.", FIT)
        if shapes[name] != [b.shape[0], a.shape[1]]:
            detail = f"{name} has the shape {shapes[name]} in the base and {[b.shape[0], a.shape[1]]} in the adapter."
            raise JobError("model", "The adapter does not fit the base.", detail, FIT)
    return {"layers": len(deltas), "rank": max((a.shape[0] for a, _, _ in deltas.values()), default=0)}


def read_adapter(folder: Path) -> Deltas:
    """A, B and scale by the name of the weight that they belong to. Raises JobError for what no LoRA of this kind has."""
    config = read_json(check_folder(str(folder)) / "adapter_config.json")
    for key in ("use_dora", "modules_to_save", "trainable_token_indices", "lora_bias", "alora_invocation_tokens", "arrow_config"):
        if config.get(key):
            raise JobError("model", f"This adapter cannot be merged here: {key} is set in it.", fix="Train a plain LoRA.")
    if config.get("peft_type", "LORA") != "LORA" or config.get("bias", "none") != "none":
        raise JobError("model", "Only a LoRA without biases can be merged.", str(folder), "Train a plain LoRA.")
    weights = load_file(folder / "adapter_model.safetensors")
    found: Deltas = {}
    for name, a in weights.items():
        if not name.endswith(".lora_A.weight"):
            continue
        module = name.removeprefix(PREFIX).removesuffix(".lora_A.weight")
        b = weights.get(name.replace(".lora_A.", ".lora_B."))
        if b is None or a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
            raise JobError("model", f"The adapter is damaged: {module} has no matching A and B.", str(folder), "Train it again.")
        if config.get("fan_in_fan_out"):
            a, b = b.T, a.T  # the weight is kept transposed, and so is its change
        found[f"{module}.weight"] = (a, b, _scale(config, module, min(a.shape[0], b.shape[1])))
    if len(found) * 2 != len(weights):
        raise JobError("model", "The adapter holds weights that are no LoRA matrices.", str(folder), "Train a plain LoRA.")
    return found


def _scale(config: dict[str, Any], module: str, rank: int) -> float:
    def of(pattern: str, default: float) -> float:
        own = config.get(pattern) or {}
        return float(next((value for key, value in own.items() if module == key or module.endswith(f".{key}")), default))

    alpha = of("alpha_pattern", config.get("lora_alpha", rank))
    return alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank


def _weight_files(base: Path) -> list[Path]:
    """The files that the index names, else every safetensors file of the folder."""
    index = base / "model.safetensors.index.json"
    if (base / "model.safetensors").is_file():
        return [base / "model.safetensors"]
    if index.is_file():
        names = sorted(set(read_json(index)["weight_map"].values()))
        if any(name != Path(name).name for name in names):
            raise JobError("model", f"{index} names files outside its folder.", fix="Copy the model again.")
        return [base / name for name in names]
    return sorted(base.glob("*.safetensors"))


def _choose(name: str, files: list[Path]) -> str:
    """For auto: the base's own 16 bits; a float32 base becomes float16, which keeps three more bits than bfloat16."""
    if name != "auto":
        return name
    found = [NAMES.get(str(entry["dtype"]), "") for file in files for entry in read_header(file).values()]
    if "" in found:
        raise JobError("model", "The base holds weights that are not of 16 or 32 bits.", fix="Give the base in 16 bits.")
    common = max(sorted(set(found)), key=found.count)
    return "float16" if common == "float32" else common


def _merge_file(file: Path, to: Path, deltas: Deltas, dtype: str, fallible: bool) -> set[str]:
    """Write one file's weights; returns the names of those that changed."""
    done, written = set(), {}
    with safe_open(str(file), framework="pt") as opened:
        metadata = opened.metadata() or {"format": "pt"}
        for name in opened.keys():  # noqa: SIM118 - no dict
            weight = opened.get_tensor(name)
            if name in deltas:
                weight, done = _changed(name, weight, *deltas[name]), done | {name}
            written[name] = _rounded(weight, dtype, fallible)
    save_file(written, str(to), metadata=metadata)
    to.chmod(0o644)  # the library writes for its user alone; what is exported is meant to be handed on
    return done


def _changed(name: str, weight: torch.Tensor, a: torch.Tensor, b: torch.Tensor, scale: float) -> torch.Tensor:
    delta = (b.float() @ a.float()) * scale
    if delta.shape != weight.shape:
        detail = f"{name} has the shape {tuple(weight.shape)}, its change {tuple(delta.shape)}."
        raise JobError("model", "The adapter does not fit the base.", detail, FIT)
    return weight.float() + delta


def _rounded(weight: torch.Tensor, dtype: str, fallible: bool) -> torch.Tensor:
    if not weight.is_floating_point():
        return weight
    if fallible and dtype == "float16" and float(weight.abs().max() if weight.numel() else 0) > LARGEST_HALF:
        fix = "Ask for bfloat16 with --dtype bfloat16."
        raise JobError("model", "A weight is too large for float16.", fix=fix)
    return weight.to(DTYPES[dtype]).contiguous()


def _write_settings(job: Merge, base: Path, to: Path, config: dict[str, Any], dtype: str) -> None:
    """Config, tokenizer and generation settings: the base's files, with the trained template and the trained end token."""
    for name in KEPT:
        if (base / name).is_file():
            shutil.copyfile(base / name, to / name)
    config = {key: value for key, value in config.items() if key not in ("torch_dtype", "dtype")}
    _write(to / "config.json", config | {"torch_dtype": dtype})
    generation = read_json(to / "generation_config.json") if (to / "generation_config.json").is_file() else {}
    ends = generation.get("eos_token_id", config.get("eos_token_id"))
    ends = ends if isinstance(ends, list) else [] if ends is None else [ends]
    tokenizer = read_json(to / "tokenizer.json")
    ids = {one["content"]: one["id"] for one in tokenizer["added_tokens"]} | tokenizer["model"].get("vocab", {})
    if job.end_token in ids:
        ends = [ids[job.end_token], *(end for end in ends if end != ids[job.end_token])]
    # Answers were trained and scored greedily; what the base's makers recommend for chatting does not hold for them.
    for name in ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "transformers_version"):
        generation.pop(name, None)
    one_end = ends[0] if len(ends) == 1 else ends
    _write(to / "generation_config.json", generation | {"do_sample": False} | ({"eos_token_id": one_end} if ends else {}))
    if job.chat_template and (to / "tokenizer_config.json").is_file():
        _write(to / "tokenizer_config.json", read_json(to / "tokenizer_config.json") | {"chat_template": job.chat_template})
    for name in ("LICENSE", "LICENSE.txt", "LICENCE", "NOTICE", "USE_POLICY.md"):
        if (base / name).is_file():
            shutil.copyfile(base / name, to / name)


def _write(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
