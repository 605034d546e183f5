"""`pada scan` and `pada new --mask`: what looks personal is shown, or never gets into the file."""

import json

import msgspec

from pada_local.records import Candidate, Example
from pada_local.store.project import Project
from tests.cli.conftest import models, pada  # noqa: F401 (a fixture)


def test_examples_and_samples_are_marked(path):
    with Project.open(path) as project:
        example, sample = project.get(Example)[0], project.get(Candidate)[0]
        project.replace(msgspec.structs.replace(example, input=f"{example.input} jane.doe@example.org \x1b[31m"))
        project.replace(msgspec.structs.replace(sample, output="Call Dr. Kyle Kuefer on 905-674-3793."))
    found = json.loads(pada("scan", path, "--json").stdout)["parts"]
    examples, samples = found
    assert {"id": example.id, "kinds": ["EMAIL"]} in examples["marked"] and examples["rows"] == 108
    assert {"id": sample.id, "kinds": ["NAME", "PHONE"]} in samples["marked"]
    said = pada("scan", path)
    assert said.returncode == 0 and "»jane.doe@example.org«" in said.stdout and "\x1b" not in said.stdout


def test_masked_at_import_it_is_in_no_byte_of_the_file(tmp_path, models):  # noqa: F811
    rows = [
        {"q": f"Note {n} by Dr. Kyle Kuefer{n}, mail k{n}@example.org", "a": f"card 4111111111111111 is label{n}"}
        for n in range(40)
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = pada("new", tmp_path / "p.duckdb", "--train", tmp_path / "t.jsonl", "--input", "q", "--output", "a", "--metric",
                "exact_match", "--mask", *models)  # fmt: skip
    assert done.returncode == 0 and "Masked: 40 " in done.stdout, done.stderr
    with Project.open(tmp_path / "p.duckdb") as project:
        texts = [f"{row.input} {row.output}" for row in project.get(Example)]
    assert all("[NAME]" in text and "[EMAIL]" in text and "[CARD]" in text for text in texts)
    assert not any("Kuefer" in text or "@" in text or "4111" in text for text in texts)
