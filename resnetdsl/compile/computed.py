"""An op's call as a recipe: what a network computes from weights alone, `exp(gamma)` or `a + b`, said as data.

The op's own torch call does it. Its arguments come from an artifact's metadata, and become part of that call's text:
so nothing is taken that the language would not have let through.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from torch import Tensor

from resnetdsl.compile.calls import expression, module
from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Call, Expression, Kind, Module, Param, Parameter
from resnetdsl.ops.registry import OPS

Arguments = tuple[tuple[str, Value], ...]
"""By name, in the order of the names."""

Kinds = tuple[tuple[tuple[int, ...], str], ...]
"""The operands' shapes and axes. None has a batch."""

_LETTERS = re.compile(r"[a-z?]{0,16}\Z")


def arguments_of(attrs: Mapping[str, Value]) -> Arguments:
    return tuple(sorted(attrs.items()))


def kinds_of(types: Sequence[TensorType]) -> Kinds:
    return tuple((type.shape, type.axes) for type in types)


def fault(name: str, attrs: Arguments, kinds: Kinds, output: int = 0) -> str | None:
    """Why an op cannot be computed beforehand on operands of these kinds; None if it can."""
    op = OPS.get(name)
    if op is None or op.arity == 0 or not kinds or (op.arity or len(kinds)) != len(kinds):
        return f"there is no op `{name}` of {len(kinds)} operands"
    given = dict(attrs)
    if given.keys() != {param.name for param in op.params}:
        return f"`{name}` has other arguments"
    wrong = next((param.name for param in op.params if not _fits(param, given[param.name])), None)
    if wrong is not None:
        return f"`{name}` cannot have this `{wrong}`"
    types = _types(kinds)
    if op.weights(given, types):
        return f"`{name}` has weights of its own"
    inferred = op.infer(given, types)
    if inferred.outputs is None or inferred.faults or not 0 <= output < len(inferred.outputs):
        return f"`{name}` does not take these operands"
    return None


def compute(name: str, attrs: Arguments, kinds: Kinds, output: int, operands: Sequence[Tensor]) -> Tensor:
    """The result; one of them where the op has several."""
    made = _function(OPS[name].call(dict(attrs), _types(kinds)), len(operands))(*operands)
    found: Tensor = made if isinstance(made, Tensor) else made[output]
    return found


def _function(call: Call, operands: int) -> Callable[..., Any]:
    match call:
        case Module():
            return module(call, "", {})
        case Expression():
            return expression(call, operands)
        case Parameter():
            raise ValueError("a weight computes nothing")


@cache
def _types(kinds: Kinds) -> tuple[TensorType, ...]:
    return tuple(TensorType(shape, axes, batched=False) for shape, axes in kinds)


def _fits(param: Param, value: Value) -> bool:
    """Whether an argument is what the elaborator makes of the parameter's kind, and can be said in JSON."""
    if value is None:
        return param.default is None
    match param.kind:
        case Kind.BOOL:
            return isinstance(value, bool)
        case Kind.INT:
            return _number(param, value) and isinstance(value, int)
        case Kind.FLOAT:
            return _number(param, value)
        case Kind.CHOICE:
            return isinstance(value, str) and value in param.choices
        case Kind.TEXT:
            return isinstance(value, str) and _LETTERS.match(value) is not None
        case Kind.INTS:
            return isinstance(value, tuple) and all(type(each) is int for each in value)
        case Kind.SIZE | Kind.PADDING:
            if isinstance(value, str):
                return value in param.choices
            if not isinstance(value, tuple) or len(value) != (2 if param.kind is Kind.SIZE else 4):
                return False
            return all(type(each) is int and _number(param, each) for each in value)
        case Kind.INIT:
            return False  # of weights, which are not computed


def _number(param: Param, value: Value) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    low, high = param.minimum, param.maximum
    return (low is None or value >= low) and (high is None or value <= high)
