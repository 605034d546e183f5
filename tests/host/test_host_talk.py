"""The playground through a host: viewers beside each other, answers that are stopped, and runs that come first."""

import os
import signal
import threading

import pytest

from pada_local.errors import Interrupted, MissingError, TeacherError, UsageError
from pada_local.host import place, starting
from pada_local.session import Session
from pada_local.teacher.protocol import Heard, hear
from tests.host.conftest import alive, make_recipe, wait_until
from tests.talk_help import rows_of, said, set_teacher, slow_server, stored_answers


@pytest.fixture
def tuned(tuned, monkeypatch, tmp_path):
    """A project with a tuned student, whose hosts run the fake loop; every host that is left is killed."""
    monkeypatch.setattr(starting, "HOST_MODULE", "tests.host.fake_host")
    monkeypatch.setenv("TMPDIR", str(tmp_path.parent))
    monkeypatch.setenv("PADA_FAKE_FREE_MIB", "100000")
    yield tuned
    left = Session.attach(tuned)
    if left is not None:
        with left:
            os.kill(left.ask("ping")["pid"], signal.SIGKILL)


@pytest.fixture
def slow(tuned):
    """(project, event): its teacher says "so far" and goes on when the event is set."""
    go_on = threading.Event()
    with slow_server([said("so "), said("far")], go_on) as address:
        set_teacher(tuned, address)
        yield tuned, go_on


def heard(session, prompt, who, run=""):
    picture = Heard()
    for piece in session.talk(prompt, who, run):
        picture = hear(picture, piece)
    return picture


def run_of(session) -> str:
    return next(one["run"] for one in session.voices() if one["run"])


