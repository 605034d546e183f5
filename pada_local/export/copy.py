"""A copy of a project that holds no example: patterns, strategies, metrics and recipes alone, and the check that this is true.

Examples, answers and samples stay as empty rows, so that every figure of the report comes out the same. Ids are made of
texts, and a short text could be guessed from its id: they are replaced by others, with a key that is thrown away.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from pada_local import records
from pada_local.errors import StoreError
from pada_local.export.folder import place_told
from pada_local.export.frozen import KEY, freeze
from pada_local.export.quotes import REMOVED, Quotes
from pada_local.export.report import build_report
from pada_local.records import Row
from pada_local.store.connection import log_path
from pada_local.store.copies import publish
from pada_local.store.project import Project
from pada_local.store.tables import NAMES

KEPT: dict[type[Row], dict[str, str]] = {
    records.Example: {"id": "id", "split": "word", "position": "keep", "tags": "tags"},
    records.RecipeRow: {"id": "keep", "name": "text", "body": "keep"},
    records.Run: {"id": "keep", "recipe_id": "keep", "recipe": "text", "seed": "keep", "rounds": "keep", "state": "word",
                  "created_at": "keep", "reason": "text", "champion_round": "keep", "judge_independent": "keep"},
    records.Round: {"run_id": "keep", "number": "keep", "state": "word", "adapter_id": "id", "train_examples": "keep",
                    "train_seconds": "keep", "validation_mean": "keep"},
    records.Stage: {"key": "id", "run_id": "keep", "round": "keep", "name": "word", "wave": "keep", "state": "word",
                    "counts": "keep", "elapsed_s": "keep"},
    records.TrainingStep: {"adapter_id": "id", "step": "keep", "loss": "keep", "grad_norm": "keep", "learning_rate": "keep",
                           "tokens": "keep", "held_out_loss": "keep"},
    records.Prediction: {"id": "id", "adapter_id": "id", "example_id": "id", "tokens": "keep", "decoding": "how"},
    records.ScoreRow: {"prediction_id": "id", "metric": "text", "value": "keep", "call_key": "id"},
    records.TeacherCall: {"key": "id", "model": "model", "settings": "repairs", "purpose": "word", "state": "word",
                          "prompt_tokens": "keep",
                          "answer_tokens": "keep", "elapsed_s": "keep"},
    records.Analysis: {"id": "id", "run_id": "keep", "round": "keep", "example_id": "id", "prediction_id": "id", "call_key": "id",
                       "state": "word"},
    records.Pattern: {"id": "id", "run_id": "keep", "round": "keep", "number": "keep", "name": "text", "text": "text",
                      "failures": "keep", "members": "ids", "call_key": "id", "state": "word"},
    records.Strategy: {"id": "id", "run_id": "keep", "round": "keep", "pattern_id": "id", "drafted": "text", "quota": "keep",
                       "call_key": "id", "edited": "text", "state": "word"},
    records.Candidate: {"id": "id", "run_id": "keep", "round": "keep", "wave": "keep", "position": "keep", "origin": "word",
                        "pattern_id": "id", "strategy_id": "id", "parent_id": "id", "seed_examples": "ids", "attempt": "keep",
                        "call_key": "id", "state": "word", "reason": "text", "selected": "keep"},
    records.Verdict: {"id": "id", "candidate_id": "id", "criterion": "word", "judge": "model", "passed": "keep",
                      "value": "keep", "calls": "ids"},
    records.JudgeAudit: {"id": "id", "run_id": "keep", "judge": "model", "kind": "word", "auc": "keep", "threshold": "keep",
                         "n": "keep", "used": "keep", "calls": "ids"},
    records.TestLook: {"run_id": "keep", "adapter_id": "id", "at": "keep"},
}  # fmt: skip
"""Every field that goes along, and how; whatever is not named is left empty, and kinds of rows that are not named stay behind."""
SETTINGS = ("task", "metric", "system", "missing_slices", "threads")
MODELS = ("student", "teacher", "judge")
HOW = ("backend", "base_precision", "dtype", "device", "batch_size", "chat", "max_new_tokens")
RARE = 5
"""A tag that fewer examples than this have may tell who they are, and stays behind."""


def copy_project(project: Any, to: Path) -> dict[str, Any]:
    """Write the copy and read it again; facts about it. Raises StoreError when a text went along (nothing is left then)."""
    examples = project.get(records.Example)
    private = Quotes(_private_texts(project, examples))
    rules, removed = _rules(secrets.token_bytes(32), private, examples)
    settings = {row.key: row.value for row in project.get(records.Setting)}
    kept = {key: rules["text"](settings[key]) for key in SETTINGS if key in settings}
    kept |= {key: rules["model"](settings[key]) for key in MODELS if key in settings}
    kept[KEY] = freeze(build_report(project), project, rules["id"])
    stripped = (_stripped(row, KEPT[records.Example], rules) for row in examples)
    # Under another name until it was checked: who is killed here leaves nothing that looks like a copy to hand on.
    draft = to.with_name(f".{to.name}.{secrets.token_hex(4)}.new")
    with place_told(to):
        try:
            with Project.create(draft, kept, stripped) as copy:
                for row in project.get(records.Adapter):
                    copy.put_adapter(_bare_adapter(row, rules), {})
                for kind, fields in KEPT.items():
                    if kind is not records.Example:
                        copy.put(*(_stripped(row, fields, rules) for row in project.get(kind)))
            checked = check_copy(draft, private)
            publish(draft, to)
        finally:
            draft.unlink(missing_ok=True)
            log_path(draft).unlink(missing_ok=True)
    return {"file": str(to), "checked": checked, "private_texts": len(private), "removed": removed["texts"]}


def check_copy(file: Path, private: Quotes) -> int:
    """Read every text of every row of a project file, and its bytes; how many texts were looked at. Raises StoreError."""
    looked = 0
    with Project.open(file, read_only=True) as copy:
        for kind in NAMES:
            for row in copy.get(kind):
                for text in _texts(msgspec.to_builtins(row)):
                    looked += 1
                    if private.quoted_in(text):
                        what = f"It stood in a row of the kind {kind.__name__}."
                        fix = "Tell the authors of PaDA Local."
                        raise StoreError("A private text went along into the copy, so the copy was removed.", what, fix)
    if private.stand_in(file.read_bytes()):
        raise StoreError("A private text stands in the bytes of the copy, so the copy was removed.", str(file))
    return looked


def _private_texts(project: Any, examples: list[Any]) -> Iterator[str]:
    """Inputs and right answers, everything a model said to them, samples, and what the teacher was asked and answered."""
    for row in examples:
        yield from (row.input, row.output)
    for row in project.get(records.Prediction):
        yield row.text
    for row in project.get(records.Candidate):
        yield from (row.input, row.output)


def _rules(key: bytes, private: Quotes, examples: list[Any]) -> tuple[dict[str, Callable[[Any], Any]], Counter[str]]:
    """How a value goes along, by the names used in KEPT; and a count of texts that were removed."""
    common = Counter((tag, value) for row in examples for tag, value in row.tags.items())
    removed: Counter[str] = Counter()

    def blind(name: str) -> str:
        return hashlib.blake2b(name.encode(), key=key, digest_size=12).hexdigest() if name else ""

    def text(value: str) -> str:
        if not private.quoted_in(value):
            return value
        removed["texts"] += 1
        return REMOVED

    return {
        "keep": lambda value: value, "word": lambda value: value, "id": blind, "text": text,
        "ids": lambda names: [blind(name) for name in names],
        "model": lambda name: name if name.startswith("http://") else Path(name).name,
        "repairs": lambda facts: {"repairs": blind(facts["repairs"])} if facts.get("repairs") else {},
        "how": lambda facts: {name: facts[name] for name in HOW if name in facts},
        "tags": lambda tags: {tag: value for tag, value in tags.items() if common[tag, value] >= RARE},
    }, removed  # fmt: skip


EMPTY: dict[str, Any] = {"input": "", "output": "", "text": "", "why": "", "reason": "", "prompt_id": "", "answer": ""}


def _stripped(row: Row, fields: dict[str, str], rules: dict[str, Callable[[Any], Any]]) -> Row:
    """The row with the named fields; required ones that are not named are empty."""
    values = {name: rules[rule](getattr(row, name)) for name, rule in fields.items()}
    needed = {field.name for field in msgspec.structs.fields(type(row)) if field.required}
    return type(row)(**{name: EMPTY[name] for name in needed - values.keys()}, **values)


def _bare_adapter(row: Any, rules: dict[str, Callable[[Any], Any]]) -> Any:
    """What was trained, without the weights: they can be made to say what they learned."""
    settings = {key: value for key, value in row.settings.items() if isinstance(value, int | float | bool) or key in HOW}
    return msgspec.structs.replace(
        row, id=rules["id"](row.id), base=rules["model"](row.base), sha256={}, bytes=0, settings=settings
    )  # fmt: skip


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
