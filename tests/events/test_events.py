"""Events and the one function that folds them: pure, complete, and the same for whoever comes late."""

from functools import reduce
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local import events as e

TYPES = sorted(e.Event.__subclasses__(), key=lambda kind: kind.__name__)
NOT_IN_THE_VIEW = {e.Resources}
"""Readings of the moment: a viewer shows the last one as it comes, and a run's state does not hold it."""

# Small pools, so that the same run, round and stage come again and the fold has something to replace.
_BY_TYPE = {
    int: st.integers(0, 3), str: st.sampled_from(["", "a", "train", "\u202eé\x1b[2J"]), bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False), float | None: st.none() | st.floats(0, 1),
    dict[str, int]: st.dictionaries(st.text(max_size=3), st.integers(0, 9)),
}  # fmt: skip


def drawn(kind: type[e.Event]) -> st.SearchStrategy[e.Event]:
    return st.builds(kind, **{field.name: _BY_TYPE[field.type] for field in msgspec.structs.fields(kind)})


EVENTS = st.one_of(map(drawn, TYPES))


def fold(events, view=None) -> e.RunView:
    return reduce(e.apply, events, view or e.RunView())


def through_the_wire(view: e.RunView) -> e.RunView:
    """As the host sends the view to one who comes late."""
    return msgspec.convert(msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(view))), e.RunView)


def test_every_event_can_be_decoded():
    assert set(get_args(e.AnyEvent)) == set(TYPES)


@given(EVENTS)
def test_an_event_comes_back_from_its_line(event):
    line = e.encode(event)
    assert b"\n" not in line
    assert e.decode(line) == event and e.decode(line.decode()) == event


@pytest.mark.parametrize(
    "line", ["no", "{}", '{"type": "Nonsense"}', '{"type": "Note"}', '{"type": "RoundStarted", "round": "1"}']
)
def test_a_wrong_line_is_refused(line):
    with pytest.raises(msgspec.DecodeError):
        e.decode(line)


@given(st.lists(EVENTS), EVENTS)
def test_apply_changes_nothing_that_it_is_given(before, event):
    view = fold(before)
    kept, line = msgspec.json.encode(view), e.encode(event)
    first, second = e.apply(view, event), e.apply(view, event)
    assert first == second
    assert (msgspec.json.encode(view), e.encode(event)) == (kept, line)


@given(st.lists(EVENTS), st.integers(0, 50))
def test_who_comes_late_sees_what_an_early_one_sees(events, at):
    early = fold(events)
    late = fold(events[at:], through_the_wire(fold(events[:at])))
    replayed = fold(e.decode(e.encode(event)) for event in events)
    assert early == late == replayed


@given(st.lists(EVENTS), EVENTS)
def test_an_event_that_is_heard_twice_counts_once(before, event):
    once = e.apply(fold(before), event)
    assert e.apply(once, event) == once


STARTED = e.RunStarted(run_id="r", recipe="pada", seed=1, rounds=2)
VIEW = fold([STARTED, e.StageStarted(run_id="r", round=1, stage="train", total=9)])
AFTER = [
    (e.RunStarted(run_id="s", recipe="vanilla", seed=2, rounds=1), {"run_id": "s", "recipe": "vanilla", "stages": ()}),
    (e.RoundStarted(round=2), {"round": 2}),
    (e.StageStarted(round=1, stage="evaluate"), {"stages": (*VIEW.stages, e.StageView(1, "evaluate"))}),
    (e.StageProgress(round=1, stage="train", done=3, total=9), {"stages": (e.StageView(1, "train", done=3, total=9),)}),
    (e.StageSkipped(round=1, stage="train"), {"stages": (e.StageView(1, "train", state="kept"),)}),
    (e.StageDone(round=1, stage="train", elapsed_s=2.0), {"stages": (e.StageView(1, "train", 0, "done", elapsed_s=2.0),)}),
    (e.TrainStep(round=1, step=4, steps=9, loss=0.5, learning_rate=0.1), {"losses": ((1, 4, 0.5),)}),
    (e.ModelLoading(role="teacher", model="t.gguf"), {"message": "loading teacher t.gguf"}),
    (e.ModelReady(role="teacher", model="t.gguf"), {"message": "teacher ready"}),
    (e.NeedsReview(round=1, waiting=3), {"state": "waiting for review"}),
    (e.RoundScored(round=1, metric="exact_match", mean=0.5, low=0.4, high=0.6, n=9), {}),
    (e.RunDone(champion_round=2, test_mean=0.8, reason="over"), {"state": "done", "champion_round": 2, "test_mean": 0.8}),
    (e.RunHeld(message="trained"), {"state": "held", "message": "trained"}),
    (e.RunFailed(title="lost"), {"state": "paused", "message": "lost"}),
    (e.Note(text="hello"), {"message": "hello"}),
]


def test_no_event_is_forgotten():
    assert {type(event) for event, _ in AFTER} | NOT_IN_THE_VIEW == set(TYPES)


@pytest.mark.parametrize(("event", "after"), AFTER, ids=[type(event).__name__ for event, _ in AFTER])
def test_what_an_event_does_to_the_view(event, after):
    view = e.apply(VIEW, event)
    assert view != VIEW
    assert {name: getattr(view, name) for name in after} == after


def test_a_resumed_run_keeps_what_was_seen_and_a_new_one_starts_afresh():
    again = e.apply(VIEW, msgspec.structs.replace(STARTED, resumed=True))
    assert again.stages == VIEW.stages
    assert e.apply(VIEW, STARTED).stages == ()


def test_a_run_that_cannot_go_on_has_failed():
    assert e.apply(VIEW, e.RunFailed(title="broken", resumable=False)).state == "failed"


def test_a_score_that_comes_again_replaces_the_old_one():
    scores = [e.RoundScored(round=1, metric="m", mean=mean, low=0, high=1, n=9) for mean in (0.4, 0.6)]
    assert fold(scores).scores == (scores[1],)
