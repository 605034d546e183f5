"""What a model is, read from its headers alone: architecture, size, context, template, licence, and whether it fits here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from pada_local.data.chat import family_of
from pada_local.errors import MissingError
from pada_local.records import content_id
from pada_local.runtime import gguf_header, memory, untrusted
from pada_local.runtime.shape import Shape, of_config, of_gguf

SECONDS, CHILD_BYTES = 30, 2**30
PICKLES = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"})
CONTEXT_TOKENS, SLOTS, LORA_RANK, TRAIN_TOKENS = 2048, 4, 16, 2048
"""What the memory of a teacher and of a student in training is estimated for."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A model as its files describe it; 0 and "" where they do not say. `fits` is a sentence by role."""

    path: str
    kind: str
    role: str
    architecture: str
    parameters: int
    bytes: int
    context: int
    template: str
    licence: str
    fits: dict[str, str]


def examine_model(path: Path) -> Facts:
    """Look at a GGUF file or a Transformers folder. Raises MissingError for what is neither or cannot be trusted."""
    if path.is_dir() and not any(path.glob("*.gguf")):
        return _folder(path)
    files = [path] if path.is_file() else sorted(path.glob("*.gguf"))
    if len(files) != 1:
        detail = f"{path} is neither one GGUF file nor a folder with config.json."
        raise MissingError("This is no model.", detail, "Check the path.")
    return _gguf(files[0])


def gguf_template(file: Path) -> str:
    """The family of the chat template in a GGUF file; plain for one that is of no known family, none without a template.

    Raises MissingError for a file whose header cannot be trusted.
    """
    return _template(_read_in_child(file)["metadata"])


def own_template(file: Path) -> str:
    """The text of a GGUF file's chat template when it is of no family that is known, else "". Raises as `gguf_template` does."""
    metadata = _read_in_child(file)["metadata"]
    text = str(metadata.get(gguf_header.TEMPLATE, "")) if _template(metadata) == "plain" else ""
    if len(text) > gguf_header.LONGEST_TEMPLATE:
        fix = "Choose a model with a template of a known family (docs/models.md)."
        raise MissingError("The model's chat template is too long to be read by anybody.", str(file), fix)
    return text


def gguf_shape(file: Path) -> Shape | None:
    """Sizes from a GGUF file's header; None when it does not say enough. Raises MissingError as `gguf_template` does."""
    header = _read_in_child(file)
    return of_gguf(header["metadata"], tied=not header.get("output", True))


def gguf_words(file: Path) -> int:
    """How many words a GGUF file's vocabulary has; 0 without one. Raises MissingError as `gguf_template` does."""
    count = _read_in_child(file)["metadata"].get(gguf_header.WORDS, 0)
    return count if isinstance(count, int) else 0


def gguf_digest(file: Path, words: int) -> str:
    """A hash of so many words of a GGUF file's vocabulary, of its kind and of its ends. Raises MissingError."""
    header = _read_in_child(file, words)
    kind = [header["metadata"].get(key) for key in gguf_header.TOKENIZER]
    return content_id("words", header["words"], kind)


def folder_shape(folder: Path) -> Shape | None:
    """Sizes from a student's config.json; None when it does not say enough. Raises MissingError when it cannot be read."""
    return of_config(_json(folder / "config.json"))


def _template(metadata: dict[str, Any]) -> str:
    template = str(metadata.get(gguf_header.TEMPLATE, ""))
    return family_of({"chat_template": template}, "") if template else "none"


def _gguf(file: Path) -> Facts:
    header = _read_in_child(file)
    metadata = header["metadata"]
    name = str(metadata.get("general.architecture", ""))

    def number(key: str) -> int:
        value = metadata.get(f"{name}.{key}", 0)
        return int(value) if isinstance(value, int) and 0 <= value < 2**40 else 0

    heads = max(1, number("attention.head_count"))
    width = number("attention.key_length") or number("embedding_length") // heads
    cache = 2 * 2 * number("block_count") * (number("attention.head_count_kv") or heads) * width
    size = file.stat().st_size
    return Facts(
        path=str(file), kind="gguf", role="teacher", architecture=name, parameters=int(header["parameters"]), bytes=size,
        context=number("context_length"), template=_template(metadata),
        licence=str(metadata.get("general.license", "")), fits=_fits_as_teacher(size + cache * CONTEXT_TOKENS * SLOTS),
    )  # fmt: skip


