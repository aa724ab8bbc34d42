"""Norms, factors and shifts of which each is read by the next alone become one factor and one shift.

Pattern: two or more of what `affine.py` reads, where the one pair is fewer ops than they are. What they do to each
channel is s2 * (s1 * x + t1) + t2, which is a factor and a shift again.

A factor alone behind a product, a gate's or a routed sum's, goes to the smaller side of it: `(x * gate) * s` is
`x * (gate * s)`, and the gate has one number where the image has a plane of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from resnetdsl.compile.lower.affine import Affine, affine, emit
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Full, Recipe, add, multiply

_SMALLER = 8
"""How many times as large the product must be as a side of it that takes the factor."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Its nodes, how many ops they are, and what they do together."""

    nodes: tuple[Draft, ...]
    ops: int
    whole: Affine


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for node in [*rewriter.nodes.values()]:
        if node.id in rewriter.nodes and (found := ending_at(rewriter, node)) is not None:
            _rewrite(rewriter, found)
    return rewriter.finish()


def ending_at(rewriter: Rewriter, last: Draft) -> Chain | None:
    """The chain that ends here; None in the middle of one, and where there is none."""
    whole = affine(rewriter, last)
    reader = rewriter.only_reader(last.id)
    if whole is None or (reader is not None and affine(rewriter, reader) is not None):
        return None
    nodes = [last]
    while rewriter.only_reader(whole.operand.node) is nodes[-1]:
        node = rewriter.nodes[whole.operand.node]
        if (before := affine(rewriter, node)) is None or before.channels != whole.channels:
            break
        whole = _composed(before, whole)
        nodes.append(node)
    norms = sum(node.op == "batch_norm" for node in nodes)
    return Chain(tuple(nodes[::-1]), len(nodes) + norms, whole)


def _composed(first: Affine, then: Affine) -> Affine:
    """s2 * (s1 * x + t1) + t2."""
    scale = _times(first.scale, then.scale)
    shift = first.shift if first.shift is None else _times(first.shift, then.scale)
    if then.shift is not None:
        shift = then.shift if shift is None else add(shift, then.shift)
    return Affine(first.channels, first.operand, scale, shift)


def _times(left: Recipe | None, right: Recipe | None) -> Recipe | None:
    match left, right:
        case None, other:
            return other
        case other, None:
            return other
        case Full(shape, one), Full(_, other):
            return Full(shape, one * other)
        case _:
            return multiply(left, right)


def _rewrite(rewriter: Rewriter, chain: Chain) -> None:
    last, whole, name = chain.nodes[-1], chain.whole, ", ".join(node.path for node in chain.nodes)
    product = rewriter.nodes[whole.operand.node]
    side = _smaller_side(rewriter, product, chain)
    if side is not None:
        moved = emit(rewriter, replace(whole, operand=product.inputs[side]), last)
        sides = (moved, product.inputs[1]) if side == 0 else (product.inputs[0], moved)
        rewriter.rewire(product, sides)
        rewriter.note(name, "factor moved to the smaller side of a product")
        rewriter.replace(last, whole.operand)
    elif len(chain.nodes) > 1 and (whole.scale is not None) + (whole.shift is not None) < chain.ops:
        rewriter.note(name, "made one factor and shift")
        rewriter.replace(last, emit(rewriter, whole, last))


def _smaller_side(rewriter: Rewriter, product: Draft, chain: Chain) -> int | None:
    """Which operand of a product that only the chain reads takes a factor for less."""
    alone = rewriter.only_reader(product.id) is chain.nodes[0]
    if product.op != "multiply" or chain.whole.shift is not None or not alone:
        return None
    for at, type in enumerate(rewriter.input_types(product)):
        small = type.numel * _SMALLER <= product.outputs[0].numel
        if type.batched and small and type.axes == product.outputs[0].axes and type.size("c") == chain.whole.channels:
            return at
    return None


PASS = Pass("chains", "make one factor and one shift of several", apply)
