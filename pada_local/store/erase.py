"""Takes out everything in which given texts stand, and what was made of it, from every table; structure stays whole.

Rows that are about an example, an answer or a sample go. Free text of rows that others hang on (the task, patterns,
strategies) loses the texts only. Weights are another matter: whole runs can be taken out, adapters with them.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pada_local.records import content_id
from pada_local.store import adapters, seals
from pada_local.store.tables import NAMES, Table, table_of

Execute = Callable[..., list[tuple[Any, ...]]]
Keys = dict[str, set[str]]
REMOVED = "[removed]"
REWRITTEN = {"settings": ("value",), "patterns": ("name", "text"), "strategies": ("drafted", "edited"), "runs": ("reason",)}
"""Tables whose rows stay, and their texts in which the words are written over."""
_TEXT_SETTINGS = ("task", "system")
"""The others name models and metrics."""
_NAMES_OF_MODELS = ("model", "judge", "settings", "decoding")
"""Columns that hold names and paths of models, in which a person's home folder may stand."""
_KEPT = (
    "manifest",
    "marks",
    "migrations",
    "recipes",
    "adapters",
    "rounds",
    "stages",
    "training_steps",
    "judge_audits",
    "test_looks",
)
_OF_RUN = (
    "rounds",
    "stages",
    "analyses",
    "patterns",
    "strategies",
    "candidates",
    "judge_audits",
    "decisions",
    "events",
    "test_looks",
)
_TABLES = {name: table_of(kind) for kind, (name, _) in NAMES.items()}
# Where a row goes when what it is about goes: (table, expression, table that it refers to).
_ABOUT = (
    ("predictions", "example_id", "examples"), ("predictions", "adapter_id", "adapters"),
    ("training_steps", "adapter_id", "adapters"), ("scores", "prediction_id", "predictions"),
    ("analyses", "example_id", "examples"), ("analyses", "prediction_id", "predictions"),
    ("candidates", "parent_id", "candidates"), ("candidates", "unnest(CAST(seed_examples AS VARCHAR[]))", "examples"),
    ("verdicts", "candidate_id", "candidates"), ("decisions", "subject_id", "candidates"),
    ("decisions", "subject_id", "strategies"), ("teacher_calls", "prompt_id", "prompts"),
)  # fmt: skip
_CALLED = (("analyses", "call_key"), ("scores", "call_key"), ("candidates", "call_key"), ("patterns", "call_key"),
           ("strategies", "call_key"), ("verdicts", "unnest(CAST(calls AS VARCHAR[]))"))  # fmt: skip
_LISTS = (("patterns", "members", "analyses"), ("verdicts", "calls", "teacher_calls"), ("judge_audits", "calls", "teacher_calls"))


def find(execute: Execute, texts: Sequence[str], runs: Iterable[str] = ()) -> Keys:
    """Keys of the rows that go, by table: those that hold a text (capitals aside), those of `runs`, and what hangs on them."""
    found: Keys = {name: set() for name in _TABLES}
    for name, table in _TABLES.items():
        if name not in (*_KEPT, *REWRITTEN):
            found[name] |= _holding(
                execute, table, texts, [one.name for one in table.columns if one.name not in _NAMES_OF_MODELS]
            )
    _take_runs(execute, found, sorted(runs))
    while True:
        before = sum(map(len, found.values()))
        for name, expression, other in _ABOUT:
            found[name] |= _referring(execute, name, expression, found[other])
        for name, expression in _CALLED:
            key = seals.key_of(_TABLES[name])
            query = f'SELECT DISTINCT {expression} FROM "{name}" WHERE {key} IN (SELECT unnest(?::VARCHAR[]))'
            found["teacher_calls"] |= {call for (call,) in execute(query, [sorted(found[name])])} - {""}
        query = 'SELECT DISTINCT prompt_id FROM teacher_calls WHERE "key" IN (SELECT unnest(?::VARCHAR[]))'
        found["prompts"] |= {prompt for (prompt,) in execute(query, [sorted(found["teacher_calls"])])} - {""}
        if sum(map(len, found.values())) == before:
            break
    found["embeddings"] |= _embeddings(execute, found["analyses"])
    found["quarantine"] |= _quarantined(execute, found)
    return {name: keys for name, keys in found.items() if keys}


def rewritten(execute: Execute, texts: Sequence[str]) -> Keys:
    """Keys of the rows that stay and lose the texts."""
    found = {name: _holding(execute, _TABLES[name], texts, columns) for name, columns in REWRITTEN.items()}
    found["settings"] &= set(_TEXT_SETTINGS)
    return {name: keys for name, keys in found.items() if keys}


def left(execute: Execute, texts: Sequence[str]) -> Keys:
    """Keys of rows that hold a text and cannot lose it without breaking the project: recipes, names and paths of models."""
    found = {name: _holding(execute, _TABLES[name], texts, [one.name for one in _TABLES[name].columns])
             for name in ("recipes", "adapters", "settings")}  # fmt: skip
    found["settings"] -= set(_TEXT_SETTINGS)
    return {name: keys for name, keys in found.items() if keys}


