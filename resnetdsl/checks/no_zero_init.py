"""W0908: a deep residual net whose branches all start at full strength (Goyal et al., 2017, section 5.1)."""

from __future__ import annotations

from typing import Final

from resnetdsl.checks.anatomy import NORMS, Anatomy, Residual
from resnetdsl.checks.base import report
from resnetdsl.ir.graph import Node
from resnetdsl.ops.attrs import number

FEWEST: Final = 16
"""Blocks of a ResNet-34 or 50; below that, networks start well in any case."""

_SMALL: Final = 0.1
"""A learned factor that starts below this (LayerScale, SkipInit) serves as well as a norm that starts at zero."""


def check(anatomy: Anatomy) -> None:
    """One message a network, at the text of its first such norm, for one decision makes them all."""
    norms: list[Node] = []
    for residual in anatomy.residuals:
        start, norm = _start(anatomy, residual)
        if start < _SMALL:
            return
        if norm is not None:
            norms.append(norm)
    if len(norms) >= FEWEST:
        report(anatomy.network, "W0908", norms[0], blocks=len(norms), path=norms[0].path, count=len(norms))


def _start(anatomy: Anatomy, residual: Residual) -> tuple[float, Node | None]:
    """How strong a branch is at first, as far as what follows its last layer says; and that layer's norm."""
    strength = 1.0
    for id in anatomy.spine(residual.main, residual.fork):
        node = anatomy.nodes[id]
        if anatomy.weighted(id) or _joins_layers(anatomy, node):
            break
        if node.op in NORMS:
            return strength * abs(number(node.attrs, "init")), node if node.attrs["affine"] else None
        if node.op == "scale":
            strength *= abs(number(node.attrs, "init"))
        elif node.op == "multiply_scalar":
            strength *= abs(number(node.attrs, "value"))
        elif node.op == "multiply":
            strength *= _free_weight(anatomy, node)
    return strength, None


def _joins_layers(anatomy: Anatomy, node: Node) -> bool:
    """Whether the branch ends in several layers side by side, as two convolutions that are concatenated.

    A gate is no such thing: what its layers make is a factor.
    """
    if node.op == "multiply" or len(anatomy.operands[node.id]) < 2:
        return False
    return anatomy.longest[node.id] > anatomy.longest[anatomy.above[node.id]]


def _free_weight(anatomy: Anatomy, product: Node) -> float:
    """What a free weight that the branch is multiplied by starts as."""
    for source in anatomy.graph.inputs(product.id):
        weight = anatomy.nodes[source.node]
        if weight.op == "param" and not isinstance(weight.attrs["value"], str):
            return abs(number(weight.attrs, "value"))
    return 1.0
