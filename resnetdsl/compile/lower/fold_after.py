"""A norm behind a convolution or linear layer becomes part of its weights.

Pattern: `conv`, `conv_transpose` or `linear`, then a `batch_norm`, a `scale`, or a product or sum with a number or a
weight of the channels, with at most permutations of the axes between, each read by the next alone. These give each
output channel a factor s and a shift t; the layer is linear in its weights, so s * (W x + b) + t = (s W) x + (s b + t),
whatever the padding, stride and groups are. A norm behind a `concat` of the channels of such layers, each read there
alone, falls into one for each of them.
"""

from __future__ import annotations

from dataclasses import replace

from resnetdsl.compile.lower.affine import Affine, affine
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Full, Recipe, add, multiply, reshape
from resnetdsl.ir.graph import Source
from resnetdsl.ops.attrs import flag, integer

LINEAR = {"conv", "conv_transpose", "linear"}


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for norm in [*rewriter.nodes.values()]:
        found = affine(rewriter, norm) if norm.id in rewriter.nodes else None
        if found is None:
            continue
        layers = _layers(rewriter, found.operand)
        if not layers:
            continue
        if (why := _hindrance(rewriter, norm, found.operand, layers)) is not None:
            if norm.op in {"batch_norm", "scale"}:
                rewriter.note(norm.path, f"`{norm.op}` not folded into the `{layers[0].op}` before it", why)
            continue
        at = 0
        for layer in layers:
            size = rewriter.type(Source(layer.id)).size("c") or 0
            _fold(rewriter, layer, replace(_part(found, at, size), channels=size))
            at += size
        rewriter.note(norm.path, f"`{norm.op}` folded into the `{layers[0].op}` before it")
        rewriter.replace(norm, _now(rewriter, norm, found))
    return rewriter.finish()


def _now(rewriter: Rewriter, norm: Draft, found: Affine) -> Source:
    """The operand as the norm reads it by now: its layer may have been replaced."""
    return next(each for each in norm.inputs if rewriter.nodes[each.node].op != "param" or each == found.operand)


def _layers(rewriter: Rewriter, source: Source) -> list[Draft]:
    """The layers whose channels, one after the other, are those of this tensor; none if it has another origin."""
    node = rewriter.nodes[source.node]
    match node.op:
        case "permute":
            return _layers(rewriter, node.inputs[0])
        case "concat" if node.attrs["axis"] in {"c", "channels"}:
            parts = [_layers(rewriter, each) for each in node.inputs]
            return [layer for part in parts for layer in part] if all(parts) else []
        case op if op in LINEAR:
            return [node]
        case _:
            return []


def _hindrance(rewriter: Rewriter, norm: Draft, source: Source, layers: list[Draft]) -> str | None:
    """Why what stands between may not change: somebody else sees it."""
    if len({layer.id for layer in layers}) < len(layers):
        return "its channels come from one layer twice"
    waiting, reader = [source.node], norm
    expected: dict[int, Draft] = {source.node: norm}
    while waiting:
        id = waiting.pop()
        node, reader = rewriter.nodes[id], expected[id]
        if rewriter.is_output(id):
            return f"`{node.path}` is an output of the network"
        if rewriter.only_reader(id) is not reader:
            others = [each.path for each in rewriter.readers(id) if each is not reader]
            return f"`{', '.join(others)}` reads `{node.path}` too" if others else f"`{reader.path}` reads it twice"
        if node.op not in LINEAR:
            for each in node.inputs:
                expected[each.node] = node
                waiting.append(each.node)
    return None


def _part(found: Affine, at: int, size: int) -> Affine:
    """The share of the channels from `at` on."""
    if size == found.channels:
        return found
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
