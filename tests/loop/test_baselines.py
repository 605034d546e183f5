"""Published baselines and ablations through the loop: the analytic cases of their methods, with a fake student and teacher."""

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from pada_local.data.leakage import LeakGuard
from pada_local.export.report import build_report
from pada_local.methods.auggpt import lost_literals
from pada_local.methods.llm2llm import too_similar
from pada_local.recipe import load
from pada_local.records import Candidate, Example, Pattern, Round, Strategy
from pada_local.store.project import Project
from pada_local.teacher import schemas
from tests.fakes import FakeStudent, FakeTeacher
from tests.loop.test_loop import Bench

RECIPES = Path(__file__).parents[2] / "recipes"
AUGGPT = "name = 'auggpt'\n[loop]\nrounds = 2\naugment = 'rephrase'\n[generate]\nbudget = 5000\noversample = 1.0\n"
AUGGPT += "[gate]\nnear_duplicate = 1.0\njudge = false\nrederive = false\naudit = false\n"
LLM2LLM = "name = 'llm2llm'\n[loop]\nrounds = 4\naugment = 'errors'\n[generate]\nper_train_error = 1\nbudget = 100\n"
LLM2LLM += "max_waves = 3\n[gate]\nrouge_max = 0.95\njudge = false\nrederive = false\naudit = false\n"


def body(name, rounds=2, budget=24):
    """A shipped recipe with the sizes of the fake world."""
    recipe = load(RECIPES / f"{name}.toml")
    loop = msgspec.structs.replace(recipe.loop, rounds=rounds)
    generate = msgspec.structs.replace(recipe.generate, budget=budget, items_per_call=3)
    gate = msgspec.structs.replace(recipe.gate, audit_items=8)
    return msgspec.structs.replace(recipe, loop=loop, generate=generate, gate=gate)


class Shop(Bench):
    """A bench that takes recipes as they are."""

    def go(self, recipe, **more):
        from tests.loop import test_loop

        self.patch.setattr(test_loop, "parse", lambda given: given)
        return self.run(recipe, **more)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    made = Shop(tmp_path, monkeypatch)
    yield made
    made.project.close()


def rephrase(ask):
    if ask.purpose != "rephrase":
        return ...
    text = re.search(r"Input: (.*)\n", ask.prompt)[1]
    count = int(re.search(r"in (\d+) different", ask.prompt)[1])
    words = text.split()
    return schemas.Rephrasings(rephrasings=[" ".join([f"so{'x' * n}", *words[n:], *words[:n]]) for n in range(count)])


def test_auggpt_writes_six_of_every_example_with_its_output(bench):
    bench.teacher = FakeTeacher(rephrase)
    bench.run(AUGGPT)
    samples, train = bench.all(Candidate, selected=True), {row.id: row for row in bench.all(Example, split="train")}
    assert len(samples) == 6 * len(train)
    assert set(Counter(row.seed_examples[0] for row in samples).values()) == {6}
    assert all(row.output == train[row.seed_examples[0]].output for row in samples)
    assert {ask.purpose for ask in bench.teacher.asks} == {"rephrase"}
    assert [len(job.examples) for job in bench.student.trained] == [36, 36 * 7]


@pytest.mark.parametrize("budget", [50, 5000])
def test_the_order_of_the_file_does_not_change_what_auggpt_writes(tmp_path, monkeypatch, budget):
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shop = Shop(tmp_path / name, monkeypatch)
        if name == "b":
            rows = shop.all(Example)
            shop.project.close()
            other = tmp_path / name / "turned.duckdb"
            turned = [msgspec.structs.replace(row, position=len(rows) - row.position) for row in reversed(rows)]
            Project.create(other, {}, turned).close()
            shop.project = Project.open(other)
        shop.teacher = FakeTeacher(rephrase)
        shop.run(AUGGPT.replace("5000", str(budget)))
        made.append({(row.input, row.output) for row in shop.all(Candidate, selected=True)})
        shop.project.close()
    assert made[0] == made[1] and len(made[0]) == min(budget, 216)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("Add 3 and 4.5", "What is 4.5 plus 3?", True),
        ("Add 3 and 4", "Add three and 4", False),
        ("Add 3 and 4", "Add 3 and 4 and 4", False),
        ('Say "hello there" to Ann', 'To Ann, say "hello there"', True),
        ('Say "hello there" to Ann', "Greet Ann", False),
        ("What does `x + y` do", "Explain `x + y`", True),
        ("What does `x + y` do", "Explain `x - y`", False),
        ("no literals", "none here", True),
    ],
)
def test_a_rephrasing_keeps_numbers_quotations_and_code(before, after, kept):
    assert (lost_literals(before, after) == "") is kept


