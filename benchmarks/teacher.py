"""The teacher beside two plain ways to ask a local model, and beside what the machine can do: `make bench-teacher`.

    python benchmarks/teacher.py [--requests 64] [--repeats 5] [--threads N] [--quick]

The same requests (400 tokens that all share, 100 of their own, 64 new ones; then again with a JSON schema) go to
`llama_cpp.server` one at a time, to `llama-server` with 8 slots and 8 clients, and to this project's teacher. The ceiling is
(400 + requests x 100) tokens at the prefill rate + requests x 64 tokens at the best decode rate over batch sizes, both measured
with llama-batched-bench in the same run. The model has random weights (benchmarks/random_gguf.py). Every server is fresh in
every repeat; loading is not counted. Figures are medians; processor seconds are the server's own, and change less than wall
time on a machine that does other things. `--quick`: a tiny model and 8 requests, to see that it works.
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
TARGETS = {"llama_cpp.server": 3.5, "naive llama-server": 1.2}
CEILING_TARGET = 0.85


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--new", type=int, default=NEW, help="tokens of each answer")
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
    sides = dict(teacher_sides.SIDES)
    why = teacher_sides.missing_side()
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


def measure_ceiling(model: Path, options: argparse.Namespace) -> tuple[float, str]:
    """Requests per second if nothing but the model took time, and the rates behind it in words."""
    prefill, decode = 0.0, {}
    for flash in ("on", "off"):
        rows = batched_bench(model, options.threads, flash, 4 if options.quick else 32)
        prefill = max(prefill, *(row["speed_pp"] for row in rows))
        for row in rows:
            decode[row["pl"], flash] = row["speed_tg"]
    (batch, flash), best = max(decode.items(), key=lambda item: item[1])
    seconds = (SHARED + options.requests * OWN) / prefill + options.requests * options.new / best
    words = f"prefill {prefill:.0f} tokens/s, best decode {best:.0f} tokens/s (batch {batch}, flash attention {flash})"
    return options.requests / seconds, words


def batched_bench(model: Path, threads: int, flash: str, new: int) -> list[dict]:
    """Rows of llama-batched-bench over batch sizes; the sequences begin with the same tokens and have a cache each."""
    length = SHARED + OWN
    command = [find_server().with_name("llama-batched-bench"), "-m", model, "-c", max(BATCHES) * CONTEXT, "-t", threads,
               "-tb", threads, "-fa", flash, "-pps", "-npp", length, "-ntg", new, "-npl", ",".join(map(str, BATCHES)),
               "--output-format", "jsonl"]  # fmt: skip
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not rows:
        raise SystemExit(f"llama-batched-bench failed: {done.stderr[-500:]}")
    return rows


def report(mode: str, found: dict[str, list[dict[str, float]]], ceiled: list[float]) -> None:
    """The table of one mode; ratios are medians of each repeat's ratio."""
    print(f"\n{mode}: {'a JSON schema' if mode == 'schema' else 'free text'}")
    for name, rows in found.items():
        rate, processor = (statistics.median(row[key] for row in rows) for key in ("rate", "processor"))
        slots = f", {rows[0]['slots']:.0f} slots" if rows[0]["slots"] else ""
        print(f"  {name:20} {rate:7.3f} requests/s, {processor:7.1f} processor s, {rows[0]['tokens']:.0f} tokens{slots}")
    print(f"  {'ceiling':20} {statistics.median(ceiled):7.3f} requests/s")
    ours = [row["rate"] for row in found["this project"]]
    for name, target in TARGETS.items():
        if name in found:
            _ratio(f"against {name}", ours, [row["rate"] for row in found[name]], target)
    _ratio("of the ceiling", ours, ceiled, CEILING_TARGET)


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
