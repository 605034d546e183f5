"""Rows of every type to store, and child processes that can be killed."""

import subprocess
import sys
from pathlib import Path

from pada_local import records as r

ROOT = Path(__file__).parents[2]

TRICKY = "naïve “quotes” ' \" ; -- 症状\n\ttab \\ 🩺 \0 NUL"


def candidate(number: int, **change: object) -> r.Candidate:
    """A candidate with an id of its own."""
    fields = {
        "id": r.content_id("candidate", number), "run_id": "run", "round": 1, "wave": 0, "position": number, "origin": "pattern",
        "pattern_id": "p1", "strategy_id": "s1", "parent_id": "", "seed_examples": ["e1", "e2"], "attempt": 0, "call_key": "k1",
        "input": f"input {number} " * 12, "output": f"output {number}", "state": "accepted",
    }  # fmt: skip
    return r.Candidate(**{**fields, **change})


def samples() -> list[r.Row]:
    """Two rows or more of every record type but Adapter: awkward texts, empty and nested values, None and not None."""
    ids = {"run_id": "run", "round": 1}
    return [
        r.Setting(key="system", value=TRICKY), r.Setting(key="empty", value=""),
        r.Example(id="e1", split="train", position=0, input=TRICKY, output="o", tags={"slice": TRICKY, "": ""}),
        r.Example(id="e2", split="test", position=2**62, input="", output="", source="x", tags={}),
        r.RecipeRow(id="rec", name="pada", body='{"a": [1]}'),
        r.Run(id="run", recipe_id="rec", recipe="pada", seed=-1, rounds=3, state="running", created_at="2026-01-01"),
        r.Run(id="run2", recipe_id="rec", recipe="p", seed=1, rounds=1, state="done", created_at="t", judge_independent=True),
        r.Round(run_id="run", number=1, state="running"),
        r.Round(run_id="run", number=2, state="done", adapter_id="", train_examples=3, train_seconds=1e-320, validation_mean=0.1),
        r.Stage(key="k", **ids, name="train", wave=0, state="running"),
        r.Stage(key="k", run_id="run2", round=1, name="train", wave=2, state="done", counts={"ok": 1, "é": 0}, elapsed_s=0.1),
        r.TrainingStep(adapter_id="a", step=1, loss=0.1 + 0.2, grad_norm=float("inf"), learning_rate=2e-4, tokens=0),
        r.Prediction(id="g1", adapter_id="", example_id="e1", text=TRICKY, tokens=3, decoding={"a": {"b": [1, None, 2.5, True]}}),
        r.Prediction(id="g2", adapter_id="a", example_id="e1", text="", tokens=0, decoding={}),
        r.ScoreRow(prediction_id="g1", metric="f1", value=None, why="no number"),
        r.ScoreRow(prediction_id="g2", metric="f1", value=0.0, why=""),
        r.TeacherCall(
            key="c1", prompt_id="q1", model="m", purpose="analyse", settings={"seed": 1}, answer=TRICKY, state="ok", reason="",
            prompt_tokens=1, answer_tokens=2, elapsed_s=0.5,
        ),
        r.Prompt(id="q1", text=TRICKY * 1000),
        r.Analysis(id="x1", **ids, example_id="e1", prediction_id="g1", call_key="c1", state="ok", root_cause=TRICKY),
        r.Embedding(id="v1", model="minilm", text_id="x1", vector=[0.5, -1.25, 2.0**-20]),
        r.Embedding(id="v2", model="minilm", text_id="x2", vector=[]),
        r.Pattern(id="p1", **ids, number=0, name=TRICKY, text="", failures=1, members=["x1", TRICKY], call_key="c1"),
        r.Pattern(id="p2", **ids, number=1, name="", text="", failures=0, members=[], call_key="c1"),
        r.Strategy(id="s1", **ids, pattern_id="p1", drafted=TRICKY, quota=5, call_key="c1"),
        candidate(1), candidate(2, input=TRICKY, seed_examples=[], state="unparsable", reason="no JSON"),
        r.Verdict(id="w1", candidate_id="n1", criterion="judge", judge="m", passed=True, value=None, reason=TRICKY),
        r.Verdict(id="w2", candidate_id="n1", criterion="leak", judge="", passed=False, value=-0.5, reason="", calls=["c"]),
        r.JudgeAudit(id="j1", run_id="run", judge="m", kind="binary", auc=1.0, threshold=0.5, n=40, used=False),
        r.Decision(id="d1", run_id="run", subject_id="n1", action="edit", before=TRICKY, after="", reason="", at="t"),
        r.TestLook(run_id="run", adapter_id="", at="t"),
        r.Manifest(seq=7, run_id="run", stage_key="k", name="x", low=0, high=9, rows={"runs": "1:ab"}, previous="", sha256="s"),
        r.Mark(table="nowhere", key="k é", sha256="s"),
        r.Quarantined(id="z", table="runs", key="k", body="{}", reason=TRICKY, at="t"),
        r.EventRow(seq=1, run_id="", at="t", kind="Note", body='{"type":"Note"}'),
    ]  # fmt: skip


def run_child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Python running `code` with pipes: what it prints says how far it is, so no test waits by the clock."""
    start = f"import sys, hashlib; sys.path.insert(0, {str(ROOT)!r})\n"
    command = [sys.executable, "-c", start + code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
