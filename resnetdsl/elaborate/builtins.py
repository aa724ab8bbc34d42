"""The functions that the language brings. Each gets the values of its arguments in the order of its parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Final, cast

from resnetdsl.elaborate import budget
from resnetdsl.elaborate.arguments import want_whole
from resnetdsl.elaborate.operators import binary, bounded_list, bounded_number, is_number, too_long
from resnetdsl.elaborate.run import Place, Run
from resnetdsl.elaborate.values import POISON, Builtin, Given, Poison, Quotient, Tensor, Value, describe, whole
from resnetdsl.source import Span
from resnetdsl.syntax.ast import BinaryOp


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a builtin: its arguments by parameter, and where to complain."""

    run: Run
    place: Place | None
    name: str
    args: dict[str, Given]
    rest: tuple[Given, ...]
    span: Span

    def value(self, name: str, default: Value = None) -> Value:
        return self.args[name].value if name in self.args else default

    def wrong(self, given: Given, wanted: str) -> Poison:
        where = f"an argument of `{self.name}`"
        return self.run.report("E0207", given.span, self.place, wanted=wanted, got=describe(given.value), where=where)

    def number(self, name: str, default: float | None = None) -> float | Poison:
        if name not in self.args and default is not None:
            return default
        given = self.args[name]
        return cast("float", given.value) if is_number(given.value) else self.wrong(given, "a number")

    def items(self, name: str) -> tuple[Value, ...] | Poison:
        given = self.args[name]
        return given.value if isinstance(given.value, tuple) else self.wrong(given, "a list")

    def numbers(self) -> list[float] | Poison:
        """The numbers of `min(a, b)` or of `min(list)`; at least one."""
        given = self.rest
        if len(given) == 1 and isinstance(given[0].value, tuple):
            given = tuple(Given(item, given[0].span) for item in given[0].value)
        if not given:
            return self.run.report("E0226", self.span, self.place, function=self.name)
        for item in given:
            if not is_number(item.value):
                return self.wrong(item, "a number")
        return [cast("float", item.value) for item in given]


def _extreme(pick: Callable[[list[float]], float]) -> Callable[[Call], Value]:
    def run(call: Call) -> Value:
        numbers = call.numbers()
        return numbers if isinstance(numbers, Poison) else pick(numbers)

    return run


def _real(function: Callable[[float], float]) -> Callable[[Call], Value]:
    """A function of one number, with its domain's end as an error and its overflow bounded."""

    def run(call: Call) -> Value:
        number = call.number("value")
        if isinstance(number, Poison):
            return number
        try:
            value = function(number)
        except (ValueError, OverflowError):
            return call.run.report(
                "E0210", call.args["value"].span, call.place, what=f"the argument of `{call.name}`", value=number
            )
        return bounded_number(call.run, call.place, value, call.span)

    return run


def _sum(call: Call) -> Value:
    items = call.items("values")
    if isinstance(items, Poison):
        return items
    if not items:
        return 0
    return reduce(lambda a, b: binary(call.run, call.place, BinaryOp.ADD, a, b, call.span), items)


def _len(call: Call) -> Value:
    items = call.items("values")
    return items if isinstance(items, Poison) else len(items)


def _zip(call: Call) -> Value:
    for given in call.rest:
        if not isinstance(given.value, tuple):
            return call.wrong(given, "a list")
    lists = [cast("tuple[Value, ...]", given.value) for given in call.rest]
    length = len(lists) * min(map(len, lists), default=0)
    if length > budget.LIST:
        return too_long(call.run, call.place, call.span, length)
    return tuple(zip(*lists, strict=False))


def _reversed(call: Call) -> Value:
    items = call.items("values")
    return items if isinstance(items, Poison) else items[::-1]


def _sorted_numbers(call: Call) -> list[float] | Poison:
    items = call.items("values")
    if isinstance(items, Poison):
        return items
    for item in items:
        if not is_number(item):
            return call.wrong(Given(item, call.args["values"].span), "a number")
    return sorted(cast("tuple[float, ...]", items))


def _unique(call: Call) -> Value:
    numbers = _sorted_numbers(call)
    return numbers if isinstance(numbers, Poison) else tuple(dict.fromkeys(numbers))


def _counts(call: Call) -> Value:
    numbers = _sorted_numbers(call)
    if isinstance(numbers, Poison):
        return numbers
    tally: dict[float, int] = {}
    for number in numbers:
        tally[number] = tally.get(number, 0) + 1
    return tuple(tally.values())


def _round(call: Call) -> Value:
    number = call.number("value")
    digits = call.number("digits", 0)
    if isinstance(number, Poison) or isinstance(digits, Poison):
        return POISON
    if digits:
        places = whole(digits)
        if places is None:
            return call.wrong(call.args["digits"], "a whole number")
        return round(float(number), max(-20, min(places, 20)))
    return round(number)


