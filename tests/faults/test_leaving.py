"""SIGTERM to the host and a terminal that is closed: a clean pause within five seconds, and a run that goes on alone."""

import contextlib
import json
import os
import pty
import select
import signal
import sys
import time

import pytest

from pada_local.session import Session
from tests.faults import crash_help as crash

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.mark.parametrize("stage", ["train", "gate"])
def test_sigterm_pauses_in_five_seconds(small, stage):
    path, recipe = small
    with crash.Followed(path, recipe, 1) as run:
        for event in run.events():
            if event.get("stage") == stage or (stage == "train" and event["type"] == "TrainStep"):
                began = time.monotonic()
                host = crash.member(path, "pada_local.host")
                os.kill(host, signal.SIGTERM)
                break
        assert crash.wait_for_exit(host, 5.2) and time.monotonic() - began < 5.2
        list(run.events())
        code, said = run.ended()
    assert code == 4, said
    crash.assert_nobody_left(path, 1.0)
    crash.assert_one_file_left(path)
    assert [row["state"] for row in json.loads(crash.pada("status", path, "--json").stdout)["runs"]] == ["paused"]
    before = crash.dump(path)
    crash.check_whole(before)
    crash.check_said(run.seen, before)
    crash.check_kept(before, crash.finish(path, recipe, 1, run.seen))


def test_a_closed_terminal_leaves_the_run_alone(small):
    """The terminal goes away under `pada run`: the kernel sends SIGHUP, the command ends, the host does not."""
    path, recipe = small
    command = [sys.executable, "-m", "pada_local.cli", "run", str(path), "--recipe", str(recipe), "--seed", "1"]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(crash.ROOT)
        os.execve(command[0], command, os.environ | {"PYTHONPATH": str(crash.ROOT)})
    said = b""
    while b"train" not in said:
        assert select.select([terminal], [], [], 60)[0], said
        said += os.read(terminal, 4096)
    os.close(terminal)
    assert crash.wait_for_exit(child, 10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGHUP
    with contextlib.closing(Session.attach(path)) as session:
        assert session.status()["active"]
        kinds = [type(event).__name__ for _, event in session.events()]
        assert session.outcome["state"] == "done" and kinds[-1] == "RunDone"
    crash.assert_nobody_left(path)
    crash.assert_one_file_left(path)
    crash.check_finished(path, crash.dump(path))
