"""Ways of grouping failures compared on groups that are known: missing slices of drawn worlds, intents of clinc150.

    python benchmarks/clusters.py build/bench/*.duckdb --clinc ../shared/data/clinc150/data_small.json

Prints the table of docs/methods.md. What is not there is left out, with the reason.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path
from statistics import mean

from pada_local.methods.elbow import accept_k, choose_k, k_max, widest_gap
from pada_local.metrics.statistics import adjusted_rand, purity, recalled
from pada_local.records import content_id
from pada_local.session import Session
from pada_local.student.client import StudentClient

WAYS = ("kmeans", "density", "linkage")
SIZES = (14, 12, 9, 7, 5, 3, 2, 1, 1)
"""Sentences of each of the nine intents of a draw; the five largest are to be found."""
DRAWS = 20
MOST = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", type=Path, help="projects of `pada bench` or `pada demo`")
    parser.add_argument("--clinc", type=Path, default=Path("../shared/data/clinc150/data_small.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, StudentClient(Path(folder) / "worker") as student:
        worlds = [found for path in options.projects if (found := world(path))]
        sets = {"worlds": worlds, "clinc150": intents(options.clinc, student)}
        for name, draws in sets.items():
            if not draws:
                print(f"{name}: left out, {'no project with patterns' if name == 'worlds' else f'no file {options.clinc}'}")
                continue
            print(f"{name}: {len(draws)} draws\n| | recall | adjusted Rand | purity |\n|---|---|---|---|")
            for way in WAYS:
                print(f"| {way} | " + " | ".join(f"{value:.2f}" for value in figures(student, way, draws)) + " |")


def figures(student: StudentClient, way: str, draws: list[tuple]) -> tuple[float, float, float]:
    """Means over the draws of recall, adjusted Rand and purity."""
    grouped = [(group(student, way, vectors), truth, wanted) for vectors, truth, wanted in draws]
    hits = [[hit for name in wanted if (hit := recalled(labels, truth, name)) is not None] for labels, truth, wanted in grouped]
    return (mean(mean(one) for one in hits if one), mean(adjusted_rand(labels, truth) for labels, truth, _ in grouped),
            mean(purity(labels, truth) for labels, truth, _ in grouped))  # fmt: skip


def group(student: StudentClient, way: str, vectors: list[list[float]]) -> list[int]:
    """Labels as the stage `group` would give them."""
    most = min(k_max(len(vectors), len({tuple(vector) for vector in vectors})), MOST)
    found = student.cluster(vectors, most, 1, 10, way)
    k = len(found.labels)
    if way != "density":
        k = choose_k(found.inertia) if way == "kmeans" else widest_gap(found.silhouette)
        k = accept_k(k, found.silhouette[k - 1], len(vectors))
    return found.labels[k - 1]


def world(path: Path) -> tuple | None:
    """Vectors, true slices and missing slices of the first round's failures of the first run that has patterns."""
    with Session.open(path) as session:

        def rows(kind: str, **where):
            return session.ask("rows", kind=kind, where=where)

        patterns = rows("Pattern", round=1)
        if not patterns:
            return None
        tags = {row["id"]: row["tags"].get("slice", "") for row in rows("Example", split="validation")}
        analyses = rows("Analysis", run_id=patterns[0]["run_id"], round=1, state="ok")
        vectors = {row["text_id"]: row["vector"] for row in rows("Embedding")}
        missing = next(row["value"] for row in rows("Setting") if row["key"] == "missing_slices").split(", ")
    texts = [content_id("text", f"{row['scenario']}: {row['root_cause']}") for row in analyses]
    return [vectors[text] for text in texts], [tags[row["example_id"]] for row in analyses], missing


def intents(path: Path, student: StudentClient) -> list[tuple]:
    """Draws of nine intents of unlike size from the validation part; [] where the file is missing."""
    if not path.is_file():
        return []
    of_intent: dict[str, list[str]] = {}
    for text, intent in json.loads(path.read_text(encoding="utf-8"))["val"]:
        of_intent.setdefault(intent, []).append(text)
    chance, draws = random.Random(5), []
    for _ in range(DRAWS):
        names = chance.sample(sorted(of_intent), len(SIZES))
        pairs = [(text, name) for name, size in zip(names, SIZES, strict=True) for text in chance.sample(of_intent[name], size)]
        draws.append((student.embed("minilm", [text for text, _ in pairs]), [name for _, name in pairs], names[:5]))
    return draws


if __name__ == "__main__":
    main()
