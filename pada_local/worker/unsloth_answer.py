"""Greedy answers through Unsloth's own `generate`, which on a card runs each new token through its fast inference kernels."""

from collections.abc import Sequence

import torch

from pada_local.worker.answer import Decoder


class UnslothDecoder(Decoder):
    """Batches, texts and stops as in `Decoder`; only how the tokens of a batch are made differs."""

    backend = "unsloth"

    def share(self, prompts: Sequence[list[int]]) -> None:
        """Nothing is shared: Unsloth keeps a cache of its own."""

    def _decode(self, prompts: list[list[int]]) -> list[list[int]]:
        width = max(map(len, prompts))
        ids = torch.tensor([[self.pad] * (width - len(row)) + row for row in prompts], device=self.device)
        lengths = torch.tensor([len(row) for row in prompts], device=self.device)
        mask = (torch.arange(width, device=self.device) >= (width - lengths)[:, None]).long()
        ends = {"stop_strings": [self.stop_text], "tokenizer": self.tokenizer} if self.stop_text else {}
        made = self.model.generate(
            input_ids=ids, attention_mask=mask, max_new_tokens=self.job.max_new_tokens, do_sample=False,
            eos_token_id=sorted(self.stops) or None, pad_token_id=self.pad, **ends,
        )  # fmt: skip
        answers: list[list[int]] = [[] for _ in prompts]
        running = set(range(len(prompts)))
        for chosen in made[:, width:].t().tolist():
            self.append(chosen, answers, running)
        return answers
