"""Random-weight Llamas as GGUF files, for benchmarks: speed does not depend on the values of weights.

    python benchmarks/random_gguf.py [--to build/bench/llama-135m-q8_0.gguf]

135 million parameters in the usual shape of that size (30 layers, 576 wide, 3 key-value heads, 49,152 tokens). The vocabulary
is learned from this project's own text and Python's standard library. The rows of the special tokens are zero, so greedy
decoding never writes the end token: every answer runs to its last token, whichever program asks.
"""

import argparse
import json
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models" / "training"))
BUILT = ROOT / "build" / "bench" / "llama-135m-q8_0.gguf"
SEED = 7


@dataclass(frozen=True)
class Shape:
    """Sizes of a Llama with tied embeddings."""

    vocab: int = 49152
    width: int = 576
    layers: int = 30
    heads: int = 9
    kv_heads: int = 3
    feed_forward: int = 1536
    context: int = 8192

    def config(self) -> dict:
        """config.json as Transformers names things."""
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "vocab_size": self.vocab,
            "hidden_size": self.width, "intermediate_size": self.feed_forward, "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads, "num_key_value_heads": self.kv_heads, "head_dim": self.width // self.heads,
            "max_position_embeddings": self.context, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": True,
            "attention_bias": False, "mlp_bias": False, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0,
        }  # fmt: skip

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Transformers' names and sizes of all weights."""
        keys = self.kv_heads * self.width // self.heads
        layer = {
            "self_attn.q_proj": (self.width, self.width), "self_attn.k_proj": (keys, self.width),
            "self_attn.v_proj": (keys, self.width), "self_attn.o_proj": (self.width, self.width),
            "mlp.gate_proj": (self.feed_forward, self.width), "mlp.up_proj": (self.feed_forward, self.width),
            "mlp.down_proj": (self.width, self.feed_forward), "input_layernorm": (self.width,),
            "post_attention_layernorm": (self.width,),
        }  # fmt: skip
        found = {"model.embed_tokens.weight": (self.vocab, self.width), "model.norm.weight": (self.width,)}
        for number in range(self.layers):
            found |= {f"model.layers.{number}.{name}.weight": size for name, size in layer.items()}
        return found

    @property
    def parameters(self) -> int:
        return sum(int(np.prod(size)) for size in self.tensors().values())


SMALL = Shape(width=128, layers=2, heads=2, kv_heads=1, feed_forward=256, context=4096)
"""For tests: the same vocabulary, little else."""


def build(file: Path = BUILT, shape: Shape | None = None, kind: str = "q8_0") -> Path:
    """The model file, made once. Weights are normal with a width that keeps activations of order one."""
    import gguf
    import gguf_file

    if file.is_file():
        return file
    shape = shape or Shape()
    folder = file.parent / "vocabulary"
    vocabulary(folder, shape.vocab)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    quantization, file_type = gguf_file.TYPES[kind]
    writer = gguf.GGUFWriter(unfinished, "llama")
    writer.add_name(file.stem)
    writer.add_file_type(file_type)
    gguf_file.add_shape(writer, shape.config())
    gguf_file.add_tokenizer(writer, folder, shape.config())
    rng = np.random.default_rng(SEED)
    for name, size in shape.tensors().items():
        gguf_file.add_tensor(writer, name, weight(rng, name, size), shape.config(), quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.rename(file)
    return file


def weight(rng: np.random.Generator, name: str, size: tuple[int, ...]) -> np.ndarray:
    """One weight: ones for a norm; else normal, so that a product with a vector of ones' length keeps its length."""
    if len(size) == 1:
        return np.ones(size, dtype=np.float32)
    drawn = rng.standard_normal(size, dtype=np.float32) / np.sqrt(np.float32(size[1]))
    if "embed_tokens" in name:
        drawn[:3] = 0  # the special tokens: their logit is 0, never the largest of 49,152
    return drawn


def vocabulary(folder: Path, size: int) -> None:
    """A byte-level BPE with the demo's special tokens, from text that is on every machine with this checkout."""
    import tokens
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if (folder / "tokenizer.json").is_file():
        return
    files = [
        file
        for part in ("docs", "pada_local", "tui", "tests")
        for file in (ROOT / part).rglob("*")
        if file.suffix in (".md", ".py")
    ]
    library = Path(sysconfig.get_path("stdlib"))
    files += [file for file in sorted(library.glob("*.py"))] + sorted((library / "asyncio").glob("*.py"))
    files += sorted((library / "email").glob("*.py")) + sorted((library / "multiprocessing").glob("*.py"))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=1, special_tokens=list(tokens.SPECIAL), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator((file.read_text("utf-8", "replace") for file in sorted(files)), trainer)
    tokens.save(tokenizer, folder)
    print(f"vocabulary: {tokenizer.get_vocab_size()} tokens from {len(files)} files", file=sys.stderr)


def words(folder: Path) -> list[str]:
    """Words of the vocabulary that are one token each after a space, in a fixed order."""
    ids = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    return sorted(word[1:] for word in ids if word[0] == "Ġ" and word[1:].isascii() and word[1:].isalpha() and len(word) > 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=BUILT)
    options = parser.parse_args()
    file = build(options.to)
    print(f"{file}: {Shape().parameters / 1e6:.1f} million parameters, {file.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
