"""Rows whose answer has ended leave the batch, and the others answer as they would alone."""

import torch

from pada_local.crew import chat_family
from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.demo import world
from pada_local.runtime.catalog import resolve
from pada_local.student.protocol import Generate
from pada_local.worker import answer, models


def test_rows_leave_and_texts_stay_the_same(monkeypatch):
    base = resolve("demo-student")
    chat = chat_family(base)
    prompts = [prompt_and_answer(chat, "", item.note, "")[0] for item in world.draw_split(1, "test", 24)] + ["x"]
    job = Generate(
        base=str(base), adapter="", prompts=prompts, stop=end_token(chat), max_new_tokens=40, tokens_per_batch=10**6, threads=1
    )
    widths = []
    step = torch.nn.Embedding.forward

    def seen(layer, ids):
        widths.append(ids.shape[0])
        return step(layer, ids)

    monkeypatch.setattr(torch.nn.Embedding, "forward", seen)
    texts = {}
    for share in (0.0, 1.0):
        monkeypatch.setattr(answer, "KEPT_SHARE", share)
        widths.clear()
        messages = []
        facts = answer.answer(job, models.Shelf(lambda _message: None), messages.append)
        [message] = [message for message in messages if hasattr(message, "texts")]
        texts[share] = dict(zip(message.positions, message.texts, strict=True))
        assert facts["largest_batch"] == len(prompts)
        assert widths == sorted(widths, reverse=True) and (len(set(widths)) > 1) == (share > 0)
    assert texts[0.0] == texts[1.0] and len(set(texts[0.0].values())) > 5
