"""The fault matrix of the store, the loop and the host: hundreds of faults at named points of runs with fakes."""

import json
import os
import time
from collections import Counter

import duckdb
import pytest

from tests.faults import crash_help as crash
from tests.faults.matrix import FAULTS, Gallery, Range, make_project

FEW, MANY = 12, 500


@pytest.fixture(scope="module")
def gallery():
    made = Gallery()
    yield made
    made.close()


def shots(gallery, folder, name: str, wanted: int):
    began = time.monotonic()
    field = Range(gallery, folder, crash.draw(name))
    assert len(field.passed) >= 25
    while field.tally.faults.total() < wanted:
        field.chain(faults=4)
    print(f"{name}: {field.tally} ({time.monotonic() - began:.0f} s)")
    return field


def test_a_few_faults(gallery, tmp_path):
    """The seeded share that every test run takes."""
    assert shots(gallery, tmp_path, "few", FEW).tally.faults.total() >= FEW


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_five_hundred_faults(gallery, tmp_path):
    field = shots(gallery, tmp_path, "many", MANY)
    assert set(field.tally.faults) == set(FAULTS)
    missed = sorted(set(field.passed) - set(field.tally.points))
    assert len(missed) <= len(field.passed) // 10, missed


def test_a_newer_file_and_a_second_host_are_refused(gallery, tmp_path):
    """Both are sentences and neither changes a byte."""
    path = make_project(tmp_path)
    opened = duckdb.connect(str(path))
    opened.execute("INSERT INTO migrations VALUES (9999, '9999_later', '2030-01-01')")
    held = gallery.shoot(do="run", path=str(path), seed=1)["lines"][-1]
    assert held["refused"] == "BusyError" and str(os.getpid()) in held["detail"]
    opened.close()
    before = path.read_bytes()
    newer = gallery.shoot(do="run", path=str(path), seed=1)["lines"][-1]
    assert newer["refused"] == "StoreError" and "newer version" in newer["title"]
    assert path.read_bytes() == before


@pytest.mark.faults
@pytest.mark.parametrize("what", ["file", "log"])
def test_bent_bits_and_cut_ends_are_refused_or_change_nothing(gallery, tmp_path, what):
    """40 flips and 20 cuts of a file or of the log that a killed host left: never other rows than those that were written."""
    draw, path = crash.draw(f"bent {what}"), make_project(tmp_path / "sound")
    fault = {"kind": "kill", "point": "after commit of predictions scores table", "nth": 12, "path": str(path)}
    assert gallery.shoot(do="run", path=str(path), seed=1, fault=fault)["status"] == -9
    before, outcomes = gallery.dump(path), Counter()
    sound = {end: path.with_name(path.name + end).read_bytes() for end in ("", ".wal")}
    for number in range(60):
        bent = bytearray(sound["" if what == "file" else ".wal"])
        if number < 40:
            bent[draw.randrange(len(bent))] ^= 1 << draw.randrange(8)
        else:
            del bent[draw.randrange(1, len(bent)) :]
        there = tmp_path / f"{number}.duckdb"
        there.write_bytes(bent if what == "file" else sound[""])
        there.with_name(there.name + ".wal").write_bytes(bent if what == "log" else sound[".wal"])
        answer = gallery.shoot(do="dump", path=str(there))
        assert there.read_bytes() == (bent if what == "file" else sound[""])  # looking changes nothing
        if answer["status"]:
            refusal = json.loads(answer["said"].splitlines()[-1])
            assert refusal["refused"] == "StoreError" and str(there) in refusal["detail"], answer
            outcomes["refused"] += 1
            continue
        after = json.loads(answer["said"])
        outcomes["same" if after == before else "the beginning"] += 1
        if what == "file":
            assert after == before
        else:  # the log's end may be missing: every transaction is there whole or not at all
            crash.check_whole(after)
            crash.check_kept(after, before)
    print(f"{what}: {dict(outcomes)}")
    assert outcomes["refused"]
