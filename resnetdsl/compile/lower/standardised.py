"""Weights that are standardised at each use are standardised once.

Pattern: `std_conv` and `scaled_std_conv`. What they do to their weights reads nothing but weights, so it can be done
beforehand; what is left is a `conv` with the same arguments, into which a norm behind it can then be folded too.
"""

from __future__ import annotations

from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Full, Recipe, multiply
from resnetdsl.ops.attrs import flag, integer, number
from resnetdsl.ops.geometry import pair

_SAME = ("out_channels", "kernel", "stride", "pad", "dilation", "groups", "bias", "init")


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for node in [*rewriter.nodes.values()]:
        if node.op not in {"std_conv", "scaled_std_conv"}:
            continue
        weights = {"weight": _weight(rewriter, node)}
        if flag(node.attrs, "bias"):
            weights["bias"] = rewriter.leaf(node, "bias")
        attrs = {name: node.attrs[name] for name in _SAME} | {"pad_mode": "zeros"}
        made = rewriter.succeed(node, attrs, weights, op="conv")
        rewriter.note(node.path, f"`{node.op}` standardised once")
        rewriter.replace(node, rewriter.source(made))
    return rewriter.finish()


def _weight(rewriter: Rewriter, node: Draft) -> Recipe:
    standard = Apply("standardise", (rewriter.leaf(node, "weight"),), (number(node.attrs, "eps"),))
    if node.op == "std_conv":
        return standard
    height, width = pair(node.attrs, "kernel")
    fan_in = rewriter.input_types(node)[0].shape[0] // integer(node.attrs, "groups") * height * width
    factor = Full((1, 1, 1, 1), number(node.attrs, "gamma") * fan_in**-0.5)
    return multiply(standard, multiply(rewriter.leaf(node, "gain"), factor))


PASS = Pass("standardised", "standardise the weights of convolutions once and not at each use", apply)