def test_a_rephrasing_that_loses_a_number_is_refused(bench):
    def lossy(ask):
        found = rephrase(ask)
        if found is ...:
            return ...
        return schemas.Rephrasings(rephrasings=[re.sub(r"item\d+", "item", text) for text in found.rephrasings])

    bench.teacher = FakeTeacher(lossy)
    bench.run(AUGGPT)
    assert {row.state for row in bench.all(Candidate)} <= {"rejected", "duplicate"}
    assert any("does not keep the numbers" in row.reason for row in bench.all(Candidate, state="rejected"))


class StubbornStudent(FakeStudent):
    """Never learns what is said in `never`."""

    def __init__(self, never):
        super().__init__()
        self.never, self.bases = never, []

    def train(self, job, on_step):
        self.bases.append(job.base)
        return super().train(job, on_step)

    def generate(self, job):
        for positions, texts, counts in super().generate(job):
            wrong = [any(word in job.prompts[at] for word in self.never) for at in positions]
            yield positions, ["unsure" if no else text for no, text in zip(wrong, texts, strict=True)], counts


def ten_examples(tmp_path, monkeypatch):
    """Ten training examples, three of which the student never gets right."""
    shop = Shop(tmp_path, monkeypatch, missing=())
    rows = shop.all(Example)
    shop.project.close()
    train = [msgspec.structs.replace(row, input=row.input.replace(f"kind{i % 6}", "kind0"), output="out0")
             for i, row in enumerate(row for row in rows if row.split == "train")][:10]  # fmt: skip
    path = tmp_path / "ten.duckdb"
    Project.create(path, {}, [*train, *(row for row in rows if row.split != "train")]).close()
    shop.project = Project.open(path)
    wrong = train[:3]
    shop.student = StubbornStudent([re.search(r"item\d+", row.input)[0] + " " for row in wrong])
    return shop, train, wrong


def test_llm2llm_grows_by_one_item_for_each_wrong_seed_and_step(tmp_path, monkeypatch):
    shop, train, wrong = ten_examples(tmp_path, monkeypatch)
    shop.run(LLM2LLM)
    assert [len(job.examples) for job in shop.student.trained] == [10, 13, 16, 19]
    assert {seed for row in shop.all(Candidate) for seed in row.seed_examples} == {row.id for row in wrong}
    shown = [ask.prompt for ask in shop.teacher.asks]
    assert shown and all(sum(row.input in prompt for row in wrong) == 1 for prompt in shown)
    assert not any(row.input in prompt for row in train[3:] for prompt in shown)
    assert not any("unsure" in prompt for prompt in shown)  # the wrong answer is not shown
    assert set(shop.student.bases) == {"fake"}
    assert max(row.round for row in shop.all(Candidate)) == 3  # nothing is asked after the last training
    shop.project.close()


def test_llm2llm_gives_up_on_a_teacher_that_repeats_the_seed(tmp_path, monkeypatch):
    shop, _, _ = ten_examples(tmp_path, monkeypatch)

    def echo(ask):
        text, output = re.search(r"Input: (.*)\nOutput: (.*)\n", ask.prompt).groups()
        return schemas.NewItems(items=[schemas.NewItem(input=text, output=output)])

    shop.teacher = FakeTeacher(echo)
    shop.run(LLM2LLM)
    assert len(shop.teacher.asks) == 3 * 3  # seeds times tries
    assert [re.search(r"Write (\d+)", ask.prompt)[1] for ask in shop.teacher.asks] == ["1"] * 3 + ["2"] * 3 + ["3"] * 3
    assert {row.state for row in shop.all(Candidate)} == {"duplicate"} and len(shop.student.trained) == 1
    shop.project.close()


def test_llm2llm_ends_where_nothing_is_wrong(bench):
    bench.run(LLM2LLM)
    assert bench.teacher.asks == [] and len(bench.student.trained) == 1


@pytest.mark.parametrize(
    ("text", "repeats"), [("a b c d e f g h i j", True), ("a b c d e f g h i x", False), ("", False), ("q r s", False)]
)
def test_rouge_tells_what_repeats_an_earlier_input(text, repeats):
    assert bool(too_similar(text, ["something else", "A b, c d e f g h i j."], 0.95)) is repeats


def purposes(bench):
    return {ask.purpose for ask in bench.teacher.asks}


