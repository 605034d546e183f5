"""One free answer from a running llama-server, told while it is written."""

import selectors
from collections.abc import Callable, Iterator
from typing import Any

from pada_local.errors import TeacherError
from pada_local.teacher.batch import TICK_S, Stream
from pada_local.teacher.launch import Launched
from pada_local.teacher.protocol import Ask, Piece
from pada_local.teacher.settings import SAMPLING, harmless
from pada_local.teacher.thinking import Thoughts
from pada_local.teacher.unixhttp import Broken, Exchange

STOPPED = "It was stopped."
TOO_MANY = "It was cut off at its limit of tokens."


class TooLong(Exception):
    """The prompt has more tokens than the server was started for; `tokens` is what it needs."""

    def __init__(self, tokens: int) -> None:
        super().__init__(tokens)
        self.tokens = tokens


def body(prompt: str, max_tokens: int) -> dict[str, Any]:
    """The request: the most likely answer, in no form but the model's own. The prompt stays in the server's memory alone."""
    return {
        "messages": [{"role": "user", "content": harmless(prompt)}], "max_tokens": max_tokens, "temperature": 0.0, "seed": 0,
        **SAMPLING, "cache_prompt": True, "stream": True, "stream_options": {"include_usage": True}, "return_progress": True,
    }  # fmt: skip


def talk(server: Launched, prompt: str, max_tokens: int, over: Callable[[], bool], stall_s: float,
         clock: Callable[[], float]) -> Iterator[Piece]:  # fmt: skip
    """Pieces until the answer has ended. Raises Broken when the server is at fault, TooLong, TeacherError when it refuses."""
    exchange = Exchange(server.socket, "POST", "/v1/chat/completions", server.key, body(prompt, max_tokens))
    asked = Ask(purpose="talk", prompt=prompt, schema=type(None), max_tokens=max_tokens)
    stream, thoughts = Stream(0, asked, exchange, clock()), Thoughts()
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(exchange, selectors.EVENT_READ | selectors.EVENT_WRITE)
            for text in _texts(stream, selector, over, stall_s, clock):
                yield from thoughts.take(text)
        yield from thoughts.rest()
        if not (exchange.finished or stream.runaway):
            yield Piece("end", STOPPED)
            return
        if refusal := stream.refusal():
            if refusal.n_prompt_tokens:
                raise TooLong(refusal.n_prompt_tokens + max_tokens)
            raise TeacherError("The teacher refused the prompt.", refusal.message[:200], "Write it in another way.")
        yield Piece("end", TOO_MANY if stream.reply(clock()).state == "cut" else "")
    finally:
        exchange.close()  # a server whose connection is closed stops writing


def _texts(stream: Stream, selector: selectors.BaseSelector, over: Callable[[], bool], stall_s: float,
           clock: Callable[[], float]) -> Iterator[str]:  # fmt: skip
    """What the model writes, until it has ended or `over` says so."""
    exchange, moved_at = stream.exchange, clock()
    while not (exchange.finished or stream.runaway or over()):
        for _, mask in selector.select(TICK_S):
            if mask & selectors.EVENT_WRITE and exchange.sending:
                exchange.send()
                if not exchange.sending:
                    selector.modify(exchange, selectors.EVENT_READ)
            if mask & selectors.EVENT_READ:
                told = len(stream.parts)
                if stream.advance():
                    moved_at = clock()
                if fresh := stream.parts[told:]:
                    yield "".join(fresh)
        if clock() - moved_at > stall_s:
            raise Broken(f"no token came for {stall_s:g} s")
