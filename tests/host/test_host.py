"""The host's promises: one owner, equal viewers, clean pauses, and nothing lost or left behind by kill -9."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pada_local import errors, events
from pada_local.host import place, wire
from pada_local.records import TrainingStep
from pada_local.session import Session
from pada_local.store.project import Project
from tests.host.conftest import alive, make_recipe, wait_until


def folded(session, since=0):
    """Fold until the run ends: (view, numbers of the events)."""
    view, numbers = events.RunView(), []
    for seq, event in session.events(since):
        view = events.apply(view, event)
        numbers.append(seq)
    return view, numbers


def start(path, recipe=None, seed=1):
    with Session.start_host(path) as session:
        return session.start(recipe or make_recipe(), seed), session.ask("ping")["pid"]


def test_a_run_goes_to_its_end_and_the_host_ends_with_it(project):
    with Session.start_host(project) as session:
        pid = session.ask("ping")["pid"]
        view, _ = folded(session, session.start(make_recipe(), 1))
        assert (view.state, session.outcome["state"], session.outcome["exit_code"]) == ("done", "done", 0)
    assert wait_until(lambda: not alive(pid))
    assert not place.socket_path(project).exists() and not place.log_path(project).exists()
    assert not project.with_name(project.name + ".wal").exists()
    with Session.open(project) as session:
        assert not session.has_host
        assert [run["state"] for run in session.status()["runs"]] == ["done"]


def test_two_viewers_and_a_late_one_fold_the_same(project):
    since, _ = start(project, make_recipe(steps=60))
    views = {}

    def look(name):
        with Session.start_host(project) as viewer:
            views[name] = folded(viewer, since)

    threads = [threading.Thread(target=look, args=(name,)) for name in ("first", "second")]
    threads[0].start()
    threads[1].start()
    assert wait_until(lambda: _steps(project) > 20)
    look("late")
    for thread in threads:
        thread.join()
    assert views["first"] == views["second"] == views["late"]
    view, numbers = views["late"]
    assert view.state == "done" and len(view.losses) == 60
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def _steps(project):
    with Session.open(project) as session:
        return len(session.ask("rows", kind="TrainingStep", where={}))


def test_events_of_an_earlier_host_come_before_those_of_this_one(project):
    since, pid = start(project)
    with Session.start_host(project) as viewer:
        once, numbers = folded(viewer, since)
    assert wait_until(lambda: not alive(pid))
    with Session.start_host(project) as viewer:
        again = viewer.start(make_recipe(), 1)
        view, all_numbers = folded(viewer, 0)
    assert again > numbers[-1]
    assert all_numbers[: len(numbers)] == numbers and view.losses == once.losses


def test_pause_keeps_what_was_done_and_running_again_goes_on(project, monkeypatch):
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.05")
    start(project, make_recipe(steps=40))
    assert wait_until(lambda: _steps(project) > 5)
    with Session.open(project) as session:
        assert session.end_run("pause")
        facts = session.status()
        before = session.ask("rows", kind="TrainingStep", where={})
    assert not facts["active"] and facts["runs"][0]["state"] == "paused" and facts["view"]["state"] == "paused"
    assert 5 < len(before) < 40
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0")
    with Session.start_host(project) as session:
        folded(session, session.start(make_recipe(steps=40), 1))
        assert session.outcome["state"] == "done"
    with Session.open(project) as session:
        after = session.ask("rows", kind="TrainingStep", where={})
    assert after[: len(before)] == before and len(after) == 40


def test_stop_ends_the_host_even_while_somebody_looks(project, monkeypatch):
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.05")
    _, pid = start(project, make_recipe(steps=400))
    with Session.start_host(project) as looking, Session.start_host(project) as session:
        assert session.end_run("stop")
        assert wait_until(lambda: not alive(pid))
        with pytest.raises(errors.Interrupted):
            looking.status()
    with Session.open(project) as session:
        assert session.status()["runs"][0]["state"] == "stopped"


@pytest.mark.parametrize("name", ["ordinary", "deaf"])
def test_sigterm_leaves_in_five_seconds_without_children(project, monkeypatch, name):
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.05")
    _, pid = start(project, make_recipe(name, steps=400))
    child, private = _child(project)
    os.kill(pid, signal.SIGHUP)
    assert not wait_until(lambda: not alive(pid), 0.3), "a host outlives its terminal"
    os.kill(pid, signal.SIGTERM)
    assert wait_until(lambda: not alive(pid) and not alive(child), 5.2)
    assert not os.path.exists(private)
    with Session.open(project) as session:
        assert session.status()["runs"][0]["state"] == "paused"


def _child(project):
    """Process id and private folder of the fake loop's child."""
    note = project.parent / "child.pid"
    assert wait_until(lambda: note.exists() and len(note.read_text().split()) == 2)
    number, private = note.read_text().split()
    return int(number), private