def test_ablation_no_judge_asks_no_judge(bench):
    bench.go(body("pada-no-judge"))
    assert purposes(bench) == {"analyse", "summarise", "draft", "generate"}
    assert len(bench.all(Candidate, selected=True)) == 24


def test_ablation_no_rederive_lets_the_scores_alone_decide(bench):
    bench.go(body("pada-no-rederive"))
    assert "solve" not in purposes(bench) and "judge" in purposes(bench)
    assert len(bench.all(Candidate, selected=True)) == 24


def test_ablation_one_cluster_makes_one_pattern(bench):
    bench.go(body("pada-one-cluster"))
    assert [row.failures for row in bench.all(Pattern)] == [12]


def test_ablation_no_patterns_takes_each_analysis_for_a_strategy(bench):
    bench.go(body("pada-no-patterns"))
    assert not bench.all(Pattern) and not purposes(bench) & {"summarise", "draft"}
    strategies = bench.all(Strategy)
    assert len(strategies) == 12 and {row.quota for row in strategies} == {2}
    assert {row.drafted for row in strategies} and all("does not know kind" in row.drafted for row in strategies)
    assert bench.all(Round)[-1].validation_mean == 1.0
    secrets = [row.input for row in bench.all(Example, split="validation")]
    guard = LeakGuard(secrets, [row.input for row in bench.all(Example, split="train")])
    assert not any(guard.refuses_within(ask.prompt) for ask in bench.teacher.asks if ask.purpose != "analyse")


def test_ablation_raw_failures_shows_them_and_still_lets_none_in(bench):
    secrets = {row.id: row for row in bench.all(Example, split="validation")}

    def half_echo(ask):
        if ask.purpose != "near_error":
            return ...
        text, output = re.search(r"Input: (.*)\nOutput: (.*)\n", ask.prompt).groups()
        return schemas.NewItems(items=[schemas.NewItem(input=text, output=output), *bench.teacher.items(ask)])

    bench.teacher = FakeTeacher(half_echo)
    bench.go(body("pada-raw-failures"))
    samples = bench.all(Candidate)
    assert {row.origin for row in samples} == {"validation_failure"} and all(row.seed_examples[0] in secrets for row in samples)
    assert not {row.input for row in samples if row.state == "accepted"} & {row.input for row in secrets.values()}
    assert any(row.state == "leaked" for row in samples) and len([row for row in samples if row.selected]) == 24
    assert purposes(bench) == {"near_error", "judge", "solve"}
    assert any("validation examples were shown" in note for note in build_report(bench.project)["notes"])


def test_ablation_no_train_errors_spends_all_on_patterns(bench):
    row = Example(id="odd", split="train", position=900, input="kind4 odd one", output="out4")
    bench.project.put(row)
    bench.go(body("pada-no-train-errors"))
    assert sum(row.quota for row in bench.all(Strategy)) == 24
    assert {row.origin for row in bench.all(Candidate)} == {"strategy"}


ABLATIONS = {
    "pada-no-judge": {"gate.judge", "gate.rederive", "gate.audit"}, "pada-no-rederive": {"gate.rederive", "gate.audit"},
    "pada-no-patterns": {"loop.augment"}, "pada-raw-failures": {"loop.augment"}, "pada-one-cluster": {"patterns.k"},
    "pada-paper": {"patterns.clustering"},
    "pada-no-train-errors": {"generate.share_pattern", "generate.share_train_error"},
}  # fmt: skip


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_differs_from_pada_in_what_it_is_called_after(name):
    whole, part = (msgspec.to_builtins(load(RECIPES / f"{one}.toml")) for one in ("pada", name))
    changed = {
        f"{section}.{field}"
        for section, fields in whole.items()
        if isinstance(fields, dict)
        for field in fields
        if fields[field] != part[section][field]
    }
    assert changed == ABLATIONS[name]


@pytest.mark.parametrize(("size", "count"), [("12", 12), ("0.5", 18), ("0", 36), ("500", 36)])
def test_a_smaller_training_set_is_a_part_of_a_larger_one(bench, size, count):
    bench.run(f"name = 'v'\n[loop]\nrounds = 1\naugment = 'none'\ntrain_size = {size}\n")
    bench.run("name = 'w'\n[loop]\nrounds = 1\naugment = 'none'\ntrain_size = 30\n")
    small, large = (job.examples for job in bench.student.trained[:2])
    assert len(small) == count
    shared = {row.prompt for row in small} & {row.prompt for row in large}
    assert len(shared) == min(len(small), 30)
