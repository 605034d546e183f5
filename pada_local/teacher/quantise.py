"""llama.cpp's own quantiser, as it was built with the server."""

import subprocess
from pathlib import Path

from pada_local.errors import MissingError, TeacherError
from pada_local.runtime import process
from pada_local.runtime.offline import offline_environment
from pada_local.teacher.launch import BUILD, find_server

TYPES = ("q8_0", "q6_k", "q5_k_m", "q5_k_s", "q4_k_m", "q4_k_s", "q3_k_l", "q3_k_m", "q3_k_s", "q2_k", "q5_0", "q4_0")


def quantise(source: Path, to: Path, numbers: str, folder: Path, threads: int, seconds: float = 7200.0) -> None:
    """Write `to` from a 16- or 32-bit GGUF file. Raises MissingError without the program, TeacherError when it fails."""
    binary = find_server().with_name("llama-quantize")
    if not binary.is_file():
        raise MissingError("llama.cpp's quantiser was not built.", f"{binary} is not there.", BUILD)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = folder / "quantise.log"
    command = [str(binary), str(source), str(to), numbers.upper(), str(threads)]
    child = process.spawn(command, offline_environment(folder), log, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        process.await_exit(child.pid, seconds)
    finally:
        status = process.end(child, deadline_s=1)
    if status or not to.is_file():
        words = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
        detail = f"{source.name} to {numbers}: " + (" | ".join(words)[-400:] or f"it ended with {status}")
        raise TeacherError("llama.cpp could not quantise the model.", detail, "Choose another --type; q8_0 suits every model.")
