"""What the wizard asks before a project is made: first rows, guesses, the metric on them, and the command that does the same."""

import json
import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pada_local.cli.parser import make_parser
from pada_local.data.columns import Taker
from pada_local.data.formats import Reading, source_of
from pada_local.errors import DataError, UsageError
from pada_local.intake.checks import try_metric
from pada_local.intake.command import command_line
from pada_local.intake.guess import Guess, guess_columns
from pada_local.intake.peek import peek, take
from pada_local.intake.plan import Plan, check_file, plan_of

TALK = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]
LONG = "a longer text with a number of words in it, number {}"


def rows(count: int = 12, **columns) -> list[dict]:
    """Rows whose texts differ where a column holds a hole for the number; a list is gone through again and again."""
    return [
        {name: value[n % len(value)] if isinstance(value, list) else value.format(n) if isinstance(value, str) else value
         for name, value in columns.items()}
        for n in range(count)
    ]  # fmt: skip


GUESSES = [
    (rows(question=LONG, answer="{}"), Guess("question", "answer")),
    (rows(Text=LONG, Label=["a", "b"]), Guess("Text", "Label")),
    (rows(text=LONG, category=["x", "y"]), Guess("text", "category")),
    (rows(instruction="Do it.", input=LONG, output="{}"), Guess("", "output", r"{instruction}\n\n{input}")),
    (rows(question="q {}", context=LONG, answer="{}"), Guess("", "answer", r"{question}\n\n{context}")),
    (rows(messages=[TALK], kind=["a", "b"]), Guess(messages="messages", tags=("kind",))),
    (rows(conversations=[[{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]]), Guess(messages="conversations")),
    (rows(full_text=LONG, masked=LONG, template_id=[1, 2]), Guess("full_text", "masked")),
    (rows(note=LONG, line="{}", kind=["k0", "k1"], id="{}"), Guess("note", "line", tags=("kind",))),
    (rows(user_question=LONG, final_decision=["yes", "no"]), Guess("user_question", "final_decision")),
    (rows(spalte=LONG, wert=["ja", "nein"]), Guess("spalte", "wert")),
    ([[LONG.format(n), "ab"[n % 2]] for n in range(9)], Guess("0", "1")),
    (rows(only=LONG), Guess()),
    (rows(**{"te\x1bxt": LONG, "label": ["a", "b"]}), Guess()),
    (rows(**{"a.b": LONG, "text": LONG, "label": ["[red]a", "b"]}), Guess("text", "label")),
    (rows(**{"@key": ["a", "b"], "@file": "f", "text": LONG, "label": ["a", "b"]}), Guess("text", "label")),
    (rows(text=LONG, label=["a", "b"], nested={"a": 1}), Guess("text", "label")),
    ([], Guess()), ([{}], Guess()), ([[]], Guess()), ([{"": "x"}], Guess()),
]  # fmt: skip


@pytest.mark.parametrize(("found", "guess"), GUESSES, ids=range(len(GUESSES)))
def test_columns_are_guessed(found, guess):
    assert guess_columns(found) == guess


KEYS = st.text(max_size=6) | st.sampled_from(["text", "label", "messages", "question", "id"])
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=4) | st.lists(VALUES, max_size=3), max_size=6))
def test_a_guess_is_something_that_can_be_taken_or_nothing(found):
    guess = guess_columns(found)
    if guess != Guess():
        Taker(guess.input, guess.output, guess.tags, template=guess.template, messages=guess.messages)


def test_the_first_rows_of_every_format_are_shown_with_all_columns(tmp_path, capfd):
    import pyarrow
    import pyarrow.parquet

    there = [{"text": f"t {n}", "label": "ab"[n % 2], "more": [n]} for n in range(30)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, there)))
    (tmp_path / "b.json").write_text(json.dumps(there))
    (tmp_path / "c.csv").write_text("text,label,more\n" + "\n".join(f"t {n},{'ab'[n % 2]},{n}" for n in range(30)))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(there), tmp_path / "d.parquet")
    for name in ("a.jsonl", "b.json", "c.csv", "d.parquet"):
        found = peek(source_of(str(tmp_path / name), Reading()), most=20)
        assert [name for name in found.columns if name[0] != "@"] == ["text", "label", "more"], name
        assert len(found.rows) == 20 and not found.whole
        examples = take(found, Taker("text", "label"))
        assert examples[3].input == "t 3" and examples[3].output == "b"
    assert peek(source_of(str(tmp_path / "a.jsonl"), Reading())).whole


