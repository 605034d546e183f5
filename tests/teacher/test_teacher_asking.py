"""The call cache: nothing is asked twice, what came is kept whatever happens, broken text gets one repair."""

import itertools
import json

import pytest
from teacher_help import MemoryRows, question

from pada_local.errors import Interrupted, TeacherError
from pada_local.records import Prompt, TeacherCall
from pada_local.teacher.asking import CachedTeacher
from pada_local.teacher.protocol import Reply
from pada_local.teacher.schemas import Invented, Scores, Solution
from pada_local.teacher.sitting import call_key, repair_ask


class ScriptedBackend:
    """Answers by rule; `asked` are the prompts in order, `batches` how many came together."""

    model = "fake@1"

    def __init__(self, rule=lambda ask: json.dumps({"answer": ask.prompt}), order=lambda asks: asks, after_each=lambda: None):
        self.rule, self.order, self.after_each = rule, order, after_each
        self.asked, self.batches, self.closed = [], [], 0

    def ask_all(self, asks, on_reply, cancelled):
        self.batches.append(len(asks))
        line, given = list(self.order(list(enumerate(asks)))), len(asks)
        for position, ask in line:  # it grows while it is gone along
            if cancelled():
                raise Interrupted("paused")
            self.asked.append(ask.prompt)
            said = self.rule(ask)
            more = on_reply(position, said if isinstance(said, Reply) else Reply(text=said, prompt_tokens=2, answer_tokens=1))
            line += enumerate(more or [], given)
            given += len(more or [])
            self.after_each()

    def memory_mib(self):
        return 5

    def close(self):
        self.closed += 1


def teacher(rows, backend=None, **more):
    backend = backend or ScriptedBackend()
    return CachedTeacher(rows, lambda: backend, "fake@1", **more), backend


QUESTIONS = [question(f"q{number}") for number in range(40)]
TEXTS = [ask.prompt for ask in QUESTIONS]


def test_answers_are_in_order_whatever_order_they_came_in(rows):
    asker, backend = teacher(rows, ScriptedBackend(order=lambda asks: reversed(asks)))
    progress = []
    found = asker.ask_all(QUESTIONS, progress.append)
    assert [answer.value.answer for answer in found] == TEXTS and progress == list(range(1, 41))
    stored = rows.tables[TeacherCall]
    assert [stored[answer.call_key].prompt_id for answer in found] == [row.id for row in map(rows_prompt(rows), TEXTS)]
    assert asker.counts == {"asked": 40, "found": 0, "prompt_tokens": 80, "answer_tokens": 40} and asker.memory_mib() == 5


def rows_prompt(rows):
    return lambda text: rows.get(Prompt, text=text)[0]


def test_nothing_is_asked_twice_and_nothing_is_loaded_for_what_is_known(rows):
    teacher(rows)[0].ask_all(QUESTIONS)

    def no_backend():
        raise AssertionError("the model was loaded")

    again = CachedTeacher(rows, no_backend, "fake@1")
    progress = []
    assert [answer.value.answer for answer in again.ask_all(QUESTIONS, progress.append)] == TEXTS
    assert progress[-1] == 40 and again.counts["found"] == 40 and again.memory_mib() == 0
    again.close()
    assert again.ask_all([]) == []


def test_equal_questions_are_asked_once(rows):
    asker, backend = teacher(rows)
    progress = []
    found = asker.ask_all([question("a"), question("b"), question("a", purpose="other")], progress.append)
    assert backend.asked == ["a", "b"] and [answer.value.answer for answer in found] == ["a", "b", "a"]
    assert progress == [2, 3] and found[0].call_key == found[2].call_key


def test_every_setting_makes_another_question():
    asks = [question("a"), question("b"), question("a", seed=1), question("a", temperature=0.7), question("a", max_tokens=9),
            question("a", schema=Scores), question("a", schema=Invented)]  # fmt: skip
    keys = [call_key(model, ask) for model in ("one", "two") for ask in asks]
    assert len(set(keys)) == len(keys)
    assert call_key("one", question("a", purpose="x")) == call_key("one", question("a"))


