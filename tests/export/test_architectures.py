"""Every architecture that the issue of exporting names: Transformers and llama.cpp write the same tokens, greedily."""

import pytest

from pada_local.errors import MissingError
from pada_local.export.models import Wish, export_model
from pada_local.export.parity import TEXTS
from pada_local.export.subject import folder_subject
from pada_local.runtime.converters import find_converters
from pada_local.student.client import StudentClient
from pada_local.teacher.exported import Exported
from tests.export.tiny_models import FAMILIES, make_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    try:
        find_converters()
    except MissingError as error:
        pytest.skip(error.title)
    with StudentClient(tmp_path_factory.mktemp("worker")) as made:
        yield made


def greedy(folder, ids: list[int], count: int) -> list[int]:
    """Transformers' greedy ids, stopped by nothing."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    found = torch.tensor([ids])
    with torch.inference_mode():
        for _ in range(count):
            found = torch.cat((found, model(found).logits[:, -1:].argmax(-1)), 1)
    return found[0, len(ids) :].tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_goes_to_gguf_and_back(family, client, tmp_path):
    folder = make_model(tmp_path / "base", family)
    report = export_model(
        folder_subject(folder), tmp_path / "out", Wish(kind="gguf", types=("f32",)), lambda *_: None, lambda: False
    )
    [file] = report["files"]
    assert file["form"]["same_tokens"] == len(TEXTS), file["form"]["first"]
    assert report["verdict"] == "same", report["text"]
    [gguf] = (tmp_path / "out").glob("*.gguf")
    ids = client.tokenize(str(folder), [TEXTS[0] + " the list of 123 apples"]).ids[0]
    expected = greedy(folder, ids, 24)
    assert len(set(expected)) > 3, "a model that repeats itself proves little"
    with Exported(gguf, 512, tmp_path / "server", exact=True) as server:
        got = server.next_tokens(ids, 24)
    assert len(got) > 3 and got == expected[: len(got)]  # the server stops at an end token
