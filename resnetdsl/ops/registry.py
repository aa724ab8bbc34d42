"""Every op of the language, by name. A new family is one more line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from resnetdsl.ops import (
    activation,
    arithmetic,
    attention,
    combine,
    conditional,
    convolution,
    linear,
    normalisation,
    padding,
    parameter,
    pooling,
    reduction,
    regularise,
    resize,
    shaping,
    source_ops,
    standardised,
)
from resnetdsl.ops.base import Op

ALL: tuple[Op, ...] = (
    *source_ops.OPS,
    *convolution.OPS,
    *standardised.OPS,
    *conditional.OPS,
    *linear.OPS,
    *pooling.OPS,
    *normalisation.OPS,
    *activation.OPS,
    *regularise.OPS,
    *padding.OPS,
    *resize.OPS,
    *arithmetic.OPS,
    *combine.OPS,
    *shaping.OPS,
    *reduction.OPS,
    *attention.OPS,
    *parameter.OPS,
)

OPS: Mapping[str, Op] = MappingProxyType({each.name: each for each in ALL})


def op(name: str) -> Op:
    """The op of that name; a KeyError where there is none, which is a bug of the caller."""
    return OPS[name]