@pytest.mark.parametrize("error", [TeacherError("gone"), Interrupted("paused"), KeyboardInterrupt()])
def test_after_an_exception_in_the_middle_only_the_missing_are_asked(rows, error):
    count = itertools.count(1)

    def fail():
        if next(count) == 23:
            raise error

    asker, backend = teacher(rows, ScriptedBackend(after_each=fail), clock=lambda: 0.0)
    with pytest.raises(type(error)):
        asker.ask_all(QUESTIONS)
    assert len(rows.tables[TeacherCall]) == 23 and rows.batches == [32, 14]
    asker, backend = teacher(rows)
    assert [answer.value.answer for answer in asker.ask_all(QUESTIONS)] == TEXTS
    assert backend.asked == TEXTS[23:] and len(rows.tables[TeacherCall]) == 40


def test_replies_are_written_by_number_and_by_time(rows):
    now = [0.0]
    backend = ScriptedBackend(after_each=lambda: now.__setitem__(0, now[0] + 0.2))
    teacher(rows, backend, clock=lambda: now[0])[0].ask_all(QUESTIONS[:6])
    assert rows.batches == [6, 6]  # after 0.4 s three had come, each with its prompt


def test_a_pause_stops_asking_and_keeps_what_came(rows):
    looks = itertools.count()
    asker, backend = teacher(rows, cancelled=lambda: next(looks) >= 5)
    with pytest.raises(Interrupted):
        asker.ask_all(QUESTIONS)
    assert len(rows.tables[TeacherCall]) == 5


def test_what_could_not_be_written_is_written_later(rows):
    asker, backend = teacher(rows, clock=lambda: 0.0)
    rows.fail = True
    with pytest.raises(OSError):
        asker.ask_all(QUESTIONS[:3])
    rows.fail = False
    asker.close()
    assert len(rows.tables[TeacherCall]) == 3 and backend.closed == 1


def broken_once(ask):
    return '{"answer": "fixed"}' if ask.purpose == "repair" else "{'answer': 'x'}"


def test_broken_text_is_repaired_once_and_both_calls_are_kept(rows):
    asker, backend = teacher(rows, ScriptedBackend(broken_once))
    (answer,) = asker.ask_all([question("q")])
    first, second = rows.tables[TeacherCall].values()
    assert answer.value == Solution(answer="fixed") and answer.call_key == second.key and answer.reason == ""
    assert (first.purpose, first.state) == ("solve", "unparsable") and "not JSON" in first.reason
    assert (second.purpose, second.state, second.settings["repairs"]) == ("repair", "ok", first.key)
    assert '{"answer": ""}' in backend.asked[1] and "{'answer': 'x'}" in backend.asked[1]
    again, silent = teacher(rows)
    assert again.ask_all([question("q")]) == [answer] and not silent.asked and again.counts["repaired"] == 1


def test_what_cannot_be_repaired_is_unparsable_with_its_reason(rows):
    asker, backend = teacher(rows, ScriptedBackend(lambda ask: "no"))
    (answer,) = asker.ask_all([question("q")])
    assert answer.value is None and "not JSON" in answer.reason and len(backend.asked) == 2
    assert asker.counts["unparsable"] == 1 and answer.call_key == call_key("fake@1", question("q"))
    again, silent = teacher(rows)
    assert again.ask_all([question("q")]) == [answer] and not silent.asked


def test_a_run_that_ended_before_the_repair_goes_on_with_it(rows):
    teacher(rows, ScriptedBackend(broken_once), repair=False)[0].ask_all([question("q")])
    assert len(rows.tables[TeacherCall]) == 1
    asker, backend = teacher(rows, ScriptedBackend(broken_once))
    assert asker.ask_all([question("q")])[0].value.answer == "fixed" and len(backend.asked) == 1


def follow_up(told):
    """A `then` that asks "after …" each answer and writes down what it was told."""

    def then(position, answer):
        told.append((position, answer.value.answer if answer.value else None))
        return [question(f"after {position}"), question("the same")]

    return then


def test_questions_that_follow_are_asked_in_the_same_sitting_and_found_later(rows):
    told = []
    asker, backend = teacher(rows, ScriptedBackend(order=lambda asks: reversed(asks)))
    found = asker.ask_all(QUESTIONS[:4], then=follow_up(told))
    assert [answer.value.answer for answer in found] == TEXTS[:4] and told == list(enumerate(TEXTS[:4]))
    assert backend.asked == [*TEXTS[3::-1], "after 0", "the same", "after 1", "after 2", "after 3"] and backend.batches == [4]
    later, silent = teacher(rows)
    assert [answer.value.answer for answer in later.ask_all([question("after 2"), question("the same")])] == [
        "after 2",
        "the same",
    ]
    assert not silent.asked


