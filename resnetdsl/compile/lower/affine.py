"""What acts on each channel by a factor and a shift: `y = scale * x + shift`, read off the ops that are that."""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Full, Recipe, multiply, subtract
from resnetdsl.ops.attrs import flag, number


@dataclass(frozen=True, slots=True)
class Affine:
    """`scale` and `shift` are vectors of the channels; None stands for no shift."""

    channels: int
    scale: Recipe
    shift: Recipe | None


def affine(rewriter: Rewriter, node: Draft) -> Affine | None:
    """What a node does to each channel of its operand while it does not train; None if it is of another kind."""
    match node.op:
        case "batch_norm":
            return _batch_norm(rewriter, node)
        case "scale":
            gamma = rewriter.leaf(node, "gamma")
            return Affine(rewriter.input_types(node)[0].size("c") or 0, gamma, None)
        case _:
            return None


def _batch_norm(rewriter: Rewriter, node: Draft) -> Affine:
    """(x - mean) / sqrt(var + eps) * weight + bias, with the running statistics."""
    channels = rewriter.input_types(node)[0].size("c") or 0
    scale: Recipe = Apply("rsqrt", (rewriter.leaf(node, "running_var"),), (number(node.attrs, "eps"),))
    bias: Recipe = Full((channels,), 0.0)
    if flag(node.attrs, "affine"):
        scale = multiply(rewriter.leaf(node, "weight"), scale)
        bias = rewriter.leaf(node, "bias")
    return Affine(channels, scale, subtract(bias, multiply(rewriter.leaf(node, "running_mean"), scale)))
