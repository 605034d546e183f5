"""The rows that a project keeps: frozen structs, one per table, with the same field names as the columns.

Ids are content hashes wherever the content decides what a row is, so that writing a row twice is harmless.
"""

import hashlib
from typing import Any

import msgspec

HASH_VERSION = "1"


def content_id(*parts: Any) -> str:
    """A 24-digit hex id of JSON-like parts; the same parts give the same id on any machine."""
    canonical = msgspec.json.encode([HASH_VERSION, *parts], order="sorted")
    return hashlib.blake2b(canonical, digest_size=12).hexdigest()


def round_id(what: str, number: int) -> str:
    """The subject of a confirmation: all strategies or all samples of a round."""
    return f"{what} of round {number}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records."""


class Setting(Row):
    """One fact about the project: task card, metric, models, system text, schema version."""

    key: str
    value: str


class Example(Row):
    """A labelled example. `position` is its order in the file; `split` is train, validation or test."""

    id: str
    split: str
    position: int
    input: str
    output: str
    source: str = ""
    tags: dict[str, str] = {}


class RecipeRow(Row):
    """A recipe as it was when a run used it; `body` is canonical JSON."""

    id: str
    name: str
    body: str


class Run(Row):
    """One recipe with one seed. `state`: running, paused, stopped, failed, done, or held (trained; a study tests it later)."""

    id: str
    recipe_id: str
    recipe: str
    seed: int
    rounds: int
    state: str
    created_at: str
    reason: str = ""
    champion_round: int = 0
    judge_independent: bool = False


class Round(Row):
    """One round of a run; counts and means are NULL until they are known."""

    run_id: str
    number: int
    state: str
    adapter_id: str = ""
    train_examples: int | None = None
    train_seconds: float | None = None
    validation_mean: float | None = None


class Stage(Row):
    """A stage of a round. `key` is its fingerprint; `state`: running or done."""

    key: str
    run_id: str
    round: int
    name: str
    wave: int
    state: str
    counts: dict[str, int] = {}
    elapsed_s: float = 0.0


class Adapter(Row):
    """A trained adapter: its bytes lie in a table of its own; `done` is set in the transaction that wrote them."""

    id: str
    base: str
    sha256: dict[str, str]
    bytes: int
    settings: dict[str, Any]
    train_tokens: int
    train_seconds: float
    steps: int


class TrainingStep(Row):
    """One optimizer step."""

    adapter_id: str
    step: int
    loss: float
    grad_norm: float
    learning_rate: float
    tokens: int
    held_out_loss: float | None = None


class Prediction(Row):
    """What a student answered to an example. `decoding` is the key of backend, dtype, batch size and limits."""

    id: str
    adapter_id: str
    example_id: str
    text: str
    tokens: int
    decoding: dict[str, Any]


class ScoreRow(Row):
    """A metric's value for a prediction; NULL means that it could not be scored, which is not zero."""

    prediction_id: str
    metric: str
    value: float | None
    why: str
    call_key: str = ""


class TeacherCall(Row):
    """One question to a teacher or judge and what came back. `key` covers model, prompt, schema, settings and seed."""

    key: str
    prompt_id: str
    model: str
    purpose: str
    settings: dict[str, Any]
    answer: str
    state: str
    reason: str
    prompt_tokens: int
    answer_tokens: int
    elapsed_s: float


class Prompt(Row):
    """A rendered prompt, kept once."""

    id: str
    text: str


class Analysis(Row):
    """Why one validation prediction failed, in the teacher's words. `state`: ok, unparsable or leaked."""

    id: str
    run_id: str
    round: int
    example_id: str
    prediction_id: str
    call_key: str
    state: str
    root_cause: str = ""
    scenario: str = ""
    reason: str = ""


class Embedding(Row):
    """A sentence vector of a text, by text and model."""

    id: str
    model: str
    text_id: str
    vector: list[float]


class Pattern(Row):
    """A group of failures with a name. `members` are analysis ids, nearest to the centre first."""

    id: str
    run_id: str
    round: int
    number: int
    name: str
    text: str
    failures: int
    members: list[str]
    call_key: str
    state: str = "ok"


class Strategy(Row):
    """How to write samples for a pattern; `edited` replaces `drafted` when a person changed it."""

    id: str
    run_id: str
    round: int
    pattern_id: str
    drafted: str
    quota: int
    call_key: str
    edited: str = ""
    state: str = "ok"


class Candidate(Row):
    """One item that the teacher returned. `state`: pending, accepted, rejected, duplicate, leaked, unparsable."""

    id: str
    run_id: str
    round: int
    wave: int
    position: int
    origin: str
    pattern_id: str
    strategy_id: str
    parent_id: str
    seed_examples: list[str]
    attempt: int
    call_key: str
    input: str
    output: str
    state: str
    reason: str = ""
    selected: bool = False


class Verdict(Row):
    """One check of one candidate: schema, format, duplicate, leak, judge scores, rederivation."""

    id: str
    candidate_id: str
    criterion: str
    judge: str
    passed: bool
    value: float | None
    reason: str
    calls: list[str] = []


class JudgeAudit(Row):
    """How well a judge tells right from wrong on training references. `used`: whether its scores count."""

    id: str
    run_id: str
    judge: str
    kind: str
    auc: float
    threshold: float
    n: int
    used: bool
    calls: list[str] = []


class Decision(Row):
    """What a person decided about a candidate, a pattern or a strategy."""

    id: str
    run_id: str
    subject_id: str
    action: str
    before: str
    after: str
    reason: str
    at: str


class TestLook(Row):
    """A scoring of the test set; a run has one."""

    run_id: str
    adapter_id: str
    at: str


class EventRow(Row):
    """An event as it was sent; `seq` orders events, times do not."""

    seq: int
    run_id: str
    at: str
    kind: str
    body: str


class Manifest(Row):
    """One link of the chain over what is finished: the rows written since the link before, by table, and their hashes."""

    seq: int
    run_id: str
    stage_key: str
    name: str
    low: int
    high: int
    rows: dict[str, str]
    previous: str
    sha256: str


class Mark(Row):
    """The hash of a row that may change, as it was last written."""

    table: str
    key: str
    sha256: str


class Quarantined(Row):
    """A damaged row that was taken out of its table: never deleted, no longer used. `body` is its JSON."""

    id: str
    table: str
    key: str
    body: str
    reason: str
    at: str
