"""How much memory there is, and whether student and teacher fit into it side by side. All figures are MiB."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Gpu:
    """One graphics card as the driver reports it."""

    name: str
    total_mib: int
    free_mib: int


def gpus() -> list[Gpu]:
    """The NVIDIA cards of this machine; empty when there is none, no driver, or the driver does not answer."""
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found = []
    for line in answer.splitlines():
        name, _, figures = line.partition(",")
        total, _, free = figures.partition(",")
        if total.strip().isdigit() and free.strip().isdigit():
            found.append(Gpu(name.strip(), int(total), int(free)))
    return found


def total_mib() -> int:
    """Main memory of this machine; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (OSError, ValueError):
        return 0


def available_mib(root: Path = Path("/")) -> int:
    """Main memory that a new program can have without swapping, and that its container lets it have; the total where unknown."""
    free = total_mib()
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) // 1024
    except (OSError, ValueError):
        pass
    return max(0, min([free, *_left_in_group_mib(root)]))


def _left_in_group_mib(root: Path) -> list[int]:
    """What the control group (version 2) of this process still gives; files that were only read can be dropped and are no use.

    Empty where there is no limit, or none that can be read.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
        (name,) = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
        group = root / "sys/fs/cgroup" / name
        limit, used = int((group / "memory.max").read_text()), int((group / "memory.current").read_text())
        facts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return [(limit - used + int(facts.get("inactive_file", 0))) // 2**20]
    except (OSError, ValueError):
        return []  # the limit may be the word max


def fit_together(student_mib: int, teacher_mib: int, free_mib: int, reserve_share: float = 0.1) -> bool:
    """Whether both models can stay loaded; a tenth is kept free, since what frameworks allocate is only estimated."""
    return student_mib + teacher_mib <= free_mib * (1 - reserve_share)
