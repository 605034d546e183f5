"""Pictures of characters: what stands where, in any size; and the estimate of the time that is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local import events as e
from tui import pace
from tui.charts import MARKS, Interval, bar, curve, scatter, whiskers
from tui.screens.run import scored_rounds

figures = st.floats(-1e6, 1e6, allow_nan=False)
sizes = st.tuples(st.integers(0, 140), st.integers(0, 30))


@given(st.lists(figures, max_size=300), st.lists(figures, max_size=5), sizes)
def test_a_curve_fits_its_place(values, marked, size):
    width, height = size
    plain = curve(list(enumerate(values)), list(enumerate(marked)), width, height).plain
    rows = plain.split("\n")
    assert all(len(row) <= width for row in rows) and len(rows) <= max(1, height)
    if plain and marked:
        assert "o" in plain


def test_a_falling_curve_falls():
    rows = curve([(at, -at) for at in range(60)], [], 40, 4).plain.split("\n")
    columns = [min(at for at, cell in enumerate(row[7:]) if "\u2800" < cell <= "\u28ff") for row in rows]
    assert columns == sorted(columns) and columns[0] < columns[-1]


@given(st.lists(st.tuples(st.text("ab ", max_size=40), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), max_size=9),
       st.integers(0, 120), st.none() | st.floats(0, 1))  # fmt: skip
def test_whiskers_have_a_line_each(rows, width, reference):
    made = [Interval(name, *sorted((a, b, c))[1:2], min(a, b, c), max(a, b, c)) for name, a, b, c in rows]
    plain = whiskers(made, width, reference).plain
    assert len(plain.split("\n")) == max(1, len(rows))
    if width >= 60:
        assert all("●" in row for row in plain.split("\n") if row)


def test_the_interval_is_drawn_where_it_cannot_be_written():
    rows = [Interval("1 vanilla", 0.5, 0.4, 0.6, "test 0.512"), Interval("2 pada", 0.7, 0.6, 0.8)]
    wide, narrow = (whiskers(rows, width, 0.5).plain for width in (90, 46))
    assert "[0.400, 0.600]" in wide and "[" not in narrow
    assert "├" in narrow and "test 0.512" in narrow and "¦" in narrow.split("\n")[1]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 20)), max_size=60), sizes)
def test_points_stay_inside_and_the_shown_group_is_never_covered(points, size):
    width, height = size
    plain = scatter(points, width, height, shown=3).plain
    assert all(len(row) == width for row in plain.split("\n")) or not plain
    if plain and any(group == 3 for *_, group in points):
        assert MARKS[3] in plain


@pytest.mark.parametrize(("share", "full"), [(-1, 0), (0, 0), (0.5, 10), (1, 20), (7, 20)])
def test_a_bar_shows_its_share(share, full):
    assert bar(share).count("█") == full and len(bar(share)) == 20


def view(*steps: e.Event) -> e.RunView:
    made = e.RunView()
    for step in steps:
        made = e.apply(made, step)
    return made


BEGUN = (e.RunStarted(run_id="r", recipe="pada", seed=1, rounds=3), e.RoundStarted(run_id="r", round=1))
TIMES = (("train", 40), ("evaluate", 10), ("generate", 50))
FIRST = (
    *(e.StageDone(run_id="r", round=1, stage=name, elapsed_s=seconds) for name, seconds in TIMES),
    e.RoundStarted(run_id="r", round=2),
)


def step(number: int, done: int) -> e.TrainStep:
    return e.TrainStep(run_id="r", round=number, step=done, steps=100, loss=1.0, learning_rate=0.1)


def test_the_time_left_comes_from_the_pace_that_was_seen():
    begun = view(*BEGUN, e.StageStarted(run_id="r", round=1, stage="train"), step(1, 10))
    seen = pace.follow(pace.Pace(), begun, 100.0)
    later = view(*BEGUN, e.StageStarted(run_id="r", round=1, stage="train"), step(1, 30))
    assert pace.follow(seen, later, 104.0) == seen
    assert pace.stage_left(seen, later, 104.0) == pytest.approx(70 * 4 / 20)
    assert pace.stage_left(seen, later, 101.0) is None, "a second is no pace"
    assert pace.run_left(later, 14.0) is None, "no round before this one"


def test_the_run_s_time_left_takes_rounds_like_the_last_one():
    second = view(*BEGUN, *FIRST, e.StageStarted(run_id="r", round=2, stage="train"), step(2, 50))
    assert pace.run_left(second, 20.0) == 20 + (10 + 50) + (40 + 10)
    again = [e.StageDone(run_id="r", round=2, stage=name, elapsed_s=s) for name, s in (("train", 41), ("evaluate", 11))]
    last = e.RoundStarted(run_id="r", round=3)
    third = view(*BEGUN, *FIRST, *again, last, e.StageStarted(run_id="r", round=3, stage="train"), step(3, 5))
    assert pace.run_left(third, 30.0) == 30 + 11
    assert pace.run_left(view(*BEGUN, e.RunDone(run_id="r", champion_round=1, test_mean=None)), 3.0) is None


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (0.2, "about 1 s"), (80, "about 80 s"), (600, "about 10 min"), (9000, "about 2.5 h")]
)
def test_time_is_said_in_words(seconds, said):
    assert pace.in_words(seconds) == said


def test_vanilla_is_the_run_of_that_recipe_else_the_first_round():
    first = [{"round": 1, "validation": {"mean": 0.6, "low": 0.5, "high": 0.7}}]
    runs = [
        {"id": "v", "recipe": "vanilla", "champion_round": 1, "test": {"mean": 0.61}, "rounds": first},
        {"id": "r", "recipe": "pada", "champion_round": 0, "test": None, "rounds": first},
    ]
    live = e.RoundScored(run_id="r", round=1, metric="m", mean=0.55, low=0.5, high=0.6, n=9)
    rows, line = scored_rounds(runs, view(*BEGUN, live))
    assert line == 0.6 and [row.name for row in rows] == ["1 vanilla", "1 pada"] and rows[1].mean == 0.55
    assert rows[0].note == "test 0.610"
    rows, line = scored_rounds([], view(*BEGUN, live))
    assert line == 0.55 and len(rows) == 1
