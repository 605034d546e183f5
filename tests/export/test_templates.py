"""Three ways to write a prompt, one text: the project's own, the Jinja that goes into files, and Ollama's Go template."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pada_local.data.chat import FAMILIES, begins_with, conversation, end_token, prompt_and_answer, render_chat
from pada_local.data.templates import JINJA, OLLAMA
from pada_local.export.ollama import modelfile
from pada_local.export.subject import Subject
from pada_local.runtime.catalog import resolve
from tests.export import go_template

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    sorted({m for f in FAMILIES.values() for m in f.marks})
)
families = pytest.mark.parametrize("family", FAMILIES)


def jinja(family, messages, **more):
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)  # as Transformers and llama.cpp set it
    return environment.from_string(JINJA[family]).render(messages=messages, **more)


@families
@given(system=st.just("") | TEXTS, text=TEXTS)
@settings(max_examples=40, deadline=None)
def test_every_way_writes_the_prompt_of_training(family, system, text):
    wanted, _ = prompt_and_answer(family, system, text, "")
    messages = conversation(family, system, text)
    assert jinja(family, messages, add_generation_prompt=True) == wanted
    found = [{"Role": one["role"], "Content": one["content"]} for one in messages]
    collected = messages[0]["content"] if system else ""  # Ollama hands the system text over twice
    assert begins_with(family) + go_template.run(OLLAMA[family], {"System": collected, "Messages": found}) == wanted


@families
def test_longer_conversations(family):
    messages = [{"role": role, "content": f"{n} text"} for n, role in enumerate(["system", "user", "assistant", "user"])]
    assert jinja(family, messages, add_generation_prompt=True) == render_chat(family, messages, True)
    assert jinja(family, messages[:3], add_generation_prompt=False) == render_chat(family, messages[:3], False)


def test_the_modelfile_holds_stop_tokens_system_text_and_greedy_parameters():
    base = resolve("demo-student")
    text = modelfile(
        Subject(name="n", base=base, chat="chatml", system='Say """yes""".', max_new_tokens=7), "n.gguf", ["<|im_end|>"]
    )
    for line in (
        "FROM ./n.gguf",
        f'PARAMETER stop "{end_token("chatml")}"',
        "PARAMETER temperature 0",
        "PARAMETER num_predict 7",
    ):
        assert line in text.splitlines()
    assert text.count('"""') == 4 and "SYSTEM" in text
