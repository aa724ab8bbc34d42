"""Reading attributes with their types. The elaborator has checked every kind before an op sees them."""

from __future__ import annotations

import math
from typing import cast

from resnetdsl.ops.base import Attrs


def integer(attrs: Attrs, name: str) -> int:
    return cast(int, attrs[name])


def number(attrs: Attrs, name: str) -> float:
    return cast(float, attrs[name])


def flag(attrs: Attrs, name: str) -> bool:
    return cast(bool, attrs[name])


def text(attrs: Attrs, name: str) -> str:
    return cast(str, attrs[name])


def integers(attrs: Attrs, name: str) -> tuple[int, ...]:
    return cast(tuple[int, ...], attrs[name])


def literal(value: float) -> str:
    """A number as Python writes it, the shortest way: `2` for 2.0, `float("inf")` for infinity."""
    if not math.isfinite(value):
        return f'float("{value}")'
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
