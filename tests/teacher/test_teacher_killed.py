"""A run killed in the middle of a batch, with the real project file: what was written stays, only the rest is asked."""

import signal
import subprocess
import sys
from pathlib import Path

from teacher_help import question
from test_teacher_asking import QUESTIONS, TEXTS, ScriptedBackend

from pada_local.records import Prompt, TeacherCall
from pada_local.store.project import Project
from pada_local.teacher.asking import CachedTeacher

CHILD = """
import itertools, os, sys
sys.path[:0] = sys.argv[2:]
from test_teacher_asking import QUESTIONS, ScriptedBackend
from pada_local.store.project import Project
from pada_local.teacher.asking import CachedTeacher
count = itertools.count(1)
backend = ScriptedBackend(after_each=lambda: os.kill(os.getpid(), 9) if next(count) == 30 else None)
with Project.open(sys.argv[1]) as project:
    CachedTeacher(project, lambda: backend, "fake@1", clock=lambda: 0.0).ask_all(QUESTIONS)
"""


def test_a_killed_run_asks_only_what_was_not_written(tmp_path):
    file, here = tmp_path / "x.pada", Path(__file__).parent
    Project.create(file, {}, []).close()
    child = subprocess.run([sys.executable, "-c", CHILD, str(file), str(here), str(here.parents[1])], timeout=120)
    assert child.returncode == -signal.SIGKILL
    with Project.open(file) as project:
        before = project.get(TeacherCall)
        assert len(before) == 16
        backend = ScriptedBackend()
        found = CachedTeacher(project, lambda: backend, "fake@1").ask_all(QUESTIONS)
        assert [answer.value.answer for answer in found] == TEXTS and backend.asked == TEXTS[16:]
        assert project.get(TeacherCall)[:16] == before and project.count(TeacherCall) == project.count(Prompt) == 40


def test_hostile_text_goes_through_the_project_file(tmp_path):
    hostile = ['{"answer": "\ud83d\0"}', '{"answer": "naïve 症状 🩺 \\" \\n"}', "\x1b]0;x\x07", "x" * 300_000]
    asks = [question(f"q{number} \ud800\0 $x") for number in range(4)]
    with Project.create(tmp_path / "x.pada", {}, []) as project:
        backend = ScriptedBackend(lambda ask: "no" if ask.purpose == "repair" else hostile[int(ask.prompt[1])])
        first = CachedTeacher(project, lambda: backend, "fake@1").ask_all(asks)
        assert [answer.value is not None for answer in first] == [False, True, False, False]
        assert CachedTeacher(project, lambda: 1 / 0, "fake@1").ask_all(asks) == first
