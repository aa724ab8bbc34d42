"""Strides that become dilation, one op at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import isqrt

from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Op, Types

Attributes = Mapping[str, Value]
Pair = tuple[int, int]


def dilated(op: Op, attrs: Attributes, x: TensorType, limit: Fraction) -> tuple[Attributes, Pair]:
    """The attributes of an op on a tensor where no stride may go beyond the limit, and what of its stride that took."""
    strides = op.strides(attrs)
    now = actual(x).stride
    keep = (_kept(strides[0], Fraction(now[0]), limit), _kept(strides[1], Fraction(now[1]), limit))
    factor = (strides[0] // keep[0], strides[1] // keep[1])
    if factor == x.dilation == (1, 1):
        return attrs, factor
    return op.dilated(attrs, keep, x.dilation), factor


def _kept(stride: int, now: Fraction, limit: Fraction) -> int:
    """The largest part of a stride that stays within the limit."""
    small = [part for part in range(1, isqrt(stride) + 1) if stride % part == 0]
    return max((part for low in small for part in (low, stride // low) if now * part <= limit), default=1)


def spread(made: TensorType, inputs: Types, factor: Pair) -> TensorType:
    """The type of an output, with the stride that the spec says and the dilation that stands for a part of it."""
    if not inputs:
        return made
    like = next((x for x in inputs if x.batched and x.stride == made.stride), inputs[0])
    dilation = (like.dilation[0] * factor[0], like.dilation[1] * factor[1])
    height, width = (made.stride[i] * factor[i] for i in (0, 1))
    return replace(made, stride=(height, width), dilation=dilation)


def actual(made: TensorType) -> TensorType:
    """The type as it is in the graph: the stride that is left."""
    if made.dilation == (1, 1):
        return made
    height, width = (Fraction(made.stride[i]) / made.dilation[i] for i in (0, 1))
    return replace(made, stride=(_whole(height), _whole(width)), dilation=(1, 1))


def _whole(rate: Fraction) -> int | Fraction:
    return int(rate) if rate.denominator == 1 else rate
