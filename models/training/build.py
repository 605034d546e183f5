"""Build the demo's models from seeds: tokenizer, student base, teacher. No data but what the world draws.

    python models/training/build.py tokenizer
    python models/training/build.py base
    python models/training/build.py teacher --schedule flat --steps 1000
    python models/training/build.py teacher --schedule cool --steps 1000 --start teacher.safetensors

The whole takes about an hour on two cores with AVX512-BF16. Work files go to build/models; what ships goes to models/.
"""

import argparse
import json
import random
import time
from pathlib import Path

import gguf_file
import jobs
import pretrain_text
import tokens
import torch
import torch.nn.functional as F
from llama import Llama, Shape, load_checkpoint, save_checkpoint, save_folder
from tokenizers import Tokenizer

from pada_local import prompts

MODELS = Path(__file__).resolve().parent.parent
WORK = MODELS.parent / "build" / "models"
STUDENT, TEACHER = MODELS / "demo-student", MODELS / "demo-teacher"
SEED, VOCAB, BATCH_TOKENS = 20251, 1536, 8192
LENGTHS = (64, 96, 128, 192, 256, 320, 384, 448, 512, 640)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("tokenizer", "base", "teacher"))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--peak-rate", type=float)
    parser.add_argument("--start", default="base.safetensors", help="checkpoint in build/models that the teacher starts from")
    parser.add_argument("--schedule", choices=("whole", "flat", "cool"), default="whole", help="flat never falls; cool falls from the start")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    WORK.mkdir(parents=True, exist_ok=True)
    {"tokenizer": build_tokenizer, "base": build_base, "teacher": build_teacher}[options.what](options)


def build_tokenizer(options: argparse.Namespace) -> None:
    tokenizer = tokens.train([jobs.draw_job, jobs.draw_job, pretrain_text.draw], SEED, VOCAB, 30_000)
    tokens.save(tokenizer, STUDENT)


def build_base(options: argparse.Namespace) -> None:
    shape = Shape(tokenizer().get_vocab_size())
    steps = options.steps or 1800

    def draw(rng: random.Random, progress: float) -> tuple[str, str]:
        """Copying alone for the first sixth: everything else stands on it."""
        return pretrain_text.repeat(rng) if progress < 0.15 and rng.random() < 0.85 else pretrain_text.draw(rng)

    model = train(Llama(shape), draw, steps, options.peak_rate or 2e-3, "base")
    save_checkpoint(model, WORK / "base.safetensors")
    save_folder(model, STUDENT)


def build_teacher(options: argparse.Namespace) -> None:
    model = load_checkpoint(WORK / options.start, Shape(tokenizer().get_vocab_size()))

    def draw(rng: random.Random, progress: float) -> tuple[str, str]:
        return jobs.draw_job(rng)

    name = f"teacher-{options.schedule}"
    model = train(model, draw, options.steps or 2000, options.peak_rate or 1.5e-3, name, options.schedule)
    save_checkpoint(model, WORK / "teacher.safetensors")
    folder = WORK / "teacher-folder"
    save_folder(model, folder)
    tokens.save(tokenizer(), folder)
    TEACHER.mkdir(exist_ok=True)
    gguf_file.write(folder, TEACHER / "demo-teacher-f16.gguf", "f16")
    hashes = {name: prompts.fingerprint(name) for name in prompts.names()}
    (TEACHER / "prompts.json").write_text(json.dumps(hashes, indent=2, sort_keys=True) + "\n")


def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(STUDENT / "tokenizer.json"))


def rate_at(step: int, steps: int, peak: float, schedule: str) -> float:
    """Warm-up over 100 steps, flat, then linear to zero over the last 40 %; `flat` leaves out the end, `cool` all but the end."""
    if schedule == "cool":
        return peak * (steps - step) / steps
    if schedule == "flat":
        return peak * min(1.0, (step + 1) / 100)
    return peak * min(1.0, (step + 1) / 100, (steps - step) / (0.4 * steps))


def train(model: Llama, draw, steps: int, peak: float, name: str, schedule: str = "whole") -> Llama:
    """AdamW with bfloat16 autocast and float32 master weights; prints loss and speed every 50 steps."""
    rng, progress = random.Random(f"{name}-{SEED}"), 0.0
    stream = tokens.batches(tokenizer(), lambda r: draw(r, progress), rng, BATCH_TOKENS, LENGTHS)
    decay = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.95), fused=True)
    trunk = torch.compile(model, dynamic=True)
    started, total, seen = time.monotonic(), 0.0, 0
    for step in range(steps):
        progress = step / steps
        length, documents = next(stream)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps, peak, schedule)
        loss = batch_loss(trunk, model, length, documents)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total, seen = total + loss.item(), seen + length * len(documents)
        if (step + 1) % 50 == 0:
            speed = seen / (time.monotonic() - started)
            print(f"{name} step {step + 1}/{steps} loss {total / 50:.4f} {speed:.0f} tok/s {seen / 1e6:.1f}M tokens", flush=True)
            total = 0.0
        if (step + 1) % 500 == 0:
            save_checkpoint(model, WORK / f"{name}-at-{step + 1}.safetensors")
    return model


def batch_loss(trunk, model: Llama, length: int, documents: list[tokens.Document]) -> torch.Tensor:
    """Mean cross-entropy over the positions that carry loss. Right padding is harmless under a causal mask."""
    ids = torch.zeros(len(documents), length, dtype=torch.long)
    where, targets = [], []
    for row, doc in enumerate(documents):
        ids[row, : len(doc.ids)] = torch.tensor(doc.ids)
        where += [row * length + position - 1 for position in range(doc.loss_from, len(doc.ids))]
        targets += doc.ids[doc.loss_from :]
    with torch.autocast("cpu", torch.bfloat16):
        hidden = trunk(ids).reshape(-1, model.shape.width)[torch.tensor(where)]
        logits = hidden @ model.embedding.weight.t()
    return F.cross_entropy(logits.float(), torch.tensor(targets))


if __name__ == "__main__":
    main()
