"""The wheel, installed into an environment of its own and used from an empty folder: recipes and models come along."""

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*words, cwd):
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A `pada` whose own code is the wheel's; the packages that it needs are lent by this environment."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    # A folder named in a .pth file is searched, but its own .pth files are not read: the checkout stays out of sight.
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_holds_program_recipes_and_models_and_nothing_of_the_workshop(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    wanted = ["pada_local/_data/models/catalog.toml", "pada_local/_data/recipes/pada.toml", "tui/__init__.py"]
    wanted += ["pada_local/prompts/generate.md", "pada_local/store/migrations/0001_initial.sql"]
    assert set(wanted) <= set(names)
    assert any(name.endswith(".gguf") for name in names) and any(name.endswith("model.safetensors") for name in names)
    foreign = [name for name in names if name.split("/")[0] not in ("pada_local", "tui") and ".dist-info/" not in name]
    assert not foreign and not [name for name in names if "training/" in name or "tests" in name]
    assert wheel.stat().st_size < 20 * 2**20


def test_it_runs_outside_the_checkout(installed, tmp_path):
    pada = installed.with_name("pada")
    where = run(installed, "-c", "import pada_local; print(pada_local.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parents[1])
    recipes = json.loads(run(pada, "recipes", "list", "--json", cwd=tmp_path))
    assert {"vanilla", "pada", "random-strategies"} <= {row["name"] for row in recipes}
    models = json.loads(run(pada, "models", "list", "--json", cwd=tmp_path))
    assert {"demo-student", "demo-teacher"} <= {row["name"] for row in models}
    assert "pada 0." in run(pada, "--version", cwd=tmp_path)


def test_a_project_with_the_built_in_models_is_made_outside_the_checkout(installed, tmp_path):
    rows = [{"note": f"note {number} of a day", "line": f"line {number % 7}"} for number in range(60)]
    (tmp_path / "notes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pada = installed.with_name("pada")
    run(pada, "new", "p.duckdb", "--train", "notes.jsonl", "--input", "note", "--output", "line", "--metric", "exact_match",
        "--task", "Say the line.", cwd=tmp_path)  # fmt: skip
    status = json.loads(run(pada, "status", "p.duckdb", "--json", cwd=tmp_path))
    assert sum(status["examples"].values()) == 60
