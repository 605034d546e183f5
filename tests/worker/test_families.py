"""Small random-weight students of every family: each trains, saves, loads again and answers; its head is computed right."""

import pytest
import torch

from pada_local.student.client import StudentClient
from pada_local.student.protocol import Step
from pada_local.worker import lora
from pada_local.worker.examples import draw_steps, tokenize
from pada_local.worker.lora import Loop
from pada_local.worker.models import load_base, load_tokenizer
from tests.worker.tiny import example, generate_job, make_student, prompt, settings, train_job

SIZE = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 256, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0, "initializer_range": 0.2,
}  # fmt: skip
LLAMA = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
FAMILIES = {
    "Llama": ({}, LLAMA),
    "Mistral": ({}, LLAMA),
    "Qwen2": ({}, LLAMA),
    "Qwen3": ({"head_dim": 16}, LLAMA),
    "Gemma": ({"head_dim": 16}, LLAMA),
    "Gemma2": ({"head_dim": 16, "sliding_window": 64}, LLAMA),
    "Gemma3Text": ({"head_dim": 16, "sliding_window": 64}, LLAMA),
    "Phi3": ({}, {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"}),
    "SmolLM3": ({}, LLAMA),
    "Olmo2": ({}, LLAMA),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    """Name, folder and layers of one family."""
    import transformers

    extra, layers = FAMILIES[request.param]
    folder = make_student(tmp_path_factory.mktemp(request.param))
    vocabulary = load_tokenizer(str(folder)).vocab_size
    torch.manual_seed(0)
    config = getattr(transformers, f"{request.param}Config")(vocab_size=vocabulary, **SIZE, **extra)
    name = request.param.replace("Text", "")
    model = getattr(transformers, f"{name}ForCausalLM")(config)
    model.save_pretrained(folder)
    return request.param, folder, layers


def test_it_trains_is_kept_and_answers(family, client: StudentClient, tmp_path):
    name, folder, layers = family
    steps: list[Step] = []
    facts = client.train(train_job(folder, tmp_path / "adapter", steps=25, learning_rate=5e-3), steps.append)
    assert steps[-1].loss < 0.8 * steps[0].loss and facts["backend"] == "peft"
    prompts = [prompt(number) for number in range(8)]
    tuned = [text for _, texts, _ in client.generate(generate_job(folder, tmp_path / "adapter", prompts)) for text in texts]
    plain = [text for _, texts, _ in client.generate(generate_job(folder, "", prompts)) for text in texts]
    assert len(tuned) == 8 and tuned != plain


def test_every_linear_layer_gets_a_lora(family):
    name, folder, layers = family
    assert set(lora.linear_layers(load_base(str(folder), torch.float32))) == layers


def test_the_loss_is_that_of_the_models_own_forward(family):
    """Families whose logits are only the head's product take a shorter way to the loss; it must be the same loss."""
    name, folder, layers = family
    chosen = settings()
    tokens = tokenize(load_tokenizer(str(folder)), [example(number) for number in range(8)], 128)
    step = next(draw_steps(tokens, 128, 0))
    losses = []
    for plain in (False, True):
        model = lora.add_adapter(load_base(str(folder), torch.float32), chosen, torch.float32)
        loop = Loop(model, chosen, torch.float32, "cpu", 0, "peft")
        if plain:
            loop.trunk = None
        losses.append(loop.accumulate(step))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
