"""A LoRA with random weights for any model folder, as PEFT writes it."""

from pathlib import Path


def make_lora(base: Path, to: Path, rank: int = 4, size: float = 0.05, seed: int = 0, **more) -> Path:
    """Adapter files on every linear layer; `size` is how far A and B lie from zero, so that answers change."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, local_files_only=True, dtype=torch.float32)
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM", **more)
    model = get_peft_model(model, config)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn_like(weight) * size)
    model.save_pretrained(to)
    return to
