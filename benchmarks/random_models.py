"""Random-weight models of real shapes, for what has to be measured on a card: a student's folder and a large teacher's GGUF.

    python benchmarks/random_models.py [--to build/bench]      # 2.5 GB and 4.7 GB

The student has the sizes of Llama-3.2-1B, the teacher those of Llama-3.1-8B in Q4_0. Weights are written one at a time.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import random_gguf
from random_gguf import Shape

STUDENT_1B = Shape(vocab=128256, width=2048, layers=16, heads=32, kv_heads=8, feed_forward=8192, context=8192)
TEACHER_8B = Shape(vocab=128256, width=4096, layers=32, heads=32, kv_heads=8, feed_forward=14336, context=8192)
Q4_BLOCK, Q4_BYTES = 32, 18
"""Weights in a block of Q4_0, and its bytes: a half-precision scale and 16 bytes of nibbles."""


def student(folder: Path, shape: Shape = STUDENT_1B) -> Path:
    """A Transformers folder with bfloat16 weights, made once."""
    import tokens
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer

    if (folder / "model.safetensors").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    words = folder.parent / "vocabulary"
    random_gguf.vocabulary(words, random_gguf.Shape().vocab)
    tokens.save(Tokenizer.from_file(str(words / "tokenizer.json")), folder)
    (folder / "config.json").write_text(json.dumps(shape.config() | {"torch_dtype": "bfloat16"}, indent=2) + "\n")
    rng, weights = np.random.default_rng(random_gguf.SEED), {}
    for name, size in shape.tensors().items():
        weights[name] = torch.from_numpy(random_gguf.weight(rng, name, size)).to(torch.bfloat16)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def teacher(file: Path, shape: Shape = TEACHER_8B) -> Path:
    """A GGUF whose matrices are random Q4_0 blocks, made once."""
    import gguf
    import gguf_file

    if file.is_file():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    words = file.parent / "vocabulary"
    random_gguf.vocabulary(words, random_gguf.Shape().vocab)
    unfinished = file.with_suffix(".part")
    writer = gguf.GGUFWriter(unfinished, "llama", use_temp_file=True)
    writer.add_name(file.stem)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    gguf_file.add_shape(writer, shape.config())
    gguf_file.add_tokenizer(writer, words, shape.config())
    rng = np.random.default_rng(random_gguf.SEED)
    for name, size in shape.tensors().items():
        if len(size) == 1:
            writer.add_tensor(gguf_file.gguf_name(name), np.ones(size, dtype=np.float32))
        else:
            writer.add_tensor(gguf_file.gguf_name(name), q4_blocks(rng, size), raw_dtype=gguf.GGMLQuantizationType.Q4_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.rename(file)
    return file


def q4_blocks(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """Rows of Q4_0 blocks: one scale that keeps activations of order one, random nibbles."""
    rows, columns = size
    blocks = rng.integers(0, 256, (rows, columns // Q4_BLOCK, Q4_BYTES), dtype=np.uint8)
    scale = np.float16(1 / (4.6 * np.sqrt(columns)))  # nibbles minus 8 have a deviation of 4.6
    blocks[..., :2] = np.frombuffer(scale.tobytes(), dtype=np.uint8)
    return blocks.reshape(rows, -1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=random_gguf.BUILT.parent)
    options = parser.parse_args()
    for path in (student(options.to / "student-1b"), teacher(options.to / "teacher-8b-q4_0.gguf")):
        print(path, file=sys.stderr)


if __name__ == "__main__":
    main()
