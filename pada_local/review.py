"""What a person decides about strategies and samples: checked, kept as decisions, undone one by one.

A decision changes rows that the loop reads next, and leaves a Decision with what they were before and are after. It is
refused where it would come too late: samples of a strategy that are written, a sample that was trained on.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from pada_local.context import Rows
from pada_local.data.guards import guard_of
from pada_local.errors import UsageError
from pada_local.metrics import registry
from pada_local.records import Candidate, Decision, Pattern, Round, Row, Setting, Stage, Strategy, content_id, round_id
from pada_local.runtime.safe import safe_line

STRATEGIES, SAMPLES = KINDS = "strategies", "samples"
CHANGED = {Strategy: ("edited", "quota", "state"), Candidate: ("input", "output", "state", "reason")}
"""What a decision may change of a row: kept before and after."""
BY_A_PERSON = "A person: "


def is_confirmed(rows: Rows, run_id: str, what: str, number: int) -> bool:
    """Whether a person said that the strategies or the samples of this round are as they should be."""
    return rows.count(Decision, run_id=run_id, subject_id=round_id(what, number), action="confirm") > 0


def is_enough(rows: Rows, run_id: str, number: int) -> bool:
    """Whether a person said that no further wave of samples is to be written in this round."""
    return rows.count(Decision, run_id=run_id, subject_id=round_id(SAMPLES, number), action="enough") > 0


def waiting(rows: Rows, run_id: str, what: str, number: int) -> list[Any]:
    """The rows that a person is asked about: usable strategies, or samples that are accepted as things stand."""
    if what == STRATEGIES:
        return rows.get(Strategy, run_id=run_id, round=number, state="ok")
    return rows.get(Candidate, run_id=run_id, round=number, state="accepted")


def queue(rows: Rows, run_id: str) -> dict[str, Any]:
    """What can be decided about in the run's last round, with the pattern that each strategy or sample came from."""
    number = max((row.number for row in rows.get(Round, run_id=run_id)), default=0)
    written = rows.count(Stage, run_id=run_id, round=number, name="generate") > 0
    what = SAMPLES if written else STRATEGIES
    names = {row.id: row.name for row in rows.get(Pattern, run_id=run_id, round=number)}
    listed = [
        msgspec.to_builtins(row) | {"pattern": names.get(row.pattern_id, "")} for row in waiting(rows, run_id, what, number)
    ]
    confirmed = is_confirmed(rows, run_id, what, number)
    return {"run_id": run_id, "round": number, "what": what, "confirmed": confirmed, "waiting": listed}


def decide(rows: Any, run_id: str, subject: str, action: str, words: dict[str, str]) -> dict[str, Any]:
    """Carry out one decision and keep it; the answer is the row as it is now, or the confirmation.

    Actions on a sample: accept, reject (reason), edit (input, output). On a strategy: rewrite (text), quota (count),
    exclude, merge (into: another strategy of the round). On either: undo, the last decision first. On `round_id`: confirm;
    on that of samples also enough: the wave that is being written is the round's last.
    Raises UsageError for what is unknown or too late, with nothing changed.
    """
    with rows.together():
        if action in ("confirm", "enough"):
            kinds = KINDS if action == "confirm" else (SAMPLES,)
            if subject not in [round_id(what, row.number) for row in rows.get(Round, run_id=run_id) for what in kinds]:
                raise UsageError(f"There are no {subject!r} in this run.")
            return msgspec.to_builtins(_keep(rows, run_id, subject, action, "", "", words.get("reason", "")))
        row = rows.one(Candidate, id=subject, run_id=run_id) or rows.one(Strategy, id=subject, run_id=run_id)
        if row is None:
            raise UsageError(f"There is no sample and no strategy {subject!r} in this run.")
        _refuse_late(rows, row)
        if action == "undo":
            _undo(rows, row)
            return msgspec.to_builtins(rows.one(type(row), id=subject))
        known = SAMPLE_ACTIONS if isinstance(row, Candidate) else STRATEGY_ACTIONS
        if action not in known:
            raise UsageError(f"{action!r} cannot be done with it.", "Known are: " + ", ".join(sorted([*known, "undo"])) + ".")
        changed = known[action](rows, row, words)
        before = [rows.one(type(row), id=new.id) for new in changed]
        rows.replace(*changed)
        _keep(rows, run_id, subject, action, _body(before), _body(changed), words.get("reason", ""))
        return msgspec.to_builtins(rows.one(type(row), id=subject))


def decide_all(rows: Any, run_id: str, samples: Sequence[str], action: str, words: dict[str, str]) -> dict[str, Any]:
    """One decision about many samples: accept, reject or undo. Those with which it cannot be done stay as they are.

    Returns how many were changed and refused, and the first reason. All of it commits together. Raises UsageError.
    """
    if action not in ("accept", "reject", "undo"):
        raise UsageError(f"{action!r} is not done with many samples at once.", "Known are: accept, reject, undo.")
    refused: list[str] = []
    with rows.together():
        found = rows.get(Candidate, id=list(samples), run_id=run_id)
        for number in {row.round for row in found}:
            _refuse_late(rows, next(row for row in found if row.round == number))
        changed: list[tuple[Candidate, Row]] = []
        for row in found:
            try:
                if action == "undo":
                    _undo(rows, row)
                else:
                    changed += [(row, new) for new in SAMPLE_ACTIONS[action](rows, row, words)]
            except UsageError as error:
                refused.append(f"{error.title} {error.detail}".strip())
        rows.replace(*(new for _, new in changed))
        start = rows.count(Decision, run_id=run_id)
        rows.put(*(
            _decision(start + at, run_id, row.id, action, _body([row]), _body([new]), words.get("reason", ""))
            for at, (row, new) in enumerate(changed)
        ))  # fmt: skip
    done = len(found) - len(refused)
    return {"changed": done, "refused": len(refused), "why": refused[0] if refused else ""}


