"""A screen that is opened late, or loses its host on the way, shows what one shows that was open from the start."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pada_local import events as e
from pada_local.errors import Interrupted
from pada_local.session import Session
from tests.host.conftest import make_recipe, project, wait_until
from tui import feed
from tui.door import Door
from tui.feed import Feed, Seen, apply

__all__ = ["project"]
SAID = st.lists(
    st.one_of(
        st.builds(e.RunStarted, run_id=st.sampled_from("rs"), recipe=st.just("pada"), seed=st.just(1), rounds=st.just(2),
                  resumed=st.booleans()),
        st.builds(e.RoundStarted, run_id=st.just("r"), round=st.integers(1, 3)),
        st.builds(e.StageStarted, run_id=st.just("r"), round=st.integers(1, 3), stage=st.sampled_from(["train", "gate"]),
                  wave=st.integers(0, 1)),
        st.builds(e.StageDone, run_id=st.just("r"), round=st.integers(1, 3), stage=st.sampled_from(["train", "gate"]),
                  wave=st.integers(0, 1)),
        st.builds(e.TrainStep, run_id=st.just("r"), round=st.integers(1, 2), step=st.integers(1, 9), steps=st.just(9),
                  loss=st.floats(0, 9), learning_rate=st.just(0.1)),
        st.builds(e.Note, run_id=st.just("r"), text=st.text(max_size=9)),
        st.builds(e.Resources, host_mib=st.integers(0, 9)),
        st.builds(e.RunFailed, run_id=st.just("r"), title=st.just("Paused.")),
        st.builds(e.RunDone, run_id=st.just("r"), champion_round=st.just(1), test_mean=st.none()),
    ),
    max_size=30,
)  # fmt: skip


class LossyDoor:
    """A host with stored events; each connection hands out some more than were asked for before and is then lost."""

    backlog = 0

    def __init__(self, rows: list[tuple[int, e.Event]], cuts: list[int]) -> None:
        self.rows, self.cuts, self.feed = rows, list(cuts), None

    def events(self, since: int):
        rest = [row for row in self.rows if row[0] >= since]
        if self.cuts:
            yield from rest[: self.cuts.pop(0)]
            raise Interrupted("The host was lost.")
        yield from rest
        self.feed.end()


@given(said=SAID, gaps=st.lists(st.integers(1, 5), min_size=30, max_size=30), cuts=st.lists(st.integers(0, 12), max_size=5))
def test_a_feed_that_loses_its_host_again_and_again_folds_every_event_once(said, gaps, cuts):
    rows = [(sum(gaps[: at + 1]), event) for at, event in enumerate(said)]
    door = LossyDoor(rows, cuts)
    lost = Feed(door, lambda message: message.feed.take())
    door.feed = lost
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "RETRY_SECONDS", 0)
        lost.run()
    assert lost.take() == reduce(apply, said, Seen())


def test_apps_that_open_at_any_time_of_a_run_show_the_same(project, monkeypatch):
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.02")
    with Session.start_host(project) as session:
        session.start(make_recipe(), 1)
        doors, feeds = [], []

        def open_app() -> Feed:
            doors.append(Door(project))
            feeds.append(Feed(doors[-1], lambda _message: None))
            feeds[-1].start()
            return feeds[-1]

        first = open_app()
        for steps in (1, 8, 20):
            assert wait_until(lambda steps=steps: len(first.take().view.losses) >= steps)
            open_app()
        assert wait_until(lambda: first.take().view.state == "done")
        open_app()
        for late in feeds:
            assert wait_until(lambda late=late: late.take() == first.take()), late.take()
        for one, door in zip(feeds, doors, strict=True):
            one.end()
            door.close()
        shown = first.take()
    with Session.open(project) as session:
        said = [e.decode(body) for _, _, body in session.ask("stored_events", run=shown.view.run_id)["events"]]
    assert len(shown.view.losses) == 30 and shown == reduce(apply, said, Seen())
