"""Conversations as a folder's chat template writes them, and texts as its tokenizer cuts them; for checks of what is exported.

A template is a foreign program: it runs in Transformers' sandbox, in this process alone, and only its text goes back.
"""

from typing import Any

from pada_local.student.protocol import RenderChats, Rendered, Tokenize, Tokenized
from pada_local.worker.models import encode, load_tokenizer
from pada_local.worker.problems import JobError


def render(job: RenderChats) -> Rendered:
    """Raises JobError when the template cannot be run."""
    tokenizer = load_tokenizer(job.base)
    own = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else ""
    template = job.template or own
    if not template:
        return Rendered(texts=[])
    try:
        texts = [
            tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=True)
            for messages in job.conversations
        ]
    except Exception as error:  # a template may raise whatever it likes
        raise JobError("model", "The chat template cannot be run.", f"{type(error).__name__}: {error}"[:300]) from error
    return Rendered(texts=texts, own=own)


def tokenize(job: Tokenize) -> Tokenized:
    """Ids of texts that carry their own special tokens."""
    tokenizer = load_tokenizer(job.base)
    begin = tokenizer.bos_token if puts_begin(tokenizer) else ""
    special = sorted(number for number, token in tokenizer.added_tokens_decoder.items() if token.special)
    return Tokenized(ids=encode(tokenizer, job.texts), begin=begin, special=special)


def puts_begin(tokenizer: Any) -> bool:
    """Whether the tokenizer puts its begin token in front of a text."""
    plain, whole = encode(tokenizer, ["a"])[0], tokenizer("a")["input_ids"]
    return len(whole) > len(plain) and whole[0] == tokenizer.bos_token_id
