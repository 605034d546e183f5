"""Write a GGUF file, which llama.cpp reads, from a Hugging Face Llama folder.

    python models/training/gguf_file.py FOLDER OUT.gguf --type q8_0

For the demo's own models only: Llama, tied embeddings, a byte-level BPE with GPT-2's split rule. Anything else is refused
by name. For other models the converter that comes with llama.cpp is the right tool.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from safetensors.torch import load_file

TYPES = {
    "f16": (Kind.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (Kind.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}
LAYER_NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", choices=tuple(TYPES), default="q8_0")
    parser.add_argument("--name", help="the model's name in the file; the folder's name unless given")
    options = parser.parse_args()
    write(options.folder, options.out, options.type, options.name)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB, {options.type}")


def write(folder: Path, out: Path, kind: str = "q8_0", name: str | None = None) -> None:
    """Write `out` from config.json, model.safetensors, tokenizer.json and tokenizer_config.json of `folder`."""
    config = json.loads((folder / "config.json").read_text())
    check(config)
    quantization, file_type = TYPES[kind]
    out.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_name(name or folder.name)
    writer.add_file_type(file_type)
    add_shape(writer, config)
    add_tokenizer(writer, folder, config)
    for tensor_name, tensor in load_file(folder / "model.safetensors").items():
        add_tensor(writer, tensor_name, tensor.float().numpy(), config, quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def check(config: dict[str, Any]) -> None:
    """Refuse what this file would write wrongly."""
    if config.get("model_type") != "llama":
        raise SystemExit(f"not a Llama: model_type is {config.get('model_type')!r}")
    if not config.get("tie_word_embeddings"):
        raise SystemExit("this writer knows tied embeddings only (tie_word_embeddings: true)")
    if config.get("attention_bias") or config.get("mlp_bias"):
        raise SystemExit("this writer knows no biases")
    if config.get("rope_scaling"):
        raise SystemExit("this writer knows no rope scaling")


def rope_base(config: dict[str, Any]) -> float:
    """The rotary base; Transformers 5 moves it into `rope_parameters` when it saves a model again."""
    return config.get("rope_theta") or config["rope_parameters"]["rope_theta"]


def add_shape(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config.get("num_key_value_heads", config["num_attention_heads"]))
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(rope_base(config))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])


def add_tokenizer(writer: gguf.GGUFWriter, folder: Path, config: dict[str, Any]) -> None:
    """Vocabulary in order of id, merges, special tokens and chat template."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    split = {name: tokenizer["pre_tokenizer"].get(name) for name in ("type", "add_prefix_space", "use_regex")}
    if tokenizer["model"]["type"] != "BPE" or list(split.values()) != ["ByteLevel", False, True]:
        raise SystemExit("this writer knows a byte-level BPE with GPT-2's split rule only")
    ids: dict[str, int] = dict(tokenizer["model"]["vocab"])
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    words = {number: word for word, number in (ids | special).items()}
    tokens, types = [], []
    for number in range(config["vocab_size"]):
        # Rows of the embedding without a token still need a name that no text contains.
        word = words.get(number, f"[unused {number}]")
        tokens.append(word)
        kind = gguf.TokenType.CONTROL if word in special else gguf.TokenType.NORMAL
        types.append(kind if number in words else gguf.TokenType.UNUSED)
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in tokenizer["model"]["merges"]]
    everything = ids | special
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(everything[settings["bos_token"]])
    writer.add_eos_token_id(everything[settings["eos_token"]])
    writer.add_eot_token_id(everything[settings["eos_token"]])
    writer.add_pad_token_id(everything[settings["pad_token"]])
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(settings["chat_template"])


def add_tensor(writer: gguf.GGUFWriter, name: str, data: np.ndarray, config: dict[str, Any], kind: Kind) -> None:
    """Add one weight under llama.cpp's name. Norms stay in float32, as llama.cpp wants them."""
    if name.endswith("q_proj.weight"):
        data = to_rope_pairs(data, config["num_attention_heads"])
    elif name.endswith("k_proj.weight"):
        data = to_rope_pairs(data, config.get("num_key_value_heads", config["num_attention_heads"]))
    if data.ndim == 1:
        writer.add_tensor(gguf_name(name), np.ascontiguousarray(data, dtype=np.float32))
        return
    if kind == Kind.Q8_0 and data.shape[-1] % 32:
        kind = Kind.F16  # Q8_0 works in blocks of 32 along a row
    packed = gguf.quants.quantize(np.ascontiguousarray(data), kind)
    writer.add_tensor(gguf_name(name), packed, raw_dtype=kind)


def to_rope_pairs(data: np.ndarray, heads: int) -> np.ndarray:
    """Reorder the rows of q or k: Transformers rotates (first half, second half), llama.cpp rotates neighbours."""
    rows, columns = data.shape
    return data.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def gguf_name(name: str) -> str:
    """llama.cpp's name of a weight of Transformers' Llama. Raises KeyError for an unknown one."""
    outside = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    if name in outside:
        return outside[name]
    number, _, rest = name.removeprefix("model.layers.").partition(".")
    return f"blk.{int(number)}.{LAYER_NAMES[rest.removesuffix('.weight')]}.weight"


if __name__ == "__main__":
    main()
