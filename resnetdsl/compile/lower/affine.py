"""What acts on each channel by a factor and a shift: `y = scale * x + shift`, read off the ops that are that."""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Full, Recipe, multiply, reshape, subtract
from resnetdsl.ir.graph import Source, Value
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
    if node.op in {"multiply", "divide", "add", "subtract"}:
        return _with_weight(rewriter, node)
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
        case "rsub_scalar":
            return Affine(channels, operand, Full((channels,), -1.0), Full((channels,), number(node.attrs, "value")))
        case _:
            return None


def _channels(x: TensorType) -> int | None:
    """How many, where they are what a convolution or linear layer puts out."""
    return x.size("c") if x.is_image or x.axes.endswith("c") else None


def _with_weight(rewriter: Rewriter, node: Draft) -> Affine | None:
    """With a free weight that has a number for each channel, or one for all: `x * gamma`, `1 - x`."""
    for operand, other in (node.inputs, node.inputs[::-1]):
        x, channels = rewriter.type(operand), _channels(rewriter.type(operand))
        if rewriter.nodes[other.node].op != "param" or channels is None or not x.batched or node.outputs[0] != x:
            continue
        numbers = _numbers(rewriter, other, x, channels)
        if numbers is None:
            continue
        first = operand == node.inputs[0]
        minus = Full((channels,), -1.0)
        match node.op:
            case "multiply":
                return Affine(channels, operand, numbers, None)
            case "divide" if first:
                return Affine(channels, operand, Apply("reciprocal", (numbers,)), None)
            case "add":
                return Affine(channels, operand, None, numbers)
            case "subtract" if first:
                return Affine(channels, operand, None, multiply(minus, numbers))
            case "subtract":
                return Affine(channels, operand, minus, numbers)
            case _:  # a weight that is divided by the tensor
                return None
    return None


def _numbers(rewriter: Rewriter, weight: Source, x: TensorType, channels: int) -> Recipe | None:
    """A weight as a vector of the channels, where it differs along these alone."""
    recipe, type = rewriter.recipes[rewriter.nodes[weight.node].path], rewriter.type(weight)
    if type.numel == 1:
        return multiply(Full((channels,), 1.0), reshape(recipe, 1))
    at = type.axes.find("c")
    if type.numel != channels or at < 0 or type.shape[at] != channels:
        return None
    if len(type.axes) == len(x.axes) and x.axes[at] != "c":
        return None
    return recipe if type.shape == (channels,) else reshape(recipe, channels)


def _batch_norm(rewriter: Rewriter, node: Draft, channels: int) -> Affine:
    """(x - mean) / sqrt(var + eps) * weight + bias, with the running statistics."""
    scale: Recipe = Apply("rsqrt", (rewriter.leaf(node, "running_var"),), (number(node.attrs, "eps"),))
    bias: Recipe = Full((channels,), 0.0)
    if flag(node.attrs, "affine"):
        scale = multiply(rewriter.leaf(node, "weight"), scale)
        bias = rewriter.leaf(node, "bias")
    shift = subtract(bias, multiply(rewriter.leaf(node, "running_mean"), scale))
    return Affine(channels, node.inputs[0], scale, shift)


def emit(rewriter: Rewriter, whole: Affine, like: Draft) -> Source:
    """The factor and the shift, as ops."""
    source = whole.operand
    for op, recipe in (("multiply", whole.scale), ("add", whole.shift)):
        if recipe is None:
            continue
        if isinstance(recipe, Full):
            made = rewriter.add(f"{op}_scalar", {"value": recipe.value}, (source,), like, f"{like.path}.{op}")
        else:
            leaf = "scale" if op == "multiply" else "shift"
            weight = vector(rewriter, whole.channels, like, f"{like.path}.{leaf}", recipe)
            made = rewriter.add(op, {}, (source, weight), like, f"{like.path}.{op}")
        source = rewriter.source(made)
    return source


def vector(rewriter: Rewriter, channels: int, like: Draft, path: str, recipe: Recipe) -> Source:
    """A free weight with a number for each channel."""
    attrs: dict[str, Value] = {"shape": (channels,), "value": 0.0, "std": 0.02, "axes": "c"}
    return rewriter.source(rewriter.add("param", attrs, (), like, path, {"": recipe}))
