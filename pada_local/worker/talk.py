"""One answer, told while it is written: the same greedy decoding as in batches of one, with text that is never taken back."""

import os
import time
from collections.abc import Callable
from typing import Any

import torch

from pada_local.student.protocol import Answered, Generate, Said, Talk
from pada_local.worker import models
from pada_local.worker.answer import Decoder, Facts, take
from pada_local.worker.problems import JobError


def talk(job: Talk, shelf: models.Shelf, send: Callable[[Any], None], is_cut: Callable[[], bool]) -> Facts:
    """Answer the prompt; the student stays on the shelf. `ended` in the facts: stop, length or cut."""
    models.set_threads(job.threads, job.base)
    device = models.choose_device()
    dtype = models.choose_dtype(job.dtype, device, job.base)
    tokenizer = models.load_tokenizer(job.base)
    ids = _prompt(job, tokenizer)
    alone = Generate(
        base=job.base, adapter=job.adapter, prompts=[job.prompt], stop=job.stop, max_new_tokens=job.max_new_tokens,
        tokens_per_batch=1,
    )  # fmt: skip
    model = take(shelf, alone, dtype, device)
    started = time.monotonic()
    decoder = Decoder(model, tokenizer, alone, device)
    answer, ended = _tell(decoder, ids, send, is_cut)
    shelf.put(model, job.base, dtype, device, job.adapter)
    name = models.name_of(dtype)
    facts: Facts = {"backend": "peft", "base_precision": name, "device": device, "dtype": name, "batch_size": 1, "ended": ended}
    send(Answered(positions=[0], texts=[decoder.text(answer)], tokens=[len(answer)], facts=facts))
    return {**facts, "seconds": time.monotonic() - started, "tokens": len(answer), "threads": torch.get_num_threads()}


def _prompt(job: Talk, tokenizer: Any) -> list[int]:
    """The prompt's ids. Raises JobError when they leave no room for the answer."""
    context = models.context_of(job.base)
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.pad_token_id or 0
    ids = models.encode(tokenizer, [job.prompt])[0] or [start]
    if context and len(ids) + job.max_new_tokens > context:
        detail = f"It has {len(ids)} tokens, its answer up to {job.max_new_tokens}; the context has {context} tokens."
        raise JobError("data", "The prompt is too long for the student.", detail, "Shorten it.")
    return ids


def _tell(decoder: Decoder, ids: list[int], send: Callable[[Any], None], is_cut: Callable[[], bool]) -> tuple[list[int], str]:
    """The new ids, and why there are no more of them."""
    answer: list[int] = []
    running, growing = {0}, Growing(decoder.stop_text)
    if is_cut():
        return answer, "cut"
    for chosen in decoder.steps([ids]):
        decoder.append(chosen, [answer], running)
        if not running:
            break
        if text := growing.more(decoder.text(answer)):
            send(Said(text=text))
        if is_cut():
            break
    if rest := growing.rest(decoder.text(answer)):
        send(Said(text=rest))
    return answer, "stop" if not running else "length" if len(answer) >= decoder.job.max_new_tokens else "cut"


class Growing:
    """A text that grows token by token, handed on only as far as the next token cannot change it.

    A token may hold half a character, and a tokenizer may join a word to the one before: what two decodings in a row agree
    on is taken as settled. The beginning of the stop text waits until it is known not to be one.
    """

    def __init__(self, stop_text: str = "") -> None:
        self._stop_text = stop_text
        self._before, self._told = "", 0

    def more(self, text: str) -> str:
        """What is settled and was not handed on; `text` is the whole answer so far."""
        settled = os.path.commonprefix([self._before, text]).rstrip("\ufffd")
        self._before = text
        held = next((size for size in range(len(self._stop_text) - 1, 0, -1) if settled.endswith(self._stop_text[:size])), 0)
        return self._hand_on(settled[: len(settled) - held])

    def rest(self, text: str) -> str:
        """What is left when the answer has ended."""
        return self._hand_on(text)

    def _hand_on(self, text: str) -> str:
        fresh, self._told = text[self._told :], max(self._told, len(text))
        return fresh
