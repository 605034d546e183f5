"""Chat templates, the one place for them: public formats in our own words, never the code that comes with a model file.

A template that a model brings is a program (Jinja); running it would run foreign code. Prompts made here hold every
special token that the family needs, so tokenise them without adding any.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pada_local.errors import UsageError

Message = Mapping[str, str]


@dataclass(frozen=True)
class _Family:
    """How one family writes a conversation. `marks` are its control tokens; texts must not be able to forge them."""

    begin: str
    turn: Callable[[str, str], str]
    assistant: str
    end: str
    marks: tuple[str, ...]
    system_turn: bool = True


FAMILIES: dict[str, _Family] = {
    "chatml": _Family(
        begin="",
        turn=lambda role, text: f"<|im_start|>{role}\n{text}<|im_end|>\n",
        assistant="<|im_start|>assistant\n",
        end="<|im_end|>",
        marks=("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
    ),
    "llama-3": _Family(
        begin="<|begin_of_text|>",
        turn=lambda role, text: f"<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>",
        assistant="<|start_header_id|>assistant<|end_header_id|>\n\n",
        end="<|eot_id|>",
        marks=("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|end_of_text|>"),
    ),
    "gemma": _Family(
        begin="<bos>",
        turn=lambda role, text: f"<start_of_turn>{'model' if role == 'assistant' else role}\n{text}<end_of_turn>\n",
        assistant="<start_of_turn>model\n",
        end="<end_of_turn>",
        marks=("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        system_turn=False,
    ),
    "phi-3": _Family(
        begin="",
        turn=lambda role, text: f"<|{role}|>\n{text}<|end|>\n",
        assistant="<|assistant|>\n",
        end="<|end|>",
        marks=("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"),
    ),
    "plain": _Family(begin="", turn=lambda role, text: f"{text}\n", assistant="", end="", marks=()),
}
_BY_MODEL_TYPE = {"qwen": "chatml", "gemma": "gemma", "phi3": "phi-3"}


def render_chat(template: str, messages: Sequence[Message], add_generation_prompt: bool) -> str:
    """The conversation as the family writes it; with `add_generation_prompt` up to where the assistant's answer begins.

    A control token inside a text is broken up by a space, so that data cannot end its turn or open another one.
    """
    family = _family(template)
    turns = [(message["role"], _disarmed(family, message["content"])) for message in messages]
    if any(role not in ("system", "user", "assistant") for role, _ in turns):
        raise UsageError("A message has a role that no chat template knows.", "Known roles: system, user, assistant.")
    if not family.system_turn:
        turns = _system_into_user(turns)
    text = family.begin + "".join(family.turn(role, content) for role, content in turns)
    return text + family.assistant if add_generation_prompt else text


def prompt_and_answer(template: str, system: str, input: str, output: str) -> tuple[str, str]:
    """A training pair: the prompt ends where the loss begins, the answer includes the end token (plain has none)."""
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": input})
    prompt = render_chat(template, messages, add_generation_prompt=True)
    return prompt, _disarmed(_family(template), output) + end_token(template)


def conversation(template: str, system: str, input: str) -> list[dict[str, str]]:
    """The messages of a prompt with their control tokens broken up, for programs that put the prompt together themselves."""
    family = _family(template)
    messages = [{"role": "system", "content": _disarmed(family, system)}] if system else []
    return [*messages, {"role": "user", "content": _disarmed(family, input)}]


def begins_with(template: str) -> str:
    """The begin token that the family writes itself, or nothing."""
    return _family(template).begin


def end_token(template: str) -> str:
    """The token that ends an answer; "" for plain, where the caller uses the tokenizer's own."""
    return _family(template).end


def family_of(tokenizer_config: Mapping[str, Any], model_type: str) -> str:
    """Guess the family from a tokenizer_config.json (searched as text, never run), then from the model type."""
    text = json.dumps(tokenizer_config, ensure_ascii=False)
    clues = (
        ("chatml", ("<|im_start|>",)),
        ("llama-3", ("<|start_header_id|>",)),
        ("gemma", ("<start_of_turn>",)),
        ("phi-3", ("<|end|>", "<|user|>")),
    )
    # The template decides over the vocabulary: a tokenizer may list tokens of formats that the model was not tuned on.
    template = json.dumps(tokenizer_config.get("chat_template") or "", ensure_ascii=False)
    for place in (template, text):
        for family, needed in clues:
            if all(token in place for token in needed):
                return family
    return next((family for start, family in _BY_MODEL_TYPE.items() if model_type.startswith(start)), "plain")


def _family(template: str) -> _Family:
    if template not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise UsageError(f'There is no chat template called "{template}".', f"Known templates: {known}.")
    return FAMILIES[template]


def _disarmed(family: _Family, text: str) -> str:
    for mark in family.marks:
        text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


def _system_into_user(turns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    # Gemma has no system role; its makers put such text in front of the first user turn.
    system = "\n\n".join(text for role, text in turns if role == "system")
    rest = [turn for turn in turns if turn[0] != "system"]
    if not system:
        return rest
    if rest and rest[0][0] == "user":
        return [("user", f"{system}\n\n{rest[0][1]}"), *rest[1:]]
    return [("user", system), *rest]
