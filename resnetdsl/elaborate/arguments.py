"""Arguments: which parameter each one is for, and the normal form of those of an op."""

from __future__ import annotations

from collections.abc import Mapping

from resnetdsl.elaborate import budget
from resnetdsl.elaborate.habits import HINTS
from resnetdsl.elaborate.meant import nearest
from resnetdsl.elaborate.run import Place, Run
from resnetdsl.elaborate.values import POISON, Given, Poison, Quotient, Value, describe, whole
from resnetdsl.ops.base import REQUIRED, Kind, Param
from resnetdsl.source import Span
from resnetdsl.syntax import ast


def bind(
    run: Run,
    place: Place | None,
    callee: str,
    params: tuple[str, ...],
    arguments: list[tuple[ast.Argument, Value]],
    defined: Span | None = None,
    hidden: tuple[str, ...] = (),
) -> tuple[dict[str, Given], bool]:
    """Sort arguments by parameter. The flag is False after a mistake, which is reported and its argument dropped.

    `hidden` are names accepted by keyword only (`to` of a shortcut).
    """
    also = (("defined", defined),) if defined is not None else ()
    bound: dict[str, Given] = {}
    good = True
    position = 0
    given_count = sum(1 for argument, _ in arguments if argument.name is None)
    for argument, value in arguments:
        name = argument.name
        where = argument.name_span or argument.span
        if name is None:
            if position >= len(params):
                if position == len(params):
                    run.report("E0205", argument.span, place, also, callee=callee, most=len(params), given=given_count)
                good = False
                position += 1
                continue
            name = params[position]
            position += 1
        elif name not in params and name not in hidden:
            run.report(
                "E0203",
                where,
                place,
                also,
                name=name,
                callee=callee,
                suggestion=None if name in HINTS else nearest(name, params + hidden),
                hint=HINTS.get(name),
                accepted=params + hidden,
            )
            good = False
            continue
        if name in bound:
            run.report("E0206", where, place, (("first", bound[name].span),), name=name)
            good = False
            continue
        bound[name] = Given(value, argument.value.span)
    return bound, good


def want_whole(run: Run, place: Place | None, value: Value, span: Span, what: str) -> int | Poison:
    """An int, or a message: at the text of the division that left a remainder, where there is one."""
    if value is POISON:
        return POISON
    found = whole(value)
    if found is not None:
        return found
    if isinstance(value, Quotient):
        return run.report("E0209", value.span, place, (("used", span),), value=float(value), what=what)
    if isinstance(value, float):
        return run.report("E0209", span, place, value=value, what=what)
    return run.report("E0207", span, place, wanted="a whole number", got=describe(value), where=what)


def normalise(run: Run, place: Place | None, callee: str, param: Param, given: Given) -> object:
    """The normal form of an op's argument (see `Kind`), or POISON after a message."""
    value, span = given.value, given.span
    what = f"`{param.name}` of `{callee}`"
    if value is POISON:
        return POISON
    if value is None and param.default is None:
        return None
    match param.kind, value:
        case Kind.INT, _:
            number = want_whole(run, place, value, span, what)
            return number if isinstance(number, Poison) else _bounded(run, place, param, number, span, what)
        case (Kind.BOOL, bool()) | (Kind.TEXT, str()):
            return value
        case ((Kind.CHOICE | Kind.PADDING | Kind.INIT), str()):
            return _choice(run, place, param, value, span, what)
        case ((Kind.SIZE | Kind.PADDING | Kind.INTS), _):
            return _numbers(run, place, param, value, span, what)
        case ((Kind.FLOAT | Kind.INIT), (int() | float())) if not isinstance(value, bool):
            return _bounded(run, place, param, float(value), span, what)
        case _:
            pass
    return run.report("E0207", span, place, wanted=param.kind.value, got=describe(value), where=what)


def _choice(run: Run, place: Place | None, param: Param, value: str, span: Span, what: str) -> object:
    if value in param.choices:
        return value
    return run.report(
        "E0227",
        span,
        place,
        what=what,
        value=value,
        choices=param.choices,
        suggestion=nearest(value, param.choices),
    )


def _numbers(run: Run, place: Place | None, param: Param, value: Value, span: Span, what: str) -> object:
    """Sizes, paddings and lists of whole numbers as tuples."""
    items = value if isinstance(value, tuple) else (value,)
    numbers: list[int] = []
    for item in items:
        number = want_whole(run, place, item, span, what)
        if isinstance(number, Poison):
            return POISON
        checked = _bounded(run, place, param, number, span, what)
        if isinstance(checked, Poison):
            return POISON
        numbers.append(number)
    match param.kind, len(numbers):
        case Kind.INTS, _:
            return tuple(numbers)
        case Kind.SIZE, 1:
            return (numbers[0], numbers[0])
        case Kind.SIZE, 2:
            return tuple(numbers)
        case Kind.PADDING, 1:
            return (numbers[0],) * 4
        case Kind.PADDING, 2:
            return (numbers[0], numbers[0], numbers[1], numbers[1])
        case Kind.PADDING, 4:
            return tuple(numbers)
        case _:
            return run.report(
                "E0207", span, place, wanted=param.kind.value, got=f"a list of {len(numbers)}", where=what
            )


def _bounded(run: Run, place: Place | None, param: Param, value: float, span: Span, what: str) -> object:
    low, high = param.minimum, param.maximum
    if isinstance(value, int) and abs(value) > budget.SIZE:
        low, high = (-budget.SIZE if low is None else low), (budget.SIZE if high is None else high)
    if (low is not None and value < low) or (high is not None and value > high):
        return run.report("E0210", span, place, what=what, value=value, minimum=low, maximum=high)
    return value


def missing(params: tuple[Param, ...], attrs: Mapping[str, object]) -> list[str]:
    return [param.name for param in params if param.default is REQUIRED and param.name not in attrs]