def test_a_row_that_cannot_be_taken_is_named_by_its_line(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"q": "x", "a": "y"}\n\n{"q": "", "a": "y"}\n')
    found = peek(source_of(str(tmp_path / "a.jsonl"), Reading()))
    with pytest.raises(DataError, match=r"a\.jsonl, line 3: the column \"q\" is empty"):
        take(found, Taker("q", "a"))
    (tmp_path / "b.jsonl").write_text('{"q": 1}\n{broken\n')
    with pytest.raises(DataError, match="line 2"):
        peek(source_of(str(tmp_path / "b.jsonl"), Reading()))
    (tmp_path / "c.jsonl").write_text("\n")
    with pytest.raises(DataError, match="no examples"):
        peek(source_of(str(tmp_path / "c.jsonl"), Reading()))


def test_a_metric_is_tried_in_bounded_time(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        "\n".join(json.dumps({"q": f"q {n}", "a": f"{n}" if n != 7 else "none"}) for n in range(20))
    )
    source = source_of(str(tmp_path / "a.jsonl"), Reading())
    examples = take(peek(source), Taker("q", "a"))
    check = try_metric("numeric_match", source, examples)
    assert (check.seen, check.wrong) == (20, 1) and "line 8: none" in check.first
    again = try_metric("numeric_match", source, [examples[7]] * 6)
    assert (again.seen, again.wrong) == (6, 6), "equal references are scored once and counted each"
    assert try_metric("exact_match", source, examples).wrong == 0
    stopped = try_metric("exact_match", source, examples, seconds=-1)
    assert 0 < stopped.seen < 20
    with pytest.raises(UsageError):
        try_metric("nonsense", source, examples)


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = WORDS.filter(lambda word: word not in ("", "-", "--"))


FILES = st.lists(NAMES, min_size=1, max_size=3)
READINGS = st.builds(Reading, WORDS, st.sampled_from(["", "csv"]), st.sampled_from(["utf-8", "latin-1"]), WORDS)
ALWAYS = {"file": NAMES.map(lambda name: Path(f"{name}.duckdb")), "train": FILES, "metric": NAMES}
SOMETIMES = {
    "validation": FILES, "test": FILES, "tags": st.lists(NAMES, max_size=2), "seed": st.integers(), "truncate": st.booleans(),
    "drop_overlap": st.booleans(), "reading": READINGS,
    **dict.fromkeys(["input", "output", "template", "messages", "join", "task", "system", "judge"], WORDS),
}  # fmt: skip


@settings(max_examples=200)
@given(st.fixed_dictionaries(ALWAYS, optional=SOMETIMES))
def test_the_command_makes_the_same_plan(fields):
    plan = Plan(student="demo-student", teacher="my teacher", **fields)
    words = shlex.split(command_line(plan))
    assert words[:2] == ["pada", "new"]

    def plain(text: str) -> str:
        return text.removeprefix("./")

    read = plan_of(vars(make_parser().parse_args(words[1:])))
    for name in Plan.__struct_fields__:
        got, wanted = getattr(read, name), getattr(plan, name)
        if name == "file":
            assert str(got).removeprefix("./") == str(wanted).removeprefix("./")
        elif name in ("train", "validation", "test"):
            assert list(map(plain, got)) == list(map(plain, wanted))
        else:
            assert got == wanted, name


def test_a_project_s_name_is_checked_before_anything_is_read(tmp_path):
    with pytest.raises(UsageError, match=r"ends in \.duckdb"):
        check_file(tmp_path / "notes")
    (tmp_path / "there.duckdb").write_text("")
    with pytest.raises(UsageError, match="exists already"):
        check_file(tmp_path / "there.duckdb")


def test_a_first_look_loads_no_heavy_library():
    import subprocess

    code = "import sys, pada_local.intake.peek, pada_local.intake.guess, pada_local.intake.command\n" \
           "print(sorted({'torch', 'duckdb', 'pyarrow', 'numpy'} & set(sys.modules)))"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout.strip() == "[]"
