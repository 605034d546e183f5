"""Counting and cutting by the student's tokenizer: the same numbers as in training, and no torch for it."""

from pathlib import Path

import pytest

from pada_local.student.client import JobFailed, StudentClient
from tests.worker.tiny import END, prompt

TEXTS = ["", "abc", prompt(3) + "grün 你好" + END, "  two  spaces "]


def test_tokens_are_counted_as_training_counts_them(client: StudentClient, student: Path) -> None:
    from pada_local.worker.models import encode, load_tokenizer

    counted = client.count_tokens(str(student), TEXTS)
    assert counted.tokens == [len(ids) for ids in encode(load_tokenizer(str(student)), TEXTS)]
    assert counted.context == 256


def test_texts_are_cut_at_token_borders(client: StudentClient, student: Path) -> None:
    assert client.shorten(str(student), ["abcdef", "abc", "abc", ""], [4, 3, 0, 5]) == ["abcd", "abc", "", ""]


def test_counting_loads_no_torch(tmp_path: Path, student: Path) -> None:
    with StudentClient(tmp_path / "private") as fresh:
        fresh.count_tokens(str(student), TEXTS)
        maps = Path(f"/proc/{fresh.pid}/maps")
        if not maps.exists():
            pytest.skip("no /proc here")
        assert "libtorch" not in maps.read_text()


def test_a_folder_without_a_tokenizer_that_can_be_read_is_named(client: StudentClient, student: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((student / name).read_bytes())
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(JobFailed, match="tokenizer"):
        client.count_tokens(str(tmp_path), TEXTS)
