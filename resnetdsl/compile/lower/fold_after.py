"""A norm behind a convolution or linear layer becomes part of its weights.

Pattern: `conv`, `conv_transpose` or `linear`, then a `batch_norm`, a `scale`, or arithmetic with a number or with a
weight of the channels. These give each output channel a factor s and a shift t; the layer is linear in its weights, so
s * (W x + b) + t = (s W) x + (s b + t), whatever the padding, stride and groups are.

Between them there may be what such a factor and shift change places with (`passage.py`); a `concat`, whose parts each
take their share; a sum, both sides of which take the factor and one of which takes the shift; and, for a factor alone,
a product, one side of which takes it. Each must be read by the next alone: nobody else may see the change.
"""

from __future__ import annotations

from dataclasses import replace

from resnetdsl.compile.lower import passage
from resnetdsl.compile.lower.affine import Affine, affine
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Full, Recipe, add, multiply, reshape
from resnetdsl.ir.graph import Source
from resnetdsl.ops.attrs import flag, integer

LINEAR = {"conv", "conv_transpose", "linear"}

Share = tuple[Draft, Affine]
"""A layer, and what it is to take."""


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for norm in [*rewriter.nodes.values()]:
        found = affine(rewriter, norm) if norm.id in rewriter.nodes else None
        if found is None or isinstance(shares := takers(rewriter, norm, found), str):
            continue
        for layer, share in shares:
            _fold(rewriter, layer, share)
        rewriter.note(norm.path, f"`{norm.op}` folded into the `{shares[0][0].op}` before it")
        rewriter.replace(norm, _now(rewriter, norm, found))
    return rewriter.finish()


def _now(rewriter: Rewriter, norm: Draft, found: Affine) -> Source:
    """The operand as the norm reads it by now: its layer may have been replaced."""
    return next(each for each in norm.inputs if rewriter.nodes[each.node].op != "param" or each == found.operand)


def takers(rewriter: Rewriter, norm: Draft, found: Affine) -> list[Share] | str:
    """The layers before a norm that can take it, each with its share; or why there are none."""
    shares = _takers(rewriter, found.operand, norm, found)
    if isinstance(shares, list) and len({layer.id for layer, _ in shares}) < len(shares):
        return "its channels come from one layer twice"
    return shares


def _takers(rewriter: Rewriter, source: Source, reader: Draft, found: Affine) -> list[Share] | str:
    node = rewriter.nodes[source.node]
    hindered = None if node.op in {*LINEAR, *_JOINS} else passage.hindrance(rewriter, node, found)
    if hindered is not None:
        return hindered
    if rewriter.is_output(node.id):
        return f"the `{node.op}` is an output of the network"
    if rewriter.only_reader(node.id) is not reader:
        others = sorted({f"`{each.op}`" for each in rewriter.readers(node.id) if each is not reader})
        return f"{', '.join(others)} reads the `{node.op}` too" if others else f"`{reader.op}` reads it twice"
    match node.op:
        case op if op in LINEAR:
            return [(node, found)]
        case "concat":
            return _parts(rewriter, node, found)
        case "add" | "subtract":
            return _terms(rewriter, node, found)
        case "multiply" | "divide":
            return _product(rewriter, node, found)
        case _:
            return _takers(rewriter, node.inputs[0], node, found)


_JOINS = {"concat", "add", "subtract", "multiply", "divide"}


def _parts(rewriter: Rewriter, node: Draft, found: Affine) -> list[Share] | str:
    shares: list[Share] = []
    at = 0
    for source in node.inputs:
        size = rewriter.type(source).size("c") or 0
        apart = node.attrs["axis"] in {"c", "channels"}
        one = _takers(rewriter, source, node, _part(found, at, size) if apart else found)
        if isinstance(one, str):
            return one
        shares += one
        at += size
    return shares


def _terms(rewriter: Rewriter, node: Draft, found: Affine) -> list[Share] | str:
    """Both terms of a sum for a factor, the first that can for a shift alone."""
    if any(not type.batched or type != node.outputs[0] for type in rewriter.input_types(node)):
        return f"`{node.op}` stretches one of its operands"
    left, right = node.inputs
    turned = found.shift
    if node.op == "subtract" and turned is not None:
        turned = multiply(Full((found.channels,), -1.0), turned)
    first = _takers(rewriter, left, node, found)
    if found.scale is None:
        return _takers(rewriter, right, node, replace(found, shift=turned)) if isinstance(first, str) else first
    if isinstance(first, str):
        return first
    second = _takers(rewriter, right, node, replace(found, shift=None))
    return second if isinstance(second, str) else first + second


def _product(rewriter: Rewriter, node: Draft, found: Affine) -> list[Share] | str:
    """One factor of a product, or what is divided, where it has all channels."""
    if found.shift is not None:
        return f"its shift and `{node.op}` do not change places"
    why = f"`{node.op}` has no weights that could take it"
    for source in node.inputs[: 1 if node.op == "divide" else 2]:
        type = rewriter.type(source)
        if type.batched and type.axes == node.outputs[0].axes and type.size("c") == found.channels:
            shares = _takers(rewriter, source, node, found)
            if isinstance(shares, list):
                return shares
            why = shares
    return why


def _part(found: Affine, at: int, size: int) -> Affine:
    """The share of the channels from `at` on."""
    if size == found.channels:
        return found
    if isinstance(found.scale, Full) and found.shift is None:
        return replace(found, channels=size, scale=Full((size,), found.scale.value))
    cut = [None if each is None else Apply("slice", (each,), (at, at + size)) for each in (found.scale, found.shift)]
    return Affine(size, found.operand, *cut)


def _fold(rewriter: Rewriter, layer: Draft, found: Affine) -> None:
    weight = rewriter.leaf(layer, "weight")
    bias: Recipe | None = rewriter.leaf(layer, "bias") if flag(layer.attrs, "bias") else None
    if found.scale is not None:
        weight = multiply(weight, _per_output(rewriter, layer, found.channels, found.scale))
        bias = None if bias is None else multiply(bias, found.scale)
    if found.shift is not None:
        bias = found.shift if bias is None else add(bias, found.shift)
    weights = {"weight": weight} | ({} if bias is None else {"bias": bias})
    folded = rewriter.succeed(layer, {**layer.attrs, "bias": bias is not None}, weights)
    rewriter.replace(layer, rewriter.source(folded))


def _per_output(rewriter: Rewriter, layer: Draft, channels: int, scale: Recipe) -> Recipe:
    """The factors, shaped to meet the output channels in the layer's weight."""
    match layer.op:
        case "linear":
            return reshape(scale, channels, 1)
        case "conv":
            return reshape(scale, channels, 1, 1, 1)
        case _:  # a transposed convolution's weight is (in, out / groups, height, width)
            groups = integer(layer.attrs, "groups")
            if groups == 1:
                return reshape(scale, 1, channels, 1, 1)
            incoming, outgoing = rewriter.input_types(layer)[0].shape[0] // groups, channels // groups
            # Group g's factors for each of its input channels.
            grid = multiply(reshape(scale, groups, 1, outgoing), Full((groups, incoming, 1), 1.0))
            return reshape(grid, groups * incoming, outgoing, 1, 1)


PASS = Pass("fold-after", "fold norms and factors of the channels into the layers before them", apply)
