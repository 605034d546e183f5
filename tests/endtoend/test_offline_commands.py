"""Every command where there is no network, with hostile proxies in the environment: watched from inside and by the kernel."""

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pada_local.cli.parser import make_parser
from tests.endtoend.conftest import own_environment
from tests.endtoend.test_offline import check_audit, hooked, unshared  # noqa: F401 (a fixture)
from tests.faults import crash_help as crash

pytestmark = [pytest.mark.private, pytest.mark.timeout(1500)]
PROXIES = {
    name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
}
FILE = "demo-run/demo-1-quick.duckdb"
MATRIX = """
demo --quick --json
new n.duckdb --train rows.jsonl --input note --output line --metric exact_match --task t
run {file} --recipe small.toml --events json
status {file}
review {file}
report {file} --format html --out report.html
compare {file} demo-quick small
export {file} --kind adapter --to adapter
import-adapter {file} adapter
scan {file}
chat {file} --who base
chat {file} --who teacher
check {file}
backup {file} copy.duckdb
forget copy.duckdb --match patient
encrypt copy.duckdb --key-file a.key
rekey copy.duckdb --key-file a.key --new-key-file b.key
decrypt copy.duckdb --key-file b.key
explain
study {file} --table
bench --table --to worlds
recipes list
recipes show pada
recipes check pada
models list
models add {teacher} --name mine
models verify mine
models remove mine
doctor
pause {file}
stop {file}
tui
"""
ALLOWED = {"review": (2,), "doctor": (0, 3), "tui": (3,), "study": (0, 2, 3), "bench": (0, 2, 3)}
"""Exit codes that are right here: no unfinished run to decide about, no study yet, a machine that lacks
something, no terminal."""


def commands() -> list[list[str]]:
    teacher = crash.ROOT / "models" / "demo-teacher" / "demo-teacher-f16.gguf"
    return [line.format(file=FILE, teacher=teacher).split() for line in MATRIX.strip().splitlines()]


def test_the_matrix_names_every_command():
    def names(parser: argparse.ArgumentParser, before: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
        actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not actions:
            return {before}
        return set().union(*(names(one, (*before, name)) for action in actions for name, one in action.choices.items()))

    tried = [tuple(words) for words in commands()]
    # serve listens on the loopback address, which is its purpose; its own tests look at that.
    asked = names(make_parser()) - {("serve",)}
    missing = [name for name in asked if not any(words[: len(name)] == name for words in tried)]
    assert missing == []


def test_every_command_opens_unix_sockets_only(unshared, tmp_path, short_folder):  # noqa: F811
    folder, inside, outside = short_folder / "matrix", tmp_path / "inside", tmp_path / "outside"
    folder.mkdir()
    environment = own_environment(folder) | hooked(tmp_path, inside) | PROXIES
    rows = [f'{{"note": "note {number} of patient {number}", "line": "line {number}"}}' for number in range(40)]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    (folder / "small.toml").write_text(crash.RECIPE.replace("rounds = 2", "rounds = 1").replace("steps = 12", "steps = 2"))
    tracer = [*unshared, str(outside)] if unshared else []
    kernel = []
    for words in commands():
        started = time.monotonic()
        command = ["unshare", "-rn", *tracer, sys.executable, "-m", "pada_local.cli", *words]
        done = subprocess.run(command, cwd=folder, env=environment, input="A short note.\n", capture_output=True, text=True,
                              timeout=400)  # fmt: skip
        assert done.returncode in ALLOWED.get(words[0], (0,)), (words, done.stderr[-2000:])
        assert "Traceback" not in done.stderr, (words, done.stderr[-2000:])
        print(f"{time.monotonic() - started:6.1f} s  pada {' '.join(words)[:70]}", flush=True)
        if tracer:
            kernel += outside.read_text(errors="replace").splitlines()
    crash.assert_nobody_left(folder / FILE)
    calls = inside.read_text().splitlines()
    check_audit(calls)
    sockets = [line for line in kernel if re.search(r"\b(socket|socketpair)\(", line) or "sa_family=" in line]
    assert [line for line in sockets if not re.search(r"AF_UNIX|AF_LOCAL", line)] == []
    assert bool(sockets) == bool(tracer)
    print(f"{len(commands())} commands: {len(calls)} calls seen by audit hooks, {len(sockets)} socket calls seen by the kernel,"
          f" none but UNIX sockets{'' if tracer else ' (strace is not there: hooks only)'}")  # fmt: skip
    shutil.rmtree(Path(folder), ignore_errors=True)