def test_nothing_is_asked_ahead_when_everything_is_known(rows):
    teacher(rows)[0].ask_all(QUESTIONS[:4])
    told = []
    asker, backend = teacher(rows)
    asker.ask_all(QUESTIONS[:4], then=follow_up(told))
    assert not told and not backend.asked
    asker.ask_all(QUESTIONS[:5], then=follow_up(told))  # known answers are told before the model is asked
    assert backend.asked == ["q4", *["after 0", "the same", "after 1", "after 2", "after 3"], "after 4"]


def test_an_answer_is_told_when_its_repair_has_come(rows):
    def rule(ask):
        return "{'answer'" if ask.prompt == "q1" else json.dumps({"answer": "fixed" if ask.purpose == "repair" else ask.prompt})

    told = []
    asker, backend = teacher(rows, ScriptedBackend(rule))
    asker.ask_all(QUESTIONS[:3], then=follow_up(told))
    assert told == [(0, "q0"), (1, "fixed"), (2, "q2")]
    asked = ["repair" if "{'answer'" in text else text for text in backend.asked]
    assert asked == ["q0", "q1", "q2", "after 0", "the same", "repair", "after 1", "after 2"] and backend.batches == [3]


def test_a_question_asked_ahead_that_fails_fails_nobody(rows):
    refused = Reply(text="", state="failed", reason="too long")
    rule = ScriptedBackend(lambda ask: refused if "after" in ask.prompt else json.dumps({"answer": ask.prompt}))
    asker, _ = teacher(rows, rule)
    assert [answer.value.answer for answer in asker.ask_all(QUESTIONS[:2], then=follow_up([]))] == TEXTS[:2]
    assert len(rows.tables[TeacherCall]) == 3 and asker.counts["failed"] == 0


def test_a_cut_answer_says_so(rows):
    cut = Reply(text='{"answer": "lo', state="cut", reason="It was cut off at max_tokens.")
    (answer,) = teacher(rows, ScriptedBackend(lambda ask: cut), repair=False)[0].ask_all([question("q")])
    assert answer.reason.startswith("It was cut off at max_tokens. The answer is not JSON")


def test_a_question_that_got_no_answer_is_not_stored_and_asked_again(rows):
    refused = Reply(text="", state="failed", reason="too long")
    asker, backend = teacher(rows, ScriptedBackend(lambda ask: refused))
    (answer,) = asker.ask_all([question("q")])
    assert (answer.value, answer.reason) == (None, "too long") and TeacherCall not in rows.tables
    asker, backend = teacher(rows)
    assert asker.ask_all([question("q")])[0].value.answer == "q" and backend.asked == ["q"]


@pytest.mark.parametrize("text", ['{"answer": "\ud83d"}', "\0", "x" * 1_000_000, "[" * 100_000, "\x1b[2J", ""])
def test_hostile_text_is_kept_in_a_form_that_a_column_takes(text):
    rows = MemoryRows()
    (answer,) = teacher(rows, ScriptedBackend(lambda ask: text))[0].ask_all([question("q\ud800\0")])
    call = rows.tables[TeacherCall][answer.call_key]
    assert answer.value is None and answer.reason and call.state == "unparsable"
    for kept in (call.answer, rows.get(Prompt, id=call.prompt_id)[0].text):
        assert "\0" not in kept and len(kept.encode()) < 70_000


def test_others_go_on_when_one_is_broken(rows):
    def rule(ask):
        return "nonsense" if "q3" in ask.prompt or ask.purpose == "repair" else json.dumps({"answer": ask.prompt})

    found = teacher(rows, ScriptedBackend(rule))[0].ask_all(QUESTIONS[:8])
    assert [answer.value is None for answer in found] == [number == 3 for number in range(8)]


def test_a_backend_of_another_model_is_a_mistake(rows):
    with pytest.raises(ValueError, match="fake@2"):
        CachedTeacher(rows, ScriptedBackend, "fake@2").ask_all([question("q")])


def test_the_repair_question_keeps_its_limits():
    ask = question("q", temperature=0.7, seed=5, max_tokens=33)
    again = repair_ask(ask, "$text ${shape}")
    assert (again.seed, again.max_tokens, again.temperature, again.schema) == (5, 33, 0.0, Solution)
    assert "$text ${shape}" in again.prompt
