"""Plain scripts to compare with, as their documents show them: Unsloth alone, and Transformers + PEFT + bitsandbytes."""

import time
from typing import Any

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def train(base: str, kind: str, rows: list[tuple[str, str]], steps: int, settings: dict, batch: int, length: int) -> dict:
    """Tokens per second of the steps after the first five, and the most bytes that PyTorch took on the card."""
    model, tokenizer = (_unsloth if kind == "unsloth" else _peft)(base, settings, length)
    import torch

    model.train()
    device = "cuda"
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings["learning_rate"], fused=True)
    tokens, started = 0, 0.0
    torch.cuda.reset_peak_memory_stats()
    for step in range(steps):
        if step == 5:
            torch.cuda.synchronize()
            tokens, started = 0, time.monotonic()
        chosen = [rows[(step * batch + number) % len(rows)] for number in range(batch)]
        ids, labels = _padded(tokenizer, chosen, length, device)
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = model(input_ids=ids, attention_mask=(ids != tokenizer.pad_token_id).long(), labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, settings["max_grad_norm"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += int((ids != tokenizer.pad_token_id).sum())
    torch.cuda.synchronize()
    rate, most = tokens / (time.monotonic() - started), torch.cuda.max_memory_allocated()
    return {"rate": rate, "peak_bytes": most, "checkpointing": int(kind == "unsloth")}


def _padded(tokenizer: Any, rows: list[tuple[str, str]], length: int, device: str) -> tuple[Any, Any]:
    import torch

    encoded = [[tokenizer(text, add_special_tokens=False)["input_ids"] for text in row] for row in rows]
    width = min(length, max(len(prompt) + len(answer) for prompt, answer in encoded))
    ids, labels = [], []
    for prompt, answer in encoded:
        row, label = (prompt + answer)[:width], ([-100] * len(prompt) + answer)[:width]
        ids.append(row + [tokenizer.pad_token_id] * (width - len(row)))
        labels.append(label + [-100] * (width - len(label)))
    return torch.tensor(ids, device=device), torch.tensor(labels, device=device)


def _unsloth(base: str, settings: dict, length: int) -> tuple[Any, Any]:
    from unsloth import FastLanguageModel

    model, tokenizer = FastLanguageModel.from_pretrained(
        base, max_seq_length=length, load_in_4bit=True, use_exact_model_name=True, local_files_only=True
    )
    model = FastLanguageModel.get_peft_model(
        model, r=settings["lora_rank"], lora_alpha=settings["lora_alpha"], lora_dropout=0.0, target_modules=PROJECTIONS,
        bias="none", use_gradient_checkpointing="unsloth", random_state=settings["seed"],
    )  # fmt: skip
    FastLanguageModel.for_training(model)
    return model, tokenizer


def _peft(base: str, settings: dict, length: int) -> tuple[Any, Any]:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(base, quantization_config=bits, device_map={"": 0}, local_files_only=True)
    config = LoraConfig(
        r=settings["lora_rank"], lora_alpha=settings["lora_alpha"], lora_dropout=0.0, target_modules=PROJECTIONS,
        bias="none", task_type="CAUSAL_LM",
    )  # fmt: skip
    return get_peft_model(model, config), AutoTokenizer.from_pretrained(base, local_files_only=True)
