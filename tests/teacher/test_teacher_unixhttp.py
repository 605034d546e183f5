"""The HTTP client against answers byte by byte: whole, chunked, until the end, broken in every place."""

import socket
import threading

import pytest

from pada_local.teacher import unixhttp
from pada_local.teacher.unixhttp import Broken, Exchange


@pytest.fixture
def say(tmp_path):
    """Listens once on a UNIX socket, sends the given pieces to whoever comes, and closes."""
    threads = []

    def start(*pieces):
        path = tmp_path / "s.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(1)

        def serve():
            with listener, listener.accept()[0] as connection:
                connection.recv(65536)
                for piece in pieces:
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return path

    yield start
    for thread in threads:
        thread.join(10)


def read(path):
    """Status and body of one exchange, as the batch reads it. Raises Broken."""
    exchange = Exchange(path, "GET", "/")
    try:
        exchange._socket.settimeout(10)
        exchange.send()
        lines = []
        while not exchange.finished:
            exchange.receive()
            lines += exchange.lines()
        return exchange.status, b"\n".join([*lines, exchange.body()])
    finally:
        exchange.close()


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "length": HEAD + b"content-length: 5\r\n\r\na\nbcd",
    "until the end": HEAD + b"\r\na\nbcd",
    "chunks": CHUNKED + b"2\r\na\n\r\n3;x=y\r\nbcd\r\n0\r\n\r\n",
}
BROKEN = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "short body": HEAD + b"Content-Length: 50\r\n\r\nabc",
    "no last chunk": CHUNKED + b"3\r\nabc\r\n",
    "chunk without a length": CHUNKED + b"zz\r\nabc\r\n",
    "negative chunk": CHUNKED + b"-3\r\nabc\r\n",
    "huge chunk": CHUNKED + b"fffffff\r\nabc\r\n",
    "no HTTP": b"220 mail.example ESMTP\r\n\r\n",
    "no status": b"HTTP/1.1 fine\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
}


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_whole_answers_in_one_piece_and_byte_by_byte(say, data):
    assert read(say(data)) == (200, b"a\nbcd")
    assert read(say(*[data[at : at + 1] for at in range(len(data))])) == (200, b"a\nbcd")


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken_answers_are_told_apart_from_whole_ones(say, data):
    with pytest.raises(Broken):
        read(say(data))
    assert unixhttp.simple(say(data), "GET", "/")[0] == 0


def test_a_line_that_never_ends_is_not_collected(say):
    with pytest.raises(Broken, match="too long"):
        read(say(HEAD + b"\r\n" + b"x" * 3_000_000))


def test_nobody_listens(tmp_path):
    with pytest.raises(Broken, match="no connection"):
        Exchange(tmp_path / "none.sock", "GET", "/")
    assert unixhttp.simple(tmp_path / "none.sock", "GET", "/") == (0, b"")


def test_event_lines():
    assert [unixhttp.event_data(line) for line in (b"", b": ping", b"data: [DONE]", b'data: {"a":1}\r')] == [
        None,
        None,
        None,
        b'{"a":1}',
    ]
    with pytest.raises(Broken):
        unixhttp.event_data(b'error: {"code":500}')
