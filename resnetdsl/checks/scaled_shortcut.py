"""W0903: factors on the shortcuts of many blocks, whose product vanishes or explodes (He et al., 2016, section 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from resnetdsl.checks.anatomy import NORMS, Anatomy, Residual
from resnetdsl.checks.base import report_places
from resnetdsl.ir.graph import Node, Source
from resnetdsl.ops.attrs import number

MOST: Final = 10.0
"""How many times stronger or weaker a signal may become; one block that halves it is no chain."""

_GATES: Final = frozenset({"sigmoid", "hard_sigmoid"})


@dataclass(frozen=True, slots=True)
class _Factor:
    """What a shortcut multiplies by, and the node that does. `gate`: it is learned, and this is how it starts."""

    value: float
    node: Node
    gate: bool = False


@dataclass(frozen=True, slots=True)
class _Chain:
    """Blocks one after another, each reading the sum of the last."""

    log: float = 0.0
    factors: tuple[float, float] = (math.inf, 0.0)
    blocks: int = 0
    first: Node | None = None
    gate: bool = False

    def then(self, factors: list[_Factor]) -> _Chain:
        """The chain with one more block."""
        low, high = self.factors
        product = math.prod(factor.value for factor in factors)
        return _Chain(
            self.log + (math.log10(product) if product else -math.inf),
            (min(low, product), max(high, product)),
            self.blocks + 1,
            self.first or factors[0].node,
            self.gate or any(factor.gate for factor in factors),
        )


def check(anatomy: Anatomy) -> None:
    """Follow each chain of blocks; of those that start at one text the worst is told."""
    chains: dict[int, _Chain] = {}
    worst: dict[int, _Chain] = {}
    for residual in anatomy.residuals:
        chain = chains.get(anatomy.start_of_trunk(residual.fork), _Chain())
        factors = _factors(anatomy, residual)
        if factors is None:
            continue  # the shortcut has weights, or a norm: a new chain starts here
        if factors:
            chain = chain.then(factors)
        chains[residual.add] = chain
        if chain.first is not None and abs(chain.log) >= abs(worst.get(chain.first.id, _Chain()).log):
            worst[chain.first.id] = chain
    bad = [chain for chain in worst.values() if chain.blocks > 1 and abs(chain.log) >= math.log10(MOST)]
    bad.sort(key=lambda chain: -abs(chain.log))
    report_places(anatomy.network, "W0903", [(chain.first, _words(chain)) for chain in bad if chain.first])


def _words(chain: _Chain) -> Mapping[str, object]:
    low, high = (f"{factor:.4g}" for factor in chain.factors)
    factor = low if low == high else f"{low} to {high}"
    size = chain.log
    product = f"1e{math.floor(size):+d}" if math.isfinite(size) and abs(size) > 300 else f"{10.0**size:.2g}"
    about = "about " if chain.gate else ""
    return {"factor": about + factor, "blocks": chain.blocks, "product": about + product}


def _factors(anatomy: Anatomy, residual: Residual) -> list[_Factor] | None:
    """What the shortcut is multiplied by on its way; None where it is more than that."""
    found: list[_Factor] = []
    for id in anatomy.spine(residual.shortcut, residual.fork):
        if anatomy.weighted(id) or anatomy.op(id) in NORMS:
            return None
        factor = _factor(anatomy, anatomy.nodes[id])
        if factor is not None and factor.value != 1:
            found.append(factor)
    return found


def _factor(anatomy: Anatomy, node: Node) -> _Factor | None:
    match node.op:
        case "multiply_scalar":
            return _Factor(abs(number(node.attrs, "value")), node)
        case "divide_scalar":
            return _Factor(1 / abs(number(node.attrs, "value")), node)
        case "scale":
            return _Factor(abs(number(node.attrs, "init")), node, gate=True)
        case "multiply":
            for source in anatomy.graph.inputs(node.id):
                start = _start(anatomy, source)
                if start is not None:
                    return _Factor(abs(start), node, gate=True)
        case _:
            pass
    return None


def _start(anatomy: Anatomy, source: Source) -> float | None:
    """About what a learned factor starts as: a free weight, a sigmoid of a layer and perhaps a bias, or 1 - that."""
    node = anatomy.nodes[source.node]
    inputs = anatomy.graph.inputs(source.node)
    if node.op == "param":
        value = node.attrs["value"]
        return None if isinstance(value, str) else number(node.attrs, "value")
    if node.op == "rsub_scalar":
        start = _start(anatomy, inputs[0])
        return None if start is None else number(node.attrs, "value") - start
    if node.op not in _GATES:
        return None
    bias = 0.0
    for operand in anatomy.graph.inputs(inputs[0].node):
        weight = anatomy.nodes[operand.node]
        if weight.op == "param" and not isinstance(weight.attrs["value"], str):
            bias = number(weight.attrs, "value")
    return 1 / (1 + math.exp(-max(-700.0, min(bias, 700.0))))
