"""The memory plan: sizes of real models computed by hand from their published configs, and what the plan makes of them."""

import msgspec
import pytest

from pada_local.cli import main
from pada_local.runtime import memory, needs, plan
from pada_local.runtime.needs import Wish
from pada_local.runtime.shape import of_config, of_gguf

GIB = 2**30
LLAMA_1B = {
    "num_hidden_layers": 16, "hidden_size": 2048, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64,
    "intermediate_size": 8192, "vocab_size": 128256, "max_position_embeddings": 131072, "tie_word_embeddings": True,
}  # fmt: skip
QWEN_1_5B = {
    "num_hidden_layers": 28, "hidden_size": 1536, "num_attention_heads": 12, "num_key_value_heads": 2, "intermediate_size": 8960,
    "vocab_size": 151936, "max_position_embeddings": 32768, "tie_word_embeddings": True,
}  # fmt: skip
QWEN_14B = {
    "general.architecture": "qwen2", "qwen2.block_count": 48, "qwen2.embedding_length": 5120, "qwen2.attention.head_count": 40,
    "qwen2.attention.head_count_kv": 8, "qwen2.feed_forward_length": 13824, "qwen2.context_length": 32768,
    "tokenizer.ggml.tokens": 152064,
}  # fmt: skip
Q4_K_M_BYTES = 8_988_110_976


@pytest.mark.parametrize("shape, linear, embedding, lora, cache", [
    # A layer of Llama-3.2-1B: 2 x 2048² + 2 x 2048 x 512 + 3 x 2048 x 8192; LoRA 4096 + 2560 + 2560 + 4096 + 3 x 10240.
    (of_config(LLAMA_1B), 16 * 60_817_408, 262_668_288, 11_272_192, 32_768),
    # Qwen2.5-1.5B: 2 x 1536 x 1536 + 2 x 1536 x 256 + 3 x 1536 x 8960; 3072 + 1792 + 1792 + 3072 + 3 x 10496.
    (of_config(QWEN_1_5B), 28 * 46_792_704, 233_373_696, 18_464_768, 28_672),
    # Qwen2.5-14B, untied: 2 x 5120 x 5120 + 2 x 5120 x 1024 + 3 x 5120 x 13824; 10240 + 6144 + 6144 + 10240 + 3 x 18944.
    (of_gguf(QWEN_14B), 48 * 275_251_200, 1_557_135_360, 68_812_800, 196_608),
], ids=["Llama-3.2-1B", "Qwen2.5-1.5B", "Qwen2.5-14B"])  # fmt: skip
def test_sizes_by_hand(shape, linear, embedding, lora, cache):
    assert (shape.linear, shape.embedding, shape.lora(16), shape.cache_bytes(1)) == (linear, embedding, lora, cache)


def test_training_of_a_1b_student_on_a_card_by_hand():
    found = needs.training_bytes(of_config(LLAMA_1B), Wish(), micro_batch=4, length=512, checkpointing=False, on_card=True)
    assert found.base == round(973_078_528 * 0.515869140625) + 262_668_288 * 2 == 1_027_317_760
    assert found.lora == 11_272_192 * 16 == 180_355_072
    layer = 6 * 2048 + 2 * 512 + 4 * 8192  # 46,080 numbers a token
    assert found.activations == 2048 * 16 * layer * 2 + 1024 * 128256 * 10 == 4_333_240_320
    assert found.total == found.base + found.lora + found.activations + 600 * 2**20
    again = needs.training_bytes(of_config(LLAMA_1B), Wish(), micro_batch=4, length=512, checkpointing=True, on_card=True)
    assert again.activations == 2048 * (16 * 2048 + layer) * 2 + 1024 * 128256 * 10 == 1_636_302_848


@pytest.mark.parametrize("room_gib, micro_batch, checkpointing, layers, together", [
    # A 14B teacher with 16 slots of 1,024 tokens: 8.37 GiB of file, 3 GiB of cache, 0.29 GiB of scratch. Where that is too
    # much: four slots, 199,865,660 bytes for each of 48 layers and the output.
    (24, 16, False, 48, False),
    (48, 16, False, 48, True),
    (16, 8, False, 48, False),
    (8, 4, False, 37, False),
    (4, 1, False, 17, False),
])  # fmt: skip
def test_what_fits_beside_a_14b_teacher(room_gib, micro_batch, checkpointing, layers, together):
    found = plan.make(of_config(LLAMA_1B), of_gguf(QWEN_14B), Q4_K_M_BYTES, room_gib * GIB, True, Wish())
    assert (found.training.micro_batch, found.training.checkpointing) == (micro_batch, checkpointing)
    assert found.training.total <= found.room == round(room_gib * GIB * 0.9)
    assert (found.teacher_layers, found.of_layers, found.together) == (layers, 48, together)


def test_a_short_memory_gives_way_step_by_step():
    shape, rooms = of_config(QWEN_1_5B), [GIB * number / 8 for number in range(192, 8, -1)]
    found = [needs.choose_training(shape, Wish(), int(room), on_card=True) for room in rooms]
    fits = [training for training in found if training]
    rank = [(-training.max_length, training.checkpointing, -training.micro_batch) for training in fits]
    assert rank == sorted(rank) and found[-1] is None
    assert any(training.checkpointing for training in fits) and fits[-1].max_length < 512 and fits[0].micro_batch >= 8


def test_a_config_that_says_too_little_has_no_shape():
    assert of_config({"hidden_size": 64}) is None and of_gguf({}) is None
    assert of_config(LLAMA_1B | {"num_hidden_layers": True}) is None
    assert msgspec.structs.replace(of_config(LLAMA_1B), tied=False).embedding == 2 * 262_668_288


def test_doctor_tells_the_plan(capsys):
    assert main(["doctor", "--student", "demo-student", "--teacher", "demo-teacher"]) == 0
    said = capsys.readouterr().out
    for words in ("memory for training: about", "memory for teacher: about", "student and teacher fit side by side"):
        assert words in said


def test_doctor_says_what_does_not_fit(capsys, monkeypatch):
    monkeypatch.setattr(memory, "gpus", lambda: [memory.Gpu("small card", 800, 620)])
    assert main(["doctor", "--student", "demo-student", "--teacher", "demo-teacher"]) == 0
    assert "memory for training: does not fit" in capsys.readouterr().out


def test_doctor_wants_both(capsys):
    assert main(["doctor", "--student", "demo-student"]) == 2
    assert "Name both, or none." in capsys.readouterr().err
