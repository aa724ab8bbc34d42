"""Weights that show what untrained ones hide, where no trained ones are at hand.

An untrained norm's statistics are 0 and 1, so that mean and variance mixed up compute the same, and a zero-initialised
factor hides its whole branch. Random statistics that fit no data are no better: hundreds of layers overflow with them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

_BATCH = 4


@torch.no_grad()
def make_up(module: nn.Module, shape: tuple[int, ...], seed: int) -> None:
    """Give a module factors, biases and statistics as a trained one has them, for inputs of a shape (no batch axis).

    Weights that are random already stay, but for what is not finite. The module is in evaluation mode before and after.
    """
    generator = torch.Generator().manual_seed(seed)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.nan_to_num_(0.0, 0.0, 0.0)
    for name, parameter in module.named_parameters():
        if parameter.dim() <= 1 or bool((parameter == parameter.flatten()[0]).all()):
            parameter.copy_(_lively(name, parameter, generator))
    _calibrate(module, shape, generator)


def random_input(shape: tuple[int, ...], module: nn.Module, seed: int) -> Tensor:
    """A reproducible input of the module's type, on its device."""
    like = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).to(like.device, like.dtype)


def _lively(name: str, old: Tensor, generator: torch.Generator) -> Tensor:
    """Values for a weight that starts as a constant: biases around 0, factors around what they were, but never 0."""
    noise = torch.randn(old.shape, generator=generator).to(old.device, old.dtype)
    if name.endswith("bias"):
        return 0.1 * noise
    return torch.where(old.abs() < 0.01, 0.2, old) * torch.exp(0.2 * noise)


def _calibrate(module: nn.Module, shape: tuple[int, ...], generator: torch.Generator) -> None:
    """Set running statistics to those of a random batch, as training does, and then a little off."""
    norms = [m for m in module.modules() if isinstance(m, _NormBase) and m.running_mean is not None]
    if not norms:
        return
    before = [(norm, norm.momentum) for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    module(random_input((_BATCH, *shape), module, generator.initial_seed()))
    for norm, momentum in before:
        norm.eval()
        norm.momentum = momentum
        if norm.running_mean is not None and norm.running_var is not None:
            noise = torch.randn((2, norm.num_features), generator=generator).to(norm.running_mean)
            norm.running_mean += 0.1 * norm.running_var.sqrt() * noise[0]
            norm.running_var *= torch.exp(0.2 * noise[1])
