"""Reading JSON lines: every refusal names file and line."""

import gzip
import json
import time
import tracemalloc

import pytest

from pada_local.data.read import RawExample, read_jsonl
from pada_local.errors import DataError, MissingError

GOOD = b'{"in": "a", "out": "b"}\n'


def rows(tmp_path, content, **settings):
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    return list(read_jsonl(path, "in", "out", **settings))


def test_rows_come_with_line_numbers_texts_and_tags(tmp_path):
    content = b'\xef\xbb\xbf{"in": "a", "out": 5, "slice": null, "n": 1}\r\n\n'
    content += b'{"in": {"x": "\xc3\xa9"}, "out": "b", "slice": "s", "n": [1]}'
    assert rows(tmp_path, content, tags=("slice", "n")) == [
        RawExample(1, "a", "5", {"slice": "", "n": "1"}),
        RawExample(3, '{"x": "é"}', "b", {"slice": "s", "n": "[1]"}),
    ]


REFUSED = {
    'no column "in"': b'{"out": "b"}',
    'no column "out"': b'{"in": "a"}',
    '"in" is empty': b'{"in": " ", "out": "b"}',
    '"out" is empty': b'{"in": "a", "out": null}',
    "not JSON": b'{"in": "a", "out": ',
    "not a JSON object": b"[1, 2]",
    "NaN": b'{"in": "a", "out": NaN}',
    "Infinity": b'{"in": "a", "out": "b", "other": -Infinity}',
    "too large": b'{"in": "a", "out": 1e999}',
    "cannot be read": b'{"in": "a", "out": ' + b"9" * 5000 + b"}",
    '"in" occurs twice': b'{"in": "a", "in": "c", "out": "b"}',
    "surrogate": b'{"in": "a\\ud800", "out": "b"}',
    "NUL": b'{"in": "a\\u0000", "out": "b"}',
    "NUL ": b'{"in": ["a\\u0000"], "out": "b"}',
    "longer than": b'{"in": "' + b"a" * 2000 + b'", "out": "b"}',
    "nested": b'{"in": "a", "out": "b", "x": ' + b"[" * 200 + b"]" * 200 + b"}",
    "nested ": b'{"in":' * 120,
    "not UTF-8": b'{"in": "\xff", "out": "b"}',
}


@pytest.mark.parametrize("problem", REFUSED)
def test_a_row_that_cannot_be_taken_is_named(tmp_path, problem):
    limit = 6000 if "cannot" in problem else 1000
    with pytest.raises(DataError) as refused:
        rows(tmp_path, GOOD + REFUSED[problem] + b"\n" + GOOD, max_row_bytes=limit)
    assert problem.strip() in refused.value.detail
    assert "data.jsonl, line 2" in refused.value.detail and refused.value.fix
    assert len(refused.value.detail) < 500


def test_tag_columns_must_be_there(tmp_path):
    with pytest.raises(DataError, match="slice"):
        rows(tmp_path, GOOD, tags=("slice",))


def test_brackets_inside_texts_are_no_depth(tmp_path):
    text = '[{"\\' * 1000
    line = json.dumps({"in": text, "out": "b", "x": [[[]]] * 40}).encode()
    assert rows(tmp_path, line)[0].input == text


def test_a_bomb_of_two_hundred_thousand_levels_is_refused_at_once(tmp_path):
    with pytest.raises(DataError, match="nested"):
        rows(tmp_path, b'{"in": ' + b"[" * 200_000)


def test_a_row_of_very_many_keys_with_one_twice_is_refused_at_once(tmp_path):
    began = time.monotonic()
    keys = ",".join(f'"k{n}": 1' for n in range(200_000))
    with pytest.raises(DataError, match='"k199999" occurs twice'):
        rows(tmp_path, f'{{{keys}, "k199999": 2}}'.encode())
    assert time.monotonic() - began < 20, "half a second on a quiet machine; comparing every key with every other takes minutes"


def test_compressed_empty_and_missing_files_are_named(tmp_path):
    with pytest.raises(DataError, match="gzip"):
        rows(tmp_path, gzip.compress(GOOD))
    with pytest.raises(DataError, match="no examples"):
        rows(tmp_path, b"\n\n")
    with pytest.raises(MissingError):
        list(read_jsonl(tmp_path / "nowhere.jsonl", "in", "out"))
    with pytest.raises(MissingError):
        list(read_jsonl(tmp_path, "in", "out"))


def test_a_giant_line_takes_no_more_memory_than_the_limit(tmp_path):
    path = tmp_path / "giant.jsonl"
    path.write_bytes(b'{"in": "' + b"a" * 30_000_000)
    tracemalloc.start()
    with pytest.raises(DataError, match="longer"):
        list(read_jsonl(path, "in", "out", max_row_bytes=100_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
