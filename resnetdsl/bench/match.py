"""What is compared: one network with one set of weights, on one input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from resnetdsl.compile.made_up import make_up
from resnetdsl.compile.options import Precision
from resnetdsl.compile.verify import flatten
from resnetdsl.network import Network

Run = Callable[[], object]
"""One pass over the input; what it returns is what a module of the network would."""


@dataclass(frozen=True, slots=True)
class Running:
    """A contestant that is ready, and what is to be said of it, such as the engine that was chosen."""

    run: Run
    note: str = ""


@dataclass(frozen=True)
class Match:
    """A network, its weights in a module in evaluation mode, and an input. `scratch` is a folder for what is built."""

    network: Network
    module: nn.Module
    batch: int
    size: tuple[int, ...]
    precision: Precision
    device: str
    scratch: Path

    @property
    def floating(self) -> Precision:
        """What those compute in who are given the float32 network where ours is int8."""
        return Precision(self.precision.tensors)

    @property
    def dtype(self) -> torch.dtype:
        """Of the input, and of the weights of those."""
        found: torch.dtype = getattr(torch, self.precision.tensors)
        return found

    @property
    def note(self) -> str:
        """What is to be said of those."""
        return "" if self.floating is self.precision else self.floating.value

    def input(self) -> Tensor:
        x = torch.randn((self.batch, *self.size), generator=torch.Generator().manual_seed(0))
        return x.to(self.device, self.dtype)

    def expected(self) -> list[Tensor]:
        """The outputs of the module as it was written, in float32."""
        with torch.inference_mode():
            return in_order(self.module(self.input().cpu().float()))

    def wait(self, run: Run, note: str = "") -> Running:
        """A GPU answers before it is done: have it finish."""
        if self.device == "cpu":
            return Running(run, note)

        def finished() -> object:
            result = run()
            torch.cuda.synchronize()
            return result

        return Running(finished, note)


def made(network: Network, seed: int = 0) -> nn.Module:
    """A module with random weights, and norms as a trained network has them: nothing is hidden or overflows."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = network.module().eval().requires_grad_(False)
    make_up(module, tuple(network.checked.node(0).outputs[0].shape), seed)
    return module


def in_order(result: object) -> list[Tensor]:
    """The tensors of a result; those that have names by these, since not all who return them agree on an order."""
    if isinstance(result, Mapping):
        return [tensor for name in sorted(result) for tensor in flatten(result[name])]
    return flatten(result)


def agreement(expected: list[Tensor], actual: object) -> float:
    """The largest difference, as a share of the largest value."""
    found = [tensor.detach().cpu().float() for tensor in in_order(actual)]
    if [tensor.shape for tensor in expected] != [tensor.shape for tensor in found]:
        return float("nan")
    scale = max(float(tensor.abs().max()) for tensor in expected) or 1.0
    return max(float((a - e).abs().max()) for a, e in zip(found, expected, strict=True)) / scale
