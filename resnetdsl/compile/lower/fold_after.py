"""A norm behind a convolution or linear layer becomes part of its weights.

Pattern: `conv`, `conv_transpose` or `linear`, read by nothing but a `batch_norm` or a `scale`. These give each output
channel a factor s and a shift t; the layer is linear in its weights, so s * (W x + b) + t = (s W) x + (s b + t),
whatever the padding, stride and groups are.
"""

from __future__ import annotations

from resnetdsl.compile.lower.affine import Affine, affine
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Full, Recipe, add, multiply, reshape
from resnetdsl.ops.attrs import flag, integer

LINEAR = {"conv", "conv_transpose", "linear"}


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for norm in [*rewriter.nodes.values()]:
        if norm.id not in rewriter.nodes or (found := affine(rewriter, norm)) is None:
            continue
        layer = rewriter.nodes[norm.inputs[0].node]
        if layer.op not in LINEAR:
            continue
        if rewriter.only_reader(layer.id) is not norm:
            readers = ", ".join(f"`{each.path}`" for each in rewriter.readers(layer.id) if each is not norm)
            why = f"{readers} reads it too" if readers else "it is an output of the network"
            rewriter.note(norm.path, f"`{norm.op}` not folded into `{layer.path}`", why)
            continue
        _fold(rewriter, layer, norm, found)
    return rewriter.finish()


def _fold(rewriter: Rewriter, layer: Draft, norm: Draft, found: Affine) -> None:
    weight = multiply(rewriter.leaf(layer, "weight"), _per_output(rewriter, layer, found))
    bias: Recipe | None = rewriter.leaf(layer, "bias") if flag(layer.attrs, "bias") else None
    bias = None if bias is None else multiply(bias, found.scale)
    if found.shift is not None:
        bias = found.shift if bias is None else add(bias, found.shift)
    attrs = {**layer.attrs, "bias": bias is not None}
    weights = {"weight": weight} | ({} if bias is None else {"bias": bias})
    folded = rewriter.succeed(layer, attrs, weights)
    rewriter.note(norm.path, f"`{norm.op}` folded into `{layer.path}`")
    rewriter.replace(norm, rewriter.source(folded))
    rewriter.sweep(layer)


def _per_output(rewriter: Rewriter, layer: Draft, found: Affine) -> Recipe:
    """The factors, shaped to meet the output channels in the layer's weight."""
    match layer.op:
        case "linear":
            return reshape(found.scale, found.channels, 1)
        case "conv":
            return reshape(found.scale, found.channels, 1, 1, 1)
        case _:  # a transposed convolution's weight is (in, out / groups, height, width)
            groups = integer(layer.attrs, "groups")
            if groups == 1:
                return reshape(found.scale, 1, found.channels, 1, 1)
            inside = (rewriter.input_types(layer)[0].shape[0] // groups, found.channels // groups)
            return _spread(found.scale, groups, inside)


def _spread(scale: Recipe, groups: int, inside: tuple[int, int]) -> Recipe:
    """Group g's factors for each of its input channels: (groups, 1, out) over (groups, in, 1), as (in, out, 1, 1)."""
    incoming, outgoing = inside
    grid = multiply(reshape(scale, groups, 1, outgoing), Full((groups, incoming, 1), 1.0))
    return reshape(grid, groups * incoming, outgoing, 1, 1)


PASS = Pass("fold-after", "fold batch norms and channel factors into the layer before them", apply)
