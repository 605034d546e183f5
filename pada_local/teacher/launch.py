"""One running llama-server: found, started in a private folder on a UNIX socket, waited for, ended."""

import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from pada_local.errors import Interrupted, MissingError, TeacherError
from pada_local.runtime import limits, memory, offline, process
from pada_local.runtime.cache import PLAIN_ATTENTION_TOKENS
from pada_local.teacher import unixhttp
from pada_local.teacher.settings import FAMILIES, Settings

SOCKET_PATH_BYTES = 100
"""The kernel takes 107; longer folders are replaced by one in the system's temporary folder."""
TICK_S = 0.02
SAVING = "--slot-save-path"
DRAFT_TOKENS = 8
"""Tokens that a draft model guesses at most before the teacher looks at them."""
NO_MEMORY = ("failed to allocate", "bad_alloc", "unable to allocate", "not enough memory", "temporarily unavailable")
BUILD = (
    'Build it: CMAKE_ARGS="-DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON -DLLAMA_TOOLS_INSTALL=ON '
    "-DLLAMA_USE_PREBUILT_UI=OFF -DCMAKE_INSTALL_RPATH='$ORIGIN/../lib'\" pip install --no-binary llama-cpp-python "
    "llama-cpp-python==0.3.36"
)


def find_server() -> Path:
    """The llama-server that came with llama-cpp-python; no other, since flags differ between versions. Raises MissingError."""
    found = importlib.util.find_spec("llama_cpp")
    if found is None or found.origin is None:
        raise MissingError("The teacher's server is not installed.", "There is no package llama_cpp.", BUILD)
    binary = Path(found.origin).parent.parent / "bin" / "llama-server"
    if not os.access(binary, os.X_OK):
        raise MissingError("The teacher's server was not built with llama-cpp-python.", f"{binary} is not there.", BUILD)
    return binary


def private_folder(parent: Path | None) -> Path:
    """A new 0700 folder for socket, key and log: under `parent` when a socket's path may be so, else in /tmp."""
    # llama-server takes a comma in its address for the end of it.
    path = os.fsencode(parent.absolute()) if parent is not None else b""
    if parent is not None and b"," not in path and len(path) + len("/teacher-12345678/t.sock") < SOCKET_PATH_BYTES:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="teacher-", dir=parent.absolute()))
    return Path(tempfile.mkdtemp(prefix="pada-", dir="/tmp"))


@lru_cache(maxsize=4)
def _help(binary: str) -> str:
    """What the server says about its flags."""
    try:
        return subprocess.run([binary, "--help"], capture_output=True, text=True, timeout=30, env=clean(dict(os.environ))).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def clean(environment: dict[str, str]) -> dict[str, str]:
    """Without the variables that llama.cpp reads as flags: LLAMA_ARG_TOOLS or LLAMA_ARG_MODEL_URL must not come in that way."""
    return {name: value for name, value in environment.items() if not name.startswith("LLAMA_")}


def arguments(binary: Path, model: Path, settings: Settings, slots: int, context: int, folder: Path) -> list[str]:
    """The command line. Prompts are never logged: verbosity 1 is errors only."""
    threads = str(settings.threads_for(model))
    args = [str(binary), "--model", str(model), "--host", str(folder / "t.sock"), "--api-key-file", str(folder / "key"),
            "--parallel", str(slots), "--ctx-size", str(slots * context), "--threads", threads,
            "--threads-batch", threads, "--cache-ram", "0", "--offline", "--no-webui", "--no-slots", "--log-verbosity", "1",
            "--alias", "teacher", *attention(context, settings.cache), *drafting(settings)]  # fmt: skip
    optional = {"--cors-origins": "localhost", "--sse-ping-interval": "-1", "--reasoning-format": "none",
                "--skip-chat-parsing": "", SAVING: str(folder)}  # fmt: skip
    if "--kv-unified" in args:
        optional["--kv-unified-per-slot"] = str(context)
    known = _help(str(binary))
    for flag, value in optional.items():
        if flag in known:
            args += [flag, value] if value else [flag]
    return args + (["--no-jinja", "--chat-template", settings.family] if settings.family in FAMILIES else ["--jinja"])


