"""Two networks held against each other: names, shapes, outputs and gradients under the same random weights."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from resnetdsl.api import load
from resnetdsl.elaborate.values import Value
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.ops.registry import OPS
from resnetdsl.paths import specs_dir
from resnetdsl.spec import Spec

State = list[tuple[str, tuple[int, ...]]]
"""The keys of a `state_dict` in their order, with shapes."""


@cache
def spec(file: str) -> Spec:
    """A shipped spec by the name of its file."""
    return load(specs_dir() / f"{file}.rnet")


def graph(file: str, network: str, **overrides: Value) -> CheckedGraph:
    """A shipped network's graph; SpecError with every diagnostic if it has mistakes."""
    return spec(file).graph(network, overrides=overrides)


def module(file: str, network: str, **overrides: Value) -> nn.Module:
    """The emitted source of a shipped network, run."""
    return spec(file).network(network, **overrides).module()


def promised(checked: CheckedGraph) -> State:
    """The state that the graph alone promises, told without torch.

    The weights of a module stand together, where its first one runs: `convs.1` before `bns.0`, if `convs.0` is first.
    What the spec puts in order comes before.
    """
    found: State = []
    seen: set[str] = set()
    places: dict[str, int] = {}
    for node in checked.nodes():
        weights = OPS[node.op].weights(node.attrs, checked.input_types(node.id))
        if not weights or node.path in seen:
            continue
        seen.add(node.path)
        for module in _around(node.path):
            places.setdefault(module, len(places))
        found.extend((f"{node.path}.{weight.name}" if weight.name else node.path, weight.shape) for weight in weights)
    for path, names in checked.order.items():
        for place, name in enumerate(names, start=-len(names)):
            places[f"{path}.{name}" if path else name] = place
    return sorted(found, key=lambda leaf: [places.get(module, len(places)) for module in _around(leaf[0])])


def _around(path: str) -> list[str]:
    """A module and those it is in, from the outside: `a`, `a.b`, `a.b.c`."""
    parts = path.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def state(network: nn.Module) -> State:
    return [(name, tuple(value.shape)) for name, value in network.state_dict().items()]


def randomise(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every weight and statistic drawn anew, so that nothing hides behind a zero or a one. Signals keep their size.

    The gain of a norm is small where a branch ends, or activations would double at each of fifty additions.
    """
    source = torch.Generator().manual_seed(seed)

    def uniform(value: Tensor, low: float, high: float) -> None:
        value.copy_(torch.rand(value.shape, generator=source) * (high - low) + low)

    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                uniform(part.weight, 0.3, 0.9)
                uniform(part.bias, -0.3, 0.3)
                uniform(part.running_mean, -0.3, 0.3)
                uniform(part.running_var, 0.5, 1.5)
            elif isinstance(part, nn.Conv2d | nn.Linear):
                fan_in = part.weight[0].numel()
                part.weight.copy_(torch.randn(part.weight.shape, generator=source) * (2 / fan_in) ** 0.5)
                if part.bias is not None:
                    uniform(part.bias, -0.5, 0.5)
            drawn = {"weight", "bias"} if isinstance(part, nn.BatchNorm2d | nn.Conv2d | nn.Linear) else set()
            for name, weight in part.named_parameters(recurse=False):
                if name not in drawn:  # such as the gain of a standardised convolution, which may start at zero
                    uniform(weight, -1.0, 1.0)
    return network


def image(*sizes: int, batch: int = 1, seed: int = 1) -> Tensor:
    return torch.randn(batch, *sizes, generator=torch.Generator().manual_seed(seed))


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest deviation, relative to the largest value."""
    assert ours.shape == theirs.shape
    assert torch.isfinite(theirs).all()
    assert theirs.abs().max() > 1e-3  # else all would agree
    return float((ours - theirs).abs().max() / theirs.abs().max())


def assert_same_function(ours: nn.Module, theirs: nn.Module, *sizes: tuple[int, int, int]) -> None:
    """Weights go over by `load_state_dict(strict=True)`; then the outputs agree to 1e-5 at every size."""
    randomise(theirs).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    ours.eval()
    with torch.no_grad():
        for size in sizes:
            assert difference(ours(image(*size)), theirs(image(*size))) < 1e-5, size


def assert_same_gradients(ours: nn.Module, theirs: nn.Module, size: tuple[int, int, int]) -> None:
    """One training step's gradients of every weight, and the statistics after it, agree."""
    randomise(theirs).train()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    ours.train()
    images = image(*size, batch=4)
    for network in (ours, theirs):
        network.zero_grad()
        network(images).square().mean().backward()
    others = dict(theirs.named_parameters())
    assert {name for name, _ in ours.named_parameters()} == set(others)
    for name, mine in ours.named_parameters():
        other = others[name]
        assert mine.grad is not None
        assert other.grad is not None
        torch.testing.assert_close(
            mine.grad, other.grad, rtol=1e-3, atol=1e-5 * float(other.grad.abs().max()), msg=name
        )
    # What is in the state besides weights: constants that a network makes for itself, such as filters, are not.
    buffers = {name: value for name, value in theirs.state_dict().items() if name not in others}
    mine_buffers = {name: value for name, value in ours.state_dict().items() if name not in others}
    assert set(mine_buffers) == set(buffers)
    for name, mine_buffer in mine_buffers.items():
        torch.testing.assert_close(mine_buffer, buffers[name], rtol=1e-4, atol=1e-5, msg=name)


def measured_macs(network: nn.Module, size: tuple[int, int, int]) -> int:
    """Multiply-accumulates as torch counts them while the network runs, on no data at all."""
    counter = FlopCounterMode(display=False)
    with torch.device("meta"):
        images = torch.empty(1, *size)
    with counter, torch.no_grad():
        network.to("meta").eval()(images)
    return counter.get_total_flops() // 2
