"""A random-weight Llama of two layers with a byte-level tokenizer: small enough to train in a test."""

import json
from pathlib import Path

from pada_local.student.protocol import Generate, Train, TrainExample, TrainSettings

END = "<|im_end|>"
WORDS = ("red", "green", "blue", "black", "white", "grey", "pink", "brown")


def make_student(folder: Path, broken: bool = False) -> Path:
    """Write config, weights and tokenizer; `broken` puts a NaN into one weight."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM

    special = ["<|endoftext|>", "<|im_start|>", END]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: number for number, piece in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    facts = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": "<|endoftext|>",
        "bos_token": "<|endoftext|>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(facts))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, tie_word_embeddings=True, bos_token_id=0, eos_token_id=2,
        pad_token_id=0, initializer_range=0.2,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    if broken:
        model.model.layers[0].mlp.up_proj.weight.data[0, 0] = float("nan")
    model.save_pretrained(folder)
    return folder


def prompt(number: int) -> str:
    return f"<|im_start|>user\nitem {WORDS[number % len(WORDS)]} {'x' * (number % 5)}{END}\n<|im_start|>assistant\n"


def example(number: int) -> TrainExample:
    return TrainExample(f"e{number}", prompt(number), WORDS[number % len(WORDS)] + END)


def settings(**changes: object) -> TrainSettings:
    plain: dict = {
        "lora_rank": 8, "lora_alpha": 16, "lora_dropout": 0.0, "learning_rate": 1e-2, "warmup_share": 0.1, "weight_decay": 0.0,
        "max_grad_norm": 1.0, "steps": 20, "tokens_per_step": 256, "micro_batch": 8, "max_length": 128, "seed": 3, "threads": 1,
    }  # fmt: skip
    return TrainSettings(**(plain | changes))


def train_job(base: Path, to: Path, examples: list[TrainExample] | None = None, **changes: object) -> Train:
    return Train(base=str(base), to=str(to), examples=examples or [example(n) for n in range(16)], settings=settings(**changes))


def generate_job(base: Path, adapter: Path | str, prompts: list[str], tokens_per_batch: int = 1024) -> Generate:
    return Generate(
        base=str(base),
        adapter=str(adapter),
        prompts=prompts,
        stop=END,
        max_new_tokens=12,
        tokens_per_batch=tokens_per_batch,
        threads=1,
    )
