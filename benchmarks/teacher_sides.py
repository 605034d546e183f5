"""The three ways to ask that `benchmarks/teacher.py` compares, each as a server that is started fresh and asked over and over."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from pada_local.runtime import offline
from pada_local.teacher.launch import find_server
from pada_local.teacher.protocol import Ask, Reply
from pada_local.teacher.schemas import json_schema
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import SAMPLING, Settings

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "build" / "llama-server-packages"
NAIVE_SLOTS = 8
PATIENCE_S = 3600.0


class OverHttp(ABC):
    """A server on a free port of this machine, asked by so many threads at once with plain, whole requests."""

    def __init__(self, clients: int) -> None:
        self.clients, self.port = clients, _free_port()
        self.process = subprocess.Popen(
            self.command(), env=offline.SWITCHES | self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()

    @abstractmethod
    def command(self) -> list[str]:
        """The command line that starts it."""

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"]}

    @abstractmethod
    def response_format(self, ask: Ask) -> dict:
        """How this server is told the schema of an answer."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def ask_all(self, asks: Sequence[Ask]) -> list[int]:
        """Tokens of every answer."""
        waiting, tokens, lock = list(enumerate(asks)), [0] * len(asks), threading.Lock()

        def client() -> None:
            while True:
                with lock:
                    if not waiting:
                        return
                    position, ask = waiting.pop(0)
                tokens[position] = self._ask(ask)

        threads = [threading.Thread(target=client) for _ in range(self.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return tokens

    def _ask(self, ask: Ask) -> int:
        request = {
            "messages": [{"role": "user", "content": ask.prompt}],
            "max_tokens": ask.max_tokens,
            "temperature": 0.0,
            **SAMPLING,
        }
        if ask.schema is not None:
            request["response_format"] = self.response_format(ask)
        status, answer = self._request("POST", "/v1/chat/completions", json.dumps(request))
        if status != 200:
            raise SystemExit(f"{type(self).__name__} answered {status}: {answer[:300]!r}")
        return int(json.loads(answer)["usage"]["completion_tokens"])

    def _request(self, method: str, target: str, body: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, target, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self._request("GET", "/v1/models")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        self.close()
        raise SystemExit(f"{type(self).__name__} did not start: {' '.join(self.command())}")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


class PythonServer(OverHttp):
    """llama_cpp.server, one request at a time: it holds a lock around its one model. Its costly default `logits_all` is off."""

    def __init__(self, model: Path, threads: int, context: int) -> None:
        self._args = ["--model", str(model), "--n_ctx", str(context), "--logits_all", "False", "--chat_format", "chatml",
                      "--n_threads", str(threads), "--n_threads_batch", str(threads), "--verbose", "False"]  # fmt: skip
        super().__init__(clients=1)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "llama_cpp.server", "--host", "127.0.0.1", "--port", str(self.port), *self._args]

    def environment(self) -> dict[str, str]:
        return super().environment() | {"PYTHONPATH": str(PACKAGES)}

    def response_format(self, ask: Ask) -> dict:
        return {"type": "json_object", "schema": json_schema(ask.schema)}


class NaiveServer(OverHttp):
    """llama-server with eight slots and otherwise its defaults, and a client for each slot."""

    def __init__(self, model: Path, threads: int, context: int) -> None:
        self._args = ["--model", str(model), "--parallel", str(NAIVE_SLOTS), "--ctx-size", str(NAIVE_SLOTS * context),
                      "--threads", str(threads), "--threads-batch", str(threads), "--no-webui", "--no-jinja",
                      "--chat-template", "chatml"]  # fmt: skip
        super().__init__(clients=NAIVE_SLOTS)

    def command(self) -> list[str]:
        return [str(find_server()), "--host", "127.0.0.1", "--port", str(self.port), *self._args]

    def response_format(self, ask: Ask) -> dict:
        return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": json_schema(ask.schema)}}


class Here:
    """This project's teacher with its own choices (context, slots, order); only the threads are given."""

    def __init__(self, model: Path, threads: int, context: int) -> None:
        self.server = LlamaServer(model, Settings(threads=threads, stall_seconds=600))
        self.server._ready(context, lambda: False)  # loading is not counted on any side

    @property
    def pid(self) -> int:
        return self.server._server.process.pid

    @property
    def slots(self) -> int:
        return self.server._server.slots

    def ask_all(self, asks: Sequence[Ask]) -> list[int]:
        replies: dict[int, Reply] = {}
        self.server.ask_all(asks, replies.__setitem__, lambda: False)
        failed = [reply.reason for reply in replies.values() if reply.state == "failed"]
        if failed:
            raise SystemExit(f"this project's teacher failed: {failed[0]}")
        return [replies[position].answer_tokens for position in range(len(asks))]

    def close(self) -> None:
        self.server.close()


SIDES: dict[str, Callable] = {"llama_cpp.server": PythonServer, "naive llama-server": NaiveServer, "this project": Here}


def missing_side() -> str:
    """Why llama_cpp.server cannot be started; "" when it can."""
    done = subprocess.run(
        [sys.executable, "-c", "import llama_cpp.server.app"], capture_output=True, text=True,
        env={"PYTHONPATH": str(PACKAGES), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
