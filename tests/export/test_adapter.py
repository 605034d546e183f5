"""An exported adapter is the trained one, byte for byte, in a folder that held nothing."""

import pytest

from pada_local.errors import MissingError, UsageError
from pada_local.export.adapter import export_adapter
from pada_local.records import Run
from tests.export.conftest import FILES


def test_the_best_champion_is_written_byte_for_byte(filled, tmp_path):
    done = export_adapter(filled, tmp_path / "out" / "deep")
    assert (done["run"], done["round"]) == ("bbb2", 2)
    out = tmp_path / "out" / "deep"
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    for name in FILES.keys() - {"README.md"}:
        assert (out / name).read_bytes() == FILES[name]
    page = (out / "README.md").read_text()
    assert "demo-student" in page and "sha256" in page


def test_a_named_run(filled, tmp_path):
    assert export_adapter(filled, tmp_path / "o", "vanilla")["run"] == "aaa1"


def test_nothing_is_overwritten(filled, tmp_path):
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "mine").write_text("x")
    with pytest.raises(UsageError):
        export_adapter(filled, tmp_path / "o")
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["mine"]


def test_without_a_champion(filled, tmp_path):
    with pytest.raises(MissingError, match="no champion"):
        export_adapter(filled, tmp_path / "o", "ccc3")
    for run in filled.get(Run):
        import msgspec

        filled.replace(msgspec.structs.replace(run, champion_round=0))
    with pytest.raises(MissingError, match="No run"):
        export_adapter(filled, tmp_path / "o")
    assert not (tmp_path / "o").exists()
