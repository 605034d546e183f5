"""Every command's wrong use ends with its exit code and a sentence that says what to do, and never with a traceback."""

import json

import pytest

from pada_local.errors import ExitCode
from tests.cli.conftest import pada

NEW = ["new", "n.duckdb", "--train", "t.jsonl", "--input", "a", "--output", "b", "--metric", "exact_match"]
WRONG = [
    (["nonsense"], 2, "invalid choice"),
    (["run"], 2, "FILE"),
    (["run", "no.duckdb"], 3, "pada new"),
    (["run", "no.duckdb", "--recipe", "nonsense"], 2, "recipes list"),
    (["run", "no.duckdb", "--rounds", "0"], 2, "at least 1"),
    (["run", "no.duckdb", "--rounds", "x"], 2, "invalid int"),
    (["run", "no.duckdb", "--events", "xml"], 2, "json"),
    (["status", "no.duckdb"], 3, "pada new"),
    (["pause", "no.duckdb"], 3, "pada new"),
    (["stop", "no.duckdb"], 3, "pada new"),
    (["report", "no.duckdb"], 3, "pada new"),
    (["report", "no.duckdb", "--format", "pdf"], 2, "invalid choice"),
    (["compare", "no.duckdb", "a", "b"], 3, "pada new"),
    (["compare", "no.duckdb", "a"], 2, "required"),
    (["export", "no.duckdb", "--kind", "adapter", "--to", "x"], 3, "pada new"),
    (["export", "no.duckdb", "--kind", "nonsense", "--to", "x"], 2, "invalid choice"),
    (["export", "no.duckdb", "--kind", "adapter"], 2, "--to"),
    (["recipes"], 2, "required"),
    (["recipes", "show", "nonsense"], 2, "recipes list"),
    (["recipes", "check", "./nonsense.toml"], 2, "cannot be read"),
    (["models"], 2, "required"),
    (["demo", "--seed", "x"], 2, "invalid int"),
    (["tui", "no.duckdb"], 3, "pada status"),
    ([], 3, "terminal app"),
    (["new", "n.duckdb"], 2, "--train"),
    ([*NEW[:2], *NEW[2:8]], 2, "--metric"),
    ([*NEW, "--student", "nonsense"], 3, "demo-student"),
    ([*NEW, "--student", "demo-teacher"], 2, "models list"),
    (["new", "n.db", *NEW[2:]], 2, ".duckdb"),
]


@pytest.mark.parametrize(
    ("words", "code", "sentence"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_wrong_use(tmp_path, words, code, sentence):
    done = pada(*words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir()), "nothing is left behind"


@pytest.mark.parametrize("command", ["status", "report", "run"])
def test_a_file_that_is_no_project(tmp_path, command):
    path = tmp_path / "x.duckdb"
    path.write_bytes(b"hello")
    done = pada(command, path, cwd=tmp_path)
    assert done.returncode == ExitCode.FAILED and "not a project file" in done.stderr and "Traceback" not in done.stderr
    assert path.read_bytes() == b"hello"


def test_new_says_which_row_cannot_be_taken(tmp_path, models):
    (tmp_path / "t.jsonl").write_text('{"a": "x", "b": "y"}\n{"a": "x"}\n')
    done = pada(*NEW, *models, cwd=tmp_path)
    assert done.returncode == ExitCode.USAGE and "line 2" in done.stderr
    assert not (tmp_path / "n.duckdb").exists()


def test_new_refuses_a_metric_that_cannot_check_the_references(tmp_path, models, train_file):
    done = pada("new", "n.duckdb", "--train", train_file, "--input", "question", "--output", "answer", "--metric", "nonsense",
                *models, cwd=tmp_path)  # fmt: skip
    assert done.returncode == ExitCode.USAGE and "exact_match" in done.stderr
    words = [json.dumps({"question": f"q{n}", "answer": "no figure"}) for n in range(9)]
    train_file.write_text("\n".join(words))
    done = pada("new", "n.duckdb", "--train", train_file, "--input", "question", "--output", "answer", "--metric", "number_match",
                *models, cwd=tmp_path)  # fmt: skip
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert not (tmp_path / "n.duckdb").exists()


def test_new_refuses_an_example_that_is_in_train_and_test(tmp_path, models, train_file):
    test = tmp_path / "test.jsonl"
    test.write_text(train_file.read_text().splitlines()[0])
    done = pada("new", "n.duckdb", "--train", train_file, "--test", test, "--input", "question", "--output", "answer",
                "--metric", "exact_match", *models, cwd=tmp_path)  # fmt: skip
    assert done.returncode == ExitCode.USAGE and "both in" in done.stderr


def test_new_never_overwrites(made, models, train_file):
    before = made.read_bytes()
    done = pada(
        "new", made, "--train", train_file, "--input", "question", "--output", "answer", "--metric", "exact_match", *models
    )
    assert done.returncode == ExitCode.USAGE and "exists already" in done.stderr and made.read_bytes() == before


def test_asking_for_runs_that_are_not_there(made, tmp_path):
    done = pada("compare", made, "a", "b")
    assert done.returncode == ExitCode.USAGE and "no run 'a'" in done.stderr
    done = pada("export", made, "--kind", "adapter", "--to", tmp_path / "out")
    assert done.returncode == ExitCode.MISSING and "pada run" in done.stderr and not (tmp_path / "out").exists()