def attention(context: int, cache: str = "f16") -> list[str]:
    """How attention is computed, and what numbers the cache holds.

    On a processor a cache for each slot without flash attention writes answers with many slots more than twice as fast
    (docs/performance.md); its scratch memory grows with the context, so long ones keep the default.
    """
    # Said outright where the cache needs it: where llama.cpp would choose plain attention, the server could not start.
    types = ["--flash-attn", "on", "--cache-type-k", cache, "--cache-type-v", cache] if cache != "f16" else []
    if memory.gpus():
        return ["--kv-unified", *types]
    return ["--no-kv-unified", *(types or (["--flash-attn", "off"] if context <= PLAIN_ATTENTION_TOKENS else []))]


def drafting(settings: Settings) -> list[str]:
    """The arguments for a draft model that guesses ahead; none without one."""
    if settings.draft is None:
        return []
    return ["--spec-draft-model", str(settings.draft.absolute()), "--spec-type", "draft-simple",
            "--spec-draft-n-max", str(DRAFT_TOKENS)]  # fmt: skip


class Launched:
    """A server process with its folder. `stop` may be called at any time and more than once. `more`: further arguments."""

    def __init__(
        self, binary: Path, model: Path, settings: Settings, slots: int, context: int, parent: Path | None,
        more: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.slots, self.context = slots, context
        self.can_share = SAVING in _help(str(binary)) and settings.draft is None
        """Whether a slot's state can be saved and restored. The server saves the teacher's cache alone: the draft model's would
        still hold an older question."""
        self.key = secrets.token_urlsafe(32)
        self.folder = private_folder(parent)
        self.socket = self.folder / "t.sock"
        try:
            descriptor = os.open(self.folder / "key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(self.key + "\n")
            self.most_bytes = limits.of_teacher(model, slots, context, settings.draft)
            environment = clean(offline.offline_environment(self.folder))
            args = [*arguments(binary, model, settings, slots, context, self.folder), *more]
            self.process = process.spawn(
                args, environment, self.folder / "log", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            process.limit_memory(self.process.pid, self.most_bytes)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def wait_until_ready(self, seconds: float, cancelled: Callable[[], bool], clock: Callable[[], float]) -> bool:
        """Whether /health answers before the deadline; False when the process ended or the time is over. Raises Interrupted."""
        deadline = clock() + seconds
        while self.alive() and clock() < deadline:
            if cancelled():
                raise Interrupted("The run was paused.", "The teacher was being loaded.", "Run it again to go on.")
            if self.socket.exists() and unixhttp.simple(self.socket, "GET", "/health", timeout_s=0.5)[0] == 200:
                return True
            time.sleep(TICK_S)
        return False

    def alive(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        """The end of its log: why it did not start or how it ended; with what it was allowed to take if it wanted more."""
        try:
            with (self.folder / "log").open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 2000))
                end = file.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""
        words = " | ".join(end.splitlines()[-4:])[-600:]
        refused = self.most_bytes and any(sign in end for sign in NO_MEMORY)
        return f"{words} (it may take {self.most_bytes // 2**20} MiB of memory)" if refused else words

    def stop(self, deadline_s: float = 3.0) -> None:
        """End the process (a stalled one at once: deadline 0) and remove its folder."""
        process.end(self.process, deadline_s)
        shutil.rmtree(self.folder, ignore_errors=True)


def failed_to_start(model: Path, words: str) -> TeacherError:
    """What a person is told when the server never became ready."""
    detail = f"{model.name}: {words or 'no message'}"
    return TeacherError("The teacher could not be started.", detail, "Check the model file and the free memory, then run again.")
