"""What the tests of passes share: a network with random weights, lowered, and held against its own module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import resnetdsl
from resnetdsl.compile.lower.lowered import Lowered
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.compile.program import Program
from resnetdsl.compile.recipes import evaluate_all
from resnetdsl.compile.verify import Reference
from resnetdsl.network import Network
from tests.emit.interpreter import randomise

CPU = torch.device("cpu")


def network(body: str, params: str = "", size: str = "3x16x16") -> Network:
    """A network whose statements are `body`."""
    return resnetdsl.load(f"network n({params}) {{\n    input {size}\n{body}\n}}\n").network("n")


def distance(
    net: Network, lowered: Lowered, dtype: torch.dtype = torch.float64, batch: int = 2, seed: int = 0
) -> float:
    """The largest difference between the module and the lowered graph, over the largest output.

    Weights and statistics are random. Each output counts by itself; shapes must agree,
    and so must what is infinite or no number.
    """
    module = net.module().eval().to(dtype)
    randomise(module, seed)
    _tame(module)
    names = tuple(output.name for output in net.checked.outputs)
    type = net.checked.node(0).outputs[0]
    x = torch.randn(2, *type.shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    expected = Reference(module, names)(x)
    weights = evaluate_all(lowered.recipes, module.state_dict(), dtype, CPU)
    with torch.no_grad():
        actual: list[Tensor] = Program(lowered, weights).to(dtype)(x)
    assert [t.shape for t in actual] == [t.shape for t in expected]
    return max(_apart(a, e) for a, e in zip(actual, expected, strict=True))


def _apart(actual: Tensor, expected: Tensor) -> float:
    """What is infinite or no number must be so in both, and is left out."""
    finite = expected.isfinite()
    assert torch.equal(actual.isfinite(), finite)
    if not finite.any():
        return 0.0
    # Where all but rounding cancels out (`x + (1 - x)`, standardised), there is nothing to be near to.
    largest = expected[finite].abs().max().clamp_min(1e-3)
    return float((actual[finite] - expected[finite]).abs().max() / largest)


def _tame(module: nn.Module) -> None:
    """Smaller factors of norms: else hundreds of random layers amplify the last digit to the first."""
    with torch.no_grad():
        for name, leaf in module.state_dict().items():
            if leaf.dim() == 1 and name.endswith("weight"):
                leaf.mul_(0.6)


def lowered(net: Network, *without: str) -> Lowered:
    """By all passes but these, those too that are usually left out."""
    return lower(net.checked, without)


def ops(lowered: Lowered) -> list[str]:
    """The ops of a lowered graph in their order, the input left out."""
    return [node.op for node in lowered.graph.nodes() if node.op != "input"]
