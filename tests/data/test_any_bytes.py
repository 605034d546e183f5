"""Whatever stands in a file: it is read as it was written, or refused with a sentence, and never ends in a traceback."""

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pada_local.data.columns import Taker
from pada_local.data.formats import Reading, source_of
from pada_local.data.read import read_examples
from pada_local.data.refusal import Place
from pada_local.errors import PadaError

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=30).filter(str.strip)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8)


def as_csv(rows: list[dict], delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["q", "a"], delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


WRITERS = {
    "jsonl": lambda rows: "\n".join(map(json.dumps, rows)),
    "json": lambda rows: json.dumps({"x": {"y": 1}, "rows": rows}, indent=1, ensure_ascii=False),
    "csv": as_csv,
    "tsv": lambda rows: as_csv(rows, "\t"),
}


def read(content: bytes, format: str, records: str = "") -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"d.{format}")
        path.write_bytes(content)
        source = source_of(str(path), Reading(records=records, format=format))
        return [(row.input, row.output) for row in read_examples(source, Taker("q", "a"), Place(path), max_row_bytes=2000)]


@pytest.mark.parametrize("format", WRITERS)
@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_what_was_written_is_read(format, rows):
    written = WRITERS[format]([{"q": q, "a": a} for q, a in rows]).encode()
    assert read(written, format, "rows" if format == "json" else "") == rows


@pytest.mark.parametrize("format", WRITERS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_bent_files_are_refused_with_a_sentence(format, data):
    whole = bytearray(WRITERS[format]([{"q": f"question {n}", "a": f"a{n}"} for n in range(4)]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        put = data.draw(st.binary(max_size=3) | st.sampled_from([b'"', b"{", b"[", b",", b"\n"]))
        whole[at : at + data.draw(st.integers(0, 3))] = put
        whole = whole or bytearray(b"\n")
    try:
        assert read(bytes(whole), format, "rows" if format == "json" else "")
    except PadaError as refused:
        assert str(refused) and "d." in str(refused)
