"""Every op of the language, by name. A new family is one more line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from resnetdsl.ops import (
    activation,
    arithmetic,
    attention,
    combine,
    convolution,
    linear,
    normalisation,
    parameter,
    pooling,
    reduction,
    regularise,
    shaping,
    source_ops,
)
from resnetdsl.ops.base import Op

ALL: tuple[Op, ...] = (
    *source_ops.OPS,
    *convolution.OPS,
    *linear.OPS,
    *pooling.OPS,
    *regularise.OPS,
    *normalisation.OPS,
    *activation.OPS,
    *arithmetic.OPS,
    *combine.OPS,
    *shaping.OPS,
    *attention.OPS,
    *reduction.OPS,
    *parameter.OPS,
)

OPS: Mapping[str, Op] = MappingProxyType({each.name: each for each in ALL})


def op(name: str) -> Op:
    """The op of that name; a KeyError where there is none, which is a bug of the caller."""
    return OPS[name]
