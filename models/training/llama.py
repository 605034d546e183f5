"""A Llama in plain PyTorch, small and quick to train on a CPU; saves what Transformers' LlamaForCausalLM loads."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file


@dataclass(frozen=True)
class Shape:
    """Sizes of the model. Heads have 64 dimensions: on a CPU fewer, wider heads make attention cheaper."""

    vocab: int
    width: int = 192
    layers: int = 4
    heads: int = 3
    feed_forward: int = 512
    context: int = 2048


def rotary(shape: Shape) -> tuple[torch.Tensor, torch.Tensor]:
    size = shape.width // shape.heads
    inverse = 10000.0 ** (-torch.arange(0, size, 2) / size)
    angles = torch.outer(torch.arange(shape.context), inverse)
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


class Block(nn.Module):
    """Pre-norm attention and SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attention_norm = nn.RMSNorm(shape.width, eps=1e-5)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.mlp_norm = nn.RMSNorm(shape.width, eps=1e-5)
        self.gate_up = nn.Linear(shape.width, 2 * shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    """Input ids (batch, length) to final hidden states (batch, length, width); the output head is the embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=1e-5)
        cos, sin = rotary(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / ((2 * shape.layers) ** 0.5 if residual else 1))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        length = ids.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        x = self.embedding(ids)
        cos, sin = cos.to(torch.bfloat16), sin.to(torch.bfloat16)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm(x)


def save_folder(model: Llama, folder: Path) -> None:
    """Write config.json and model.safetensors (bfloat16) under Transformers' names."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = model.shape
    weights = {"model.embed_tokens.weight": model.embedding.weight, "model.norm.weight": model.norm.weight}
    for number, block in enumerate(model.blocks):
        q, k, v = block.qkv.weight.chunk(3)
        gate, up = block.gate_up.weight.chunk(2)
        weights |= {
            f"model.layers.{number}.{name}.weight": weight
            for name, weight in {
                "self_attn.q_proj": q, "self_attn.k_proj": k, "self_attn.v_proj": v, "self_attn.o_proj": block.out.weight,
                "mlp.gate_proj": gate, "mlp.up_proj": up, "mlp.down_proj": block.down.weight,
                "input_layernorm": block.attention_norm.weight, "post_attention_layernorm": block.mlp_norm.weight,
            }.items()
        }  # fmt: skip
    tensors = {name: weight.detach().to(torch.bfloat16).contiguous().clone() for name, weight in weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "torch_dtype": "bfloat16",
        "vocab_size": shape.vocab, "hidden_size": shape.width, "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "num_key_value_heads": shape.heads,
        "head_dim": shape.width // shape.heads, "max_position_embeddings": shape.context, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False,
        "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def save_checkpoint(model: Llama, file: Path) -> None:
    """Full-precision weights and the shape, to train on from."""
    save_file(dict(model.state_dict()), file, metadata={"shape": json.dumps(asdict(model.shape))})


def load_checkpoint(file: Path, shape: Shape) -> Llama:
    model = Llama(shape)
    model.load_state_dict(load_file(file), strict=True)
    return model
