"""The data-quality panel of a run, and the definition of every number that it and the reports show."""

import msgspec
import pytest

from pada_local.errors import UsageError
from pada_local.export.glossary import define, glossary
from pada_local.export.html import render_html
from pada_local.export.panel import COLUMNS
from pada_local.export.report import build_report
from pada_local.export.text import render_text
from pada_local.metrics.quality import Quality
from pada_local.records import Candidate


def test_a_run_that_added_samples_has_a_row_before_and_two_after_each_round(filled):
    [run] = [run for run in build_report(filled)["runs"] if run["id"] == "bbb2"]
    panel = run["quality"]
    assert [(row["new"], row["round"]) for row in panel] == [(False, 0), (True, 1), (False, 1)]
    added = filled.count(Candidate, run_id="bbb2", selected=True)
    assert [row["texts"] for row in panel] == [4, added, 4 + added]


def test_a_run_that_added_nothing_has_no_panel(filled):
    [run] = [run for run in build_report(filled)["runs"] if run["id"] == "aaa1"]
    assert run["quality"] == []


def test_text_and_html_show_the_panel(filled):
    report = build_report(filled)
    assert "new of round 1" in render_text(report)
    page = render_html(report)
    assert "Data before and after each round" in page and "all after round 1" in page
    assert page.count("<dt>") == len(glossary())


def test_every_number_of_the_panel_has_a_definition():
    names = {field.name for field in msgspec.structs.fields(Quality)} - {"texts", "words"}
    assert names <= set(glossary()) and set(COLUMNS) <= names | {"texts", "words"}


def test_a_definition_is_found_however_its_name_is_written():
    assert define("ApEn-1") == define("apen_1") and "words" in define("apen 1")
    with pytest.raises(UsageError) as caught:
        define("gainz")
    assert "apen_1" in caught.value.detail
