"""What numbers the teacher's cache holds: where that is used, that it names the answers, and that models run with it."""

import msgspec
import pytest
from teacher_help import question

from pada_local.crew import source_of
from pada_local.errors import MissingError, UsageError
from pada_local.recipe import Recipe, Teacher, content
from pada_local.records import content_id
from pada_local.runtime import memory
from pada_local.runtime.cache import NUMBER_BYTES, type_in_use
from pada_local.runtime.catalog import resolve
from pada_local.runtime.examine import gguf_shape
from pada_local.teacher.inprocess import InProcess
from pada_local.teacher.launch import attention, find_server
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings, identity

EIGHT = {"cache_type": "q8_0", "context": 8192}
"""On a processor the eight bits are used only with a context that is too long for plain attention."""


@pytest.fixture
def without_card(monkeypatch):
    monkeypatch.setattr(memory, "gpus", lambda: [])


@pytest.mark.parametrize(
    "context, on_card, used", [(0, False, "f16"), (4096, False, "f16"), (8192, False, "q8_0"), (0, True, "q8_0")]
)
def test_eight_bits_are_used_only_with_flash_attention(context, on_card, used):
    assert type_in_use("q8_0", context, on_card) == used and type_in_use("f16", context, on_card) == "f16"


def test_the_server_is_told_the_type_and_to_use_flash_attention(without_card, monkeypatch):
    assert attention(8192, "q8_0") == [
        "--no-kv-unified", "--flash-attn", "on", "--cache-type-k", "q8_0", "--cache-type-v", "q8_0",
    ]  # fmt: skip
    monkeypatch.setattr(memory, "gpus", lambda: ["card"])
    assert attention(1024, "q8_0")[:3] == ["--kv-unified", "--flash-attn", "on"] and attention(1024) == ["--kv-unified"]


def test_answers_are_named_by_the_type_only_where_it_is_used(without_card, stories):
    plain = identity(stories)
    assert LlamaServer(stories, Settings(cache_type="q8_0")).model == plain
    assert LlamaServer(stories, Settings(**EIGHT)).model == InProcess(stories, Settings(**EIGHT)).model == f"{plain}+q8_0"


def test_half_the_memory_holds_more_slots(without_card, monkeypatch, stories):
    monkeypatch.setattr("pada_local.teacher.settings.TINY_BYTES", 0)
    each = gguf_shape(stories).cache_bytes(8192)
    monkeypatch.setattr(memory, "available_mib", lambda: 3 * 10 * each // 2**20 + 2)
    wide, narrow = Settings(context=8192), Settings(**EIGHT)
    assert wide.slots_for(stories, 8192) == 10 and narrow.slots_for(stories, 8192) == 18
    assert NUMBER_BYTES["q8_0"] / NUMBER_BYTES["f16"] == 34 / 64


def test_runs_from_before_the_field_keep_their_ids():
    before = msgspec.to_builtins(Recipe(name="x"))
    assert before["teacher"].pop("cache_type") == "f16" and before["teacher"].pop("draft") == ""
    assert Recipe(name="x").id == content_id("recipe", before)
    assert content(Teacher(draft="y")) == content(Teacher()) | {"draft": "y"} and content(Recipe(name="x").loop)["rounds"] == 3
    assert Recipe(name="x", teacher=Teacher(cache_type="q8_0")).id != Recipe(name="x").id


def test_heads_that_blocks_do_not_fit_are_refused_before_anything_is_loaded(without_card, stories, tmp_path):
    eight = Recipe(name="x", teacher=Teacher(**EIGHT))
    with pytest.raises(UsageError, match="cannot be q8_0") as caught:
        source_of(str(stories), eight, tmp_path, print)
    assert "8 wide" in caught.value.detail
    assert source_of("demo-teacher", eight, tmp_path, print).identity.endswith("+q8_0")
    source_of(str(stories), Recipe(name="x", teacher=Teacher(cache_type="q8_0")), tmp_path, print)


@pytest.mark.parametrize("kind", [LlamaServer, InProcess])
def test_a_model_answers_with_eight_bits(without_card, kind):
    try:
        find_server()
    except MissingError as error:
        pytest.skip(error.detail)
    replies = {}
    backend = kind(resolve("demo-teacher"), Settings(threads=1, slots=2, **EIGHT))
    try:
        asks = [question(f"Once upon a {word}", max_tokens=8) for word in ("time", "day")]
        backend.ask_all(asks, replies.__setitem__, lambda: False)
        assert all(replies[at].state in ("ok", "cut") and replies[at].answer_tokens for at in (0, 1))
        assert backend.memory_mib() > 0
    finally:
        backend.close()