def _read_in_child(file: Path, words: int = 0) -> dict[str, Any]:
    """The header, read by a process of its own: whatever the file does to it, this one goes on."""
    # The child limits itself: between fork and exec nothing may run here, since the terminal app asks from threads.
    command = [sys.executable, "-I", "-S", gguf_header.__file__, str(file), str(CHILD_BYTES), str(SECONDS), str(words)]
    fix = "Copy the model again, or choose another."
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, env={})
        found = json.loads(done.stdout) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        raise MissingError("The model's header could not be read in time.", str(file), fix) from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        why = done.stderr.decode("utf-8", "replace").strip()[:200] or f"its reader ended with {done.returncode}"
        raise MissingError("This GGUF file cannot be trusted.", f"{file}: {why}.", fix)
    return found


def _folder(folder: Path) -> Facts:
    pickles = sorted(file.name for file in folder.rglob("*") if file.suffix.lower() in PICKLES)
    if pickles:
        fix = "Remove it if the folder holds the same weights as .safetensors, or convert them first."
        raise MissingError("The folder holds a file that can run code when it is loaded.", f"{folder}: {pickles[0]}", fix)
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        try:
            untrusted.check_content(file)
        except untrusted.Untrusted as error:
            fix = "Remove it if the model does not need it, or choose another model."
            raise MissingError("The folder holds a file that can run code when it is loaded.", f"{file} {error}.", fix) from None
    weights = sorted(folder.glob("*.safetensors"))
    if not weights or not (folder / "tokenizer.json").is_file():
        fix = "Give the folder of a Transformers model: config.json, tokenizer.json and *.safetensors."
        raise MissingError("This is no student model.", str(folder), fix)
    config, tokenizer = _json(folder / "config.json"), _json(folder / "tokenizer_config.json", needed=False)
    shapes = [tensor for file in weights for tensor in _tensors(file)]
    parameters = sum(_product(shape) for shape in shapes)
    matrices = [shape for shape in shapes if len(shape) == 2]
    size = sum(file.stat().st_size for file in weights)
    architecture = str(config.get("model_type", ""))
    return Facts(
        path=str(folder), kind="folder", role="student", architecture=architecture, parameters=parameters, bytes=size,
        context=int(config.get("max_position_embeddings") or 0), template=family_of(tokenizer, architecture),
        licence=_licence(folder), fits=_fits_as_student(parameters, matrices, int(config.get("hidden_size") or 0)),
    )  # fmt: skip


def _json(file: Path, needed: bool = True) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes()) if needed or file.is_file() else {}
        if not isinstance(found, dict):
            raise ValueError("it is no object")
    except (OSError, ValueError, RecursionError) as error:
        raise MissingError("A file of the model cannot be read.", f"{file}: {error}", "Copy the model again.") from None
    return found


def _tensors(file: Path) -> list[list[int]]:
    """Shapes in a safetensors header; its length is checked before it is read."""
    try:
        return [entry["shape"] for entry in untrusted.read_safetensors(file).values()]
    except untrusted.Untrusted as error:
        raise MissingError("This is no safetensors file to be trusted.", f"{file} {error}.", "Copy the model again.") from None


def _product(shape: list[int]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


def _licence(folder: Path) -> str:
    """What a licence file or the model card's first lines say."""
    for name in ("LICENSE", "LICENSE.txt", "LICENCE"):
        if (folder / name).is_file():
            return (folder / name).read_text("utf-8", "replace").strip().splitlines()[0][:80]
    card = folder / "README.md"
    lines = card.read_text("utf-8", "replace").splitlines()[:60] if card.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("license:")), "")


def _fits_as_teacher(needed: int) -> dict[str, str]:
    """Weights and the KV cache of four slots with 2,048 tokens each."""
    return {"teacher": _verdict(needed), "judge": _verdict(needed)}


def _fits_as_student(parameters: int, matrices: list[list[int]], hidden: int) -> dict[str, str]:
    """QLoRA on a card: half a byte per parameter, 16 bytes per LoRA weight, activations; on a processor 4 bytes per parameter."""
    lora = sum(sum(shape) for shape in matrices) * LORA_RANK
    layers = max(1, len(matrices) // 7)
    activations = TRAIN_TOKENS * hidden * layers * 34
    base = parameters / 2 if memory.gpus() else parameters * 4
    return {"student": _verdict(int(base + 16 * lora + activations))}


def _verdict(needed_bytes: int) -> str:
    """A sentence about the largest card, or about main memory where there is none. An estimate, and called one."""
    cards = memory.gpus()
    free = max((card.free_mib for card in cards), default=0) or memory.available_mib()
    where = "free on the card" if cards else "free in main memory"
    needed = needed_bytes // 2**20
    fits = memory.fit_together(needed, 0, free)
    return f"{'fits' if fits else 'does not fit'}: about {needed} MiB (estimate), {free} MiB {where}"


def stamp(file: Path) -> str:
    """Size and time of a file: tells that it is probably the same without reading gigabytes."""
    facts = os.stat(file)
    return f"{facts.st_size}:{facts.st_mtime_ns}"
