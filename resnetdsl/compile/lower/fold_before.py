"""A norm in front of a convolution or linear layer becomes part of its weights, where no zeros are padded between.

Pattern: a `batch_norm` or `scale`, or a product or sum with a number or a weight of the channels, whose readers are all
`conv` or `linear`. These are linear in what they read: W (s * x + t) + b = (W s) x + (W t + b), with s on the weight's
input channels and W t summed over its kernel. A zero that is padded stands for x = 0 and not for s * 0 + t, so a shift
allows no padding with zeros; padding that repeats pixels allows it, and so does a factor alone.
"""

from __future__ import annotations

from resnetdsl.compile.lower.affine import Affine, affine
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Recipe, add, multiply, reshape
from resnetdsl.ops.attrs import flag, integer
from resnetdsl.ops.geometry import pair, resolve_pads


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for norm in [*rewriter.nodes.values()]:
        if norm.id not in rewriter.nodes or (found := affine(rewriter, norm)) is None:
            continue
        readers = rewriter.readers(norm.id)
        layers = [each for each in readers if each.op in {"conv", "linear"}]
        if not layers:
            continue  # nothing stands there that it could have been expected in
        why = _hindrance(rewriter, norm, found, readers)
        if why:
            if norm.op in {"batch_norm", "scale"}:
                rewriter.note(norm.path, f"`{norm.op}` not folded into the `{layers[0].op}` behind it", why)
            continue
        for layer in layers:
            _fold(rewriter, layer, found)
        rewriter.note(norm.path, f"`{norm.op}` folded into the `{layers[0].op}` behind it")
    return rewriter.finish()


def _hindrance(rewriter: Rewriter, norm: Draft, found: Affine, readers: list[Draft]) -> str:
    """Why it cannot be folded into its readers; empty if it can."""
    if rewriter.is_output(norm.id):
        return "it is an output of the network"
    for reader in readers:
        if reader.op not in {"conv", "linear"}:
            return f"`{reader.op}` reads it too"
        if reader.op == "conv" and found.shift is not None and _pads_zeros(reader):
            return "zeros are padded between them, which the shift would have to reach"
    return ""


def _pads_zeros(conv: Draft) -> bool:
    if conv.attrs["pad_mode"] != "zeros":
        return False
    pads = resolve_pads(conv.attrs["pad"], *(pair(conv.attrs, name) for name in ("kernel", "stride", "dilation")))
    return pads == "same" or any(pads)


def _fold(rewriter: Rewriter, layer: Draft, found: Affine) -> None:
    before = rewriter.leaf(layer, "weight")
    bias: Recipe | None = rewriter.leaf(layer, "bias") if flag(layer.attrs, "bias") else None
    if found.shift is not None:
        dims = (1,) if layer.op == "linear" else (1, 2, 3)
        share = Apply("sum", (_times(layer, before, found.shift, found.channels),), (dims,))
        bias = share if bias is None else add(bias, share)
    weights = {"weight": before if found.scale is None else _times(layer, before, found.scale, found.channels)}
    weights |= {} if bias is None else {"bias": bias}
    folded = rewriter.succeed(layer, {**layer.attrs, "bias": bias is not None}, weights)
    rewriter.rewire(folded, (found.operand,))
    rewriter.replace(layer, rewriter.source(folded))


def _times(layer: Draft, weight: Recipe, vector: Recipe, channels: int) -> Recipe:
    """The weight with each input channel times its number."""
    if layer.op == "linear":
        return multiply(weight, reshape(vector, 1, channels))
    groups, out = integer(layer.attrs, "groups"), integer(layer.attrs, "out_channels")
    kernel = pair(layer.attrs, "kernel")
    if groups == 1:
        return multiply(weight, reshape(vector, 1, channels, 1, 1))
    inside = channels // groups
    split = reshape(weight, groups, out // groups, inside, *kernel)
    return reshape(multiply(split, reshape(vector, groups, 1, inside, 1, 1)), out, inside, *kernel)


PASS = Pass("fold-before", "fold batch norms and channel factors into the layers behind them", apply)
