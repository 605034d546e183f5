"""What every test shares: folders of its own, and the shared test data where there is any."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def user_dirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A test never sees or touches the person's own models, caches and running hosts.

    The folder lies straight under /tmp: a UNIX socket's path must be shorter than 108 bytes and pytest's own are long.
    """
    folder = Path(tempfile.mkdtemp(prefix="pd", dir="/tmp"))
    for name, inside in (("XDG_DATA_HOME", "d"), ("XDG_RUNTIME_DIR", "r"), ("HF_HOME", "h")):
        (folder / inside).mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder / inside))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder beside the checkout with test data and weights; not part of the repository."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("../shared (test data and weights) is not there")
    return folder


@pytest.fixture(scope="session")
def shared_weights(shared_folder: Path) -> Path:
    """Folders of small foreign models."""
    folder = shared_folder / "weights"
    if not folder.is_dir():
        pytest.skip("../shared/weights is not there")
    return folder


@pytest.fixture(scope="session")
def tuned_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a student that was tuned for a moment; never opened itself, only copied."""
    from tests.talk_help import make_tuned

    return make_tuned(tmp_path_factory.mktemp("tuned"))


@pytest.fixture
def tuned(tuned_file: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copy(tuned_file, tmp_path / "tuned.duckdb"))
