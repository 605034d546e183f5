"""Metrics that take a word: a regular expression, a function in the user's own file."""

import textwrap
import time

import pytest

import pada_local.metrics  # noqa: F401
from pada_local.errors import MissingError, UsageError
from pada_local.metrics import registry


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent("""
        def half(answer, reference):
            return 1 if answer == reference else 0.5
        def truth(answer, reference):
            return answer == reference
        def broken(answer, reference):
            return {}["nothing"] if answer != reference else 1
        def large(answer, reference):
            return 7
        def odd(answer, reference):
            return "good"
        not_callable = 3
    """))
    return file


def test_an_own_function_scores(own):
    name = f"python:{own}:half"
    assert registry.score(name, "a", "a").value == 1.0 and registry.score(name, "b", "a").value == 0.5
    assert registry.score(f"python:{own}:truth", "a", "a").value == 1.0
    assert registry.check_references(name, ["x", "y"]) == []
    assert registry.score(name, "", "a").value == 0.0


WRONG = [("broken", "KeyError"), ("large", "not a number from 0 to 1"), ("odd", "not a number")]


@pytest.mark.parametrize(("function", "why"), WRONG)
def test_what_an_own_function_does_wrong_is_said_and_not_scored(own, function, why):
    found = registry.score(f"python:{own}:{function}", "b", "a")
    assert found.value is None and why in found.why and function in found.why


@pytest.mark.parametrize(
    ("named", "error"),
    [("nowhere.py:half", MissingError), ("half", UsageError), ("{own}:nothing", UsageError), ("{own}:not_callable", UsageError)],
)
def test_what_cannot_be_called_is_a_sentence(own, named, error):
    with pytest.raises(error):
        registry.find("python:" + named.replace("{own}", str(own)))


def test_a_file_that_cannot_be_run_is_a_sentence(own):
    own.write_text("def half(:")
    with pytest.raises(UsageError, match="cannot be run"):
        registry.find(f"python:{own}:half")


def test_the_kept_name_holds_the_hash_and_a_changed_file_is_refused(own):
    kept = registry.find(f"python:{own}:half").name
    assert kept.startswith(f"python:{own}:half@") and registry.find(kept).name == kept
    assert registry.score(kept, "a", "a").value == 1.0
    own.write_text(own.read_text() + "\n# changed\n")
    registry.find.cache_clear()
    with pytest.raises(UsageError, match="not the one"):
        registry.find(kept)


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(UsageError, match="not a regular expression"):
        registry.find("regex:(")


def test_a_pattern_that_backtracks_without_end_is_stopped():
    started = time.monotonic()
    found = registry.score(r"regex:^(a|a|b?)*c$", "a" * 60, "c")
    assert found.value == 0.0 and time.monotonic() - started < 10


def test_families_are_named_among_the_known_metrics():
    assert "regex:PATTERN" in registry.known() and "python:FILE.py:FUNCTION" in registry.known()
