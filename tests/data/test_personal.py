"""Likely personal data: what is found, what is not, how well on a public synthetic set, and that no text takes long."""

import json
import time
from collections import Counter

import pytest

from pada_local.data import personal

FOUND = {
    "Write to jane.doe@example.org today.": ["EMAIL"],
    "See https://example.org/jane?x=1 for it.": ["WEB"],
    "It came from 106.31.73.20 at noon.": ["IP"],
    "IBAN: GB82 WEST 1234 5698 7654 32, thanks": ["IBAN"],
    "my card 4111 1111 1111 1111 was lost": ["CARD"],
    "my ssn is 460-89-9847": ["ID"],
    "call +46 (0)8 928 571 38 or 905-674-3793": ["PHONE", "PHONE"],
    "he lives at 12 Green Hill Road, suite 501": ["ADDRESS", "ADDRESS"],
    "This is Dr. Kyle Kuefer speaking": ["NAME"],
    "My name is Rubija": ["NAME"],
}
NOT_FOUND = [
    "What are my options?", "On 2000-04-16 we sold 1200 units for 3.50 each.", "4111 1111 1111 1112 is no card number",
    "version 1.2.3.999", "He paid 1100-400=700 of 36000-3600 and 2400-1100-700.", "the postcode sector of a zip code level",
    "odds ratio 2.59 (2.26-2.97), 0.967/0.947/0.925, 191/214 (89%)", "from 1 July 2009 to 30 June 2011",
    "142 (66-219) of 1022 (79.2%)", "409500-400000 is 9500", "62 HMCIs and 1292 others",
    "The Patient has pain since Monday.", "steps 12 34", "Comedy: 3 of 5",
]  # fmt: skip
FORMS = {"EMAIL_ADDRESS": 0.98, "IP_ADDRESS": 0.95, "IBAN_CODE": 0.95, "CREDIT_CARD": 0.95, "US_SSN": 0.95, "DOMAIN_NAME": 0.95,
         "PHONE_NUMBER": 0.9, "STREET_ADDRESS": 0.6, "PERSON": 0.5}  # fmt: skip
"""Shares that must be found; those of names and streets are what rules without a model reach."""


@pytest.mark.parametrize("text", FOUND)
def test_what_has_a_form_is_found(text):
    assert [span.kind for span in personal.find(text)] == FOUND[text]


NATIONAL = [
    "2 95 10 99 126 111 93", "756.9217.0769.85", "390.533.447-05", "943-476-5870", "44051401359", "880320-0016", "151086 95088",
    "131052-308T", "36 574 261 809", "85 07 30 033 28", "2341 2341 2346", "360426199101010071", "54362315K",
    "X2482300W", "RCCMNL83S18D969H",
]  # fmt: skip
"""Valid numbers from python-stdnum's own documentation, one for each country."""


@pytest.mark.parametrize("number", NATIONAL)
def test_national_numbers_are_found_by_their_check_digits(number):
    pytest.importorskip("stdnum", reason="python-stdnum is not installed (pip install pada-local[personal])")
    assert [(span.kind, span.end - span.start) for span in personal.find(f"it is {number}, thanks")] == [("ID", len(number))]
    at = max(place for place, one in enumerate(number) if one.isdigit())
    wrong = f"{number[:at]}{(int(number[at]) + 1) % 10}{number[at + 1 :]}"
    assert "ID" not in [span.kind for span in personal.find(f"it is {wrong}, thanks")]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_has_none_is_left(text):
    assert personal.find(text) == []


def test_a_mask_keeps_the_rest():
    text = "Dear Ms Jane Doe,\nyour card 4111111111111111 ends."
    assert personal.mask(text) == "Dear Ms [NAME],\nyour card [CARD] ends."
    assert personal.mask(personal.mask(text)) == personal.mask(text)


@pytest.mark.parametrize(
    "part", ["1 ", "1-", "Aa ", "a@", "A", "1", "Dr. ", "10 Aa ", "::1", "\n", "+(1) ", "http://", "name is "]
)
def test_no_text_takes_long(part):
    started = time.monotonic()
    personal.find(part * (20_000 // len(part)))
    assert time.monotonic() - started < 10


def test_precision_and_recall_on_the_synthetic_set(shared_folder):
    file = shared_folder / "data" / "pii_presidio" / "synth_dataset_v2.json"
    if not file.is_file():
        pytest.skip("../shared/data/pii_presidio is not there")
    said, right, there, hit = Counter(), Counter(), Counter(), Counter()
    for row in json.loads(file.read_text()):
        text, spans = row["full_text"], personal.find(row["full_text"])
        gold, marked = bytearray(len(text)), bytearray(len(text))
        for one in row["spans"]:
            gold[one["start_position"] : one["end_position"]] = b"\1" * (one["end_position"] - one["start_position"])
        for one in spans:
            marked[one.start : one.end] = b"\1" * (one.end - one.start)
            said[one.kind] += 1
            right[one.kind] += sum(gold[one.start : one.end]) * 2 >= one.end - one.start
        for one in row["spans"]:
            place = slice(one["start_position"], one["end_position"])
            there[one["entity_type"]] += 1
            hit[one["entity_type"]] += sum(marked[place]) * 2 >= place.stop - place.start
    for kind in said:
        print(f"precision {kind:16} {right[kind] / said[kind]:.3f}  ({right[kind]} of {said[kind]})")
    for kind in there:
        print(f"recall    {kind:16} {hit[kind] / there[kind]:.3f}  ({hit[kind]} of {there[kind]})")
    print(f"precision {right.total() / said.total():.3f}, recall {hit.total() / there.total():.3f} over all kinds")
    assert all(right[kind] / said[kind] >= (0.7 if kind == "NAME" else 0.95) for kind in said)
    assert all(hit[kind] / there[kind] >= least for kind, least in FORMS.items())
