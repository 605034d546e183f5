"""The demo on several seeds, each with its own missing slices, as one table: `make study` writes docs/results.md from it.

    python scripts/demo_seeds.py --to build/seeds --seeds 1 2 3 4 5

Each seed is one `pada demo` run; a seed that is done already is only read. The table goes to stdout.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

PAIRS = (("vanilla", "pada"), ("random-strategies", "pada"), ("vanilla", "random-strategies"))
RECOVERED = 0.25
"""A missing slice counts as recovered when pada's accuracy on it is at least this much above vanilla's."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", default="build/seeds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    options = parser.parse_args()
    rows = [measure(seed, options.to) for seed in options.seeds]
    print("\n".join([*accuracy_table(rows), "", *difference_table(rows), "", *totals(rows)]))


def measure(seed: int, folder: str) -> dict:
    """The seed's report, with its missing slices and the seconds that the command took."""
    started = time.monotonic()
    command = [sys.executable, "-m", "pada_local.cli", "demo", "--seed", str(seed), "--to", folder, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    report = json.loads(done.stdout)
    elapsed = time.monotonic() - started
    kept = Path(folder) / f"seconds-{seed}.txt"
    if not kept.exists():
        kept.write_text(f"{elapsed:.0f}\n")
    return {"seed": seed, "seconds": int(kept.read_text()), **report}


def run_of(row: dict, recipe: str) -> dict:
    return next(run for run in row["runs"] if run["recipe"] == recipe)


def pair_of(row: dict, a: str, b: str) -> dict:
    return next(pair for pair in row["comparisons"] if (pair["a"], pair["b"]) == (a, b))


def missing(row: dict) -> list[str]:
    return row["project"]["missing_slices"]


def accuracy_table(rows: list[dict]) -> list[str]:
    head = "| seed | missing slices | recovered | vanilla | random-strategies | pada | seconds |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for row in rows:
        tests = [run_of(row, name)["test"] for name in ("vanilla", "random-strategies", "pada")]
        before, after = tests[0]["by_slice"], tests[2]["by_slice"]
        names = missing(row)
        back = [name for name in names if after[name] - before[name] >= RECOVERED]
        cells = [f"{test['mean']:.3f} [{test['low']:.3f}, {test['high']:.3f}]" for test in tests]
        cells = [str(row["seed"]), ", ".join(names), ", ".join(back) or "none", *cells, str(row["seconds"])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def difference_table(rows: list[dict]) -> list[str]:
    lines = ["| seed | pada − vanilla | p | pada − random-strategies | p |", "|---|---|---|---|---|"]
    for row in rows:
        cells = []
        for a, b in PAIRS[:2]:
            pair = pair_of(row, a, b)
            cells += [f"{pair['difference']:+.3f} [{pair['low']:+.3f}, {pair['high']:+.3f}]", f"{pair['p']:.4f}"]
        lines.append(f"| {row['seed']} | {' | '.join(cells)} |")
    return lines


def totals(rows: list[dict]) -> list[str]:
    lines = []
    for a, b in PAIRS:
        pairs = [pair_of(row, a, b) for row in rows]
        mean = sum(pair["difference"] for pair in pairs) / len(pairs)
        above = sum(pair["low"] > 0 for pair in pairs)
        lines.append(f"- {b} over {a}: mean difference {mean:+.3f}; interval above zero on {above} of {len(pairs)} seeds.")
    slices = sum(len(missing(row)) for row in rows)
    back = sum(
        run_of(row, "pada")["test"]["by_slice"][name] - run_of(row, "vanilla")["test"]["by_slice"][name] >= RECOVERED
        for row in rows for name in missing(row)
    )  # fmt: skip
    arms = [run_of(row, name) for row in rows for name in ("random-strategies", "pada")]
    used = [sum(one["selected"] for one in arm["rounds"]) for arm in arms]
    return [*lines, f"- missing slices recovered: {back} of {slices}.", f"- samples used per arm: {min(used)} to {max(used)}."]


if __name__ == "__main__":
    main()
