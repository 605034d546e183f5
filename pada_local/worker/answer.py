"""Greedy answers in batches: left padding, longest prompts first, a KV cache; what all prompts begin with is computed once, and
rows that have stopped leave their batch."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from pada_local.student.protocol import Answered, Generate
from pada_local.worker import cache, models, room, unsloth_backend
from pada_local.worker.problems import JobError, is_out_of_memory

KEPT_SHARE = 0.75
"""Rows that have stopped leave the batch once no more than this share of it goes on: taking them out copies the cache."""
LENGTHS = 1024
"""Tokens by which a model that must know its longest sequence is loaded longer."""
Facts = dict[str, float | int | str]
Row = tuple[int, list[int]]


def answer(job: Generate, shelf: models.Shelf, send: Callable[[Any], None]) -> Facts:
    """Answer all prompts; each batch is sent as soon as it is done. The merged student stays on the shelf."""
    models.set_threads(job.threads, job.base)
    device = models.choose_device()
    dtype = models.choose_dtype(job.dtype, device, job.base)
    tokenizer = models.load_tokenizer(job.base)
    rows = _rows(job, tokenizer)
    decoder = _decoder(job, shelf, tokenizer, dtype, device, longest=len(rows[0][1]) if rows else 0)
    started = time.monotonic()
    decoder.share([ids for _, ids in rows])
    size = room.rows_at_once(job, dtype, device, decoder.shared_tokens)
    for batch in batches(rows, lambda length: min(size(length), decoder.most)):
        for message in decoder.answer(batch):
            send(message)
    shelf.put(decoder.model, job.base, dtype, device, job.adapter, decoder.backend)
    return {
        "seconds": time.monotonic() - started, "tokens": decoder.tokens, "prompts": len(rows), "batches": decoder.batches,
        "largest_batch": decoder.largest, "tokens_per_batch": job.tokens_per_batch, "backend": decoder.backend, "device": device,
        "base_precision": models.name_of(dtype), "dtype": models.name_of(dtype), "threads": torch.get_num_threads(),
        "shared_tokens": decoder.shared_tokens,
    }  # fmt: skip


def _decoder(job: Generate, shelf: models.Shelf, tokenizer: Any, dtype: torch.dtype, device: str, longest: int) -> "Decoder":
    if not unsloth_backend.answers(job.backend, dtype):
        return Decoder(take(shelf, job, dtype, device), tokenizer, job, device)
    from pada_local.worker.unsloth_answer import UnslothDecoder

    # Rounded up, so that jobs of nearly the same length find the model on the shelf.
    length = -(-(longest + job.max_new_tokens) // LENGTHS) * LENGTHS
    context = models.context_of(job.base)
    model = shelf.take_unsloth(job.base, job.adapter, dtype, device, min(length, context) if context else length)
    return UnslothDecoder(model, tokenizer, job, device)


def take(shelf: models.Shelf, job: Generate, dtype: torch.dtype, device: str) -> Any:
    """The student that the job means: the base alone, or with the adapter merged into it."""
    if job.adapter:
        return shelf.take_merged(job.base, job.adapter, dtype, device)
    return shelf.take(job.base, dtype, device)


def _rows(job: Generate, tokenizer: Any) -> list[Row]:
    """Position and ids of every prompt, longest first, so that the batch that needs most memory comes first."""
    context = models.context_of(job.base)
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.pad_token_id or 0
    rows = [(position, ids or [start]) for position, ids in enumerate(models.encode(tokenizer, job.prompts))]
    rows.sort(key=lambda row: (-len(row[1]), row[0]))
    if rows and context and len(rows[0][1]) + job.max_new_tokens > context:
        position, ids = rows[0]
        raise JobError(
            "data", f"Prompt {position + 1} is too long for the student.",
            f"It has {len(ids)} tokens, its answer up to {job.max_new_tokens}; the context has {context} tokens.",
            "Shorten or remove the example, or lower evaluate.max_new_tokens.",
        )  # fmt: skip
    return rows


def batches(rows: Sequence[Row], size: room.Size) -> Iterator[list[Row]]:
    """Rows in order, as many at a time as `size` allows for the longest of them."""
    start = 0
    while start < len(rows):
        stop = start + size(len(rows[start][1]))
        yield list(rows[start:stop])
        start = stop


class Decoder:
    """Greedy decoding of one batch at a time."""

    backend = "peft"

    def __init__(self, model: Any, tokenizer: Any, job: Generate, device: str) -> None:
        self.model, self.tokenizer, self.job, self.device = model, tokenizer, job, device
        self.tokens = self.batches = self.largest = 0
        self.most = sys.maxsize  # rows in a batch; fewer once memory ran out
        self.pad = tokenizer.pad_token_id or 0
        self.prefix: cache.Prefix | None = None
        stop = models.encode(tokenizer, [job.stop])[0] if job.stop else []
        self.stops = {tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set()
        # A stop text of several tokens can be cut in other ways inside an answer: then the text itself is looked at.
        self.stop_text = job.stop if len(stop) > 1 else ""
        if len(stop) == 1:
            self.stops.add(stop[0])

    def share(self, prompts: Sequence[list[int]]) -> None:
        """Compute what all these prompts begin with, for every batch of them that follows."""
        self.prefix = cache.compute_prefix(self.model, cache.shared(prompts), self.device)

    @property
    def shared_tokens(self) -> int:
        return len(self.prefix.ids) if self.prefix else 0

    def answer(self, rows: list[Row]) -> Iterator[Answered]:
        """One message, or several smaller ones when memory runs out."""
        try:
            answers = self._decode([ids for _, ids in rows])
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(rows) == 1:
                raise JobError(
                    "memory", "Memory ran out while the student answered a single prompt.", str(error)[:500],
                    "Choose a smaller student or lower evaluate.max_new_tokens.",
                ) from error  # fmt: skip
            answers = None
        if answers is None:
            half = self.most = len(rows) // 2
            yield from self.answer(rows[:half])
            yield from self.answer(rows[half:])
            return
        self.batches, self.largest = self.batches + 1, max(self.largest, len(rows))
        self.tokens += sum(map(len, answers))
        texts = [self.text(ids) for ids in answers]
        name = models.name_of(self.model.dtype)
        facts = {"backend": self.backend, "base_precision": name, "device": self.device, "dtype": name, "batch_size": len(rows)}
        positions, tokens = [position for position, _ in rows], [len(ids) for ids in answers]
        ids = answers if self.job.with_ids else []
        yield Answered(positions=positions, texts=texts, tokens=tokens, ids=ids, facts=facts)

    def _decode(self, prompts: list[list[int]]) -> list[list[int]]:
        """The new ids of every prompt, the stop id not among them."""
        answers: list[list[int]] = [[] for _ in prompts]
        running = set(range(len(prompts)))
        for chosen in self.steps(prompts, running):
            self.append(chosen, answers, running)
            if not running:
                break
        return answers

    @torch.inference_mode()
    def steps(self, prompts: list[list[int]], running: set[int] | None = None) -> Iterator[list[int]]:
        """The next id of every prompt, step by step, `max_new_tokens` times at most.

        The reader may take prompts out of `running`: they leave the batch, and their ids mean nothing from then on.
        """
        known = self.shared_tokens  # they stand in front of the padding
        own = [row[known:] for row in prompts]
        width = max(map(len, own))
        ids = torch.tensor([[self.pad] * (width - len(row)) + row for row in own], device=self.device)
        lengths = torch.tensor([len(row) for row in own], device=self.device)
        mask = torch.ones(len(own), known + width + self.job.max_new_tokens, dtype=torch.long, device=self.device)
        mask[:, known : known + width] = torch.arange(width, device=self.device) >= (width - lengths)[:, None]
        positions = known + (mask[:, known : known + width].cumsum(-1) - 1).clamp(min=0)
        rows, states = list(range(len(own))), cache.make(self.model, mask.shape[1], len(own), self.prefix)
        for step in range(self.job.max_new_tokens):
            out = self.model(
                input_ids=ids, attention_mask=mask[:, : known + width + step], position_ids=positions,
                past_key_values=states, use_cache=True, logits_to_keep=1,
            )  # fmt: skip
            chosen = out.logits[:, -1].argmax(-1)
            told = [self.pad] * len(prompts)
            for row, new in zip(rows, chosen.tolist(), strict=True):
                told[row] = new
            yield told
            if running and len(running) <= len(rows) * KEPT_SHARE:
                keep = torch.tensor([at for at, row in enumerate(rows) if row in running], device=self.device)
                states.batch_select_indices(keep)
                chosen, mask, lengths = chosen[keep], mask[keep], lengths[keep]
                rows = [row for row in rows if row in running]
            ids, positions = chosen[:, None], (known + lengths + step)[:, None]

    def append(self, chosen: list[int], answers: list[list[int]], running: set[int]) -> None:
        """Take one step's ids; answers that have come to their end leave `running`."""
        for number in sorted(running):
            if chosen[number] in self.stops:
                running.discard(number)
                continue
            answers[number].append(chosen[number])
            if self.stop_text and self.stop_text in self.tokenizer.decode(answers[number]):
                running.discard(number)

    def text(self, ids: list[int]) -> str:
        """The answer without special tokens and without the stop text and what follows it."""
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text.partition(self.stop_text)[0] if self.stop_text else text
