"""Pages of samples: filtered and searched in the store, never the whole table."""

import pytest

from pada_local.errors import UsageError
from pada_local.host.answers import LARGEST_PAGE, answer
from pada_local.records import Candidate
from pada_local.store.project import Project
from tests.store import store_help


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p.duckdb", {}, []) as made:
        rows = [store_help.candidate(n, input=f"note {n} {'Fever' if n % 10 == 0 else 'cough'}",
                                     state="accepted" if n % 2 else "rejected") for n in range(5000)]  # fmt: skip
        made.put(*rows)
        yield made


def page(project, **words):
    return answer(project, {"op": "page", "kind": "Candidate", **words})


def test_pages_follow_each_other(project):
    first, second = page(project, limit=30), page(project, limit=30, offset=30)
    assert first["total"] == second["total"] == 5000
    rows = project.get(Candidate)
    assert [row["id"] for row in first["rows"] + second["rows"]] == [row.id for row in rows[:60]]
    assert page(project, offset=4990)["rows"][-1]["id"] == rows[-1].id and page(project, offset=9999)["rows"] == []


def test_filter_and_search_count_what_they_find(project):
    found = page(project, where={"state": "rejected"}, search="FEVER", limit=LARGEST_PAGE)
    assert found["total"] == 500 and all("Fever" in row["input"] and row["state"] == "rejected" for row in found["rows"])
    assert page(project, search="100% _ '; DROP")["total"] == 0


def test_a_page_is_never_larger_than_the_largest(project):
    assert len(page(project, limit=10**9)["rows"]) == LARGEST_PAGE


@pytest.mark.parametrize("question", [{"kind": "Adapter"}, {"kind": "Nothing"}, {"kind": "Candidate", "where": {"x": 1}}])
def test_only_samples_and_examples_come_in_pages(project, question):
    with pytest.raises(UsageError):
        answer(project, {"op": "page", **question})
