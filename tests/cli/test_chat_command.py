"""`pada chat` in a pipe and at a terminal, with the demo's real models and a student that was tuned for a moment."""

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import threading
import time

from tests.cli.conftest import ROOT, pada
from tests.talk_help import rows_of, said, set_teacher, slow_server, stored_answers


def test_a_pipe_gets_the_answers_of_the_champion_and_nothing_is_stored(tuned):
    expected, before = stored_answers(tuned), rows_of(tuned)
    done = pada("chat", tuned, "--json", input="\n".join(expected) + "\n")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["prompt"]: line["answer"] for line in lines} == expected and {line["who"] for line in lines} == {"round:1"}
    assert rows_of(tuned) == before


def test_plain_lines_commands_and_troubles_in_a_pipe(tuned):
    [(prompt, answer), *_] = stored_answers(tuned).items()
    done = pada("chat", tuned, "brief", input=f"{prompt}\n/who\n/who round:7\n\n/who base\n/quit\nnever asked\n")
    assert done.stdout == f"{answer}\n" and done.returncode == 2
    assert "round:1" in done.stderr and "asked now, best" in done.stderr and "nobody called 'round:7'" in done.stderr
    assert "Asking base demo-student." in done.stderr


def test_wrong_names_are_sentences(tuned):
    for words, told in ((["other"], "no trained run 'other'"), (["--who", "me"], "nobody called 'me'")):
        done = pada("chat", tuned, *words, input="x\n")
        assert done.returncode == 2 and told in done.stderr and not done.stdout


def test_thoughts_are_kept_apart_and_a_json_string_may_have_several_lines(tuned):
    go_on = threading.Event()
    go_on.set()
    with slow_server([said("<think>hm"), said("</think>\n\nyes"), said("!")], go_on) as address:
        set_teacher(tuned, address)
        done = pada("chat", tuned, "--who", "teacher", "--json", input='"two\\nlines"\n')
        plain = pada("chat", tuned, "--who", "teacher", input="x\n")
    answer = json.loads(done.stdout)
    assert answer["prompt"] == "two\nlines" and answer["answer"] == "yes!" and answer["thought"] == "hm", done.stderr
    assert plain.stdout == "yes!\n"


class Terminal:
    """The command at a pseudo-terminal."""

    def __init__(self, *words) -> None:
        self.own, other = pty.openpty()
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "dumb"}
        command = [sys.executable, "-m", "pada_local.cli", *map(str, words)]
        self.process = subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, env=environment, cwd=ROOT, start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(other)
        self.seen = ""

    def until(self, text: str, seconds: float = 60) -> None:
        """Read until the text has come since the last call."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.own], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    self.seen += os.read(self.own, 65536).decode("utf-8", "replace")
        self.seen = self.seen.partition(text)[2]

    def type(self, text: str) -> None:
        os.write(self.own, text.encode())


def test_at_a_terminal_ctrl_c_stops_the_answer_and_not_the_program(tuned):
    [(prompt, answer), *_] = stored_answers(tuned).items()
    go_on = threading.Event()
    with slow_server([said("this "), said("takes")], go_on) as address:
        set_teacher(tuned, address)
        terminal = Terminal("chat", tuned)
        try:
            terminal.until("Asking brief round 1")
            terminal.until("> ")
            terminal.type(f"{prompt}\r")
            terminal.until(answer)
            terminal.until("> ")
            terminal.type("\x03")
            terminal.until("> ")
            terminal.type("/who teacher\r")
            terminal.until("Asking teacher slow")
            terminal.until("> ")
            terminal.type("anything\r")
            terminal.until("this takes")
            terminal.type("\x03")
            terminal.until("It was stopped.")
            terminal.until("> ")
            terminal.type("/quit\r")
            assert terminal.process.wait(20) == 0
        finally:
            terminal.process.kill()
            terminal.process.wait()
            os.close(terminal.own)
