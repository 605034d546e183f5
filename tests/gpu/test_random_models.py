"""The random-weight models are what Transformers and llama.cpp load; tried small, so that this part runs everywhere."""

import pytest
import random_models
from random_gguf import Shape

from pada_local.errors import MissingError
from pada_local.runtime import examine
from pada_local.teacher.launch import find_server
from pada_local.teacher.protocol import Ask
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings

SMALL = Shape(width=128, layers=2, heads=2, kv_heads=1, feed_forward=256, context=2048)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.mark.needs_no_card
def test_both_files_load(folder):
    transformers = pytest.importorskip("transformers")
    student = random_models.student(folder / "student", SMALL)
    model = transformers.AutoModelForCausalLM.from_pretrained(student, local_files_only=True)
    assert model.num_parameters() == SMALL.parameters
    shape = examine.folder_shape(student)
    assert shape.linear + shape.embedding + 128 * (2 * 2 + 1) == SMALL.parameters
    teacher = random_models.teacher(folder / "teacher-q4_0.gguf", SMALL)
    assert examine.gguf_shape(teacher) == shape
    try:
        server = LlamaServer(teacher, Settings(slots=2, threads=1), folder=folder)
    except MissingError as error:
        pytest.skip(error.detail)
    replies = {}
    server.ask_all([Ask(purpose="x", prompt="Say it.", schema=None, max_tokens=6)], replies.__setitem__, lambda: False)
    server.close()
    assert replies[0].answer_tokens == 6 and find_server()