def _accept(_rows: Any, row: Candidate, _words: dict[str, str]) -> list[Row]:
    if row.state not in ("accepted", "rejected", "duplicate"):
        raise UsageError(f"A sample that is {row.state} cannot be accepted.", row.reason)
    return [msgspec.structs.replace(row, state="accepted", reason="")]


def _reject(_rows: Any, row: Candidate, words: dict[str, str]) -> list[Row]:
    if row.state != "accepted":
        raise UsageError(f"Only an accepted sample can be rejected; this one is {row.state}.")
    return [msgspec.structs.replace(row, state="rejected", reason=BY_A_PERSON + (words.get("reason") or "not wanted"))]


def _edit(rows: Any, row: Candidate, words: dict[str, str]) -> list[Row]:
    """The edited text passes what a person can overlook: the metric's format, and the guard of validation and test texts."""
    text, answer = words.get("input", row.input).strip(), words.get("output", row.output).strip()
    if not text or not answer:
        raise UsageError("A sample needs an input and an output.")
    if row.state in ("pending", "unparsable"):
        raise UsageError(f"A sample that is {row.state} cannot be edited.")
    metric = rows.one(Setting, key="metric")
    if metric and (problem := registry.format_error(metric.value, answer)):
        raise UsageError("The output does not have the form that the metric can score.", problem)
    guard = guard_of(rows)
    if reason := guard.refuses(text) or guard.gives_away(answer):
        raise UsageError("The text cannot be used.", reason)
    return [msgspec.structs.replace(row, input=text, output=answer, state="accepted", reason="")]


def _rewrite(rows: Any, row: Strategy, words: dict[str, str]) -> list[Row]:
    text = words.get("text", "").strip()
    if not text:
        raise UsageError("A strategy needs a text.")
    if reason := guard_of(rows).refuses_within(text):
        raise UsageError("The text cannot be used.", reason)
    return [msgspec.structs.replace(row, edited=text, state="ok")]


def _quota(_rows: Any, row: Strategy, words: dict[str, str]) -> list[Row]:
    count = words.get("count", "")
    if not count.isdecimal() or int(count) > 100_000:
        raise UsageError(f"A quota is a whole number from 0 to 100000, not {safe_line(count, 20)!r}.")
    return [msgspec.structs.replace(row, quota=int(count))]


def _exclude(_rows: Any, row: Strategy, _words: dict[str, str]) -> list[Row]:
    return [msgspec.structs.replace(row, quota=0, state="excluded")]


def _merge(rows: Any, row: Strategy, words: dict[str, str]) -> list[Row]:
    """The pattern's share goes to another strategy of the round, and this one is excluded."""
    other = rows.one(Strategy, id=words.get("into", ""), run_id=row.run_id, round=row.round, state="ok")
    if other is None or other.id == row.id:
        raise UsageError("A strategy can be merged into another usable strategy of the same round.")
    grown = msgspec.structs.replace(other, quota=other.quota + row.quota)
    return [grown, msgspec.structs.replace(row, quota=0, state="excluded")]


def _undo(rows: Any, row: Row) -> None:
    """Every row that the last standing decision about this one changed becomes what it was before."""
    undone = {kept.subject_id for kept in rows.get(Decision, run_id=row.run_id, action="undo")}
    decisions = rows.get(Decision, run_id=row.run_id, subject_id=row.id)
    last = next((kept for kept in reversed(decisions) if kept.action != "undo" and kept.id not in undone), None)
    if last is None:
        raise UsageError("There is no decision about it to undo.")
    before, after = (msgspec.json.decode(text) for text in (last.before, last.after))
    now = [rows.one(type(row), id=one) for one in before]
    if msgspec.json.decode(_body(now)) != after:
        raise UsageError("Something that this decision changed was decided about again.", fix="Undo the later decision first.")
    rows.replace(*(msgspec.structs.replace(one, **before[one.id]) for one in now))
    _keep(rows, row.run_id, last.id, "undo", last.after, last.before, "")


SAMPLE_ACTIONS: dict[str, Callable[..., list[Row]]] = {"accept": _accept, "reject": _reject, "edit": _edit}
STRATEGY_ACTIONS: dict[str, Callable[..., list[Row]]] = {
    "rewrite": _rewrite, "quota": _quota, "exclude": _exclude, "merge": _merge,
}  # fmt: skip


def _refuse_late(rows: Any, row: Any) -> None:
    """A decision after the fact would make the file say what did not happen."""
    stage = "select" if isinstance(row, Candidate) else "generate"
    if rows.count(Stage, run_id=row.run_id, round=row.round, name=stage):
        late = "this round's samples were selected" if stage == "select" else "samples were written from it"
        raise UsageError(f"It is too late for that: {late} already.", "The next round's can be decided about.")


def _body(rows: Sequence[Any]) -> str:
    """What decisions may change, of each row, by the row's id."""
    kept = {row.id: {name: getattr(row, name) for name in CHANGED[type(row)]} for row in rows}
    return msgspec.json.encode(kept, order="sorted").decode()


def _keep(rows: Any, run_id: str, subject: str, action: str, before: str, after: str, reason: str) -> Decision:
    row = _decision(rows.count(Decision, run_id=run_id), run_id, subject, action, before, after, reason)
    rows.put(row)
    return row


def _decision(number: int, run_id: str, subject: str, action: str, before: str, after: str, reason: str) -> Decision:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Decision(
        id=content_id("decision", run_id, number, subject, action), run_id=run_id, subject_id=subject, action=action,
        before=before, after=after, reason=reason, at=at,
    )  # fmt: skip
