"""Chat templates: the exact text of each family, the guess of the family, and texts that try to forge turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local.data.chat import FAMILIES, end_token, family_of, prompt_and_answer, render_chat
from pada_local.errors import UsageError

PAIRS = {
    "chatml": (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n",
        "A<|im_end|>",
    ),
    "llama-3": (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "A<|eot_id|>",
    ),
    "gemma": ("<bos><start_of_turn>user\nS\n\nQ<end_of_turn>\n<start_of_turn>model\n", "A<end_of_turn>"),
    "phi-3": ("<|system|>\nS<|end|>\n<|user|>\nQ<|end|>\n<|assistant|>\n", "A<|end|>"),
    "plain": ("S\nQ\n", "A"),
}


@pytest.mark.parametrize("template", PAIRS)
def test_training_pairs(template):
    assert prompt_and_answer(template, "S", "Q", "A") == PAIRS[template]


def test_chatml_without_a_system_text():
    assert prompt_and_answer("chatml", "", "Q", "A")[0] == "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize("template", PAIRS)
def test_prompt_and_answer_are_the_start_of_the_whole_conversation(template):
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    whole = render_chat(template, messages, add_generation_prompt=False)
    assert whole.startswith("".join(prompt_and_answer(template, "S", "Q", "A")))


@pytest.mark.parametrize("template", [name for name in FAMILIES if name != "plain"])
@given(st.data())
def test_data_cannot_forge_a_turn(template, data):
    piece = st.one_of(st.sampled_from([*FAMILIES[template].marks, "<", "|>"]), st.text(max_size=5))
    text = "".join(data.draw(st.lists(piece, max_size=8)))
    clean, _ = prompt_and_answer(template, "", "", "")
    prompt, answer = prompt_and_answer(template, "", text, text)
    assert all(prompt.count(mark) == clean.count(mark) for mark in FAMILIES[template].marks)
    assert answer.count(end_token(template)) == 1


JINJA = "{% for m in messages %}{{ ''.__class__ }}"


@pytest.mark.parametrize(
    ("config", "model_type", "family"),
    [
        ({"chat_template": JINJA + "<|im_start|>"}, "qwen2", "chatml"),
        ({"chat_template": [{"name": "default", "template": "<|start_header_id|>"}]}, "llama", "llama-3"),
        ({"added_tokens_decoder": {"1": {"content": "<start_of_turn>"}}}, "gemma2", "gemma"),
        ({"chat_template": "<|user|><|end|>"}, "phi3", "phi-3"),
        ({"chat_template": "<|start_header_id|>", "extra": "<|im_start|>"}, "llama", "llama-3"),
        ({}, "llama", "plain"),
        ({}, "gemma3_text", "gemma"),
        ({"chat_template": None}, "", "plain"),
        ({"chat_template": "{% for _ in range(10**9) %}{% endfor %}"}, "", "plain"),
    ],
)
def test_the_family_is_read_from_the_tokenizer_without_running_its_template(config, model_type, family):
    assert family_of(config, model_type) == family


def test_unknown_templates_and_roles_are_refused():
    with pytest.raises(UsageError, match="alpaca"):
        render_chat("alpaca", [], add_generation_prompt=True)
    with pytest.raises(UsageError, match="role"):
        render_chat("chatml", [{"role": "tool", "content": ""}], add_generation_prompt=True)