def test_base_round_and_teacher_answer_side_by_side_as_in_the_evaluation(tuned):
    expected, before = stored_answers(tuned), rows_of(tuned)
    [(prompt, answer), *more] = expected.items()
    pictures = {}

    def look(who):
        with Session.start_host(tuned) as viewer:
            pictures[who] = heard(viewer, prompt, who, run_of(viewer))

    with Session.start_host(tuned) as session:
        assert [one["who"] for one in session.voices()] == ["base", "round:1", "teacher"]
        threads = [threading.Thread(target=look, args=(who,)) for who in ("base", "round:1", "teacher")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert pictures["round:1"] == Heard(text=answer, ended="")
        assert pictures["base"].text and pictures["teacher"].text
        for prompt, answer in more:
            assert heard(session, prompt, "round:1", run_of(session)).text == answer
        private = list(place.runtime_folder().glob("*"))
        assert session.status() and private
    assert rows_of(tuned) == before


def test_where_they_do_not_fit_they_take_turns(tuned, monkeypatch):
    monkeypatch.setenv("PADA_FAKE_FREE_MIB", "1000")
    [(prompt, answer), *_] = stored_answers(tuned).items()
    with Session.start_host(tuned) as session, Session.start_host(tuned) as other:
        run, pictures = run_of(session), []
        thread = threading.Thread(target=lambda: pictures.append(heard(other, prompt, "base")))
        thread.start()
        assert heard(session, prompt, "round:1", run).text == answer
        thread.join()
        assert pictures[0].ended is not None and heard(session, prompt, "teacher").text
        assert heard(session, prompt, "round:1", run).text == answer


def test_stopping_and_leaving_end_the_answer_and_not_the_session(slow):
    path, go_on = slow
    with Session.start_host(path) as session:
        pieces = session.talk("x", "teacher")
        assert [next(pieces).text for _ in range(3)] == ["loading the teacher", "so ", "far"]
        with pytest.raises(UsageError, match="being answered"), Session.start_host(path) as other:
            first = other.talk("x", "teacher")
            next(first)
            other.ask("talk", prompt="y", who="teacher")
        session.hush()
        assert [(one.kind, one.text) for one in pieces] == [("end", "It was stopped.")]
        again = session.talk("x", "teacher")
        next(again)
        again.close()
        go_on.set()
        assert heard(session, "x", "teacher") == Heard(text="so far", ended="")
        session.hush()
        assert session.ask("ping")


def test_two_viewers_of_one_model_wait_for_each_other(slow):
    path, go_on = slow
    with Session.start_host(path) as one, Session.start_host(path) as two:
        first, second = one.talk("x", "teacher"), two.talk("y", "teacher")
        assert next(first).kind == "note" and next(second).text == "waits for another answer"
        two.hush()
        assert next(second).text == "It was stopped."
        second.close()
        second = two.talk("y", "teacher")
        assert next(second).text == "waits for another answer"
        go_on.set()
        for pieces in (first, second):
            assert [piece.text for piece in pieces] == ["so ", "far", ""]


def test_a_viewer_that_is_lost_frees_the_model(slow):
    path, _ = slow
    with Session.start_host(path) as staying:
        with Session.start_host(path) as leaving:
            pieces = leaving.talk("x", "teacher")
            next(pieces)
        assert next(staying.talk("x", "teacher")).kind in ("note", "text")


def test_a_run_ends_the_models_and_comes_first(slow, monkeypatch):
    path, _ = slow
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.05")
    with Session.start_host(path) as session, Session.start_host(path) as starter:
        [student] = [one["who"] for one in session.voices() if one["run"]]
        assert heard(session, "x", student, run_of(session)).ended is not None
        pieces = session.talk("x", "teacher")
        next(pieces)
        starter.start(make_recipe(steps=400), 1)
        assert "A run has begun" in list(pieces)[-1].text
        assert heard(session, "x", "base").text, "there is memory enough beside the run"
        starter.end_run("pause")


def test_without_memory_beside_a_run_it_is_refused_with_what_to_do(tuned, monkeypatch):
    monkeypatch.setenv("PADA_FAKE_STEP_SECONDS", "0.05")
    monkeypatch.setenv("PADA_FAKE_FREE_MIB", "900")
    with Session.start_host(tuned) as session:
        session.start(make_recipe(steps=400), 1)
        with pytest.raises(UsageError, match=r"A run is using the models(.|\n)*pada pause"):
            heard(session, "x", "base")
        session.end_run("pause")
        assert heard(session, "x", "base").text


def test_the_host_leaves_with_its_last_viewer_in_the_middle_of_an_answer(slow):
    path, _ = slow
    with Session.start_host(path) as session:
        pid = session.ask("ping")["pid"]
        next(session.talk("x", "teacher"))
    assert wait_until(lambda: not alive(pid), 15)
    with Session.open(path) as session, pytest.raises(UsageError, match="host"):
        next(session.talk("x", "base"))


@pytest.mark.parametrize(("who", "run", "prompt", "told"), [
    ("base", "", " \n", "must have text"), ("me", "", "x", "nobody called"), ("round:7", "brief", "x", "no trained student"),
    ("round:x", "", "x", "nobody called"), ("round:1", "other", "x", "no run 'other'"), ("base", "", "x" * 200_001, "200,000"),
])  # fmt: skip
def test_wrong_questions_are_sentences(tuned, who, run, prompt, told):
    with Session.start_host(tuned) as session:
        with pytest.raises(UsageError, match=told):
            heard(session, prompt, who, run)
        assert session.ask("ping")


def test_a_teacher_that_is_not_there_is_a_sentence_for_its_own_viewer_alone(tuned):
    set_teacher(tuned, "http://127.0.0.1:9/v1#nobody")
    with Session.start_host(tuned) as session:
        with pytest.raises(TeacherError, match="does not answer"):
            heard(session, "x", "teacher")
        assert heard(session, "x", "base").text
    set_teacher(tuned, "/nowhere/teacher.gguf")
    with Session.start_host(tuned) as session, pytest.raises(MissingError):
        heard(session, "x", "teacher")


def test_a_killed_host_ends_the_answer_with_a_sentence(slow):
    path, _ = slow
    with Session.start_host(path) as session:
        pieces = session.talk("x", "teacher")
        next(pieces)
        os.kill(_pid(path), signal.SIGKILL)
        with pytest.raises(Interrupted):
            list(pieces)


def _pid(path) -> int:
    with Session.start_host(path) as other:
        return other.ask("ping")["pid"]
