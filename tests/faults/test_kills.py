"""kill -9 of host, worker and server at seeded moments of a real run: rule 5 holds in the file, and no process is left."""

import time

import pytest

from tests.faults import crash_help as crash

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
KILLS = 20


def test_host_killed(small):
    """20 kills at moments drawn by number of events and milliseconds; after each the file is looked at from outside."""
    path, recipe = small
    draw, began = crash.draw("host"), time.monotonic()
    kills, seed, before, seen = 0, 1, crash.dump(path), []
    while kills < KILLS:
        wanted, later = draw.randint(1, 45), draw.uniform(0, 0.4)
        with crash.Followed(path, recipe, seed) as run:
            news = 0
            for event in run.events():
                news += event["type"] not in ("StageSkipped", "RunStarted", "RoundStarted", "ModelLoading", "ModelReady")
                if news == wanted:
                    run.listen(later)
                    host = crash.member(path, "pada_local.host")
                    crash.kill(host)
                    break
            else:
                assert run.ended()[0] == 0
                seed += 1
                continue
            code, said = run.ended()
            # The run may have ended in the last milliseconds, before the kill; then there was nothing to break.
            assert (code == 4 and "pada run" in said) or run.seen[-1]["type"] == "RunDone", (code, said)
        kills += 1
        crash.assert_nobody_left(path)
        if draw.random() < 0.3:  # mostly the next host meets the log as it was left, sometimes a short command does
            assert '"paused"' in crash.pada("status", path, "--json").stdout or code == 0
        after = crash.dump(path)
        crash.check_whole(after)
        crash.check_kept(before, after)
        crash.check_said(run.seen, after)
        before = after
    after = crash.finish(path, recipe, seed, seen)
    crash.check_kept(before, after)
    print(f"host: {kills} kills in {time.monotonic() - began:.0f} s, {len(after['runs'])} runs")


@pytest.mark.parametrize(("name", "program", "most"), [("worker", "pada_local.worker", 18), ("server", "llama-server", 14)])
def test_child_killed(small, name, program, most):
    """The run goes on by itself, or pauses with exit code 4 and goes on by running again."""
    path, recipe = small
    draw, began = crash.draw(name), time.monotonic()
    kills, pauses, seed, before, seen = 0, 0, 1, crash.dump(path), []
    while kills < KILLS:
        with crash.Followed(path, recipe, seed) as run:
            wanted, last = draw.randint(1, most), 0
            for _ in run.events():
                wanted -= 1
                if wanted <= 0 and kills < KILLS and (pid := crash.member(path, program)) not in (0, last):
                    crash.kill(pid)
                    kills, last, wanted = kills + 1, pid, draw.randint(1, most)
            code, said = run.ended()
            assert code in (0, 4), (code, said)
            last = run.seen[-1]
            assert code == 0 or (last["type"] == "RunFailed" and last["resumable"] and "run again" in last["fix"].lower()), last
        seen += run.seen
        pauses += code == 4
        seed += code == 0
        crash.assert_nobody_left(path)
        crash.assert_one_file_left(path)
        after = crash.dump(path)
        crash.check_whole(after)
        crash.check_kept(before, after)
        crash.check_said(run.seen, after)
        before = after
    after = crash.finish(path, recipe, seed, seen)
    crash.check_kept(before, after)
    print(f"{name}: {kills} kills in {time.monotonic() - began:.0f} s, {pauses} pauses, {len(after['runs'])} runs")
