"""The host's side of the student worker: starts it when it is first needed, sends jobs, streams what it says."""

import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

import msgspec

import pada_local
from pada_local.errors import Interrupted, StudentError, WorkerLost
from pada_local.events import Event, ModelLoading, ModelReady
from pada_local.runtime import limits
from pada_local.runtime import process as children
from pada_local.runtime.offline import offline_environment
from pada_local.student import protocol as say

TICK_S = 0.1
READY_S = 120.0
SILENT_S = 3600.0
"""How long one batch, one step or loading a model may take: what says nothing for longer hangs."""
STDERR_LINES = 12


class JobFailed(StudentError):
    """The worker said that a job did not work; `kind` is data, memory, nan, model or other."""

    def __init__(self, title: str, detail: str = "", fix: str = "", kind: str = "other") -> None:
        super().__init__(title, detail, fix)
        self.kind = kind


class StudentClient:
    """One worker, one job at a time. A worker that died is replaced at the next job.

    `cancelled` is asked while waiting; when it says yes the worker is ended and Interrupted raised.
    """

    def __init__(
        self,
        private_folder: Path,
        threads: int = 0,
        on_event: Callable[[Event], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.private_folder, self.threads = Path(private_folder), threads
        self.cancelled = cancelled or (lambda: False)
        self.versions: dict[str, str] = {}
        self._on_event = on_event or (lambda event: None)
        self._process: Popen[bytes] | None = None
        self._buffer = bytearray()
        self._number = 0
        self._over: Callable[[], bool] | None = None
        self._generate_facts: dict[str, Any] = {}
        self._most_bytes = 0
        self._lock = threading.Lock()
        self._encoder, self._decoder = msgspec.json.Encoder(), msgspec.json.Decoder(say.Report)

    # --- jobs ----------------------------------------------------------------------------------------------------------

    def train(self, job: say.Train, on_step: Callable[[say.Step], None]) -> dict[str, Any]:
        """Train; the adapter's files lie in `job.to` afterwards. Returns seconds, tokens, dtype and other facts."""
        facts: dict[str, Any] = {}
        for message in self._do(job):
            if isinstance(message, say.Step):
                on_step(message)
            elif isinstance(message, say.Finished):
                facts = dict(message.facts)
        return facts

    def generate(self, job: say.Generate) -> Iterator[tuple[list[int], list[str], list[int]]]:
        """Positions, texts and token counts of each batch. One who stops reading early ends the worker."""
        self._generate_facts = {}
        for message in self._do(job):
            if isinstance(message, say.Answered):
                self._generate_facts = dict(message.facts)
                yield message.positions, message.texts, message.tokens
            elif isinstance(message, say.Finished):
                self._generate_facts = dict(message.facts)

    def generate_ids(self, job: say.Generate) -> list[list[int]]:
        """The ids of every answer, in the order of the prompts."""
        found: list[list[int]] = [[] for _ in job.prompts]
        for message in self._do(msgspec.structs.replace(job, with_ids=True)):
            if isinstance(message, say.Answered):
                for position, ids in zip(message.positions, message.ids, strict=True):
                    found[position] = ids
            elif isinstance(message, say.Finished):
                self._generate_facts = dict(message.facts)
        return found

    def generate_facts(self) -> dict[str, Any]:
        """Facts of the batch that `generate` gave last (dtype, device, backend, batch size), and of the whole job at its end."""
        return dict(self._generate_facts)

    def talk(self, job: say.Talk, over: Callable[[], bool]) -> Iterator[say.Loaded | say.Said | say.Answered]:
        """The answer's text as it comes, its whole text last; when `over` says so the answer ends, and the model stays loaded."""
        for message in self._do(job, over):
            if isinstance(message, say.Loaded | say.Said | say.Answered):
                yield message

    def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """L2-normalised sentence vectors in the order of the texts."""
        return self._one(say.Embed(model=model, texts=list(texts)), say.Vectors).rows

    def cluster(
        self, vectors: Sequence[Sequence[float]], k_max: int, seed: int, n_init: int, method: str = "kmeans"
    ) -> say.Clustering:
        """Clusters for k = 1..k_max (never more than there are distinct vectors)."""
        rows = [list(vector) for vector in vectors]
        return self._one(say.Cluster(vectors=rows, k_max=k_max, seed=seed, n_init=n_init, method=method), say.Clustering)

    def describe(self, base: str) -> dict[str, str]:
        """Facts of a student folder."""
        return self._one(say.Describe(base=base), say.Description).facts

    def count_tokens(self, base: str, texts: Sequence[str]) -> say.Counted:
        """Tokens of each text, and the student's context; no model is loaded."""
        return self._one(say.CountTokens(base=base, texts=list(texts)), say.Counted)

    def shorten(self, base: str, texts: Sequence[str], tokens: Sequence[int]) -> list[str]:
        """The beginning of each text, of so many tokens."""
        return self._one(say.Shorten(base=base, texts=list(texts), tokens=list(tokens)), say.Shortened).texts

    def read_table(self, job: say.ReadTable) -> Iterator[say.TableOpened | say.TableRows]:
        """What the table is, then its rows, some at a time."""
        for message in self._do(job):
            if isinstance(message, say.TableOpened | say.TableRows):
                yield message

    def export(self, job: say.Merge | say.CheckAdapter | say.ToGguf | say.LoraToGguf | say.WriteParquet) -> dict[str, Any]:
        """Write what leaves a project; the job's facts."""
        facts: dict[str, Any] = {}
        for message in self._do(job):
            if isinstance(message, say.Finished):
                facts = dict(message.facts)
        return facts

    def render_chats(self, job: say.RenderChats) -> say.Rendered:
        """Conversations as a chat template writes them."""
        return self._one(job, say.Rendered)

    def tokenize(self, base: str, texts: Sequence[str]) -> say.Tokenized:
        """Token ids of each text."""
        return self._one(say.Tokenize(base=base, texts=list(texts)), say.Tokenized)

    # --- the process ---------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The worker's process id; 0 when there is none."""
        process = self._process
        return process.pid if process is not None else 0

    def memory_mib(self) -> int:
        """Resident memory of the worker; 0 when there is none."""
        return children.memory_mib(self.pid) if self.pid else 0

    def close(self) -> None:
        """End the worker, if there is one. May be called again, and from another thread to break off a job."""
        process, self._process = self._process, None
        if process is not None:
            children.end(process, deadline_s=2.0)

    def __enter__(self) -> "StudentClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _one(self, job: Any, kind: type[Any]) -> Any:
        """The one message of this kind that the job brings."""
        found = [message for message in self._do(job) if isinstance(message, kind)]
        if not found:
            raise StudentError("The student worker ended a job without its result.", fix="Run again.")
        return found[0]

    def _do(self, job: Any, over: Callable[[], bool] | None = None) -> Iterator[Any]:
        """Send a job; yield its messages up to and with Finished. Whatever breaks off the reading ends the worker.

        `over` is asked while waiting, for jobs that can be cut off.
        """
        if not self._lock.acquire(blocking=False):
            raise StudentError("The student worker is busy with another job.", fix="Wait until that job is done.")
        finished = False
        try:
            process = self._started()
            self._number += 1
            self._limit_memory(process, job)
            self._send(process, msgspec.structs.replace(job, job=self._number))
            self._over = over
            while not finished:
                message = self._next(process, time.monotonic() + SILENT_S)
                if message.job != self._number and not isinstance(message, say.Failed):
                    continue
                finished = isinstance(message, say.Finished | say.Failed)
                if isinstance(message, say.Failed):
                    raise JobFailed(message.title, self._with_limit(message), message.fix, message.kind)
                if isinstance(message, say.Loaded):
                    self._on_event(ModelReady(role="student", model=message.model, elapsed_s=message.elapsed_s))
                yield message
        finally:
            self._over = None
            if not finished:
                self.close()
            self._lock.release()

    def _started(self) -> Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self.private_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = offline_environment(self.private_folder) | {"PYTHONPATH": str(Path(pada_local.__file__).parents[1])}
        # Threads that spin while they wait cost a factor of nine as soon as other programs want the same cores (measured).
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        if self.threads > 0:
            environment |= {name: str(self.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        self._buffer.clear()
        self._most_bytes = 0
        self._stderr_file.unlink(missing_ok=True)
        self._on_event(ModelLoading(role="student", model="worker"))
        process = children.spawn([sys.executable, "-P", "-m", "pada_local.worker"], environment, self._stderr_file)
        self._process = process
        ready = self._next(process, time.monotonic() + READY_S)
        if isinstance(ready, say.Ready):
            self.versions = ready.versions
        return process

    def _limit_memory(self, process: Popen[bytes], job: Any) -> None:
        """What the job's model may take. A model of an earlier job may still be there, so the limit of a worker only rises.

        Jobs without a model of the person's have none: their data is read by this program's own code.
        """
        most = memory_for(job)
        self._most_bytes = max(self._most_bytes, most)
        children.limit_memory(process.pid, self._most_bytes if most else 0)

    def _with_limit(self, failed: say.Failed) -> str:
        if failed.kind != "memory" or not self._most_bytes:
            return failed.detail
        return f"{failed.detail} The worker may take {self._most_bytes // 2**20} MiB for this model.".strip()

    @property
    def _stderr_file(self) -> Path:
        return self.private_folder / "student-worker.log"

    def _send(self, process: Popen[bytes], job: Any) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(self._encoder.encode(job) + b"\n")
            process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise self._death(process) from error

    def _next(self, process: Popen[bytes], deadline: float | None = None) -> Any:
        """The worker's next message. Raises Interrupted when cancelled, StudentError when it died or is too late."""
        self._cut_if_over(process)
        while (cut := self._buffer.find(b"\n")) < 0:
            self._cut_if_over(process)
            if self.cancelled():
                self.close()
                raise Interrupted(
                    "The run was paused.", "The student worker was ended; all committed rows are kept.", "Run it again."
                )
            if deadline is not None and time.monotonic() > deadline:
                raise StudentError("The student worker said nothing for too long.", self._last_words(), "Run: pada doctor")
            self._receive(process)
        line = bytes(self._buffer[:cut])
        del self._buffer[: cut + 1]
        try:
            return self._decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise StudentError(
                "The student worker said something that is not a message.", str(error), "Run: pada doctor"
            ) from error

    def _cut_if_over(self, process: Popen[bytes]) -> None:
        if self._over is not None and self._over():
            self._over = None
            self._send(process, say.Cut(job=self._number))

    def _receive(self, process: Popen[bytes]) -> None:
        """Take what the worker wrote, waiting one tick at most."""
        assert process.stdout is not None
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                if not selector.select(TICK_S):
                    return
            chunk = os.read(process.stdout.fileno(), 1 << 20)
        except (ValueError, OSError) as error:  # closed by `close` in another thread
            raise StudentError("The student worker was closed in the middle of a job.", fix="Run again.") from error
        if not chunk:
            raise self._death(process)
        self._buffer += chunk

    def _death(self, process: Popen[bytes]) -> StudentError:
        """The sentence about a worker that is gone, with what it said last."""
        self._process = None
        children.await_exit(process.pid, 2.0)  # so that its own status is seen, not that of our signal
        status = children.end(process, deadline_s=2.0)
        how = f"was killed by signal {signal.Signals(-status).name}" if status < 0 else f"ended by itself with status {status}"
        hint = " The system kills a process like this when memory runs out." if status == -signal.SIGKILL else ""
        # A worker that ends by itself would do it again; one that somebody killed may be lucky the next time.
        kind = WorkerLost if status < 0 else StudentError
        return kind(f"The student worker {how}.{hint}", self._last_words(), "Run again: a fresh worker is started.")

    def _last_words(self) -> str:
        try:
            lines = self._stderr_file.read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-STDERR_LINES:])


def memory_for(job: Any) -> int:
    """Bytes that the worker may allocate for a job (see `limits`); 0 for jobs without a model that a person brought."""
    match job:
        case say.Train(settings=chosen):
            tokens = max(chosen.micro_batch * chosen.max_length, chosen.tokens_per_step)
            return limits.of_student(Path(job.base), tokens, chosen.max_length, chosen.lora_rank)
        case say.Generate():
            longest = max((len(prompt.encode()) for prompt in job.prompts), default=0) + job.max_new_tokens
            return limits.of_student(Path(job.base), max(job.tokens_per_batch, longest), longest)
        case say.Talk():
            longest = len(job.prompt.encode()) + job.max_new_tokens
            return limits.of_student(Path(job.base), longest, longest)
        case say.Merge() | say.CheckAdapter() | say.LoraToGguf():
            return limits.of_student(Path(job.base), 0, 0)
        case say.ToGguf():
            return limits.of_student(Path(job.folder), 0, 0)
        case say.Describe() | say.CountTokens() | say.Shorten() | say.Tokenize() | say.RenderChats():
            return limits.of_student(Path(job.base), 0, 0)
    return 0
