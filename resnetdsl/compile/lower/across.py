"""A norm in front of a ReLU becomes part of the layers behind it: what is left between is a clamp of each channel.

Pattern: `batch_norm -> relu -> conv` of a pre-activation, where a factor or shift of any sign stands for the norm. For
s > 0 relu(s x + t) is s max(x, -t / s) + t, for s < 0 it is s min(x, -t / s) + t: bounds for x, then a factor and a
shift, which the layers behind take as in `fold_before.py` and under the same conditions. Where s is 0 the channel is
relu(t) whatever x is: its bounds are both 0, its factor is 0 and its shift relu(t). ReLU6 has the second bound too.

A norm and a ReLU were two ops, each of which reads and writes the whole image; the clamp is one. -t / s may be more
than float16 holds, where 0 times infinity is no number, and 8 bits have no scale for a bound that is infinite: so it is
not done in these types.
"""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.compile.lower import chains, fold_before
from resnetdsl.compile.lower.affine import Affine, vector
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Full, Recipe

RECTIFIERS = {"relu": (0.0,), "relu6": (0.0, 6.0)}
"""The ops and their bounds, from below and, where there is one, from above."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The rectifier behind a norm, the layers behind that, what these take, and the bounds that stay."""

    rectifier: Draft
    layers: list[Draft]
    taken: Affine
    low: Recipe
    high: Recipe


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for norm in [*rewriter.nodes.values()]:
        chain = chains.ending_at(rewriter, norm) if norm.id in rewriter.nodes else None
        if chain is None or not isinstance(crossing := across(rewriter, norm, chain.whole), Crossing):
            continue
        found, source = chain.whole, chain.whole.operand
        for op, leaf, bound in (("maximum", "low", crossing.low), ("minimum", "high", crossing.high)):
            weight = vector(rewriter, found.channels, norm, f"{norm.path}.{leaf}", bound)
            source = rewriter.source(rewriter.add(op, {}, (source, weight), norm, f"{norm.path}.{op}"))
        for layer in crossing.layers:
            fold_before.fold(rewriter, layer, crossing.taken)
        op = crossing.rectifier.op
        rewriter.note(norm.path, f"`{norm.op}` folded across `{op}` into the `{crossing.layers[0].op}` behind it")
        rewriter.replace(crossing.rectifier, source)
    return rewriter.finish()


def across(rewriter: Rewriter, norm: Draft, found: Affine) -> Crossing | str | None:
    """What becomes of a norm and the rectifier that reads it; why it must stay; None where no rectifier reads it."""
    rectifier = rewriter.only_reader(norm.id)
    if rectifier is None or rectifier.op not in RECTIFIERS:
        return None
    if rewriter.is_output(rectifier.id):
        return f"`{rectifier.op}` is an output of the network"
    ends = RECTIFIERS[rectifier.op]
    pair = (found.scale or Full((found.channels,), 1.0), found.shift or Full((found.channels,), 0.0))
    shift, low, high = (Apply(f"rectified_{part}", pair, ends) for part in ("shift", "low", "high"))
    taken = Affine(found.channels, found.operand, Apply("rectified_scale", pair[:1]), shift)
    layers = fold_before.takers(rewriter, rectifier, taken)
    return layers if isinstance(layers, str) else Crossing(rectifier, layers, taken, low, high)


PASS = Pass(
    "across",
    "fold norms across the ReLU behind them into the layers after it",
    apply,
    narrow="its bounds may be more than the type holds",
)
