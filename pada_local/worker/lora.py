"""LoRA fine-tuning with PEFT and a plain loop: loss on the answers, equal steps and nearly equal tokens for every arm."""

import contextlib
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from pada_local.student.protocol import Step, Train, TrainSettings
from pada_local.worker import models, room, unsloth_backend
from pada_local.worker.examples import MicroBatch, Tokens, draw_steps, micro_batches, tokenize
from pada_local.worker.lean import use_lean_forward
from pada_local.worker.problems import JobError, is_out_of_memory
from pada_local.worker.stopping import Watch, hold_out

Facts = dict[str, float | int | str]
ABSURD_WEIGHT = 1e6  # the last update has no later step that would notice that it broke the weights
# Families whose logits are the output head applied to the trunk's last state and nothing more: for these the head is
# computed at labelled positions only. Others (soft-capping, scaling) go through their own forward.
PLAIN_HEADS = frozenset({"llama", "qwen2", "qwen3", "mistral", "smollm3", "olmo2", "gemma"})


def train(job: Train, shelf: models.Shelf, send: Callable[[Any], None]) -> Facts:
    """Train an adapter and save it into `job.to`. The base goes back to the shelf as it was."""
    settings = job.settings
    models.set_threads(settings.threads, job.base)
    backend = "unsloth" if unsloth_backend.chosen(settings.backend) else "peft"
    if backend == "unsloth":
        unsloth_backend.prepare()
    device = models.choose_device()
    models.forget_peak(device)
    dtype = models.choose_dtype(settings.dtype, device, job.base)
    tokenizer = models.load_tokenizer(job.base)
    context = models.context_of(job.base) or settings.max_length
    examples = tokenize(tokenizer, job.examples, min(settings.max_length, context))
    in_4_bits = backend == "peft" and models.trains_in_4_bits(settings.base_bits, device)
    quantised = in_4_bits or (backend == "unsloth" and device == "cuda")
    if backend == "unsloth":
        base = unsloth_backend.load(job.base, settings, dtype)
    elif in_4_bits:
        base = models.load_in_4_bits(job.base, dtype, device)
    else:
        base = shelf.take(job.base, dtype, device)
    longest, bits = max(len(row.ids) for row in examples), 4 if quantised else 8 * dtype.itemsize
    micro_batch, checkpointing = room.training_pass(job.base, settings, longest, bits, device)
    if backend == "unsloth":
        model = unsloth_backend.add_adapter(base, settings, checkpointing)
    else:
        model = add_adapter(base, settings, dtype)
    loop = Loop(model, settings, dtype, device, tokenizer.pad_token_id or 0, backend)
    loop.follow(micro_batch, checkpointing)
    facts = loop.run(*hold_out(examples, settings), send)
    save_adapter(model, Path(job.to), Path(job.base).name)
    if backend == "peft" and not in_4_bits:
        loop.keep_layers()
        shelf.put(model.unload().eval().requires_grad_(False), job.base, dtype, device)
    precision = {"base_precision": "nf4" if quantised else models.name_of(dtype), "dtype": models.name_of(dtype)}
    return facts | precision | models.peak(device) | {"device": device, "threads": torch.get_num_threads()}


def add_adapter(base: Any, settings: TrainSettings, dtype: torch.dtype) -> Any:
    """The base with a fresh float32 LoRA on every linear projection that it has."""
    from peft import LoraConfig, get_peft_model

    targets = linear_layers(base)
    if not targets:
        fix = "Choose a model of the Llama, Qwen, Gemma, Phi or SmolLM kind."
        raise JobError("model", "The student has no linear layers that LoRA could be put on.", fix=fix)
    torch.manual_seed(settings.seed)
    config = LoraConfig(
        r=settings.lora_rank, lora_alpha=settings.lora_alpha, lora_dropout=settings.lora_dropout,
        target_modules=targets, bias="none", task_type="CAUSAL_LM",
    )  # fmt: skip
    model = get_peft_model(base, config, autocast_adapter_dtype=True).train()
    if settings.lora_dropout == 0.0:
        use_lean_forward(model, dtype)
    return model


def linear_layers(base: Any) -> list[str]:
    """Names of the linear layers inside the trunk, sorted: all of them get a LoRA, whatever the family calls them."""
    from transformers.pytorch_utils import Conv1D

    # Quantised linear layers are subclasses of torch's; GPT-2 calls its own Conv1D.
    kinds = (torch.nn.Linear, Conv1D)
    return sorted({name.rpartition(".")[2] for name, module in base.base_model.named_modules() if isinstance(module, kinds)})


