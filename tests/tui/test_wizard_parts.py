"""The wizard without a screen: completing paths, lines that hold several files, and the draft as a plan."""

import os
from pathlib import Path

import pytest

from pada_local.errors import UsageError
from tui.screens.wizard.complete import Offer, Offers, completed, offers
from tui.screens.wizard.draft import Draft, files_in, parts, project_name
from tui.screens.wizard.files import data_files
from tui.screens.wizard.step import in_fields

DATA = (".jsonl", ".csv")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("notes.jsonl", "notes-more.JSONL", "numbers.csv", "read me.txt", ".hidden.csv"):
        (tmp_path / name).write_text("")
    (tmp_path / "nested" / "deep").mkdir(parents=True)
    (tmp_path / "nested" / "a.csv").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "found", "whole"),
    [
        ("", ["nested/", "notes-more.JSONL", "notes.jsonl", "numbers.csv"], "n"),
        ("no", ["notes-more.JSONL", "notes.jsonl"], "notes"),
        ("nu", ["numbers.csv"], "numbers.csv"), ("ne", ["nested/"], "nested/"),
        ("nested/", ["nested/a.csv", "nested/deep/"], "nested/"), ("~/nu", ["~/numbers.csv"], "~/numbers.csv"),
        (".", [".hidden.csv"], ".hidden.csv"), ("./no", ["./notes-more.JSONL", "./notes.jsonl"], "./notes"),
        ("nothing", [], "nothing"), ("notes.jsonl/", [], "notes.jsonl/"), ("no/such/", [], "no/such/"), ("a\0b", [], "a\0b"),
    ],
)  # fmt: skip
def test_a_path_is_completed_as_far_as_it_is_clear(folder, text, found, whole):
    made = offers(text, DATA)
    assert [offer.text for offer in made.found] == found and not made.more
    assert completed(text, made) == whole


def test_a_folder_of_any_size_is_looked_at_to_a_bound(folder):
    for number in range(60):
        (folder / "nested" / f"f{number:02}.csv").write_text("")
    made = offers("nested/f", DATA, most=10)
    assert [offer.name for offer in made.found] == [f"f0{n}.csv" for n in range(10)] and made.more
    assert completed("nested/f", made) == "nested/f", "what is not shown may go on otherwise"
    few = offers("nested/", DATA, looked_at=5)
    assert len(few.found) == 5 and few.more
    assert offers("nested/f42", DATA).found == [Offer("nested/f42.csv", "f42.csv")]


def test_names_that_a_terminal_acts_on_are_shown_harmless_and_not_typed(folder):
    bad = [b"\x1b[2J.csv", b"new\nline.csv", b"\xff.csv", "turn\u202earound.csv".encode(), b"two;names.csv"]
    for name in bad:
        Path(os.fsdecode(bytes(folder / "nested") + b"/" + name)).write_text("")
    made = offers("nested/", DATA)
    assert sum(not offer.fits for offer in made.found) == len(bad) == len(made.found) - 2
    assert all(ord(char) >= 32 and not "\ud800" <= char <= "\udfff" for offer in made.found for char in offer.name)
    assert completed("nested/", made) == "nested/"


def test_a_folder_that_is_closed_offers_nothing(folder, monkeypatch):
    def refuse(_path):
        raise PermissionError("closed")

    monkeypatch.setattr(os, "scandir", refuse)
    assert offers("nested/", DATA) == Offers([])


def test_a_line_may_hold_several_files(folder):
    assert files_in("notes.jsonl; ~/numbers.csv ;") == ["notes.jsonl", str(folder / "numbers.csv")]
    (folder / "two;names.csv").write_text("")
    assert files_in("two;names.csv") == ["two;names.csv"]
    assert files_in("") == [] and parts(" a;b ; ") == ["a", "b"]
    assert [offer.text for offer in data_files("notes.jsonl; nu").found] == ["notes.jsonl; numbers.csv"]


def test_a_draft_is_the_plan_that_the_options_make(folder):
    draft = Draft(train="notes.jsonl", input="q", output="a", tags="k; l", metric="regex", word="[0-9]+", seed="7",
                  join=r"\n", format="csv", encoding="latin-1", file="~/p.duckdb", truncate=True)  # fmt: skip
    plan = draft.plan()
    assert (plan.train, plan.tags, plan.metric, plan.seed) == (["notes.jsonl"], ["k", "l"], "regex:[0-9]+", 7)
    assert plan.reading.format == "csv" and plan.reading.encoding == "latin-1"
    assert plan.join == "\n" and plan.file == folder / "p.duckdb" and plan.truncate


@pytest.mark.parametrize(
    "wrong", [{"train": " "}, {"encoding": "utf-7"}, {"format": "xml"}, {"seed": "x"}, {"seed": "9" * 5000}, {"seed": ""}]
)
def test_what_cannot_be_a_plan_is_said(folder, wrong):
    with pytest.raises(UsageError):
        Draft(**{"train": "notes.jsonl"} | wrong).plan()


@pytest.mark.parametrize(
    ("said", "shown"),
    [("add --delimiter ';'", "add 'delimiter' ';'"), ("or add --drop-overlap to", "or tick 'drop overlap' to"),
     ("--input-template TEXT", "'template' TEXT"), ("it holds a--b and -- c", "it holds a--b and -- c")],
)  # fmt: skip
def test_what_is_said_about_options_names_the_wizards_fields(said, shown):
    assert in_fields(said).endswith(shown)


@pytest.mark.parametrize(
    ("train", "name"),
    [("notes.jsonl", "notes.duckdb"), ("/a/b.c.csv; d.csv", "b.c.duckdb"), ("x.json#train", "x.duckdb"), ("", "project.duckdb"),
     ("[red]\x1b.csv", "red.duckdb"), ("...", "project.duckdb"), ("données.csv", "données.duckdb")],
)  # fmt: skip
def test_a_name_is_proposed(train, name):
    assert project_name(Draft(train=train)) == name
