"""What this project makes of a card: `make bench-gpu`. Without a card it says so and prints no figure.

    python benchmarks/gpu.py [--steps 60] [--repeats 3]

Random-weight models of real shapes (benchmarks/random_models.py). Training in 4 bits through this project beside Unsloth alone
and beside Transformers + PEFT + bitsandbytes in plain scripts (same LoRA, rows, batch and rate), evaluation, and the teacher
with 1, 8 and 32 slots; each as a share of what the card could do at best: 4N or 6N FLOP a trained token over its bfloat16 peak,
and weight and cache bytes of a step over its memory's bandwidth.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import random_gguf
import random_models

from pada_local.data.chat import end_token, prompt_and_answer
from pada_local.demo import world
from pada_local.runtime import examine, memory, offline
from pada_local.student.client import StudentClient
from pada_local.student.protocol import Generate, Train, TrainExample, TrainSettings
from pada_local.teacher.protocol import Ask
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings

FAMILY, BATCH, LENGTH, RANK = "chatml", 8, 512, 16
TARGET = 0.97
PEAKS = {"4090": (165e12, 1.008e12), "5090": (209e12, 1.79e12), "A100": (312e12, 2.0e12), "H100": (989e12, 3.35e12),
         "H200": (989e12, 4.8e12), "L4": (121e12, 0.3e12)}  # fmt: skip
"""bfloat16 FLOP/s without sparsity and bytes/s by a part of the card's name, from the makers' data sheets."""
SETTINGS = {
    "lora_rank": RANK, "lora_alpha": 32, "lora_dropout": 0.0, "learning_rate": 2e-4, "warmup_share": 0.05, "weight_decay": 0.0,
    "max_grad_norm": 1.0, "micro_batch": BATCH, "max_length": LENGTH, "seed": 1, "dtype": "bfloat16",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--plain", choices=["unsloth", "peft"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not memory.gpus():
        print("No NVIDIA card answers here: nothing was measured.")
        return
    folder = random_gguf.BUILT.parent
    student = random_models.student(folder / "student-1b")
    if options.plain:
        import gpu_plain

        print(json.dumps(gpu_plain.train(str(student), options.plain, rows(), options.steps, SETTINGS, BATCH, LENGTH)))
        return
    card = memory.gpus()[0].name
    peak = next((figures for name, figures in PEAKS.items() if name in card), None)
    print(f"{card}{'' if peak else ': its peak rates are not known here, no roofline'}", flush=True)
    compare_training(student, options, peak)
    evaluation(student)
    teacher(random_models.teacher(folder / "teacher-8b-q4_0.gguf"), peak)


def rows() -> list[tuple[str, str]]:
    """Prompts of several notes, near the full length."""
    items = world.draw_split(1, "train", 2048)
    notes = ["\n".join(item.note for item in items[start : start + 12]) for start in range(0, len(items) - 12, 4)]
    return [prompt_and_answer(FAMILY, "", note, item.line) for note, item in zip(notes, items, strict=False)]


def compare_training(student: Path, options: argparse.Namespace, peak: tuple[float, float] | None) -> None:
    """Tokens per second of the steps after the first five, and the most memory that PyTorch took."""
    found: dict[str, list[dict]] = {"here": [], "unsloth": [], "peft": []}
    for _ in range(options.repeats):
        found["here"].append(train_here(student, options.steps))
        for kind in ("unsloth", "peft"):
            command = [sys.executable, __file__, "--plain", kind, "--steps", str(options.steps)]
            environment = os.environ | offline.SWITCHES
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
            found[kind].append(json.loads(done.stdout.strip().splitlines()[-1]))
    names = {"here": "this project (Unsloth, 4 bits)", "unsloth": "Unsloth alone", "peft": "Transformers + PEFT + bitsandbytes"}
    shape = examine.folder_shape(student)
    for kind, name in names.items():
        rate = statistics.median(row["rate"] for row in found[kind])
        most = max(row["peak_bytes"] for row in found[kind]) / 2**20
        # Recomputed layers (Unsloth's checkpointing) cost the forward pass twice.
        work = (6 if any(row["checkpointing"] for row in found[kind]) else 4) * (shape.linear + shape.vocabulary * shape.width)
        share = f", {rate * work / peak[0]:.0%} of the peak" if peak else ""
        print(f"training, {name}: {rate:.0f} tokens/s, {most:.0f} MiB{share}", flush=True)
    for kind, target in (("unsloth", f", target {TARGET}"), ("peft", "")):
        ratio = statistics.median(a["rate"] / b["rate"] for a, b in zip(found["here"], found[kind], strict=True))
        print(f"training, this project against {names[kind]}: {ratio:.2f}{target}", flush=True)


def train_here(student: Path, steps: int) -> dict:
    examples = [TrainExample(id=str(number), prompt=prompt, answer=text) for number, (prompt, text) in enumerate(rows())]
    told = []
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainSettings(**SETTINGS, steps=steps, tokens_per_step=BATCH * LENGTH, backend="unsloth")
        client = StudentClient(Path(folder) / "worker")
        job = Train(base=str(student), to=str(Path(folder) / "adapter"), examples=examples, settings=settings)
        facts = client.train(job, told.append)
        client.close()
    later = told[5:]
    rate = sum(step.tokens for step in later) / sum(step.elapsed_s for step in later)
    return {"rate": rate, "peak_bytes": facts["peak_bytes"], "checkpointing": facts["checkpointing"]}


def evaluation(student: Path) -> None:
    """Float32 through PEFT, and bfloat16 through both backends, in batches that fit the card."""
    prompts = [prompt for prompt, _ in rows()][:256]
    for dtype, backend in (("float32", "peft"), ("bfloat16", "peft"), ("bfloat16", "unsloth")):
        with tempfile.TemporaryDirectory() as folder:
            client = StudentClient(Path(folder))
            job = Generate(
                base=str(student), adapter="", prompts=prompts, stop=end_token(FAMILY), max_new_tokens=32, tokens_per_batch=0,
                dtype=dtype, backend=backend,
            )  # fmt: skip
            list(client.generate(job))
            facts = client.generate_facts()
            client.close()
        rate = len(prompts) / facts["seconds"]
        print(f"evaluation, {dtype} through {backend}, up to 32 new tokens: {rate:.1f} examples/s", flush=True)


def teacher(file: Path, peak: tuple[float, float] | None) -> None:
    shape, words = examine.gguf_shape(file), random_gguf.words(file.parent / "vocabulary")
    for slots in (1, 8, 32):
        server = LlamaServer(file, Settings(slots=slots, context=1024))
        asks = [
            Ask(purpose="bench", prompt=" ".join(words[at : at + 100]), schema=None, max_tokens=256) for at in range(2 * slots)
        ]
        tokens: list[int] = []
        server._ready(1024, lambda: False)
        started = time.monotonic()
        server.ask_all(asks, lambda _, reply, to=tokens: to.append(reply.answer_tokens), lambda: False)
        rate = sum(tokens) / (time.monotonic() - started)
        server.close()
        roof = peak[1] * slots / (file.stat().st_size + slots * shape.cache_bytes(230)) if peak else 0
        share = f", {rate / roof:.0%} of what the memory's bandwidth allows" if peak else ""
        print(f"teacher, {slots} slots: {rate:.0f} tokens/s, prompts of 100 tokens included{share}", flush=True)


if __name__ == "__main__":
    main()