def save_adapter(model: Any, folder: Path, base_name: str) -> None:
    """PEFT's files without the model card, and without this machine's paths or the order of a set in them."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text("utf-8"))
    config |= {"base_model_name_or_path": base_name, "target_modules": sorted(config["target_modules"])}
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")


def learning_rate(settings: TrainSettings, step: int) -> float:
    """Rate of step 0, 1, …: up in a line over the warm-up, then down in a line that meets zero after the last step."""
    warmup = round(settings.warmup_share * settings.steps)
    if step < warmup:
        return settings.learning_rate * (step + 1) / (warmup + 1)
    return settings.learning_rate * (settings.steps - step) / max(1, settings.steps - warmup)


class Loop:
    """The optimizer's loop over one model with a LoRA in it."""

    def __init__(self, model: Any, settings: TrainSettings, dtype: torch.dtype, device: str, pad: int, backend: str) -> None:
        self.model, self.settings, self.dtype, self.device, self.pad = model, settings, dtype, device, pad
        self.backend = backend
        self.micro_batch, self.checkpointing = max(1, settings.micro_batch), False
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(self.weights, lr=0.0, weight_decay=settings.weight_decay, fused=True)
        causal = model.get_base_model()
        plain = backend == "peft" and causal.config.model_type in PLAIN_HEADS
        self.trunk, self.head = (causal.base_model, causal.get_output_embeddings()) if plain else (None, None)

    def follow(self, micro_batch: int, checkpointing: bool) -> None:
        """Train with this micro-batch, and with layers that are recomputed in the backward pass instead of kept, or kept."""
        self.micro_batch, self.checkpointing = max(1, micro_batch), checkpointing
        if checkpointing and self.backend == "peft":  # Unsloth was told when it made the adapter
            self.model.get_base_model().gradient_checkpointing_enable({"use_reentrant": False})

    def keep_layers(self) -> None:
        """Undo `follow` for whoever uses the base next."""
        self.model.get_base_model().gradient_checkpointing_disable()

    def run(self, examples: Sequence[Tokens], held_out: Sequence[Tokens], send: Callable[[Any], None]) -> Facts:
        """All steps, or as many as lower the loss of what is held out; one message each."""
        settings, started, tokens, first = self.settings, time.monotonic(), 0, 0.0
        watch = Watch(self.weights, settings.patience) if held_out else None
        steps = draw_steps(examples, settings.tokens_per_step, settings.seed)
        loss = 0.0
        for number, drawn in zip(range(1, settings.steps + 1), steps, strict=False):
            begun = time.monotonic()
            loss = self.accumulate(drawn)
            norm = float(torch.nn.utils.clip_grad_norm_(self.weights, settings.max_grad_norm))
            first = loss if number == 1 else first
            _check(number, loss, first, norm)
            rate = learning_rate(settings, number - 1)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()
            used = sum(len(row.ids) for row in drawn)
            tokens += used
            look = watch is not None and (number % settings.check_every == 0 or number == settings.steps)
            held = self.mean_loss(held_out) if look else None
            send(Step(
                step=number, steps=settings.steps, loss=loss, grad_norm=norm, learning_rate=rate, tokens=used,
                elapsed_s=time.monotonic() - begun, held_out_loss=held,
            ))  # fmt: skip
            if watch is not None and held is not None and watch.has_enough(number, held):
                break
        if not all(bool((weight.detach().abs() < ABSURD_WEIGHT).all()) for weight in self.weights):  # false for NaN, too
            raise _diverged(number, loss, first, math.inf)
        return {
            "seconds": time.monotonic() - started, "tokens": tokens, "examples": len(examples), "steps": number,
            "backend": self.backend, "micro_batch": self.micro_batch, "checkpointing": int(self.checkpointing),
            "first_loss": first, "last_loss": loss,
            **(watch.go_back() if watch else {}),
        }  # fmt: skip

    @torch.no_grad()
    def mean_loss(self, examples: Sequence[Tokens]) -> float:
        """Cross-entropy per answer token."""
        self.model.eval()
        total = sum(float(self._loss(batch)) for batch in micro_batches(examples, self.micro_batch, self.pad, self.device))
        self.model.train()
        return total / sum(row.labels for row in examples)

    def accumulate(self, drawn: Sequence[Tokens]) -> float:
        """Gradients of one step; when memory runs out the micro-batch is halved, and with one example layers are recomputed, and
        the step begun again.
        """
        while True:
            try:
                return self._accumulate(drawn)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if self.micro_batch == 1 and (self.checkpointing or self.backend != "peft"):
                    raise JobError(
                        "memory", "Memory ran out while training, with one example at a time.", str(error)[:500],
                        "Choose a smaller student or lower train.max_length.",
                    ) from error  # fmt: skip
            # Outside the except block, so that the failed pass's tensors, held by the traceback, are free by now.
            self.follow(self.micro_batch // 2, self.checkpointing or self.micro_batch == 1)
            if self.device == "cuda":
                torch.cuda.empty_cache()

    def _accumulate(self, drawn: Sequence[Tokens]) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        answer_tokens = sum(row.labels for row in drawn)
        total = 0.0
        for batch in micro_batches(drawn, self.micro_batch, self.pad, self.device):
            # Over the answer tokens of the whole step: the size of a micro-batch does not change the gradient.
            loss = self._loss(batch) / answer_tokens
            loss.backward()
            total += float(loss.detach())
        return total

    def _loss(self, batch: MicroBatch) -> torch.Tensor:
        """Summed cross-entropy at the labelled positions."""
        with self._arithmetic():
            if self.trunk is not None:
                states = self.trunk(input_ids=batch.ids, use_cache=False).last_hidden_state
                logits = self.head(states.flatten(0, 1).index_select(0, batch.where))
            else:
                logits = self.model(input_ids=batch.ids, use_cache=False).logits.flatten(0, 1).index_select(0, batch.where)
        return F.cross_entropy(logits.float(), batch.labels, reduction="sum")

    def _arithmetic(self) -> contextlib.AbstractContextManager[Any]:
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype=self.dtype)


def _check(number: int, loss: float, first: float, norm: float) -> None:
    """Stop before a broken gradient reaches the weights."""
    if not (math.isfinite(loss) and math.isfinite(norm) and loss <= 10 * first + 10):
        raise _diverged(number, loss, first, norm)


def _diverged(step: int, loss: float, first: float, norm: float) -> JobError:
    return JobError(
        "nan", f"Training diverged in step {step}: the loss is {loss:.4g} and the gradient's length {norm:.4g}.",
        f"The first loss was {first:.4g}. No adapter was saved.",
        "Lower train.learning_rate, or check the student's weights with: pada doctor",
    )  # fmt: skip
