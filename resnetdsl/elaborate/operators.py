"""What `+ - * / // % ^` and comparison do to numbers, lists, tensors and layers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import cast

from resnetdsl.elaborate import budget
from resnetdsl.elaborate.run import Place, Run
from resnetdsl.elaborate.values import (
    POISON,
    DefinedLayer,
    Layer,
    MergeLayer,
    OpLayer,
    Poison,
    Quotient,
    SharedLayer,
    Tensor,
    Value,
    contains_poison,
    describe,
    extent,
    uncertain,
)
from resnetdsl.source import Span
from resnetdsl.syntax.ast import BinaryOp

_TENSOR_OPS = {
    BinaryOp.ADD: "add",
    BinaryOp.SUBTRACT: "subtract",
    BinaryOp.MULTIPLY: "multiply",
    BinaryOp.DIVIDE: "divide",
    BinaryOp.POWER: "power",
}

_COMPARISONS: dict[BinaryOp, Callable[..., bool]] = {
    BinaryOp.LESS: operator.lt,
    BinaryOp.LESS_EQUAL: operator.le,
    BinaryOp.GREATER: operator.gt,
    BinaryOp.GREATER_EQUAL: operator.ge,
}


def is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(left: Value, right: Value, spend: Callable[[], None]) -> bool:
    """Equality of values; two layers are equal if they are one definition with equal arguments."""
    spend()
    match left, right:
        case _ if left is right:
            return True
        case (tuple(), tuple()):
            return len(left) == len(right) and all(same(*pair, spend) for pair in zip(left, right, strict=True))
        case (OpLayer(), OpLayer()):
            return left.op is right.op and dict(left.attrs) == dict(right.attrs)
        case (SharedLayer(), SharedLayer()):
            return left.key is right.key
        case (DefinedLayer(), DefinedLayer()):
            return (
                left.definition.syntax is right.definition.syntax
                and left.given.keys() == right.given.keys()
                and all(same(left.given[name].value, right.given[name].value, spend) for name in left.given)
            )
        case (bool(), _) | (_, bool()):
            return left is right
        case _:
            return left is right or (not isinstance(left, Tensor | Layer) and left == right)


def binary(run: Run, place: Place | None, op: BinaryOp, left: Value, right: Value, span: Span) -> Value:
    """The value of `left op right`. `and` and `or` never come here: they need not look at both."""
    if contains_poison(left) or contains_poison(right):
        return POISON
    match op, left, right:
        case BinaryOp.EQUAL, _, _:
            return same(left, right, partial(run.spend, span))
        case BinaryOp.NOT_EQUAL, _, _:
            return not same(left, right, partial(run.spend, span))
        case BinaryOp.ADD, str(), str():
            return bounded_text(run, place, left + right, span)
        case BinaryOp.ADD, tuple(), tuple():
            return bounded_list(run, place, left + right, span)
        case (BinaryOp.MULTIPLY, tuple(), int()) | (BinaryOp.MULTIPLY, int(), tuple()):
            items, times = (left, right) if isinstance(left, tuple) else (right, left)
            return _repeat_list(run, place, cast("tuple[Value, ...]", items), cast("int", times), span)
        case _, (int() | float()), (int() | float()) if is_number(left) and is_number(right):
            return numeric(run, place, op, left, right, span)
        case _, (Tensor() | int() | float()), (Tensor() | int() | float()) if op in _TENSOR_OPS:
            if place is not None and not isinstance(left, bool) and not isinstance(right, bool):
                return tensors(run, place, op, left, right, span)
        case _, (Layer() | int() | float()), (Layer() | int() | float()) if op in _TENSOR_OPS:
            if isinstance(left, bool) or isinstance(right, bool):
                pass
            elif op is BinaryOp.MULTIPLY and not isinstance(left, Layer):
                pass  # `0.5 * layer`: a count of copies that is no whole number
            else:
                return MergeLayer(
                    span, lambda here, values, at: binary(here, at, op, values[0], values[1], span), (left, right)
                )
        case _:
            pass
    if uncertain(left) or uncertain(right):
        return POISON
    hint = mixed(left, right)
    return run.report("E0211", span, place, op=op.value, left=describe(left), right=describe(right), hint=hint)


def mixed(*operands: Value) -> str | None:
    """The way out where a layer meets a tensor."""
    layers, tensors_ = (any(isinstance(each, kind) for each in operands) for kind in (Layer, Tensor))
    return "apply the layer first: `(x -> layer)` is what it makes of the tensor `x`" if layers and tensors_ else None


def tensors(run: Run, place: Place, op: BinaryOp, left: Tensor | float, right: Tensor | float, span: Span) -> Value:
    """Arithmetic with a tensor on one side or on both."""
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return run.builder.one(_TENSOR_OPS[op], {}, (left, right), place, span)
    if isinstance(left, Tensor):
        number = float(cast("float", right))
        match op:
            case BinaryOp.SUBTRACT:
                return run.builder.one("add_scalar", {"value": -number}, (left,), place, span)
            case BinaryOp.DIVIDE if number == 0:
                return run.report("E0212", span, place)
            case _:
                return run.builder.one(f"{_TENSOR_OPS[op]}_scalar", {"value": number}, (left,), place, span)
    tensor, number = cast("Tensor", right), float(left)
    match op:
        case BinaryOp.SUBTRACT:
            return run.builder.one("rsub_scalar", {"value": number}, (tensor,), place, span)
        case BinaryOp.DIVIDE:
            return run.builder.one("rdiv_scalar", {"value": number}, (tensor,), place, span)
        case BinaryOp.POWER:
            return run.report("E0211", span, place, op=op.value, left=describe(left), right=describe(tensor))
        case _:
            return run.builder.one(f"{_TENSOR_OPS[op]}_scalar", {"value": number}, (tensor,), place, span)


def bounded_list(run: Run, place: Place | None, items: tuple[Value, ...], span: Span) -> Value:
    """A list, or a message where it is too long or too deep; going through it counts as work."""
    count, depth = extent(items, budget.LIST)
    run.spend(span, count >> 5)
    if count > budget.LIST:
        return too_long(run, place, span, count)
    if depth > budget.DEPTH:
        return too_long(run, place, span, depth, budget.DEPTH, "list of lists", "levels")
    return items


def too_long(
    run: Run,
    place: Place | None,
    span: Span,
    length: int,
    limit: int = budget.LIST,
    what: str = "list",
    unit: str = "items",
) -> Poison:
    return run.report("E0503", span, place, length=length, limit=limit, what=what, unit=unit)


def bounded_text(run: Run, place: Place | None, text: str, span: Span) -> str | Poison:
    if len(text) > budget.TEXT:
        return too_long(run, place, span, len(text), budget.TEXT, "string", "characters")
    return text


def _repeat_list(run: Run, place: Place | None, items: tuple[Value, ...], times: int, span: Span) -> Value:
    if len(items) * times > budget.LIST:
        return too_long(run, place, span, len(items) * times)
    return items * times


def numeric(run: Run, place: Place | None, op: BinaryOp, left: float, right: float, span: Span) -> Value:
    """Arithmetic on numbers: exact on whole ones, float64 otherwise, bounded always."""
    if op in _COMPARISONS:
        return _COMPARISONS[op](left, right)
    if op in (BinaryOp.DIVIDE, BinaryOp.FLOOR_DIVIDE, BinaryOp.MODULO) and right == 0:
        return run.report("E0212", span, place)
    try:
        value = _compute(op, left, right, span)
    except OverflowError:
        value = math.inf
    return bounded_number(run, place, value, span)


def bounded_number(run: Run, place: Place | None, value: float, span: Span) -> Value:
    if isinstance(value, complex) or math.isnan(value) or abs(value) >= budget.NUMBER:
        return run.report("E0216", span, place, limit=budget.NUMBER)
    return value


def _compute(op: BinaryOp, left: float, right: float, span: Span) -> float:
    match op:
        case BinaryOp.ADD:
            value = left + right
        case BinaryOp.SUBTRACT:
            value = left - right
        case BinaryOp.MULTIPLY:
            value = left * right
        case BinaryOp.FLOOR_DIVIDE:
            value = left // right
        case BinaryOp.MODULO:
            value = left % right
        case BinaryOp.POWER:
            value = _power(left, right)
        case BinaryOp.DIVIDE:
            if isinstance(left, int) and isinstance(right, int) and left % right == 0:
                return left // right
            value = left / right
            return value if value == int(value) else Quotient(value, span)
        case _:
            raise AssertionError(op)
    if isinstance(value, float):
        for operand in (left, right):
            if isinstance(operand, Quotient):
                return Quotient(value, operand.span)
    return value


def _power(base: float, exponent: float) -> float:
    """A power, without computing a number of a million digits only to refuse it."""
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        if abs(base) > 1 and exponent * math.log2(abs(base)) > 64:
            return math.inf
        return cast("int", base**exponent)
    if base == 0 and exponent < 0:
        return math.inf
    value = float(base) ** float(exponent)
    return math.inf if isinstance(value, complex) else cast("float", value)
