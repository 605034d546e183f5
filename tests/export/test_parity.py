"""The verdict on an export, from answers alone."""

import json

import pytest

from pada_local.export.parity import Form, Prompts, judge, render, whole_report
from pada_local.export.subject import Item, Subject
from pada_local.runtime.catalog import resolve


@pytest.fixture
def subject():
    return Subject(name="n", base=resolve("demo-student"), chat="chatml", metric="exact_match")


def prompts(count):
    return Prompts(texts=[f"p{n}" for n in range(count)], items=[Item(str(n), f"p{n}", f"right {n}") for n in range(count)])


def judged(subject, count, wrong, quantised=False, form=None):
    right = [f"right {n}" for n in range(count)]
    got = ["other" if n in wrong else text for n, text in enumerate(right)]
    form = form or Form(prompts=count, same_prompt=count, same_tokens=count)
    return judge(subject, "n.gguf", prompts(count), right, got, form, quantised)


@pytest.mark.parametrize(("wrong", "verdict"), [(0, "same"), (2, "same"), (3, "differs")])
def test_sixteen_bits_need_62_of_64(subject, wrong, verdict):
    found = judged(subject, 80, range(wrong))
    assert (found["verdict"], found["prompts_agreed"], found["prompts_needed"]) == (verdict, 64 - wrong, 62)


def test_fewer_prompts_need_the_same_share(subject):
    assert judged(subject, 10, [1])["prompts_needed"] == 10 and judged(subject, 10, [1])["verdict"] == "differs"


@pytest.mark.parametrize(("wrong", "verdict"), [(2, "same"), (3, "differs")])
def test_a_quantised_file_is_judged_by_its_loss_in_points(subject, wrong, verdict):
    found = judged(subject, 100, range(50, 50 + wrong), quantised=True)
    assert found["verdict"] == verdict and found["loss"]["difference"] == pytest.approx(wrong / 100)
    assert found["loss"]["low"] <= wrong / 100 <= found["loss"]["high"] and found["student"]["mean"] == 1


@pytest.mark.parametrize(
    "form", [Form(prompts=64, same_prompt=63, same_tokens=64), Form(prompts=64, same_prompt=64, same_tokens=9)]
)
def test_another_template_or_tokenizer_differs_whatever_the_answers(subject, form):
    found = judged(subject, 64, [], form=form)
    assert found["verdict"] == "differs" and found["prompts_agreed"] == 64


def test_the_report_names_the_first_difference_and_the_card_does_not(subject):
    report = whole_report(subject, [judged(subject, 64, [7, 9, 11])], {"dtype": "float32"})
    assert report["files"][0]["first_difference"] == {"example": "7", "prompt": "p7", "student": "right 7", "exported": "other"}
    text = render(report)
    assert "differs" in text and "61 of 64" in text and "'right 7'" in text and "loss: +4.7 points" in text
    assert "right 7" not in render(report, examples=False)
    json.dumps(report, allow_nan=False)


def test_blanks_at_the_ends_are_no_difference(subject):
    form = Form(prompts=1, same_prompt=1, same_tokens=1)
    assert judge(subject, "n", prompts(1), ["right 0"], [" right 0\n"], form, False)["prompts_agreed"] == 1
