"""What acts on each channel by a factor and a shift: `y = scale * x + shift`, read off the ops that are that."""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Full, Recipe, multiply, subtract
from resnetdsl.ir.graph import Source
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import flag, number


@dataclass(frozen=True, slots=True)
class Affine:
    """`scale` and `shift` are vectors of the channels, None where there is none. `operand` is the x."""

    channels: int
    operand: Source
    scale: Recipe | None
    shift: Recipe | None


def affine(rewriter: Rewriter, node: Draft) -> Affine | None:
    """What a node does to each channel of its operand while it does not train; None if it is of another kind."""
    if not node.inputs:
        return None
    operand = node.inputs[0]
    channels = _channels(rewriter.type(operand))
    if channels is None:
        return None
    match node.op:
        case "batch_norm":
            return _batch_norm(rewriter, node, channels)
        case "scale":
            return Affine(channels, operand, rewriter.leaf(node, "gamma"), None)
        case "multiply_scalar":
            return Affine(channels, operand, Full((channels,), number(node.attrs, "value")), None)
        case "divide_scalar" if number(node.attrs, "value") != 0:
            return Affine(channels, operand, Full((channels,), 1 / number(node.attrs, "value")), None)
        case "add_scalar":
            return Affine(channels, operand, None, Full((channels,), number(node.attrs, "value")))
        case "multiply" | "add":
            return _with_weight(rewriter, node)
        case _:
            return None


def _channels(x: TensorType) -> int | None:
    """How many, where they are what a convolution or linear layer puts out."""
    return x.size("c") if x.is_image or x.axes.endswith("c") else None


def _with_weight(rewriter: Rewriter, node: Draft) -> Affine | None:
    """A product or sum with a free weight of the channels: `x * gamma`."""
    for operand, other in (node.inputs, node.inputs[::-1]):
        weight, x = rewriter.nodes[other.node], rewriter.type(operand)
        channels = _channels(x)
        vector = rewriter.type(other)
        if channels is None:
            continue
        if weight.op == "param" and x.batched and vector.axes == "c" and vector.shape == (channels,):
            recipe = rewriter.recipes[weight.path]
            if node.op == "multiply":
                return Affine(channels, operand, recipe, None)
            return Affine(channels, operand, None, recipe)
    return None


def _batch_norm(rewriter: Rewriter, node: Draft, channels: int) -> Affine:
    """(x - mean) / sqrt(var + eps) * weight + bias, with the running statistics."""
    scale: Recipe = Apply("rsqrt", (rewriter.leaf(node, "running_var"),), (number(node.attrs, "eps"),))
    bias: Recipe = Full((channels,), 0.0)
    if flag(node.attrs, "affine"):
        scale = multiply(rewriter.leaf(node, "weight"), scale)
        bias = rewriter.leaf(node, "bias")
    shift = subtract(bias, multiply(rewriter.leaf(node, "running_mean"), scale))
    return Affine(channels, node.inputs[0], scale, shift)
