"""GGUF files by llama.cpp's own converters, with the vocabulary read from tokenizer.json alone.

The converters do weights, shapes and rope for every architecture that they know. Their way to a SentencePiece vocabulary needs
a package that is not here and a file that many folders lack, and their list of byte-level tokenizers knows only published
ones: for these two the vocabulary is written here (see `vocabulary`), and the tokens are compared afterwards by `export.parity`.
"""

import json
import logging
import os
import runpy
import sys
from pathlib import Path
from typing import Any

from pada_local.student.protocol import LoraToGguf, ToGguf
from pada_local.worker import vocabulary
from pada_local.worker.chats import puts_begin
from pada_local.worker.folders import check_folder, read_json
from pada_local.worker.models import load_tokenizer
from pada_local.worker.problems import JobError

Facts = dict[str, float | int | str]
LAYERS_KEYS = ("num_hidden_layers", "n_layer", "num_layers")


def to_gguf(job: ToGguf) -> Facts:
    """Write `job.to` from a folder of 16- or 32-bit safetensors. Raises JobError for an architecture that cannot be written."""
    folder = check_folder(job.folder)
    _import_converters(job.converters)
    import gguf
    import torch
    from conversion import ModelBase, ModelType, get_model_architecture, get_model_class

    kinds = {"f32": gguf.LlamaFileType.ALL_F32, "f16": gguf.LlamaFileType.MOSTLY_F16, "bf16": gguf.LlamaFileType.MOSTLY_BF16,
             "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}  # fmt: skip
    with torch.inference_mode():
        name = get_model_architecture(ModelBase.load_hparams(folder, False), ModelType.TEXT)
        try:
            known = get_model_class(name)
        except NotImplementedError:
            fix = "Export it with --kind merged; Transformers and vLLM read that."
            raise JobError("model", f"llama.cpp's converter does not know the architecture {name}.", fix=fix) from None
        writer = _with_own_vocabulary(known, job)(folder, kinds[job.numbers], Path(job.to), model_name=job.name)
        try:
            writer.write()
        except (NotImplementedError, ValueError, KeyError, AssertionError) as error:
            what, fix = f"{type(error).__name__}: {error}", "Export it with --kind merged."
            raise JobError("model", f"The model in {folder} cannot be written as GGUF.", what, fix) from error
    return {"architecture": name, "bytes": Path(job.to).stat().st_size}


def lora_to_gguf(job: LoraToGguf) -> Facts:
    """Write the adapter alone; it is loaded on top of a GGUF of its base."""
    check_folder(job.base)
    config = read_json(check_folder(job.adapter) / "adapter_config.json")
    if config.get("use_rslora") or config.get("use_dora"):
        fix = "Export it with --kind gguf, which merges it into the base."
        raise JobError("model", "llama.cpp cannot scale an adapter of this kind (rsLoRA or DoRA).", fix=fix)
    script = _import_converters(job.converters) / "convert_lora_to_gguf.py"
    before = sys.argv
    sys.argv = [str(script), "--base", job.base, "--outfile", job.to, "--outtype", job.numbers, job.adapter]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ended:
        if ended.code:
            raise JobError("model", "llama.cpp's converter refused the adapter.", "Its reason is in the worker's log.") from ended
    finally:
        sys.argv = before
    return {"bytes": Path(job.to).stat().st_size}


def _import_converters(folder: str) -> Path:
    """Put the converters and the gguf package that belongs to them in front; once for a worker's life."""
    path = Path(folder)
    os.environ["NO_LOCAL_GGUF"] = "1"
    for place in (str(path), str(path / "gguf-py")):
        if place not in sys.path:
            sys.path.insert(0, place)
    # Their metadata is guessed from folder names and model cards: of no use to anybody, and it says much.
    logging.getLogger("gguf").setLevel(logging.WARNING)
    return path


def _with_own_vocabulary(known: type, job: ToGguf) -> type:
    """The converter's class for an architecture, with the vocabulary, end token and template written as they were trained."""

    class Writer(known):  # type: ignore[misc, valid-type]
        model_arch = known.model_arch

        def set_vocab(self) -> None:
            vocabulary.write(self, self.dir_model, int(self.hparams["vocab_size"]))
            begin = puts_begin(load_tokenizer(job.folder)) if job.add_bos is None else job.add_bos
            vocabulary.write_ends(self.gguf_writer, self.dir_model, job.end_token, begin)

        def get_vocab_base_pre(self, tokenizer: Any) -> str:
            try:
                return super().get_vocab_base_pre(tokenizer)
            except NotImplementedError:
                return vocabulary.split_rule(json.loads((self.dir_model / "tokenizer.json").read_text("utf-8")))

        def prepare_metadata(self, vocab_only: bool) -> None:
            super().prepare_metadata(vocab_only)
            if job.licence:
                self.gguf_writer.add_license(job.licence)

    return Writer
