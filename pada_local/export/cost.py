"""What a run asked of its teacher."""

from typing import Any

from pada_local.export.scores import Scores
from pada_local.metrics import judged
from pada_local.records import (
    Analysis,
    Candidate,
    JudgeAudit,
    Pattern,
    Prediction,
    Round,
    Run,
    ScoreRow,
    Strategy,
    TeacherCall,
    Verdict,
)  # fmt: skip


def teacher_use(project: Any, scores: Scores, run: Run) -> dict[str, float]:
    """Calls behind this run's rows, each counted once; an answer that was found again cost another run its time."""
    rows = [row for kind in (Analysis, Pattern, Strategy, Candidate) for row in project.get(kind, run_id=run.id)]
    keys = {row.call_key for row in rows}
    candidates = [row.id for row in rows if isinstance(row, Candidate)]
    if candidates:
        keys |= {key for row in project.get(Verdict, candidate_id=candidates) for key in row.calls}
    keys |= {key for audit in project.get(JudgeAudit, run_id=run.id) for key in audit.calls}
    if scores.metric == judged.NAME:
        adapters = [row.adapter_id for row in project.get(Round, run_id=run.id)]
        answered = [row.id for row in project.get(Prediction, adapter_id=adapters)]
        keys |= {row.call_key for row in project.get(ScoreRow, prediction_id=answered)}
    keys.discard("")
    calls = project.get(TeacherCall, key=sorted(keys)) if keys else []
    broken = [call.settings["repairs"] for call in calls if call.settings.get("repairs")]
    calls += project.get(TeacherCall, key=broken) if broken else []
    tokens = sum(call.prompt_tokens + call.answer_tokens for call in calls)
    return {"calls": len(calls), "repaired": len(broken), "tokens": tokens, "seconds": sum(call.elapsed_s for call in calls)}
