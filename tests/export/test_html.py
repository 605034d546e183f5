"""The HTML report: well-formed, loads nothing, holds the report's own figures, and no foreign text breaks out of it."""

import xml.etree.ElementTree as ElementTree

import pytest

from pada_local.export.html import render_html
from pada_local.export.losses import MOST_POINTS
from pada_local.export.plots import number
from pada_local.export.report import build_report
from pada_local.records import TrainingStep

HOSTILE = (
    "</title></svg></style><script>alert(1)</script>\" onload='x' ]]>&#0; <img src=http://x/y> \x1b[31m\u202e\uffff\ud800 {{7*7}}"
)


def step(number):
    return TrainingStep(adapter_id="second", step=number, loss=3 / number, grad_norm=1.0, learning_rate=1e-4, tokens=10)


@pytest.fixture
def report(filled):
    filled.put(*(step(n) for n in range(1, 501)))
    return build_report(filled)


def figures(page):
    """data-value of every mark, by the caption of its figure; several runs may have a figure of one name."""
    found = {}
    for figure in ElementTree.fromstring(page).iter("figure"):
        values = [one.get("data-value") for one in figure.iter() if one.get("data-value")]
        found.setdefault(figure.find("figcaption").text, []).extend(values)
    return found


def hostile(value):
    """The report with every text replaced by one that tries to get out; texts that are looked up stay apart."""
    if isinstance(value, dict):
        return {(key + HOSTILE if ": " in key else key): hostile(part) for key, part in value.items()}
    if isinstance(value, list):
        return [hostile(part) for part in value]
    return value + HOSTILE if isinstance(value, str) else value


def test_plots_hold_the_figures_of_the_report(report):
    found = figures(render_html(report))
    rounds = [one for run in report["runs"] for one in run["rounds"]]
    means = [number(one["validation"]["mean"]) for one in rounds if one["validation"]]
    assert found["Validation score per round, with 95% intervals"] == means == ["0.4", "0.5", "0.8"]
    assert found["Patterns, by the failures behind them"] == ["5"]
    assert sorted(found["Why samples were refused"]) == sorted(str(n) for one in rounds for n in one["reasons"].values())
    assert found["Seconds"] == ["1", "0", "2", "1.5", "0", "0"]


def test_loss_curves_are_short_and_keep_both_ends(report):
    curve = report["runs"][1]["rounds"][0]["train"]["losses"]
    assert len(curve) == MOST_POINTS and curve[0] == [1, 3.0] and curve[-1] == [500, 0.006]
    assert "Training loss" in figures(render_html(report))


def test_the_page_loads_nothing(report):
    page = render_html(report)
    root = ElementTree.fromstring(page)
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(one.tag for one in root.iter())
    names = {name for one in root.iter() for name in one.attrib}
    assert not names & {"src", "href", "style"} and not [name for name in names if name.startswith("on")]
    assert "http://" not in page and "https://" not in page and "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page and "prefers-color-scheme" in page and "@media print" in page


def test_hostile_texts_stay_texts(report):
    plain, bad = (ElementTree.fromstring(render_html(one)) for one in (report, hostile(report)))
    assert [one.tag for one in plain.iter()] == [one.tag for one in bad.iter()]
    assert [sorted(one.attrib) for one in plain.iter()] == [sorted(one.attrib) for one in bad.iter()]
    page = render_html(hostile(report))
    assert "<script" not in page and "\x1b" not in page and "\u202e" not in page
    page.encode()


def test_a_project_without_runs_has_a_page(report):
    page = render_html(report | {"runs": [], "comparisons": [], "notes": []})
    assert "No run yet" in page and ElementTree.fromstring(page) is not None
