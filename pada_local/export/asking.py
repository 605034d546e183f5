"""Both sides of a parity check: the worker on the base with its adapter, and the exported thing, given the same prompts."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pada_local.data.chat import conversation, end_token, prompt_and_answer
from pada_local.export.parity import TEXTS, Form, Prompts
from pada_local.export.subject import Subject
from pada_local.student.client import StudentClient
from pada_local.student.protocol import Generate, RenderChats
from pada_local.teacher.exported import Exported

Tell = Callable[[str, int, float], None]
"""Progress: what is being done, items so far, and the share that is done."""
CONTINUATION_TOKENS = 32


def prompts_of(subject: Subject, most: int) -> Prompts:
    """The first validation examples as prompts, or beginnings of texts for a model without a task."""
    items = subject.items[:most]
    if not items:
        return Prompts(texts=list(TEXTS))
    texts = [prompt_and_answer(subject.chat, subject.system, item.input, "")[0] for item in items]
    conversations = [conversation(subject.chat, subject.system, item.input) for item in items]
    return Prompts(texts=texts, items=items, conversations=conversations)


def ask_worker(
    client: StudentClient, subject: Subject, base: Path, adapter: Path | None, prompts: Sequence[str], tell: Tell
) -> list[str]:
    """Greedy answers of the worker in float32 arithmetic."""
    answers = [""] * len(prompts)
    if not subject.items:
        return _go_on(client, subject, base, prompts)
    job = Generate(
        base=str(base), adapter=str(adapter or ""), prompts=list(prompts), stop=end_token(subject.chat),
        max_new_tokens=subject.max_new_tokens, tokens_per_batch=subject.tokens_per_batch, threads=subject.threads,
    )  # fmt: skip
    done = 0
    for positions, texts, _ in client.generate(job):
        for position, text in zip(positions, texts, strict=True):
            answers[position] = text
        done += len(positions)
        tell("answering with the student", done, done / len(prompts))
    return answers


def _go_on(client: StudentClient, subject: Subject, base: Path, texts: Sequence[str]) -> list[str]:
    """The tokens with which a model without a task goes on, up to the first that ends or divides texts."""
    known = client.tokenize(str(base), ["a"])
    job = Generate(
        base=str(base), adapter="", prompts=[known.begin + text for text in texts], stop="", max_new_tokens=CONTINUATION_TOKENS,
        tokens_per_batch=subject.tokens_per_batch, threads=subject.threads,
    )  # fmt: skip
    return [_as_text(ids, known.special) for ids in client.generate_ids(job)]


def _as_text(ids: Sequence[int], special: Sequence[int]) -> str:
    """Token ids up to the first special one. Texts would hide what invalid bytes become on either side."""
    return " ".join(map(str, itertools.takewhile(lambda one: one not in special, ids)))


def ask_file(
    client: StudentClient, subject: Subject, file: Path, prompts: Prompts, folder: Path, tell: Tell, lora: Path | None = None
) -> tuple[list[str], Form]:
    """Greedy answers of a GGUF file through llama-server, and whether its template and tokenizer do what the student's do."""
    known = client.tokenize(str(subject.base), ["a"])
    begin = "" if prompts.items else known.begin
    ids = client.tokenize(str(subject.base), [begin + text for text in prompts.texts]).ids
    length = subject.max_new_tokens if prompts.items else CONTINUATION_TOKENS
    longest = max(map(len, ids)) + length
    answers: list[str] = []
    other: list[dict[str, Any]] = []
    same_prompt = same_tokens = 0
    with Exported(file, max(512, 1 << longest.bit_length()), folder, lora, exact=not prompts.items) as server:
        for at, text in enumerate(prompts.texts):
            if prompts.items:
                said, rendered = server.chat(prompts.conversations[at], length), server.render(prompts.conversations[at])
                answers.append(said.text)
                # llama-server leaves out a begin token that it puts in front itself.
                right = rendered == text or text.endswith(rendered) and said.prompt_tokens == len(ids[at])
                cut = server.tokenize(text) == ids[at] and said.prompt_tokens == len(ids[at])
            else:
                answers.append(_as_text(server.next_tokens(ids[at], length), known.special))
                rendered, right, cut = text, True, server.tokenize(text, begin=True) == ids[at]
            same_prompt, same_tokens = same_prompt + right, same_tokens + cut
            if not (right and cut):
                other.append({"wanted": text, "got": rendered, "tokens_wanted": ids[at], "tokens_got": server.tokenize(text)})
            tell(f"answering with {file.name}", at + 1, (at + 1) / len(prompts.texts))
    return answers, Form(prompts=len(ids), same_prompt=same_prompt, same_tokens=same_tokens, first=other[0] if other else {})


def ask_folder(client: StudentClient, subject: Subject, folder: Path, prompts: Prompts, tell: Tell) -> tuple[list[str], Form]:
    """Greedy answers of a merged folder through Transformers, with the folder's own template and tokenizer."""
    texts = prompts.texts
    if prompts.items:
        texts = client.render_chats(RenderChats(base=str(folder), conversations=prompts.conversations)).texts
    wanted, got = (client.tokenize(str(base), of).ids for base, of in ((subject.base, prompts.texts), (folder, texts)))
    answers = ask_worker(client, subject, folder, None, texts, tell)
    other = [{"wanted": a, "got": b} for a, b in zip(prompts.texts, texts, strict=True) if a != b]
    same_tokens = sum(a == b for a, b in zip(wanted, got, strict=True))
    form = Form(prompts=len(texts), same_prompt=len(texts) - len(other), same_tokens=same_tokens, first=other[0] if other else {})
    return answers, form
