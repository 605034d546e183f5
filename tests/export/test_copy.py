"""A copy without private examples gives the same report, holds none of the texts, and its check finds one that was put in."""

import json

import msgspec
import pytest

from pada_local.cli.call import call
from pada_local.errors import StoreError
from pada_local.export.copy import check_copy, copy_project
from pada_local.export.quotes import REMOVED, Quotes
from pada_local.export.report import build_report
from pada_local.records import Decision, Example, Prediction, Prompt, Setting, Strategy
from pada_local.store.project import Project
from pada_local.store.tables import NAMES
from tests.export.conftest import SETTINGS, example, fill

SECRET = "Mrs Zwerg of 4 Mill Lane has worn a red hat since her operation in May"


@pytest.fixture
def private(tmp_path):
    """A project whose every text column holds the secret somewhere."""
    rows = [msgspec.structs.replace(example("train", n), input=f"{SECRET} {n}", tags={"slice": "plain", "who": f"Zwerg {n}"})
            for n in range(6)]  # fmt: skip
    rows += [example(split, n) for split, size in (("validation", 10), ("test", 40)) for n in range(size)]
    with Project.create(
        tmp_path / "p.duckdb", SETTINGS | {"system": f"Think of {SECRET}.", "student": "/home/zwerg/s"}, rows
    ) as made:
        fill(made)
        strategy = made.get(Strategy)[0]
        made.replace(msgspec.structs.replace(strategy, edited=f"Write more like: {SECRET.upper()}!", drafted="plain advice"))
        made.replace(*(msgspec.structs.replace(row, text=f"{SECRET} {n}") for n, row in enumerate(made.get(Prediction))))
        decision = Decision(id="d", run_id="bbb2", subject_id="s1", action="edit", before=SECRET, after="", reason="", at="")
        made.put(Prompt(id="q", text=SECRET), decision)
        yield made


def all_texts(file):
    with Project.open(file, read_only=True) as copy:
        return json.dumps([msgspec.to_builtins(row) for kind in NAMES for row in copy.get(kind)])


def test_no_private_text_goes_along(private, tmp_path):
    done = copy_project(private, tmp_path / "copy.duckdb")
    texts = all_texts(tmp_path / "copy.duckdb")
    for part in ("Zwerg", "ZWERG", "zwerg", "Mill Lane", "red hat", "MILL"):
        assert part not in texts and part.encode() not in (tmp_path / "copy.duckdb").read_bytes()
    assert REMOVED in texts and "plain advice" in texts
    assert done["removed"] == 2 and done["private_texts"] > 0 and done["checked"] > 100
    ids = {row.id for row in private.get(Example)}
    assert not any(one in texts for one in ids)


def test_the_report_is_the_same(private, tmp_path):
    copy_project(private, tmp_path / "copy.duckdb")
    before = build_report(private)
    with Project.open(tmp_path / "copy.duckdb") as copy:
        after = build_report(copy)
    for run in before["runs"] + after["runs"]:
        for one in run["rounds"]:
            one.pop("patterns")  # the strategy that quoted an example was removed
    for whole in (before, after):
        whole["project"].pop("student")
        for run in whole["runs"]:
            for kind in ("by_slice", "slices"):
                (run["test"] or {}).pop(kind, None)
    assert after == before


def test_the_check_finds_a_text_that_was_put_in(private, tmp_path):
    copy_project(private, tmp_path / "copy.duckdb")
    with Project.open(tmp_path / "copy.duckdb") as copy:
        copy.put(Setting(key="note", value=f"by the way, {SECRET.lower()}"))
    with pytest.raises(StoreError, match="private text"):
        check_copy(tmp_path / "copy.duckdb", Quotes([SECRET]))


def test_a_copy_that_fails_is_not_left_behind(private, tmp_path, monkeypatch):
    monkeypatch.setattr("pada_local.export.copy.check_copy", lambda *_: (_ for _ in ()).throw(StoreError("found")))
    with pytest.raises(StoreError):
        copy_project(private, tmp_path / "copy.duckdb")
    assert not list(tmp_path.glob("*copy*"))


def test_labels_and_single_words_are_ordinary_language():
    quotes = Quotes(["yes", "shipping delay", "one two three four five six seven eight nine"])
    assert not quotes.quoted_in("answer yes or name a shipping delay")
    assert quotes.quoted_in("ONE, two three: four five six seven eight!") and not quotes.quoted_in("one two three four")


@pytest.mark.parametrize("kind", ["report", "project"])
def test_the_command(private, tmp_path, kind, capsys):
    path = private.path
    private.close()
    to = tmp_path / ("o.duckdb" if kind == "project" else "o")
    assert call(["export", str(path), "--kind", kind, "--to", str(to)]) == 0
    said = capsys.readouterr()
    assert to.exists() and str(to) in said.out
    assert call(["export", str(path), "--kind", kind, "--to", str(to)]) == 2
