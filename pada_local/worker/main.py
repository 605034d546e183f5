"""The worker's loop: read a job, do it, say how it went. A JSON line a message; heavy imports wait for a job that needs them."""

import os
import socket
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from pada_local.student.protocol import (
    CheckAdapter,
    Cluster,
    CountTokens,
    Cut,
    Describe,
    Description,
    Embed,
    Failed,
    Finished,
    Generate,
    Job,
    LoraToGguf,
    Merge,
    ReadTable,
    Ready,
    RenderChats,
    Shorten,
    Stop,
    Talk,
    ToGguf,
    Tokenize,
    Train,
    WriteParquet,
)
from pada_local.worker.inbox import Inbox
from pada_local.worker.problems import JobError, is_out_of_memory

PACKAGES = ("torch", "transformers", "peft", "sentence-transformers", "scikit-learn", "unsloth", "bitsandbytes")
Send = Callable[[Any], None]
Facts = dict[str, float | int | str]


def main() -> None:
    """Serve jobs until `Stop` or the end of stdin."""
    socket.has_ipv6 = False  # or urllib3, which many libraries import, binds a socket to ::1 to see whether it can
    jobs, messages = _take_over_pipes()
    encoder, decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Job)
    number = 0
    worker = Worker(lambda: jobs.is_cut(number))

    def send(message: Any) -> None:
        messages.write(encoder.encode(msgspec.structs.replace(message, job=number)) + b"\n")
        messages.flush()

    send(Ready(versions=_versions(), device="cuda" if Path("/proc/driver/nvidia/version").exists() else "cpu"))
    for line in jobs:
        try:
            job = decoder.decode(line)
        except msgspec.MsgspecError as error:
            send(Failed(title="The student worker got a job that it cannot read.", detail=str(error), kind="other"))
            continue
        if isinstance(job, Cut):
            continue  # what it was meant for has ended by itself
        number = job.job
        if isinstance(job, Stop):
            break
        send(_outcome(worker, job, send))


def _outcome(worker: "Worker", job: Job, send: Send) -> Finished | Failed:
    """Do the job; whatever goes wrong becomes a message and the worker lives on."""
    try:
        return Finished(facts=worker.do(job, send))
    except JobError as error:
        return Failed(title=error.title, detail=error.detail, fix=error.fix, kind=error.kind)
    except BrokenPipeError:
        raise
    except Exception as error:
        traceback.print_exc()
        if is_out_of_memory(error):
            return Failed(title="Memory ran out.", detail=str(error)[:500], fix="Choose a smaller model.", kind="memory")
        what = f"{type(error).__name__}: {str(error)[:500]}"
        return Failed(title="The student worker met an error that it does not know.", detail=what, kind="other")


class Worker:
    """What stays in memory between jobs: one student, one sentence embedder, one tokenizer."""

    def __init__(self, is_cut: Callable[[], bool] = lambda: False) -> None:
        self._is_cut = is_cut
        self._shelf: Any = None
        self._embedder: Any = None
        self._ruler: Any = None

    def do(self, job: Job, send: Send) -> Facts:
        """One job, by its type."""
        match job:
            case Train():
                from pada_local.worker.lora import train

                return train(job, self._models(send), send)
            case Generate():
                from pada_local.worker.answer import answer

                return answer(job, self._models(send), send)
            case Talk():
                from pada_local.worker.talk import talk

                return talk(job, self._models(send), send, self._is_cut)
            case Embed():
                from pada_local.worker.embed import Embedder

                self._embedder = self._embedder or Embedder()
                return self._embedder.embed(job, send)
            case Cluster():
                from pada_local.worker.cluster import cluster

                return cluster(job, send)
            case Describe():
                from pada_local.worker.folders import describe

                send(Description(facts=describe(job.base)))
            case CountTokens() | Shorten():
                from pada_local.worker.lengths import Ruler

                if self._ruler is None or self._ruler.base != job.base:
                    self._ruler = Ruler(job.base)
                send(self._ruler.do(job))
            case ReadTable():
                from pada_local.worker.tables import limit_memory, read_table

                if self._shelf is None and self._embedder is None:
                    limit_memory()
                read_table(job, send)
            case _:
                return self._export(job, send)
        return {}

    def _export(self, job: Job, send: Send) -> Facts:
        """What leaves a project: merged weights, GGUF files, tables, and the checks of them."""
        match job:
            case Merge():
                from pada_local.worker.merge import merge

                return merge(job)
            case CheckAdapter():
                from pada_local.worker.merge import check_adapter

                return check_adapter(job)
            case ToGguf():
                from pada_local.worker.gguf import to_gguf

                return to_gguf(job)
            case LoraToGguf():
                from pada_local.worker.gguf import lora_to_gguf

                return lora_to_gguf(job)
            case RenderChats():
                from pada_local.worker.chats import render

                send(render(job))
            case Tokenize():
                from pada_local.worker.chats import tokenize

                send(tokenize(job))
            case WriteParquet():
                from pada_local.worker.parquet import write_parquet

                return write_parquet(job)
        return {}

    def _models(self, send: Send) -> Any:
        from pada_local.worker.models import Shelf

        self._shelf = self._shelf or Shelf(send)
        return self._shelf


def _take_over_pipes() -> tuple[Inbox, BinaryIO]:
    """The real stdin and stdout for messages alone: libraries that print reach stderr, those that read find nothing."""
    jobs, messages = Inbox(os.dup(0)), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.stdout = sys.stderr
    return jobs, messages


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
