"""Which ops a factor and a shift of each channel may change places with: `f(s * x + t)` is `s * f(x) + t`.

Means and interpolations are linear in each channel; a shift passes where their weights add up to one, which padded
zeros in them prevent. A maximum keeps its place under any shift and under a factor that is not negative, and ReLU under
such a factor alone. Weights may be of any sign, and other weights may come: so the factor must be a positive number.
"""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.compile.lower.affine import Affine
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Full
from resnetdsl.ops.attrs import number, text
from resnetdsl.ops.geometry import NO_PADS
from resnetdsl.ops.pooling import AvgPool


@dataclass(frozen=True, slots=True)
class _Kind:
    """What passes beside positive factors."""

    shifts: bool
    negatives: bool


_ANY = _Kind(shifts=True, negatives=True)
_FACTORS = _Kind(shifts=False, negatives=True)
_MAXIMUM = _Kind(shifts=True, negatives=False)
_RECTIFIER = _Kind(shifts=False, negatives=False)


def hindrance(rewriter: Rewriter, node: Draft, found: Affine) -> str | None:
    """Why a factor and a shift of the channels cannot change places with a node's only tensor; None if they can."""
    kind = _kind(rewriter, node)
    if node.op == "cond_conv":
        return "`cond_conv` mixes weights for each sample, and would mix what they take with them"
    if kind is None:
        return f"`{node.op}` has no weights that could take it"
    if found.shift is not None and not kind.shifts:
        return f"its shift and `{node.op}` do not change places"
    positive = found.scale is None or (isinstance(found.scale, Full) and found.scale.value > 0)
    if not kind.negatives and not positive:
        return f"`{node.op}` changes places with positive factors alone, and weights may be negative"
    return None


def _kind(rewriter: Rewriter, node: Draft) -> _Kind | None:
    match node.op:
        case "permute" | "tokens" | "image" | "image_like" | "upsample" | "resize_to":
            return _ANY
        case "global_avg_pool" | "adaptive_avg_pool":
            return _ANY
        case "flatten":
            return _ANY if rewriter.input_types(node)[0].shape[1:] == (1, 1) else None
        case "avg_pool":
            pool = AvgPool()
            return _FACTORS if pool.counts_pad(node.attrs) and pool.pads(node.attrs) != NO_PADS else _ANY
        case "blur_pool":
            return _FACTORS if text(node.attrs, "pad_mode") == "zeros" else _ANY
        case "pad":
            if text(node.attrs, "mode") != "zeros":
                return _ANY
            return _FACTORS if number(node.attrs, "value") == 0 else None
        case "reduce_mean" if "c" not in text(node.attrs, "axes"):
            return _ANY
        case "max_pool" | "global_max_pool" | "adaptive_max_pool":
            return _MAXIMUM
        case "relu" | "leaky_relu" | "prelu":
            return _RECTIFIER
        case _:
            return None
