"""A project filled by hand: two finished runs on 40 test examples in two slices, with patterns and refused samples."""

import hashlib

import pytest

from pada_local.records import (
    Adapter,
    Analysis,
    Candidate,
    Example,
    JudgeAudit,
    Pattern,
    Prediction,
    Round,
    Run,
    ScoreRow,
    Strategy,
    TeacherCall,
    TestLook,
    Verdict,
    content_id,
)  # fmt: skip
from pada_local.store.project import Project

FILES = {"adapter_model.safetensors": bytes(range(256)) * 9, "adapter_config.json": b"{}", "README.md": b"theirs"}
MODELS = {"student": "s", "teacher": "demo-teacher", "judge": "demo-teacher"}
SETTINGS = {"task": "t", "metric": "exact_match", "system": "", "chat": "plain"} | MODELS
DECODING = {"dtype": "float32"}


def example(split, n):
    tags = {"slice": "plain" if n % 2 else "negation"}
    return Example(id=content_id(split, n), split=split, position=n, input=f"{split} {n}", output=str(n), tags=tags)


def answers(adapter_id, split, size, right, unscored=()):
    """Predictions and scores: the first `right` are right, those in `unscored` have no value."""
    for n in range(size):
        key = f"{adapter_id}-{split}-{n}"
        value = None if n in unscored else float(n < right)
        yield Prediction(id=key, adapter_id=adapter_id, example_id=content_id(split, n), text="x", tokens=1, decoding=DECODING)
        yield ScoreRow(prediction_id=key, metric="exact_match", value=value, why="")


def adapter(name):
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in FILES.items()}
    return Adapter(id=name, base="demo-student", sha256=hashes, bytes=sum(map(len, FILES.values())), settings={},
                   train_tokens=1000, train_seconds=2.0, steps=5)  # fmt: skip


def run(name, recipe, state="done", champion=1, rounds=1):
    return Run(id=name, recipe_id=recipe, recipe=recipe, seed=1, rounds=rounds, state=state, created_at="2026-01-01",
               champion_round=champion)  # fmt: skip


def candidate(n, state, **more):
    origin = {"origin": "pattern", "pattern_id": "p1", "strategy_id": "s1", "parent_id": "", "seed_examples": [], "attempt": 0}
    place = {"id": f"c{n}", "run_id": "bbb2", "round": 1, "wave": 1, "position": n, "call_key": f"k{n % 3}"}
    return Candidate(**{**origin, **place, "input": "i", "output": "o", "state": state, **more})


def fill(project):
    for name in ("first", "second", "third"):
        project.put_adapter(adapter(name), FILES)
    project.put(run("aaa1", "vanilla"), run("bbb2", "pada", champion=2, rounds=2), run("ccc3", "pada", "paused", 0))
    rounds = (("aaa1", 1, "first"), ("bbb2", 1, "second"), ("bbb2", 2, "third"))
    project.put(
        *(Round(run_id=r, number=n, state="done", adapter_id=a, train_examples=10 * n, train_seconds=1.0) for r, n, a in rounds)
    )
    project.put(*answers("first", "test", 40, 20, unscored=(0,)), *answers("third", "test", 40, 30))
    for name, right in (("first", 4), ("second", 5), ("third", 8)):
        project.put(*answers(name, "validation", 10, right))
    project.put(*(TestLook(run_id=r, adapter_id=a, at="") for r, a in (("aaa1", "first"), ("bbb2", "third"))))
    calls = [TeacherCall(key=f"k{n}", prompt_id="", model="m", purpose="generate", settings={}, answer="", state="ok", reason="",
                         prompt_tokens=10, answer_tokens=5, elapsed_s=0.5) for n in range(3)]  # fmt: skip
    analyses = [Analysis(id=f"a{n}", run_id="bbb2", round=1, example_id="", prediction_id="", call_key="k0", state="ok")
                for n in range(5)]  # fmt: skip
    pattern = Pattern(id="p1", run_id="bbb2", round=1, number=1, name="Negation \x1b[31m", text="misses no", failures=5,
                      members=[], call_key="k1")  # fmt: skip
    strategy = Strategy(
        id="s1", run_id="bbb2", round=1, pattern_id="p1", drafted="drafted", quota=6, call_key="k1", edited="edited"
    )
    states = ("accepted", "accepted", "rejected", "rejected", "duplicate", "leaked", "unparsable")
    reasons = {2: "too long a story", 4: "same words"}
    samples = [candidate(n, state, selected=n == 0, reason=reasons.get(n, "")) for n, state in enumerate(states)]
    verdicts = [Verdict(id=f"v{n}", candidate_id=f"c{n}", criterion="correctness", judge="m", passed=False, value=2, reason="r")
                for n in (2, 3)]  # fmt: skip
    audit = JudgeAudit(id="j", run_id="bbb2", judge="m", kind="scores", auc=0.5, threshold=7, n=80, used=False)
    project.put(*calls, *analyses, pattern, strategy, *samples, *verdicts, audit)


@pytest.fixture
def filled(tmp_path):
    """The open project."""
    sizes = {"train": 4, "validation": 10, "test": 40}
    examples = [example(split, n) for split, size in sizes.items() for n in range(size)]
    with Project.create(tmp_path / "p.duckdb", SETTINGS, examples) as project:
        fill(project)
        yield project