def test_kill_leaves_no_orphan_and_the_file_opens_again(project, monkeypatch):
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.02")
    _, pid = start(project, make_recipe(steps=100))
    child, private = _child(project)
    assert os.stat(private).st_mode & 0o777 == 0o700
    assert wait_until(lambda: _steps(project) > 5)
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not alive(child), 3)
    assert place.socket_path(project).exists(), "the socket is stale now"
    with Session.open(project) as session:
        assert not session.has_host and session.status()["runs"][0]["state"] == "paused"
        kept = session.ask("rows", kind="TrainingStep", where={})
    with Session.start_host(project) as session:
        assert session.ask("ping")["pid"] != pid
        assert not os.path.exists(private), "what a killed host left is swept"
        folded(session, session.start(make_recipe(steps=100), 1))
    with Session.open(project) as session:
        rows = session.ask("rows", kind="TrainingStep", where={})
    assert rows[: len(kept)] == kept and [row["step"] for row in rows] == list(range(1, 101))


def test_a_viewer_of_a_killed_host_is_told_how_to_go_on(project, monkeypatch):
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.05")
    since, pid = start(project, make_recipe(steps=400))
    with Session.start_host(project) as session:
        stream = session.events(since)
        next(stream)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(errors.Interrupted, match="pada run"):
            list(stream)


def test_a_second_host_is_refused_and_the_first_stays(project):
    with Session.start_host(project) as session:
        pid = session.ask("ping")["pid"]
        command = [sys.executable, "-m", "tests.host.fake_host", str(project)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert second.returncode == errors.ExitCode.FAILED
        assert str(pid) in second.stdout and "BusyError" in second.stdout
        assert session.ask("ping")["pid"] == pid


def test_a_link_to_the_file_reaches_the_same_host(project, tmp_path):
    link = tmp_path / "link.duckdb"
    link.symlink_to(project)
    with Session.start_host(project) as one, Session.start_host(link) as other:
        assert one.ask("ping")["pid"] == other.ask("ping")["pid"]


def test_a_short_command_waits_for_the_one_before_it(project):
    first = Project.open(project)
    threading.Timer(0.5, first.close).start()
    command = [sys.executable, "-m", "tests.host.fake_host", "--cli", "status", str(project), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "exit_code", "state"), [("missing", 3, None), ("broken", 5, "failed")])
def test_what_goes_wrong_reaches_the_viewer(project, name, exit_code, state):
    with Session.start_host(project) as session:
        view, _ = folded(session, session.start(make_recipe(name), 1))
        assert session.outcome["exit_code"] == exit_code and view.state == "failed" and view.message
    with Session.open(project) as session:
        assert [run["state"] for run in session.status()["runs"]] == ([state] if state else [])


def test_only_one_run_at_a_time(project, monkeypatch):
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.05")
    start(project, make_recipe(steps=400))
    with Session.start_host(project) as session, pytest.raises(errors.UsageError, match="going on"):
        session.start(make_recipe("other"), 1)


@pytest.mark.parametrize("line", [b"{", b"[]", b'"x"', b'{"op": "rows", "kind": "Row"}', b'{"op": "rows", "kind": "os"}', b"{}",
                                  b'{"op":"rows","kind":"Run","where":{"no":1}}', b'{"op":"start","recipe":{"name":3},"seed":1}',
                                  b'{"op":"subscribe","from":"x"}', b"\xff", b'{"op":"compare","a":"x","b":"y"}'])  # fmt: skip
def test_bad_questions_get_a_sentence_and_hurt_nobody(project, line):
    with Session.start_host(project) as session:
        with socket.socket(socket.AF_UNIX) as foreign:
            foreign.connect(str(place.socket_path(project)))
            foreign.sendall(line + b"\n")
            reply = next(wire.lines(foreign))
            assert b'"ok":false' in reply and b'"title"' in reply
        assert session.ask("ping")


def test_an_endless_question_is_cut_off(project):
    with Session.start_host(project) as session:
        with socket.socket(socket.AF_UNIX) as foreign:
            foreign.connect(str(place.socket_path(project)))
            with pytest.raises(OSError):
                for _ in range(64):
                    foreign.sendall(b"x" * 2**16)
        assert session.ask("ping")


def test_rows_are_what_the_file_holds(project):
    with Session.start_host(project) as session:
        through_host = session.ask("rows", kind="Example", where={"split": ["test"]})
    assert wait_until(lambda: not place.socket_path(project).exists())
    with Session.open(project) as session:
        assert session.ask("rows", kind="Example", where={"split": ["test"]}) == through_host and len(through_host) == 4
    with Project.open(project) as opened:
        assert opened.count(TrainingStep) == 0


def test_a_host_does_not_load_what_only_the_worker_needs(project):
    with Session.start_host(project) as session:
        session.status()
        session.ask("page", kind="Example")
        told = Path(f"/proc/{session.ask('ping')['pid']}/maps").read_text()
    assert "duckdb" in told
    assert not [name for name in ("pandas", "pyarrow", "torch") if name in told]
