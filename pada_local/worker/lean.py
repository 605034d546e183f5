"""LoRA's forward and backward with as few passes over the activations as the products allow, for linear layers in float32.

PEFT adds the low-rank part to the layer's output: two small products and two more passes over activations as large as the
output, and as many on the way back. Here the forward multiplies once, with W + s·B·A (rank × size of W operations, little
beside tokens × size of W), and the backward adds u·A onto dy·W in place, where u = s·dy·B is needed for A's gradient anyhow.
The sums are the same up to float32's rounding.
"""

import functools
from typing import Any

import torch
import torch.nn.functional as F


def use_lean_forward(model: Any, dtype: torch.dtype) -> None:
    """Replace the forward of PEFT's LoRA layers over plain linear ones; `unload` throws the replacement away with the layer.

    Only right without dropout. In another type than float32 autocast decides what is rounded where, so only the passes that
    cost nothing in precision are saved there.
    """
    from peft.tuners.lora.layer import Linear

    for module in model.modules():
        if type(module) is Linear and type(module.base_layer) is torch.nn.Linear:
            name = module.active_adapters[0]
            parts = (module.base_layer, module.lora_A[name].weight, module.lora_B[name].weight, module.scaling[name])
            module.forward = functools.partial(_merged if dtype == torch.float32 else _added, *parts)


def _merged(base: torch.nn.Linear, a: torch.Tensor, b: torch.Tensor, scaling: float, x: torch.Tensor) -> torch.Tensor:
    return _Merged.apply(x, base.weight, base.bias, a, b, scaling)


def _added(base: torch.nn.Linear, a: torch.Tensor, b: torch.Tensor, scaling: float, x: torch.Tensor) -> torch.Tensor:
    result = base(x)
    inner = F.linear(x, a).flatten(0, -2)
    return torch.addmm(result.flatten(0, -2), inner, (b * scaling).t()).view(result.shape)


class _Merged(torch.autograd.Function):
    """y = x·(W + s·B·A)ᵀ + bias, for a W that is not trained. W and B·A: out × in; A: rank × in; B: out × rank."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: Any, a: torch.Tensor, b: torch.Tensor, scaling: float
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight, a, b)
        ctx.scaling = scaling
        return F.linear(x, torch.addmm(weight, b, a, alpha=scaling), bias)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[Any, ...]:
        x, weight, a, b = ctx.saved_tensors
        rows, dy = x.flatten(0, -2), gradients[0].flatten(0, -2)
        u = (dy @ b).mul_(ctx.scaling)
        dx = torch.addmm(dy @ weight, u, a).view(x.shape) if ctx.needs_input_grad[0] else None
        return dx, None, None, u.t() @ rows, (dy.t() @ F.linear(rows, a)).mul_(ctx.scaling), None
