"""What a model folder may hold, looked at before any library opens it; no torch here."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from pada_local.runtime import untrusted
from pada_local.worker.problems import JobError

UNSAFE_ENDINGS = frozenset(
    ".bin .pt .pth .pt2 .pkl .pickle .ckpt .joblib .npy .npz .h5 .keras .msgpack .py .so .dill .mar .nemo".split()
)
MAX_JSON_BYTES = 64 * 2**20
# The last one is a number in Gemma 3.
PLAIN_UNDERSCORE_KEYS = frozenset({"_name_or_path", "_commit_hash", "_attn_implementation", "_sliding_window_pattern"})
ATTENTION_KEYS = frozenset({"_attn_implementation", "attn_implementation"})


def check_folder(folder: str) -> Path:
    """The folder as a path. Raises JobError unless it holds weights in safetensors and nothing that can run code."""
    path = Path(folder)
    if not path.is_dir():
        raise JobError("model", f"There is no model folder {folder}.", fix="Check the path, or run: pada doctor")
    files = sorted(file for file in path.rglob("*") if not file.is_dir())
    for file in files:
        if file.suffix.lower() in UNSAFE_ENDINGS:
            raise JobError(
                "model", f"{file} can run code when it is loaded, so this folder is refused.",
                "Only models in the safetensors format are loaded.",
                "Remove that file if the folder holds the same weights as .safetensors, or convert them first.",
            )  # fmt: skip
        try:
            untrusted.check_content(file)
        except (untrusted.Untrusted, OSError) as error:
            fix = "Remove it if the model does not need it, or choose another model."
            raise JobError("model", f"{file} {error}, so this folder is refused.", fix=fix) from error
    weights = [file for file in files if file.suffix == ".safetensors"]
    if not weights:
        raise JobError("model", f"The folder {folder} holds no .safetensors file.", fix="Choose another model folder.")
    for file in weights:
        read_header(file)
    for name in ("config.json", "adapter_config.json"):
        if (path / name).is_file():
            _check_config(path / name, read_json(path / name))
    return path


def read_header(file: Path) -> dict[str, Any]:
    """Names, types and shapes of the tensors in a safetensors file; refuses anything else under that name."""
    try:
        return untrusted.read_safetensors(file)
    except (untrusted.Untrusted, OSError) as error:
        raise JobError("model", f"{file} is not a safetensors file.", f"It {error}.", "Copy the model again.") from error


def read_json(file: Path) -> dict[str, Any]:
    """A small JSON object from a model folder."""
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise ValueError("it is too large")
        value = json.loads(file.read_bytes())
        if not isinstance(value, dict):
            raise ValueError("it is not an object")
    except (OSError, ValueError, RecursionError) as error:
        raise JobError("model", f"{file} cannot be read: {error}.", fix="Copy the model again.") from error
    return value


def _check_config(file: Path, config: dict[str, Any]) -> None:
    """Refuse settings that make a library load code: remote classes, private switches, attention kernels by repository name."""
    for key, value in config.items():
        private = key.startswith("_") and key not in PLAIN_UNDERSCORE_KEYS
        kernel = key in ATTENTION_KEYS and "/" in str(value)
        # PEFT itself writes "auto_mapping" into adapter_config.json, which stays null for the models that we train.
        if private or kernel or key in ("auto_map", "custom_pipelines") or (key == "auto_mapping" and value):
            raise JobError(
                "model", f"{file} sets {key}, which can make a library run code from elsewhere, so it is refused.",
                fix="Remove that key if you know that the model does not need it.",
            )  # fmt: skip
        if isinstance(value, dict):
            _check_config(file, value)


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(folder: str) -> str:
    """Changes when a file of the folder is replaced; cheap, so that a cached model is found without reading weights."""
    parts = []
    for file in sorted(Path(folder).glob("*.*")):
        facts = file.stat()
        parts.append(f"{file.name}:{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ino}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def describe(folder: str) -> dict[str, str]:
    """Facts of a student folder, from its headers alone."""
    path = check_folder(folder)
    if not (path / "config.json").is_file():
        raise JobError("model", f"The folder {folder} has no config.json.", fix="Choose another model folder.")
    config = read_json(path / "config.json")
    files = sorted(path.glob("*.safetensors"))
    tensors = [entry for file in files for entry in read_header(file).values()]
    markers = (path / "tokenizer.json").read_text("utf-8", "replace") if (path / "tokenizer.json").is_file() else ""
    known = {"chatml": "<|im_start|>", "llama3": "<|start_header_id|>", "gemma": "<start_of_turn>"}
    return {
        "model_type": str(config.get("model_type", "")),
        "parameters": str(sum(math.prod(entry.get("shape", ())) for entry in tensors)),
        "context": str(config.get("max_position_embeddings", "")),
        "vocabulary": str(config.get("vocab_size", "")),
        "weights_dtype": ", ".join(sorted({str(entry.get("dtype")) for entry in tensors})),
        "weights_bytes": str(sum(file.stat().st_size for file in files)),
        "chat": next((family for family, marker in known.items() if f'"{marker}"' in markers), ""),
    }
