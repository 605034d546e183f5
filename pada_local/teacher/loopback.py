"""A teacher behind an OpenAI-style server on this machine that the user started: llama-server, Ollama, LM Studio, vLLM.

Named as `http://127.0.0.1:PORT/v1#MODEL`, with `?key-file=PATH` before the `#` where the server wants a key. Only loopback
addresses are reached, directly: no proxy, no redirect. Where such a server sends texts on to cannot be seen from here.
"""

import concurrent.futures
import http.client
import ipaddress
import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from pada_local.errors import Interrupted, MissingError, TeacherError, UsageError
from pada_local.teacher import loopback_stream
from pada_local.teacher.parse import TEXT_BYTES
from pada_local.teacher.protocol import THINKING_TOKENS, Ask, OnReply, Piece, Reply
from pada_local.teacher.schemas import json_schema, shape
from pada_local.teacher.settings import Settings, harmless

AT_ONCE = 4
TICK_S = 0.1
MODES = ("json_schema", "json_object", "words")
"""How an answer's form is asked for, the strictest first. What a server honours is tried out, not believed."""
PROBE = "Write one line of poetry about rain."
PROBE_SCHEMA = {
    "type": "object", "properties": {"colour": {"type": "string", "enum": ["blue"]}}, "required": ["colour"],
    "additionalProperties": False,
}  # fmt: skip
USE = "Name it like this: http://127.0.0.1:11434/v1#model-name"


class Address(NamedTuple):
    """Where the server is and which of its models is meant."""

    host: str
    port: int
    path: str
    model: str
    key_file: str

    @property
    def identity(self) -> str:
        """What names the teacher in every call's key."""
        return f"{self.model}@{self.host}:{self.port}{self.path}"


def is_address(name: str) -> bool:
    """Whether a teacher is named by the address of a server."""
    return name.startswith(("http://", "https://"))


def read_address(name: str) -> Address:
    """The parts of an address. Raises UsageError for anything that is not this machine, or whose model lives elsewhere."""
    parts = urlsplit(name)
    if parts.scheme != "http" or parts.username or parts.password:
        detail = "It is reached by plain http on this machine, without a name or a password in the address."
        raise UsageError("This is no address of a teacher's server.", detail, USE)
    try:
        host, port = parts.hostname or "", 80 if parts.port is None else parts.port
    except ValueError:
        raise UsageError("The address of the teacher has no usable port.", name, USE) from None
    if host != "localhost" and not _is_loopback(host):
        detail = f"{host or 'no host'} is not this machine."
        raise UsageError("A teacher's server must be on this machine: texts do not leave it.", detail, USE)
    if not parts.fragment:
        raise UsageError("The address does not say which model is meant.", name, USE)
    if parts.fragment.endswith("-cloud") or parts.fragment.endswith(":cloud"):
        detail = f"Ollama runs {parts.fragment} on somebody else's machine."
        raise UsageError("That model is not on this machine.", detail, "Choose one whose weights are here.")
    key_file = (parse_qs(parts.query).get("key-file") or [""])[0]
    literal = "127.0.0.1" if host == "localhost" else host
    return Address(literal, port, parts.path.rstrip("/") or "/v1", parts.fragment, key_file)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Refused(Exception):
    """The server did not like this request; another form of it may do."""


