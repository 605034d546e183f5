"""Launcher of child processes, run as a script: `child.py PARENT_PID PROGRAM [ARGUMENT ...]`.

It asks the kernel to kill this process when the parent dies, makes sure that the parent has not died before that took
effect, and becomes the program. It is a program of its own because doing this between fork and exec inside a threaded
parent is not safe. It must import nothing but the standard library: it runs isolated (`-I -S`).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Never returns: becomes the program, or ends with a sentence on stderr."""
    parent, program = int(arguments[0]), arguments[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit(f"The kernel refused to tie this process to its parent (prctl: error {ctypes.get_errno()}).")
    _offer_to_the_kernel()
    if os.getppid() != parent:
        sys.exit("The program that started this process has ended.")
    try:
        os.execvpe(program[0], program, os.environ)
    except OSError as error:
        sys.exit(f"{program[0]} cannot be started: {error.strerror}.")


def _offer_to_the_kernel() -> None:
    """When the machine's memory runs out, the kernel shall take the model's process and not the one that can go on without it."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        pass  # a system without it: who is taken is then the kernel's own choice


if __name__ == "__main__":
    main(sys.argv[1:])
