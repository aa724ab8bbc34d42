"""Every op of the language, by name. A new family is one more line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from resnetdsl.ops import convolution, linear, pooling, regularise, source_ops
from resnetdsl.ops.base import Op

ALL: tuple[Op, ...] = (
    *source_ops.OPS,
    *convolution.OPS,
    *linear.OPS,
    *pooling.OPS,
    *regularise.OPS,
)

OPS: Mapping[str, Op] = MappingProxyType({each.name: each for each in ALL})


def op(name: str) -> Op:
    """The op of that name; a KeyError where there is none, which is a bug of the caller."""
    return OPS[name]