def _divisible(call: Call) -> Value:
    """MobileNet's `make_divisible` (timm.layers): the nearest multiple, but not under limit times the value."""
    value, limit = call.number("value"), call.number("limit", 0.9)
    by = want_whole(
        call.run,
        call.place,
        call.value("by", 8),
        call.args["by"].span if "by" in call.args else call.span,
        "`by` of `divisible`",
    )
    if isinstance(value, Poison) or isinstance(limit, Poison) or isinstance(by, Poison):
        return POISON
    least = call.number("min", by)
    if isinstance(least, Poison):
        return POISON
    if by <= 0:
        return call.run.report(
            "E0210", call.args["by"].span, call.place, what="`by` of `divisible`", value=by, minimum=1
        )
    rounded = max(int(least), int(value + by / 2) // by * by)
    if rounded < limit * value:
        rounded += by
    return rounded


def _fits(call: Call) -> Value:
    """Whether two tensors can be added: one channel count and one reduction of the input (see TensorType.stride)."""
    found = []
    for name in ("tensor", "to"):
        given = call.args[name]
        if not isinstance(given.value, Tensor):
            return call.wrong(given, "a tensor")
        if given.value.doubtful:
            return POISON
        found.append(given.value.type)
    left, right = found
    if left.is_image and right.is_image:
        return left.shape[0] == right.shape[0] and left.stride == right.stride
    return left == right


def _any(call: Call) -> Value:
    items = call.items("values")
    return items if isinstance(items, Poison) else any(item is True for item in items)


def _all(call: Call) -> Value:
    items = call.items("values")
    return items if isinstance(items, Poison) else all(item is True for item in items)


_V = ("value",)
_L = ("values",)

_TABLE: Final[tuple[tuple[str, tuple[str, ...], int, bool, str, Callable[[Call], Value]], ...]] = (
    ("min", (), 0, True, "The least of its arguments, or of a list.", _extreme(min)),
    ("max", (), 0, True, "The greatest of its arguments, or of a list.", _extreme(max)),
    ("round", ("value", "digits"), 1, False, "The nearest whole number; halves go to the even one.", _round),
    ("floor", _V, 1, False, "The greatest whole number that is not above.", _real(math.floor)),
    ("ceil", _V, 1, False, "The least whole number that is not below.", _real(math.ceil)),
    ("trunc", _V, 1, False, "The whole part: rounding towards zero, as Python's `int`.", _real(math.trunc)),
    ("abs", _V, 1, False, "The magnitude.", _real(abs)),
    ("log", _V, 1, False, "The natural logarithm.", _real(math.log)),
    ("log2", _V, 1, False, "The logarithm to base 2.", _real(math.log2)),
    ("exp", _V, 1, False, "e to the power of.", _real(math.exp)),
    ("sqrt", _V, 1, False, "The square root.", _real(math.sqrt)),
    ("sum", _L, 1, False, "The sum of a list of numbers, tensors or layers.", _sum),
    ("len", _L, 1, False, "The length of a list.", _len),
    ("zip", (), 0, True, "Lists side by side, up to the end of the shortest.", _zip),
    ("reversed", _L, 1, False, "A list backwards.", _reversed),
    ("unique", _L, 1, False, "The different numbers of a list, in rising order.", _unique),
    ("counts", _L, 1, False, "How often each of `unique(list)` occurs.", _counts),
    ("any", _L, 1, False, "Whether a list holds `true`.", _any),
    ("all", _L, 1, False, "Whether a list holds nothing but `true`.", _all),
    (
        "divisible",
        ("value", "by", "min", "limit"),
        1,
        False,
        "Rounded to a multiple of `by` as MobileNet does.",
        _divisible,
    ),
    (
        "fits",
        ("tensor", "to"),
        2,
        False,
        "Whether two tensors agree in channels and in stride, so that they add.",
        _fits,
    ),
)

BUILTINS: Final = {
    name: Builtin(name, params, required, variadic, doc) for name, params, required, variadic, doc, _ in _TABLE
}
_RUN: Final = {name: run for name, _, _, _, _, run in _TABLE}


def run_builtin(call: Call) -> Value:
    """The value of a call whose arguments are all there and none of them poisoned."""
    value = _RUN[call.name](call)
    for given in (*call.args.values(), *call.rest):
        # What rounds a quotient is asked for: it is whole now. Others keep the division's text.
        if isinstance(given.value, Quotient) and isinstance(value, float) and not isinstance(value, Quotient):
            return Quotient(value, given.value.span)
    return bounded_list(call.run, call.place, value, call.span) if isinstance(value, tuple) else value
