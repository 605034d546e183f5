"""HTTP/1.1 over a UNIX socket, without waiting: no TCP, no proxy, no name lookup, and many requests in one thread.

Only what llama-server speaks is understood: one request per connection, bodies sent whole, chunked or until the end.
"""

import json
import socket
from pathlib import Path
from typing import Any

HEAD_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
LINE_BYTES = 2 * 1024 * 1024


class Broken(Exception):
    """The other side closed early or said something that is not HTTP; the request may be sent again."""


class Busy(Broken):
    """The server takes no connection right now; it may a moment later."""


class Exchange:
    """One request and its answer, read as it comes. `status` is 0 until the head is there; `finished` after the last byte."""

    def __init__(self, path: Path, method: str, target: str, key: str = "", body: Any = None) -> None:
        self.status, self.finished = 0, False
        self._unsent = _request(method, target, key, body)
        self._raw, self._plain = bytearray(), bytearray()
        self._chunked, self._left, self._ended = False, -1, False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.setblocking(False)
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            kind = Busy if isinstance(error, BlockingIOError) else Broken
            raise kind(f"no connection: {error.strerror}") from None

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def sending(self) -> bool:
        """Whether part of the request still has to be written."""
        return bool(self._unsent)

    def send(self) -> None:
        """Write as much of the request as the socket takes now. Raises Broken."""
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            return
        except OSError as error:
            raise Broken(f"the request was not taken: {error.strerror}") from None
        self._unsent = self._unsent[sent:]

    def receive(self) -> None:
        """Read what is there now. Raises Broken when the answer stops before its end."""
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            raise Broken(f"the connection was lost: {error.strerror}") from None
        self._raw += data
        if not data:
            self._ended = True
        if not self.status:
            self._take_head()
        if self.status:
            self._take_body()
        if len(self._plain) > 2 * LINE_BYTES:
            raise Broken("the answer is too long")
        if self._ended and not self.finished:
            if not self.status or self._chunked or self._left > 0:
                raise Broken("the answer stopped in the middle")
            self.finished = True

    def lines(self) -> list[bytes]:
        """The whole lines of the body that have come since the last call. Raises Broken when one never ends."""
        *whole, rest = self._plain.split(b"\n")
        if len(rest) > LINE_BYTES:
            raise Broken("a line of the answer is too long")
        self._plain = rest
        return [bytes(line) for line in whole]

    def body(self) -> bytes:
        """The part of the body that `lines` has not taken."""
        return bytes(self._plain[:LINE_BYTES])

    def close(self) -> None:
        self._socket.close()

    def _take_head(self) -> None:
        end = self._raw.find(b"\r\n\r\n")
        if end < 0:
            if len(self._raw) > HEAD_BYTES:
                raise Broken("the head of the answer is too long")
            return
        first, *fields = bytes(self._raw[:end]).decode("latin-1").split("\r\n")
        del self._raw[: end + 4]
        words = first.split(" ", 2)
        if not words[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdigit():
            raise Broken("the answer is not HTTP")
        named = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        self._chunked = named.get("transfer-encoding", "").lower() == "chunked"
        if not self._chunked and named.get("content-length", "").isdigit():
            self._left = int(named["content-length"])
        self.status = int(words[1])

    def _take_body(self) -> None:
        if self._chunked:
            self._take_chunks()
        elif self._left < 0:
            self._plain += self._raw
            self._raw.clear()
        else:
            taken = self._raw[: self._left]
            del self._raw[: self._left]
            self._plain += taken
            self._left -= len(taken)
            self.finished = self._left == 0

    def _take_chunks(self) -> None:
        while not self.finished:
            end = self._raw.find(b"\r\n")
            if end < 0:
                return
            try:
                size = int(bytes(self._raw[:end]).split(b";")[0], 16)
            except ValueError:
                raise Broken("a chunk of the answer has no length") from None
            if not 0 <= size <= LINE_BYTES:
                raise Broken("a chunk of the answer is too long")
            if len(self._raw) < end + 2 + size + 2:
                return
            self._plain += self._raw[end + 2 : end + 2 + size]
            del self._raw[: end + 2 + size + 2]
            self.finished = size == 0


def _request(method: str, target: str, key: str, body: Any) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    fields = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(content)}"]
    if content:
        fields.append("Content-Type: application/json")
    if key:
        fields.append(f"Authorization: Bearer {key}")
    return "\r\n".join(fields).encode() + b"\r\n\r\n" + content


def simple(path: Path, method: str, target: str, key: str = "", body: Any = None, timeout_s: float = 2.0) -> tuple[int, bytes]:
    """One short request, waited for. Returns (status, body); status 0 when there was no answer in time."""
    try:
        exchange = Exchange(path, method, target, key, body)
    except Broken:
        return 0, b""
    try:
        exchange._socket.settimeout(timeout_s)
        while exchange.sending:
            exchange.send()
        while not exchange.finished:
            exchange.receive()
        return exchange.status, exchange.body()
    except (Broken, TimeoutError):
        return 0, b""
    finally:
        exchange.close()


def event_data(line: bytes) -> bytes | None:
    """The data of a server-sent event's line; None for blank lines, comments and the closing mark. Raises Broken."""
    if line.startswith(b"error:"):
        raise Broken("the server reported an error")
    if not line.startswith(b"data:"):
        return None
    data = line[5:].strip()
    return None if data == b"[DONE]" else data
