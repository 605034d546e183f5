"""Chat messages as an example: the last answer is the output, what stands before it the input."""

from typing import Any

from pada_local.data.refusal import Refused, shown

_ROLES = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant",
}  # fmt: skip
_NAMES = {"user": "User", "assistant": "Assistant"}


def conversation(messages: Any) -> tuple[str, str, str]:
    """System text, input and output of a list of {role, content} or {from, value}. Raises Refused.

    One question is the input as it is; of a longer talk the input is a transcript, a line `User:` or `Assistant:` before
    each turn.
    """
    if not isinstance(messages, list) or not messages:
        raise Refused("the messages are not a list with at least one message")
    turns = [_turn(number, message) for number, message in enumerate(messages, 1)]
    system = "\n\n".join(text for role, text in turns if role == "system" and text.strip())
    turns = [turn for turn in turns if turn[0] != "system"]
    if len(turns) < 2 or turns[-1][0] != "assistant":
        raise Refused("the messages do not end with an answer of the assistant to a user")
    if turns[0][0] != "user" or any(a == b for (a, _), (b, _) in zip(turns, turns[1:], strict=False)):
        raise Refused("user and assistant do not take turns in the messages")
    if empty := next((number for number, (_, text) in enumerate(turns, 1) if not text.strip()), 0):
        raise Refused(f"turn {empty} of the messages is empty")
    before, answer = turns[:-1], turns[-1][1]
    if len(before) == 1:
        return system, before[0][1], answer
    return system, "\n".join(f"{_NAMES[role]}: {text}" for role, text in before), answer


def _turn(number: int, message: Any) -> tuple[str, str]:
    if not isinstance(message, dict):
        raise Refused(f"message {number} is not an object with role and content")
    role, text = (message.get("role", message.get("from")), message.get("content", message.get("value")))
    if role not in _ROLES:
        raise Refused(f"message {number} has the role {shown(role)}; known are system, user and assistant")
    if message.get("tool_calls") or not isinstance(text, str):
        raise Refused(f"message {number} holds something else than text")
    return _ROLES[role], text
