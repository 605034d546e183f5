"""What all prompts of a job begin with is computed once, and every answer stays what it is alone."""

import pytest
import torch

from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.demo import world
from pada_local.runtime.catalog import resolve
from pada_local.student.client import StudentClient
from pada_local.student.protocol import Generate
from pada_local.worker import cache
from pada_local.worker.models import load_base
from tests.worker.tiny import generate_job, make_student, prompt

NOTES = [item.note for item in world.draw_split(1, "test", 16)]
SYSTEM = "Read an intake note. " + " ".join(item.note for item in world.draw_split(2, "train", 5))
LONG = "x" * 90


def answers(client: StudentClient, job: Generate) -> tuple[dict[int, str], int]:
    """Texts by position, and how many tokens were shared."""
    texts = {at: text for positions, found, _ in client.generate(job) for at, text in zip(positions, found, strict=True)}
    return texts, int(client.generate_facts()["shared_tokens"])


@pytest.mark.parametrize("tokens_per_batch", [600, 10**6])
def test_the_demo_student_answers_as_it_does_alone(client, tokens_per_batch):
    base = str(resolve("demo-student"))
    prompts = [prompt_and_answer("chatml", SYSTEM, note, "")[0] for note in NOTES]
    common = {"base": base, "adapter": "", "stop": end_token("chatml"), "max_new_tokens": 40, "threads": 1}
    together, shared = answers(client, Generate(prompts=prompts, tokens_per_batch=tokens_per_batch, **common))
    alone = [answers(client, Generate(prompts=[one], tokens_per_batch=1, **common)) for one in prompts]
    assert shared > 60 and {count for _, count in alone} == {0}
    assert [together[at] for at in range(len(prompts))] == [texts[0] for texts, _ in alone]
    assert len(set(together.values())) > 5


def test_a_short_common_beginning_is_left_alone(client):
    prompts = [prompt_and_answer("chatml", "", note, "")[0] for note in NOTES]
    job = Generate(
        base=str(resolve("demo-student")), adapter="", prompts=prompts, stop=end_token("chatml"), max_new_tokens=4,
        tokens_per_batch=4096, threads=1,
    )  # fmt: skip
    assert answers(client, job)[1] == 0


def test_equal_prompts_keep_a_token_of_their_own(client, student):
    texts, shared = answers(client, generate_job(student, "", [prompt(1)] * 3 + [prompt(1)[:-1]]))
    assert shared == len(prompt(1)) - 2 - 2 * (len("<|im_start|>") - 1) - (len("<|im_end|>") - 1)
    assert texts[0] == texts[1] == texts[2]


@pytest.fixture(scope="module")
def far_and_near(tmp_path_factory):
    """Two Mistrals of the same weights: one sees everything before a token, the other 16 tokens of it."""
    from transformers import MistralConfig, MistralForCausalLM

    folders = []
    for window in (None, 16):
        folder = make_student(tmp_path_factory.mktemp("mistral"))
        torch.manual_seed(0)
        MistralForCausalLM(MistralConfig(
            vocab_size=259, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=256, bos_token_id=0, eos_token_id=2, pad_token_id=0,
            initializer_range=0.2, sliding_window=window,
        )).save_pretrained(folder)  # fmt: skip
        folders.append(folder)
    return folders


def test_a_student_that_looks_only_so_far_back_shares_nothing(client, far_and_near):
    prompts = [LONG + prompt(number) for number in range(6)]
    for folder, expected in zip(far_and_near, (True, False), strict=True):
        together, shared = answers(client, generate_job(folder, "", prompts))
        alone = [answers(client, generate_job(folder, "", [one]))[0][0] for one in prompts]
        assert (shared >= len(LONG)) == expected
        assert [together[at] for at in range(len(prompts))] == alone


def test_a_roomy_cache_refuses_more_than_its_room(student):
    made = cache.make(load_base(str(student), torch.float32), room=4, rows=2, prefix=None)
    states = torch.arange(2 * 2 * 3 * 16, dtype=torch.float32).view(2, 2, 3, 16)
    keys, _ = made.update(states, states, 0)
    assert torch.equal(keys, states)
    made.batch_select_indices(torch.tensor([1]))
    keys, values = made.update(states[1:, :, :1], states[1:, :, :1], 0)
    assert torch.equal(keys, torch.cat([states[1:], states[1:, :, :1]], dim=2)) and torch.equal(keys, values)
    with pytest.raises(ValueError, match="room for 4 tokens"):
        made.update(states[1:], states[1:], 0)
