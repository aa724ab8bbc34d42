"""A norm in front of a convolution or linear layer becomes part of its weights, where no zeros are padded between.

Pattern: a `batch_norm` or `scale`, or arithmetic with a number or with a weight of the channels, whose readers are all
`conv` or `linear`. These are linear in what they read: W (s * x + t) + b = (W s) x + (W t + b), with s on the weight's
input channels and W t summed over its kernel. A zero that is padded stands for x = 0 and not for s * 0 + t, so a shift
allows no padding with zeros; padding that repeats pixels allows it, and so does a factor alone.

Between them there may be what the factor and shift change places with (`passage.py`) and, for a shift alone, sums: all
that reads these must then be such layers too. Who asks for the size of a tensor alone gets it of the norm's operand.
"""

from __future__ import annotations

from resnetdsl.compile.lower import passage
from resnetdsl.compile.lower.affine import Affine, affine
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Recipe, add, multiply, reshape
from resnetdsl.ops.attrs import flag, integer
from resnetdsl.ops.geometry import pair, resolve_pads

LAYERS = {"conv", "linear"}

_SIZED = {"image_like", "reshape_like", "resize_to"}
"""Ops that ask their second operand for its size alone."""


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for norm in reversed([*rewriter.nodes.values()]):  # the last of a chain first
        found = affine(rewriter, norm) if norm.id in rewriter.nodes else None
        if found is None or isinstance(layers := takers(rewriter, norm, found), str):
            continue
        for layer in layers:
            fold(rewriter, layer, found)
        rewriter.note(norm.path, f"`{norm.op}` folded into the `{layers[0].op}` behind it")
        rewriter.replace(norm, found.operand)
    return rewriter.finish()


def takers(rewriter: Rewriter, norm: Draft, found: Affine) -> list[Draft] | str:
    """The layers behind a norm that can take it together; or why there are none."""
    layers: dict[int, Draft] = {}
    seen: set[int] = set()
    waiting = [norm]
    while waiting:
        node = waiting.pop()
        if rewriter.is_output(node.id):
            return "it is an output of the network" if node is norm else f"`{node.op}` is an output of the network"
        for reader in rewriter.readers(node.id):
            uses = [at for at, source in enumerate(reader.inputs) if source.node == node.id]
            if reader.op in _SIZED and uses == [1]:
                continue
            if len(uses) > 1 or reader.id in seen:
                return f"`{reader.op}` reads it twice"
            seen.add(reader.id)
            if reader.op in LAYERS:
                if reader.op == "conv" and found.shift is not None and _pads_zeros(reader):
                    return "zeros are padded in front of `conv`, which its shift would have to reach"
                layers[reader.id] = reader
            elif (why := _hindrance(rewriter, node, reader, found)) is not None:
                return why
            else:
                waiting.append(reader)
    return [*layers.values()] or "nothing that reads it has weights"


def _hindrance(rewriter: Rewriter, node: Draft, reader: Draft, found: Affine) -> str | None:
    """Why it does not pass from a node through its reader."""
    sum_ = reader.op == "add" or (reader.op == "subtract" and reader.inputs[0].node == node.id)
    if sum_ and found.scale is None and reader.outputs == node.outputs:
        return None
    return passage.hindrance(rewriter, reader, found)


def _pads_zeros(conv: Draft) -> bool:
    if conv.attrs["pad_mode"] != "zeros":
        return False
    pads = resolve_pads(conv.attrs["pad"], *(pair(conv.attrs, name) for name in ("kernel", "stride", "dilation")))
    return pads == "same" or any(pads)


def fold(rewriter: Rewriter, layer: Draft, found: Affine) -> None:
    """Put a layer in its place that takes the factor and shift along."""
    before = rewriter.leaf(layer, "weight")
    bias: Recipe | None = rewriter.leaf(layer, "bias") if flag(layer.attrs, "bias") else None
    if found.shift is not None:
        dims = (1,) if layer.op == "linear" else (1, 2, 3)
        share = Apply("sum", (_times(layer, before, found.shift, found.channels),), (dims,))
        bias = share if bias is None else add(bias, share)
    weights = {"weight": before if found.scale is None else _times(layer, before, found.scale, found.channels)}
    weights |= {} if bias is None else {"bias": bias}
    folded = rewriter.succeed(layer, {**layer.attrs, "bias": bias is not None}, weights)
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
