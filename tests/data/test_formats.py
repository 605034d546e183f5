"""Every format that is read in the host, with what it gives and what it refuses, and where it says the trouble is."""

import json
from pathlib import Path

import pytest

from pada_local.data.columns import RawExample, Taker
from pada_local.data.formats import Reading, source_of, sources_of
from pada_local.data.read import read_examples
from pada_local.data.refusal import Place
from pada_local.errors import DataError, MissingError, UsageError

PLAIN = Reading()
LONG = b"a" * 5000


def read(path: Path, taker: Taker, inside: str = "", reading: Reading = PLAIN, **more) -> list[RawExample]:
    source = source_of(f"{path}{inside}", reading)
    return list(read_examples(source, taker, Place(source.path), **more))


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


PAIRS = [("q1", "a1"), ("q2", "a2")]
TAKEN = {
    "jsonl": ("d.jsonl", b'{"q": "q1", "a": "a1"}\n\n{"q": "q2", "a": "a2"}', "", PLAIN, ("q", "a"), [1, 3]),
    "jsonl named json": ("d.json", b'{"q": "q1", "a": "a1"}\n{"q": "q2", "a": "a2"}\n', "", PLAIN, ("q", "a"), [1, 2]),
    "json list": ("d.json", b'[\n{"q": "q1", "a": "a1"},\n{"q": "q2", "a": "a2"}]', "", PLAIN, ("q", "a"), [2, 3]),
    "json on one line": ("d.json", b'[{"q": "q1", "a": "a1"}, {"q": "q2", "a": "a2"}]', "", PLAIN, ("q", "a"), [1, 1]),
    "json of pairs, by the file's own path": (
        "d.json", b'{"val": [["x", "y"]],\n"train": [["q1", "a1"],\n["q2", "a2"]], "n": 1}',
        "#train", PLAIN, ("0", "1"), [2, 3],
    ),
    "json by --records": ("d.json", b'{"data": {"rows":\n[{"q": "q1", "a": "a1"},\n{"q": "q2", "a": "a2"}]}}', "",
                          Reading("$.data.rows[*]"), ("q", "a"), [2, 3]),
    "json keyed records, the key as the output": ("d.json", b'{"a1": {"q": "q1"},\n "a2": {"q": "q2"}}', "", Reading("*"),
                                                  ("q", "@key"), [1, 2]),
    "json groups": ("d.json", b'{"a1": [{"q": "q1"}],\n "a2": [{"q": "q2"}]}', "", Reading("*[*]"), ("q", "@key"), [1, 2]),
    "columns inside": ("d.jsonl", b'{"m": {"q": ["q1"]}, "a.b": "a1"}\n{"m": {"q": ["q2"]}, "a.b": "a2"}', "", PLAIN,
                       ("m.q[0]", "a.b"), [1, 2]),
    "csv": ("d.csv", b'\xef\xbb\xbfq,a,z\r\nq1,a1,\r\n"q2",a2,"x\ny"\r\n', "", PLAIN, ("q", "a"), [2, 3]),
    "csv with semicolons": ("d.csv", b"q;a\nq1;a1\nq2;a2", "", Reading(delimiter=";"), ("q", "a"), [2, 3]),
    "tsv": ("d.tsv", b"q\ta\nq1\ta1\nq2\ta2\n", "", PLAIN, ("q", "a"), [2, 3]),
    "named format": ("d.txt", b"q,a\nq1,a1\nq2,a2\n", "", Reading(format="csv"), ("q", "a"), [2, 3]),
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
def test_every_format_gives_the_same_examples(tmp_path, case):
    name, content, inside, reading, columns, lines = TAKEN[case]
    got = read(put(tmp_path, name, content), Taker(*columns), inside, reading)
    assert [(row.input, row.output) for row in got] == PAIRS
    assert [row.line for row in got] == lines


J = b'[\n{"q": "x", "a": "y"},\n'
REFUSED = {
    # name of the case: file, content, line, what is said
    "json: missing column": ("d.json", J + b'{"q": "x"}]', 3, 'no column "a", only "q"'),
    "json: empty output": ("d.json", J + b'{"q": "x", "a": ""}]', 3, '"a" is empty'),
    "json: NaN": ("d.json", J + b'{"q": "x", "a": NaN}]', 3, "NaN is not JSON"),
    "json: key twice": ("d.json", J + b'{"q": "x", "q": "z", "a": "y"}]', 3, '"q" occurs twice'),
    "json: lone surrogate": ("d.json", J + b'{"q": "x", "a": "\\ud800"}]', 3, "surrogate"),
    "json: oversized": ("d.json", J + b'{"q": "' + LONG + b'", "a": "y"}]', 3, "longer than"),
    "json: nested": ("d.json", J + b'{"q": "x", "a": ' + b"[" * 90 + b"]" * 90 + b"}]", 3, "nested"),
    "json: nesting bomb": ("d.json", J + b"[" * 200_000, 3, "nested"),
    "json: broken": ("d.json", J + b'{"q": "x" "a": 1}]', 3, "not JSON"),
    "json: cut off": ("d.json", J + b'{"q": "x", "a": "y"}', 3, "ends too early"),
    "json: goes on": ("d.json", J + b'{"q": "x", "a": "y"}]\n{}', 4, "--format jsonl"),
    "json: trailing comma": ("d.json", b'[\n{"q": "x", "a": "y"},\n]', 3, "comma"),
    "json: no comma": ("d.json", b'[\n{"q": "x", "a": "y"}\n{"q": "x"}]', 3, "comma"),
    "json: a record that is a text": ("d.json", b'[\n"x"]', 2, "not an object"),
    "json: not UTF-8": ("d.json", b'["\xff"]', 1, "--encoding"),
    "json: a number": ("d.json", b"7", 1, "no list of records"),
    "json: huge number": ("d.json", J + b'{"q": "x", "a": ' + b"9" * 4900 + b"}]", 3, "cannot be read"),
    "jsonl: a list": ("d.jsonl", b'{"q": "x", "a": "y"}\n[1]', 2, "not a JSON object"),
    "csv: missing column": ("d.csv", b"q,b\nx,y\n", 2, 'no column "a", only "q", "b"'),
    "csv: empty output": ("d.csv", b"q,a\nx,y\nx,\n", 3, '"a" is empty'),
    "csv: too many fields": ("d.csv", b'q,a\n"x\ny",y\nx,y,z\n', 4, "3 fields"),
    "csv: too few fields": ("d.csv", b"q,a\nx\n", 2, "1 fields"),
    "csv: column twice": ("d.csv", b"q,a,q\nx,y,z\n", 1, '"q" occurs twice'),
    "csv: open quote": ("d.csv", b'q,a\nx,y\n"x,y\n' + b"x,y\n" * 2000, 3, "quote"),
    "csv: open quote at the end": ("d.csv", b'q,a\n"x,y\n', 2, "not CSV"),
    "csv: oversized": ("d.csv", b"q,a\nx," + LONG + b"\n", 2, "longer than"),
    "csv: other separator": ("d.csv", b"q;a\nx;y\n", 1, '--delimiter ";"'),
    "csv: NUL": ("d.csv", b"q,a\nx,\x00\n", 2, "NUL"),
    "csv: not UTF-8": ("d.csv", b"q,a\nx,\xff\n", 2, "not UTF-8"),
    "csv: very many columns": ("d.csv", b",".join(b"%d" % n for n in range(900)) + b"\n", 1, "columns"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_names_file_and_line(tmp_path, case, monkeypatch):
    monkeypatch.setattr("pada_local.data.csv_rows.MAX_COLUMNS", 800)
    name, content, line, said = REFUSED[case]
    with pytest.raises(DataError) as refused:
        read(put(tmp_path, name, content), Taker("q", "a"), max_row_bytes=4990 if "huge" in case else 4096)
    assert f"{name}, line {line}: " in refused.value.detail and said in refused.value.detail
    assert refused.value.fix and len(refused.value.detail) < 600


def test_a_json_file_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("pada_local.data.json_rows.MAX_JSON_BYTES", 10)
    with pytest.raises(DataError, match="JSONL"):
        read(put(tmp_path, "d.json", b'[{"q": "x", "a": "y"}]'), Taker("q", "a"))


WRONG_FILES = {
    "not there": ("no.jsonl", None, PLAIN, MissingError, "not there"),
    "unknown ending": ("d.xlsx", b"x", PLAIN, UsageError, "--format"),
    "UTF-16": ("d.csv", "q,a".encode("utf-16"), PLAIN, DataError, "UTF-16"),
    "compressed": ("d.csv", b"\x1f\x8b\x08", PLAIN, DataError, "gzip"),
    "empty": ("d.csv", b"q,a\n", PLAIN, DataError, "no examples"),
    "empty list": ("d.json", b"[]", PLAIN, DataError, "no examples"),
    "records of a CSV": ("d.csv", b"q,a\nx,y\n", Reading("data"), UsageError, "not a JSON file"),
    "a path to nothing": ("d.json", b'{"x": 1}', Reading("data"), DataError, "--records"),
    "a delimiter of two": ("d.csv", b"q,a\nx,y\n", Reading(delimiter="::"), UsageError, "cannot separate"),
    "a folder without a data set": (".", None, PLAIN, UsageError, "folder"),
    "a path that is none": ("d.json", b"{}", Reading("a[b"), UsageError, "cannot be understood"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_wrong_files_are_said_to_be_so(tmp_path, case):
    name, content, reading, kind, said = WRONG_FILES[case]
    if content is not None:
        put(tmp_path, name, content)
    with pytest.raises(kind) as refused:
        read(tmp_path / name, Taker("q", "a"), reading=reading)
    assert said in str(refused.value)


def test_a_file_is_read_once(tmp_path):
    path = str(put(tmp_path, "d.csv", b"q,a\nx,y\n"))
    with pytest.raises(UsageError, match="twice"):
        sources_of([path, path], PLAIN)


def test_a_name_with_a_number_sign_is_that_file(tmp_path):
    path = put(tmp_path, "a#b.jsonl", b'{"q": "x", "a": "y"}')
    assert read(path, Taker("q", "a"))[0].input == "x"


def test_files_of_another_encoding_are_read_as_it_and_utf8_stays_utf8(tmp_path):
    old = put(tmp_path, "old.csv", "q,a\nMünster,y\n".encode("latin-1"))
    new = put(tmp_path, "new.csv", "q,a\nMünster,y\n".encode())
    for path in (old, new):
        assert read(path, Taker("q", "a"), reading=Reading(encoding="latin-1"))[0].input == "Münster"


def test_templates_join_columns_and_keep_braces(tmp_path):
    row = {"Q": "why", "C": ["one", "two"], "n": 3, "a": "y"}
    path = put(tmp_path, "d.jsonl", json.dumps(row).encode())
    taker = Taker(output="a", template=r"{Q}?\n{C[*]} {{x}} {n}", tags=["n", "@file"], join=" / ")
    assert read(path, taker) == [RawExample(1, "why?\none / two {x} 3", "y", {"n": "3", "@file": "d.jsonl"})]


@pytest.mark.parametrize(
    "words",
    [
        {"template": "no column"}, {"template": "{open"}, {"template": "{}"}, {"template": "{x}", "output": ""},
        {"input": "q", "template": "{q}"}, {"input": "q", "output": ""}, {"messages": "m"}, {}, {"input": "a..b"},
    ],
    ids=str,
)  # fmt: skip
def test_columns_that_make_no_sense_are_refused(words):
    with pytest.raises(UsageError):
        Taker(**{"output": "a", **words})


def test_a_template_over_empty_columns_is_an_empty_input(tmp_path):
    path = put(tmp_path, "d.jsonl", b'{"Q": "", "a": "y"}')
    with pytest.raises(DataError, match="empty"):
        read(path, Taker(output="a", template="Question: {Q}"))
