"""`pada review` from a shell: list, decide, confirm."""

import json

import pytest

from pada_local.errors import Interrupted
from pada_local.records import Run
from tests.cli.conftest import pada
from tests.loop.test_loop import RECIPE, Bench


@pytest.fixture
def paused(tmp_path, monkeypatch):
    """A project whose run waits for somebody to look at its strategies."""
    bench = Bench(tmp_path, monkeypatch)
    with pytest.raises(Interrupted):
        bench.run(RECIPE + "[review]\nstrategies = true\n")
    run = bench.project.one(Run)
    bench.project.replace(Run(**{name: getattr(run, name) for name in run.__struct_fields__} | {"state": "paused"}))
    bench.project.close()
    return bench.path


def test_list_rewrite_undo_and_confirm(paused):
    shown = pada("review", paused)
    assert shown.returncode == 0 and "2 strategies, not confirmed" in shown.stdout and "Write items of kind4." in shown.stdout
    first = json.loads(pada("review", paused, "--json").stdout)["waiting"][0]
    done = pada("review", paused, "rewrite", first["id"][:12], "--text", "Write short items.", "--json")
    assert json.loads(done.stdout)["edited"] == "Write short items."
    assert "Write short items." in pada("review", paused).stdout
    assert pada("review", paused, "undo", first["id"]).returncode == 0
    confirmed = pada("review", paused, "confirm")
    assert confirmed.returncode == 0 and f"pada run {paused}" in confirmed.stderr
    after = json.loads(pada("review", paused, "--json").stdout)
    assert after["confirmed"] and after["waiting"][0]["edited"] == ""


@pytest.mark.parametrize("words", [["reject", "zzz"], ["rewrite"], ["quota", "zzz", "--count", "x"], ["list", "--run", "none"]])
def test_what_cannot_be_is_a_sentence(paused, words):
    refused = pada("review", paused, *words)
    assert refused.returncode == 2 and refused.stderr.strip() and "Traceback" not in refused.stderr