def erase(execute: Execute, texts: Sequence[str], found: Keys) -> None:
    """Remove what `find` found and write over the texts elsewhere, inside the caller's transaction."""
    _blank_stand_ins(execute, found.get("analyses", set()))
    for name, column, other in _LISTS:
        gone = sorted(found.get(other, ()))
        entries = f"CAST({column} AS VARCHAR[])"
        kept = f"CAST(to_json(list_filter({entries}, lambda one: NOT list_contains(?::VARCHAR[], one))) AS VARCHAR)"
        touched = f"len(list_intersect({entries}, ?::VARCHAR[])) > 0"
        if gone:
            execute(f'UPDATE "{name}" SET {column} = {kept} WHERE {touched}', [gone, gone])
    calls = sorted(found.get("teacher_calls", ()))
    for name in {name for name, expression in _CALLED if expression == "call_key"}:
        execute(f"UPDATE \"{name}\" SET call_key = '' WHERE call_key IN (SELECT unnest(?::VARCHAR[]))", [calls])
    for name, keys in found.items():
        where = f"{seals.key_of(_TABLES[name])} IN (SELECT unnest(?::VARCHAR[]))"
        execute(f'DELETE FROM "{name}" WHERE {where}', [sorted(keys)])
    for name, columns in REWRITTEN.items():
        only = f' AND "key" IN {_TEXT_SETTINGS}' if name == "settings" else ""
        for column in columns:
            for text in _written(texts):
                words = f"regexp_replace(\"{column}\", ?, ?, 'gi')"
                execute(f'UPDATE "{name}" SET "{column}" = {words} WHERE contains(lower("{column}"), ?){only}',
                        [re.escape(text), REMOVED, text])  # fmt: skip


def drop_left(execute: Execute, found: Keys) -> None:
    """The bytes of quarantined adapters that went; those of other adapters go when their table is found without a row."""
    for key in found.get("quarantine", ()):
        execute(f'DROP TABLE IF EXISTS "quarantined_{key}"')
    for adapter_id in found.get("adapters", ()):
        adapters.drop(execute, adapter_id)


def _written(texts: Sequence[str]) -> list[str]:
    """The texts in lower case, as they stand in a text and as they stand in JSON."""
    lower = [text.lower() for text in texts]
    inside = [json.dumps(text, ensure_ascii=ascii_only)[1:-1].lower() for text in lower for ascii_only in (False, True)]
    return list(dict.fromkeys([*lower, *inside]))


def _holding(execute: Execute, table: Table, texts: Sequence[str], columns: Iterable[str]) -> set[str]:
    kinds = {column.name: column.sql_type for column in table.columns}
    inside = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in columns if kinds[name] in ("VARCHAR", "JSON"))
    wanted = _written(texts)
    if not inside or not wanted:
        return set()
    test = f"len(list_filter(?::VARCHAR[], lambda one: contains(lower(concat_ws(chr(31), {inside})), one))) > 0"
    return {key for (key,) in execute(f'SELECT {seals.key_of(table)} FROM "{table.name}" WHERE {test}', [wanted])}


def _take_runs(execute: Execute, found: Keys, runs: list[str]) -> None:
    found["runs"] |= set(runs)
    for name in _OF_RUN:
        found[name] |= _referring(execute, name, "run_id", runs)
    others = "SELECT adapter_id FROM rounds WHERE run_id NOT IN (SELECT unnest(?::VARCHAR[]))"
    query = (
        f"SELECT DISTINCT adapter_id FROM rounds WHERE run_id IN (SELECT unnest(?::VARCHAR[])) AND adapter_id NOT IN ({others})"
    )
    found["adapters"] |= {key for (key,) in execute(query, [runs, runs])} - {""}


def _referring(execute: Execute, name: str, expression: str, keys: Iterable[str]) -> set[str]:
    wanted = sorted(keys)
    if not wanted:
        return set()
    pairs = f'SELECT {seals.key_of(_TABLES[name])} AS k, {expression} AS r FROM "{name}"'
    return {key for (key,) in execute(f"SELECT DISTINCT k FROM ({pairs}) WHERE r IN (SELECT unnest(?::VARCHAR[]))", [wanted])}


def _embeddings(execute: Execute, analyses: Iterable[str]) -> set[str]:
    query = "SELECT DISTINCT scenario, root_cause FROM analyses WHERE id IN (SELECT unnest(?::VARCHAR[]))"
    texts = [content_id("text", f"{scenario}: {cause}") for scenario, cause in execute(query, [sorted(analyses)])]
    return {key for (key,) in execute("SELECT id FROM embeddings WHERE text_id IN (SELECT unnest(?::VARCHAR[]))", [texts])}


def _quarantined(execute: Execute, found: Keys) -> set[str]:
    rows = execute('SELECT id, "table", "key" FROM quarantine')
    return {key for key, table, row_key in rows if row_key in found.get(table, ())}


def _blank_stand_ins(execute: Execute, analyses: Iterable[str]) -> None:
    """An unnamed pattern has the words of its first analysis; they go when that one goes."""
    words = "SELECT root_cause FROM analyses WHERE id IN (SELECT unnest(?::VARCHAR[]))"
    execute(f'UPDATE patterns SET "text" = ? WHERE "text" IN ({words})', [REMOVED, sorted(analyses)])
