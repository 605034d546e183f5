"""The demo models' tokenizer: a byte-level BPE (GPT-2's split rule) with the ChatML tokens, and documents as ids."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
Draw = Callable[[random.Random], tuple[str, str]]


def train(draws: list[Draw], seed: int, vocab: int, documents: int) -> Tokenizer:
    """Learn the merges from drawn documents."""
    rng = random.Random(f"tokenizer-{seed}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    texts = ["\n".join(draws[number % len(draws)](rng)) for number in range(documents)]
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": SPECIAL[0], "eos_token": SPECIAL[2],
        "pad_token": SPECIAL[0], "chat_template": CHAT_TEMPLATE, "model_max_length": 2048, "clean_up_tokenization_spaces": False,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


@dataclass(frozen=True)
class Document:
    """Token ids and where the loss begins (0 for plain text)."""

    ids: list[int]
    loss_from: int


def document(tokenizer: Tokenizer, prompt: str, answer: str) -> Document:
    """A chat of one turn, loss on the answer and its end token; or plain text when there is no prompt."""
    if not prompt:
        return Document([0, *tokenizer.encode(answer).ids, 0], 1)
    head = tokenizer.encode(f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n").ids
    return Document([*head, *tokenizer.encode(answer).ids, 2], len(head))


def batches(tokenizer: Tokenizer, draw: Draw, rng: random.Random, tokens: int, lengths: tuple[int, ...]) -> Iterator[tuple[int, list[Document]]]:
    """Endless (padded length, documents) with `tokens` tokens a batch, each filled with documents of like length."""
    waiting: dict[int, list[Document]] = {length: [] for length in lengths}
    while True:
        doc = document(tokenizer, *draw(rng))
        length = next((size for size in lengths if len(doc.ids) <= size), None)
        if length is None:
            continue
        waiting[length].append(doc)
        if len(waiting[length]) == tokens // length:
            yield length, waiting[length]
            waiting[length] = []


def read_hashes(file: Path) -> dict[str, str]:
    return json.loads(file.read_text())
