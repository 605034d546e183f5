"""Many questions to one server at once: at most `slots` on their way, token by token, with a watchdog on progress."""

import selectors
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import msgspec

from pada_local.errors import Interrupted
from pada_local.teacher.launch import Launched
from pada_local.teacher.parse import TEXT_BYTES
from pada_local.teacher.protocol import Ask, OnReply, Reply
from pada_local.teacher.schemas import json_schema
from pada_local.teacher.settings import SAMPLING, harmless
from pada_local.teacher.sharing import Errand, Group, Slots, arrange, forget, reading
from pada_local.teacher.unixhttp import Broken, Busy, Exchange, event_data

TICK_S = 0.05
"""How often a pause is looked for while no token comes."""
REFUSALS = (400, 413, 422)
"""Statuses that mean: this question, not the server. Asking again would change nothing."""
SLACK_TOKENS = 16
"""Pieces of text beyond max_tokens that are let through before a server that ignores the limit is cut off."""


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Progress(msgspec.Struct):
    processed: int = 0


class _Error(msgspec.Struct):
    message: str = ""
    code: int = 500
    n_prompt_tokens: int = 0


class _Event(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    prompt_progress: _Progress | None = None
    error: _Error | None = None


_EVENTS = msgspec.json.Decoder(_Event)


def body(ask: Ask, cache_prompt: bool, slot: int = -1) -> dict[str, Any]:
    """The request. The schema's property order is kept: the grammar makes the model write fields in that order."""
    request: dict[str, Any] = {
        "messages": [{"role": "user", "content": harmless(ask.prompt)}],
        "max_tokens": ask.max_tokens, "temperature": ask.temperature, "seed": ask.seed % (2**32 - 1), **SAMPLING,
        "cache_prompt": cache_prompt, "stream": True, "stream_options": {"include_usage": True}, "return_progress": True,
    }  # fmt: skip
    if ask.schema is not None:
        schema = {"name": "answer", "strict": True, "schema": json_schema(ask.schema)}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    return request | ({"id_slot": slot} if slot >= 0 else {})


class Stream:
    """One question on its way and what has come of its answer."""

    def __init__(self, position: int, ask: Ask, exchange: Exchange, now: float, slot: int = 0) -> None:
        self.position, self.ask, self.exchange, self.started, self.slot = position, ask, exchange, now, slot
        self.parts: list[str] = []
        self.bytes, self.prompt_done, self.usage = 0, 0, _Usage()
        self.finish, self.error = "", None

    def advance(self) -> bool:
        """Read what came; True when the model moved on (a token, or part of the prompt). Raises Broken."""
        self.exchange.receive()
        if self.exchange.status != 200:
            return False
        moved = False
        for line in self.exchange.lines():
            data = event_data(line)
            if data is not None:
                moved = self._take(data) or moved
        return moved

    def _take(self, data: bytes) -> bool:
        try:
            event = _EVENTS.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Broken("an event of the answer cannot be read") from None
        self.error = event.error or self.error
        self.usage = event.usage or self.usage
        moved = False
        if event.prompt_progress and event.prompt_progress.processed > self.prompt_done:
            self.prompt_done, moved = event.prompt_progress.processed, True
        for choice in event.choices[:1]:
            if choice.delta.content:
                self.parts.append(choice.delta.content)
                self.bytes += len(choice.delta.content.encode())
                moved = True
            self.finish = choice.finish_reason or self.finish
        return moved

    @property
    def runaway(self) -> bool:
        """A server that goes on past every limit; what came is kept, the rest is not waited for."""
        return len(self.parts) > self.ask.max_tokens + SLACK_TOKENS or self.bytes > TEXT_BYTES

    def refusal(self) -> _Error | None:
        """The server's word on why it does not answer this question. Raises Broken when it is the server that is at fault."""
        status = self.exchange.status
        if status != 200:
            try:
                found = msgspec.json.decode(self.exchange.body(), type=_Event).error or _Error()
            except (msgspec.DecodeError, UnicodeDecodeError):
                found = _Error()
            self.error = msgspec.structs.replace(found, code=status)
        if self.error is not None and self.error.code not in REFUSALS:
            raise Broken(f"status {self.error.code} {self.error.message[:200]}".rstrip())
        return self.error

    def reply(self, now: float) -> Reply:
        """The whole answer. Raises Broken when the server never said that it was finished."""
        if not self.finish and not self.runaway:
            raise Broken("the answer stopped without an end")
        cut = self.runaway or self.finish == "length"
        return Reply(
            text="".join(self.parts), state="cut" if cut else "ok", reason="It was cut off at max_tokens." if cut else "",
            prompt_tokens=self.usage.prompt_tokens, answer_tokens=self.usage.completion_tokens or len(self.parts),
            elapsed_s=now - self.started,
        )  # fmt: skip


class Batch:
    """Asks what is in `pending` and takes out what is settled, so that the rest can be asked again after a fault."""

    def __init__(
        self, server: Launched, pending: dict[int, Ask], on_reply: OnReply, cancelled: Callable[[], bool],
        stall_s: float, cache_prompt: bool, clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.server, self.pending, self.on_reply, self.cancelled = server, pending, on_reply, cancelled
        self.stall_s, self.cache_prompt, self.clock = stall_s, cache_prompt, clock
        self.may_grow = True
        """Whether questions that are too long for the context are set aside in `too_long` instead of being answered 'failed'."""
        self.too_long: dict[int, Ask] = {}
        self.tokens_needed = 0
        self.given = count(max(pending, default=-1) + 1)
        """Positions for questions that follow from replies."""
        self._share = cache_prompt and server.can_share and server.slots > 1
        self._queue = [(position, group) for group in arrange(pending, self._share) for position in group.positions][::-1]
        self._slots = Slots(server.slots)
        self._active: set[Stream | Errand] = set()
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Until everything is settled. Raises Broken when the server must be restarted, Interrupted when cancelled."""
        moved_at = self.clock()
        try:
            while self._queue or self._active:
                self._fill()
                for key, mask in self._selector.select(TICK_S):
                    if self._advance(key.data, mask):
                        moved_at = self.clock()
                if self.cancelled():
                    raise Interrupted("The run was paused.", "Every answer that came is kept.", "Run it again to go on.")
                if self.clock() - moved_at > self.stall_s:
                    raise Broken(f"no token came for {self.stall_s:g} s")
        finally:
            for stream in list(self._active):
                self._drop(stream)
            self._selector.close()
            if self._share:
                forget(self.server.folder)

    def _fill(self) -> None:
        """Give every free slot something to do, as far as the server takes connections."""
        try:
            while self._queue and self._slots.free:
                position, group = self._queue[-1]
                if group.state == "reading":
                    return
                if group.state == "new":
                    self._read(group)
                    continue
                slot = self._slots.take(group)
                try:
                    if group.state == "ready" and self._slots.holds.get(slot) is not group:
                        self._prepare(slot, "restore", group, position)
                    else:
                        self._ask(position, slot)
                except Busy:
                    self._slots.give(slot)
                    raise
                self._queue.pop()
        except Busy:
            return

    def _read(self, group: Group) -> None:
        """Let one slot read what the group's questions share; the others wait for it."""
        slot = self._slots.take(group)
        try:
            self._prepare(slot, "save", group, request=reading(group, slot))
        except Busy:
            self._slots.give(slot)
            raise
        group.state = "reading"

    def _prepare(self, slot: int, then: str, group: Group, position: int = -1, request: dict[str, Any] | None = None) -> None:
        """Send a request about a slot's state; `request` is the reading, without one it is `then` itself. Raises Broken, Busy."""
        target = "/v1/chat/completions" if request else f"/slots/{slot}?action={then}"
        exchange = Exchange(self.server.socket, "POST", target, self.server.key, request or {"filename": group.file})
        self._watch(Errand(exchange, then if request else f"{then}d", group, slot, position))

    def _ask(self, position: int, slot: int) -> None:
        ask = self.pending[position]
        request = body(ask, self.cache_prompt, slot if self._share else -1)
        exchange = Exchange(self.server.socket, "POST", "/v1/chat/completions", self.server.key, request)
        self._watch(Stream(position, ask, exchange, self.clock(), slot))

    def _watch(self, stream: "Stream | Errand") -> None:
        self._active.add(stream)
        self._selector.register(stream.exchange, selectors.EVENT_READ | selectors.EVENT_WRITE, stream)

    def _advance(self, stream: "Stream | Errand", mask: int) -> bool:
        """Move one question on; True when the model did something for it."""
        exchange = stream.exchange
        if mask & selectors.EVENT_WRITE and exchange.sending:
            exchange.send()
            if not exchange.sending:
                self._selector.modify(exchange, selectors.EVENT_READ, stream)
        if not mask & selectors.EVENT_READ:
            return False
        moved = stream.advance()
        if isinstance(stream, Errand):
            if exchange.finished:
                self._go_on(stream)
        elif exchange.finished or stream.runaway:
            self._settle(stream)
            return True
        return moved

    def _go_on(self, errand: Errand) -> None:
        """What follows a prepared slot. A server that cannot save or restore is asked plainly."""
        group = errand.group
        self._drop(errand, keep_slot=True)
        try:
            if errand.then == "save" and errand.exchange.status == 200:
                self._slots.holds[errand.slot] = group
                return self._prepare(errand.slot, "save", group)
            if errand.then == "restored":
                self._slots.holds[errand.slot] = group
                return self._ask(errand.position, errand.slot)
        except Busy:
            if errand.position >= 0:
                self._queue.append((errand.position, group))
        if group.state == "reading":
            group.state = "ready" if errand.then == "saved" and errand.exchange.status == 200 else "alone"
        self._slots.give(errand.slot)
        return None

    def _settle(self, stream: Stream) -> None:
        refusal = stream.refusal()
        if refusal and refusal.n_prompt_tokens and self.may_grow:
            self.tokens_needed = max(self.tokens_needed, refusal.n_prompt_tokens + stream.ask.max_tokens + SLACK_TOKENS)
            self.too_long[stream.position] = stream.ask
            reply = None
        elif refusal:
            reply = Reply(text="", state="failed", reason=f"The server refused the question: {refusal.message[:200]}")
        else:
            reply = stream.reply(self.clock())
        self._drop(stream)
        if reply is not None:  # taken out first: a reply whose delivery fails must not be delivered again
            del self.pending[stream.position]
            self._follow(self.on_reply(stream.position, reply) or [])

    def _follow(self, asks: Sequence[Ask]) -> None:
        """Questions that follow from a reply go to the end of the queue, in their order.

        Nothing is saved and restored for these: each slot already holds the beginning that the questions before had, and what a
        few newcomers share beyond that is read sooner than handed around.
        """
        new = {position: ask for ask, position in zip(asks, self.given, strict=False)}  # this way round it draws none too many
        self.pending |= new
        self._queue[:0] = [(position, Group([position], "")) for position in reversed(new)]

    def _drop(self, stream: "Stream | Errand", keep_slot: bool = False) -> None:
        """Forget a question; closing its connection makes the server stop working on it."""
        self._active.discard(stream)
        self._selector.unregister(stream.exchange)
        stream.exchange.close()
        if not keep_slot:
            self._slots.give(stream.slot)