class Loopback:
    """Implements `Backend`. `mode` is how the form of answers is asked for, known after the first question."""

    def __init__(
        self, address: Address, settings: Settings | None = None, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self.address, self.settings, self.model = address, settings or Settings(), address.identity
        self.mode = ""
        self._say = say
        self._key = _key(address.key_file)
        self._open: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()

    def ask_all(self, asks: Sequence[Ask], on_reply: OnReply, cancelled: Callable[[], bool]) -> None:
        """See `Backend`."""
        self._over.clear()
        arrived: queue.Queue[tuple[int, Reply | Exception]] = queue.Queue()

        def work(position: int, ask: Ask) -> None:
            try:
                arrived.put((position, self._ask(ask)))
            except Exception as error:  # it belongs to the thread that asked
                arrived.put((position, error))

        pool = concurrent.futures.ThreadPoolExecutor(self.settings.slots or AT_ONCE, "teacher")
        try:
            self.mode = self.mode or self._probe()
            for position, ask in enumerate(asks):
                pool.submit(work, position, ask)
            given = left = len(asks)
            while left:
                if cancelled():
                    raise Interrupted("The run was paused.", "Every answer that came is kept.", "Run it again to go on.")
                try:
                    position, reply = arrived.get(timeout=TICK_S)
                except queue.Empty:
                    continue
                if isinstance(reply, Exception):
                    raise reply
                more = on_reply(position, reply) or []
                for new, ask in enumerate(more, given):
                    pool.submit(work, new, ask)
                given, left = given + len(more), left - 1 + len(more)
        finally:
            self._hang_up()
            pool.shutdown(wait=True, cancel_futures=True)

    def talk(self, prompt: str, max_tokens: int, over: Callable[[], bool]) -> Iterator[Piece]:
        """See `Backend`."""
        body = _body(self.address.model, harmless(prompt), max_tokens + THINKING_TOKENS, 0.0, 0, {"stream": True})
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=self.settings.stall_seconds)
        with self._lock:
            self._open.add(connection)
        try:
            target = f"{self.address.path}/chat/completions"
            yield from loopback_stream.talk(connection, target, body, self._heads(), self._check, over)
        except Refused as error:
            raise TeacherError("The teacher's server refused the prompt.", str(error), "Look at its own log.") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            detail = f"{self.address.identity}: {error or type(error).__name__}"
            raise TeacherError("The teacher's server does not answer.", detail, "Start it, look at its own log.") from None
        finally:
            with self._lock:
                self._open.discard(connection)
            _shut(connection)
            connection.close()

    def memory_mib(self) -> int:
        """0: the server's memory is its owner's."""
        return 0

    def close(self) -> None:
        """Nothing to end: the server is not ours."""
        self._hang_up()

    def _probe(self) -> str:
        """The strictest mode that this server honours: a question whose natural answer would break the form tells."""
        chosen = MODES[-1]
        for mode in MODES[:-1]:
            form = _form(mode, PROBE_SCHEMA)
            prompt = PROBE if mode == "json_schema" else f"{PROBE} Return it as JSON with the field line."
            try:
                text = _content(self._post(_body(self.address.model, prompt, 64 + THINKING_TOKENS, 0.0, 0, form)))[0]
                found = json.loads(_without_thinking(text))
            except (Refused, ValueError):
                continue
            if found == {"colour": "blue"} if mode == "json_schema" else isinstance(found, dict):
                chosen = mode
                break
        if chosen != MODES[0]:
            self._say(f"{self.address.identity} does not keep to a JSON schema: answers are asked for as {chosen} and repaired.")
        return chosen

    def _ask(self, ask: Ask) -> Reply:
        started = monotonic()
        prompt = harmless(ask.prompt)
        if self.mode != "json_schema":
            prompt += f"\nReturn nothing but JSON of this form: {shape(ask.schema)}"
        form = _form(self.mode, json_schema(ask.schema))
        body = _body(self.address.model, prompt, ask.max_tokens + THINKING_TOKENS, ask.temperature, ask.seed, form)
        try:
            answer = self._post(body)
        except Refused as error:
            return Reply(text="", state="failed", reason=f"The server refused the question: {error}"[:240])
        text, thought, finish = _content(answer)
        usage, cut = answer.get("usage"), finish == "length"
        thinking = cut and not text and thought
        reason = "It was still thinking when its tokens ran out." if thinking else "It was cut off at max_tokens."
        return Reply(
            text=text, state="cut" if cut else "ok", reason=reason if cut else "", prompt_tokens=_count(usage, "prompt_tokens"),
            answer_tokens=_count(usage, "completion_tokens"), elapsed_s=monotonic() - started,
        )  # fmt: skip

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        """One question, asked again when the server stalls or drops it. Raises Refused, TeacherError."""
        trouble = ""
        for _ in range(1 + self.settings.restarts):
            if self._over.is_set():
                break
            connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=self.settings.stall_seconds)
            with self._lock:
                self._open.add(connection)
            try:
                return self._exchange(connection, body)
            except (OSError, http.client.HTTPException, ValueError) as error:
                trouble = str(error) or type(error).__name__
            finally:
                with self._lock:
                    self._open.discard(connection)
                connection.close()
        fix = "Start it, look at its own log, then run again: every answer so far is kept."
        raise TeacherError("The teacher's server does not answer.", f"{self.address.identity}: {trouble}", fix)

    def _exchange(self, connection: http.client.HTTPConnection, body: dict[str, Any]) -> dict[str, Any]:
        connection.request("POST", f"{self.address.path}/chat/completions", json.dumps(body), self._heads())
        response = connection.getresponse()
        raw = response.read(2 * TEXT_BYTES + 1)
        self._check(response.status, raw)
        found = json.loads(raw)
        if not isinstance(found, dict):
            raise ValueError("an answer of another kind")
        return found

    def _heads(self) -> dict[str, str]:
        return {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    def _check(self, status: int, raw: bytes) -> None:
        """Raises TeacherError, Refused or ValueError for an answer that is none."""
        if 300 <= status < 400:
            raise TeacherError("The teacher's server sends questions elsewhere, which is refused.", self.address.identity)
        if status in (401, 403):
            raise TeacherError("The teacher's server wants a key.", self.address.identity, "Add ?key-file=PATH to its address.")
        if 400 <= status < 500:
            raise Refused(raw[:200].decode("utf-8", "replace"))
        if status != 200 or len(raw) > 2 * TEXT_BYTES:
            raise ValueError(f"status {status}, {len(raw)} bytes")

    def _hang_up(self) -> None:
        """Wake every thread that waits for the server."""
        self._over.set()
        with self._lock:
            for connection in self._open:
                _shut(connection)


def _shut(connection: http.client.HTTPConnection) -> None:
    """Wake whoever reads there."""
    if connection.sock is not None:
        try:
            connection.sock.shutdown(2)
        except OSError:
            pass  # it was over already


def _key(file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MissingError("The file with the server's key cannot be read.", f"{file}: {error}") from None


def _body(model: str, prompt: str, tokens: int, temperature: float, seed: int, form: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "temperature": temperature,
        "seed": seed % (2**31 - 1), "stream": False, **form,
    }  # fmt: skip


def _form(mode: str, schema: dict[str, Any]) -> dict[str, Any]:
    if mode == "json_schema":
        return {"response_format": {"type": mode, "json_schema": {"name": "answer", "strict": True, "schema": schema}}}
    return {"response_format": {"type": mode}} if mode == "json_object" else {}


def _content(answer: dict[str, Any]) -> tuple[str, str, str]:
    """Text, what was thought, and why it ended, of an answer that may hold anything."""
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get("message") if isinstance(choice.get("message"), dict) else {}
    text, thought = message.get("content"), message.get("reasoning_content") or message.get("reasoning")
    said = text[:TEXT_BYTES] if isinstance(text, str) else ""
    return said, thought if isinstance(thought, str) else "", str(choice.get("finish_reason") or "")


def _without_thinking(text: str) -> str:
    """What stands behind the thinking; nothing where it never ends."""
    body = text.strip()
    return body.partition("</think>")[2].strip() if body.startswith("<think>") else body


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else 0
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0
