"""The teacher beside two plain ways to ask a local model, and beside what the machine can do: `make bench-teacher`.

    python benchmarks/teacher.py [--requests 64] [--repeats 5] [--threads N] [--here] [--quick]

The same requests (400 tokens that all share, 100 of their own, 64 new ones; then again with a JSON schema) go to
`llama_cpp.server` one at a time, to `llama-server` with 8 slots and 8 clients, and to this project's teacher. The ceiling is
(400 + requests x 100) tokens at the prefill rate + requests x 64 tokens at the best decode rate over batch sizes, both measured
with llama-batched-bench in the same run. The model has random weights (benchmarks/random_gguf.py). Every server is fresh in
every repeat; loading is not counted. Figures are medians; processor seconds are the server's own, and change less than wall
time on a machine that does other things. The ceiling is given in both, and so is the share of it: with one thread the share in
processor seconds holds on a busy machine too (several threads spin while they wait for each other). `--here` leaves the two
plain ways out. `--quick`: a tiny model and 8 requests, to see that it works.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import time
from pathlib import Path

import random_gguf
import teacher_sides

from pada_local.teacher.launch import find_server
from pada_local.teacher.protocol import Ask
from pada_local.teacher.schemas import Analysis

SHARED, OWN, NEW, CONTEXT = 400, 100, 64, 1024
BATCHES = (1, 4, 8, 16, 32)
HERE = "this project"
TARGETS = {"llama_cpp.server": 3.5, "naive llama-server": 1.2}
CEILING_TARGET = 0.85


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--new", type=int, default=NEW, help="tokens of each answer")
    parser.add_argument("--here", action="store_true", help="this project and the ceiling alone")
    parser.add_argument("--quick", action="store_true", help="8 requests of 8 new tokens to a tiny model, once")
    options = parser.parse_args()
    if options.quick:
        options.requests, options.repeats, options.new = 8, 1, 8
        model = random_gguf.build(random_gguf.BUILT.with_name("llama-tiny-q8_0.gguf"), random_gguf.SMALL)
    else:
        model = random_gguf.build()
    print(
        f"{model.name}, {options.requests} requests, {options.repeats} repeats, {options.threads} threads, {_load()}", flush=True
    )
    sides = {name: side for name, side in teacher_sides.SIDES.items() if name == HERE or not options.here}
    why = "" if options.here else teacher_sides.missing_side()
    if why:
        print(f"llama_cpp.server is not compared: {why} (make bench-teacher installs what it needs)")
        del sides["llama_cpp.server"]
    ceilings = {"plain": [], "schema": []}
    found = {(mode, name): [] for mode in ceilings for name in sides}
    for repeat in range(options.repeats):
        ceiling, words = measure_ceiling(model, options)
        for mode, ceiled in ceilings.items():
            ceiled.append(ceiling)
            asks = requests(model.parent / "vocabulary", options.requests, options.new, mode, repeat)
            for name, side in sides.items():
                found[mode, name].append(measure(side, model, options.threads, asks))
        print(f"repeat {repeat + 1}: {words}, {_load()}", flush=True)
    for mode, ceiled in ceilings.items():
        report(mode, {name: found[mode, name] for name in sides}, ceiled)
    if options.quick:
        print("quick: a tiny model, too few requests; these figures mean nothing")


def requests(vocabulary: Path, count: int, new: int, mode: str, repeat: int) -> list[Ask]:
    """Prompts of words that are a token each; nothing in common between repeats."""
    rng, words = random.Random(repeat), random_gguf.words(vocabulary)
    shared = " ".join(rng.choice(words) for _ in range(SHARED))
    texts = [f"{shared} {' '.join(rng.choice(words) for _ in range(OWN))}" for _ in range(count)]
    schema = Analysis if mode == "schema" else None
    return [Ask(purpose="bench", prompt=text, schema=schema, max_tokens=new) for text in texts]


def measure(side, model: Path, threads: int, asks: list[Ask]) -> dict[str, float]:
    """One fresh server asked once: requests per second, processor seconds, tokens written."""
    server = side(model, threads, CONTEXT)
    try:
        before, started = processor_seconds(server.pid), time.monotonic()
        tokens = server.ask_all(asks)
        seconds, used = time.monotonic() - started, processor_seconds(server.pid) - before
        return {"rate": len(asks) / seconds, "processor": used, "tokens": sum(tokens), "slots": getattr(server, "slots", 0)}
    finally:
        server.close()


def measure_ceiling(model: Path, options: argparse.Namespace) -> tuple[dict[str, float], str]:
    """Requests per second, and processor seconds, if nothing but the model took time; and what is behind them in words."""
    rows = []
    for flash in ("on", "off"):
        rows += [row | {"flash": flash} for row in batched_bench(model, options.threads, flash, 4 if options.quick else 32)]
    prefill, best = max(row["speed_pp"] for row in rows), max(rows, key=lambda row: row["speed_tg"])
    read, written = SHARED + options.requests * OWN, options.requests * options.new
    seconds = read / prefill + written / best["speed_tg"]
    # Every row reads the same tokens; the middle one is least disturbed by how a row's time was shared out.
    reading = [statistics.median(row["pp_processor"] for row in rows if row["flash"] == flash) for flash in ("on", "off")]
    costs = min(reading), min(row["tg_processor"] for row in rows)
    words = (
        f"prefill {prefill:.0f} tokens/s, best decode {best['speed_tg']:.0f} tokens/s (batch {best['pl']}, flash attention "
        f"{best['flash']}); processor ms a token: {1000 * costs[0]:.2f} and {1000 * costs[1]:.2f}"
    )
    return {"rate": options.requests / seconds, "processor": read * costs[0] + written * costs[1]}, words


def batched_bench(model: Path, threads: int, flash: str, new: int) -> list[dict]:
    """Rows of llama-batched-bench over batch sizes; the sequences begin with the same tokens and have a cache each.

    To each come processor seconds a token, `pp_processor` for reading and `tg_processor` for writing: what the process used
    between two rows, shared out as the times of the two. The first batch is measured twice: loading falls into the first row.
    """
    length, sizes = SHARED + OWN, [BATCHES[0], *BATCHES]
    command = [find_server().with_name("llama-batched-bench"), "-m", model, "-c", max(BATCHES) * CONTEXT, "-t", threads,
               "-tb", threads, "-fa", flash, "-pps", "-npp", length, "-ntg", new, "-npl", ",".join(map(str, sizes)),
               "--output-format", "jsonl"]  # fmt: skip
    rows, used = [], 0.0
    words = [str(word) for word in command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        for line in child.stdout:
            if line.startswith("{"):
                row, until = json.loads(line), processor_seconds(child.pid)
                share = (until - used) / (row["t_pp"] + row["t_tg"])
                read, written = length, new * row["pl"]
                rows.append(row | {"pp_processor": share * row["t_pp"] / read, "tg_processor": share * row["t_tg"] / written})
                used = until
    if child.returncode or len(rows) != len(sizes):
        raise SystemExit(f"llama-batched-bench ended with {child.returncode} after {len(rows)} of {len(sizes)} rows")
    return rows[1:]


def report(mode: str, found: dict[str, list[dict[str, float]]], ceiled: list[dict[str, float]]) -> None:
    """The table of one mode; ratios are medians of each repeat's ratio."""
    print(f"\n{mode}: {'a JSON schema' if mode == 'schema' else 'free text'}")
    for name, rows in found.items():
        rate, processor = (statistics.median(row[key] for row in rows) for key in ("rate", "processor"))
        slots = f", {rows[0]['slots']:.0f} slots" if rows[0]["slots"] else ""
        print(f"  {name:20} {rate:7.3f} requests/s, {processor:7.1f} processor s, {rows[0]['tokens']:.0f} tokens{slots}")
    rate, processor = (statistics.median(row[key] for row in ceiled) for key in ("rate", "processor"))
    print(f"  {'ceiling':20} {rate:7.3f} requests/s, {processor:7.1f} processor s")
    ours = [row["rate"] for row in found[HERE]]
    for name, target in TARGETS.items():
        if name in found:
            _ratio(f"against {name}", ours, [row["rate"] for row in found[name]], target)
    _ratio("of the ceiling", ours, [row["rate"] for row in ceiled], CEILING_TARGET)
    used = [row["processor"] for row in found[HERE]]
    _ratio("of the ceiling, processor s", [row["processor"] for row in ceiled], used, CEILING_TARGET)


def _ratio(name: str, ours: list[float], theirs: list[float], target: float) -> None:
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"  {name:28} {ratio:5.2f}, target {target} {'reached' if ratio >= target else 'MISSED'}")


def processor_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _load() -> str:
    return f"load of the machine {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
