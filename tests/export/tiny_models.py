"""Small random-weight models with the shape and the kind of tokenizer that their family really has."""

import json
from pathlib import Path

SPECIAL = {
    "chatml": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "llama-3": ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "gemma": ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"],
    "phi-3": ["<unk>", "<s>", "</s>", "<|endoftext|>", "<|assistant|>", "<|system|>", "<|user|>", "<|end|>"],
}
ENDS = {"chatml": ("<|endoftext|>", "<|im_end|>"), "llama-3": ("<|begin_of_text|>", "<|eot_id|>"), "gemma": ("<bos>", "<eos>"),
        "phi-3": ("<s>", "<|endoftext|>")}  # fmt: skip
WORDS = "the there then other once upon a time and end she said that 's they've list apple indented capital France café".split()
LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SIZE = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 512, "initializer_range": 0.2, "rms_norm_eps": 1e-5,
}  # fmt: skip
LLAMA3_ROPE = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 128}  # fmt: skip
FAMILIES = {
    "llama-3": ("Llama", "llama-3", "llama-3", {"rope_parameters": LLAMA3_ROPE, "tie_word_embeddings": True}),
    "llama-2": ("Llama", "sentencepiece", "phi-3", {}),
    "mistral": ("Mistral", "sentencepiece", "phi-3", {"head_dim": 16}),
    "qwen2.5": ("Qwen2", "qwen2", "chatml", {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3", "qwen2", "chatml", {"head_dim": 32, "tie_word_embeddings": True}),
    "gemma-2": ("Gemma2", "gemma", "gemma", {"head_dim": 32, "sliding_window": 64, "query_pre_attn_scalar": 32}),
    "gemma-3": ("Gemma3Text", "gemma", "gemma", {"head_dim": 32, "sliding_window": 64, "query_pre_attn_scalar": 32}),
    "smollm2": ("Llama", "smollm", "chatml", {"tie_word_embeddings": True}),
    "smollm3": ("SmolLM3", "llama-3", "chatml", {"tie_word_embeddings": True}),
    "phi-3": ("Phi3", "sentencepiece", "phi-3", {"original_max_position_embeddings": 512}),
}
"""Transformers' class, tokenizer, special tokens, and what the config has besides SIZE."""


def make_model(folder: Path, family: str) -> Path:
    """Config, weights and tokenizer of one family."""
    import torch
    import transformers

    name, split, special, more = FAMILIES[family]
    size = make_tokenizer(folder, split, special)
    torch.manual_seed(1)
    begin, end = (SPECIAL[special].index(one) for one in ENDS[special])
    config = getattr(transformers, f"{name}Config")(
        vocab_size=size, **SIZE | more, bos_token_id=begin, eos_token_id=end, pad_token_id=0
    )  # fmt: skip
    model = getattr(transformers, f"{name.replace('Text', '')}ForCausalLM")(config)
    with torch.no_grad():
        for weight_name, weight in model.named_parameters():
            if "norm" in weight_name:  # all ones (or zeros, for Gemma) would hide a mistake in how they are written
                weight.add_(torch.randn_like(weight) * 0.1)
            if special == "gemma" and "embed" in weight_name:
                weight.mul_(0.05)  # it is enlarged and tied to the output: such a model would only repeat its last token
        if split in ("sentencepiece", "gemma"):
            # Bytes that are no letters become other texts on either side, so such tokens are made unlikely.
            first = len(SPECIAL[special])
            model.get_output_embeddings().weight[first : first + 256].mul_(0.1)
    model.save_pretrained(folder)
    return folder


def make_tokenizer(folder: Path, split: str, special: str) -> int:
    """A tokenizer of a kind; returns the size of its vocabulary."""
    from tokenizers import Tokenizer

    names = SPECIAL[special]
    made = _sentencepiece(names, split) if split in ("sentencepiece", "gemma") else _byte_level(names, split)
    made.add_special_tokens(names)
    folder.mkdir(parents=True, exist_ok=True)
    if special in ("llama-3", "gemma") or split == "sentencepiece":
        from tokenizers.processors import TemplateProcessing

        begin = ENDS[special][0]
        made.post_processor = TemplateProcessing(single=f"{begin} $A", special_tokens=[(begin, names.index(begin))])
    assert isinstance(made, Tokenizer)
    made.save(str(folder / "tokenizer.json"))
    begin, end = ENDS[special]
    facts = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": begin, "eos_token": end, "pad_token": names[0]}
    (folder / "tokenizer_config.json").write_text(json.dumps(facts))
    return made.get_vocab_size()


def _merges(pieces: list[list[str]]) -> tuple[list[str], list[tuple[str, str]]]:
    """Joined pieces and merges that build each word from its left."""
    found: dict[str, tuple[str, str]] = {}
    for word in pieces:
        for end in range(2, len(word) + 1):
            found.setdefault("".join(word[:end]), ("".join(word[: end - 1]), word[end - 1]))
    return list(found), list(found.values())


def _byte_level(names: list[str], split: str):
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words = [list(as_bytes.pre_tokenize_str(f" {word}")[0][0]) for word in WORDS] + [list("12"), list("123")]
    joined, merges = _merges(words)
    vocabulary = {piece: number for number, piece in enumerate([*names, *alphabet, *joined])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=split == "llama-3"))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split in ("gpt-2", "smollm"))
    expression = {"llama-3": LLAMA3_SPLIT, "qwen2": LLAMA3_SPLIT.replace("{1,3}", "")}.get(split)
    steps = [pre_tokenizers.Split(Regex(expression), "isolated")] if expression else []
    steps += [pre_tokenizers.Digits(individual_digits=True)] if split == "smollm" else []
    made.pre_tokenizer = pre_tokenizers.Sequence([*steps, level]) if steps else level
    made.decoder = decoders.ByteLevel()
    return made


def _sentencepiece(names: list[str], split: str):
    """BPE with bytes to fall back on; Gemma puts no space in front of a text, the others do."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    letters = sorted(
        {letter for word in WORDS for letter in word} | set("▁.,:;()'\"abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789\n")
    )
    pieces = [f"<0x{number:02X}>" for number in range(256)]
    joined, merges = _merges([["▁", *word] for word in WORDS] + [["▁", "▁"], ["1", "2"]])
    vocabulary = {piece: number for number, piece in enumerate([*names, *pieces, *letters, *joined])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    space = normalizers.Replace(" ", "▁")
    made.normalizer = space if split == "gemma" else normalizers.Sequence([normalizers.Prepend("▁"), space])
    strip = [] if split == "gemma" else [decoders.Strip(" ", 1, 0)]
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
    return made
