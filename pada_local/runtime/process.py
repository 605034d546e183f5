"""Child processes that die with their parent, in a process group of their own, with stderr in a private file."""

import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

_LAUNCHER = Path(__file__).with_name("child.py")
_spawners: dict[int, ThreadPoolExecutor] = {}


def spawn(
    args: Sequence[str],
    env: Mapping[str, str],
    stderr_file: Path,
    stdin: int | None = subprocess.PIPE,
    stdout: int | None = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program that the kernel kills when this process ends, by whatever end; its stderr is appended to a 0600 file.

    Raises OSError when Python itself cannot be started; a program that does not exist says so on its stderr.
    """

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *args]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        stderr = os.open(stderr_file, flags, 0o600)
        try:
            return subprocess.Popen(
                command, env=dict(env), stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=pass_fds, start_new_session=True
            )
        finally:
            os.close(stderr)

    return _spawner().submit(start).result()


def _spawner() -> ThreadPoolExecutor:
    """The one thread that starts children: the kernel's "parent died" means the thread that forked, so it must not end early."""
    pid = os.getpid()
    if pid not in _spawners:
        _spawners[pid] = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
    return _spawners[pid]


def end(process: subprocess.Popen[bytes], deadline_s: float = 5.0) -> int:
    """End the child's whole group: SIGTERM, then SIGKILL for whatever is left at the deadline. Returns its exit status."""
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGTERM)
        await_exit(process.pid, deadline_s)
        # The leader is not reaped yet, so its number still means this group: what it left behind is killed safely.
        _signal_group(process.pid, signal.SIGKILL)
    status = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            _close_quietly(pipe)
    return status


def _close_quietly(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        pass  # unsent bytes to a dead child: nobody is left to read them


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass


def await_exit(pid: int, deadline_s: float) -> None:
    """Wait until the child has exited, without reaping it; for so long at most."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except OSError:  # a kernel without pidfd: look now and then
        until = time.monotonic() + deadline_s
        while time.monotonic() < until and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            time.sleep(0.02)
        return
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        poller.poll(max(0.0, deadline_s) * 1000)
    finally:
        os.close(descriptor)


def limit_memory(pid: int, most_bytes: int) -> None:
    """From now on the process may allocate so many bytes (0: no limit); what it has already stays. See `limits`."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = most_bytes or resource.RLIM_INFINITY
    if hard != resource.RLIM_INFINITY:
        wanted = hard if not most_bytes else min(most_bytes, hard)
    try:
        resource.prlimit(pid, resource.RLIMIT_DATA, (wanted, hard))
    except (ProcessLookupError, PermissionError):
        pass  # it has ended already


def memory_mib(pid: int) -> int:
    """Resident memory of a process in MiB; 0 when there is no such process."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20
