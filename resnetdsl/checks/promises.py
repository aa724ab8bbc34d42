"""E0601: an `expect` line that does not hold; E0225: one about a property that nothing has."""

from __future__ import annotations

from resnetdsl.analysis.metrics import METRICS, Metric, metrics
from resnetdsl.elaborate.meant import nearest
from resnetdsl.elaborate.network import Elaborated
from resnetdsl.elaborate.operators import is_number, numeric
from resnetdsl.elaborate.run import Promise
from resnetdsl.elaborate.values import Poison, Value, describe
from resnetdsl.syntax import ast


def check(network: Elaborated) -> None:
    if not network.promises:
        return
    known = metrics(network.graph)
    for promise in network.promises:
        metric = promise.expectation.metric
        if metric not in METRICS:
            span, names = promise.expectation.metric_span, tuple(METRICS)
            network.run.report("E0225", span, metric=metric, suggestion=nearest(metric, names), accepted=names)
        else:
            _compare(network, promise, known[metric])


def _compare(network: Elaborated, promise: Promise, actual: Metric) -> None:
    expectation, run = promise.expectation, network.run
    layers = len(network.graph)
    expected = run.evaluator(expectation.value, promise.context)
    if len(network.graph) > layers:  # a promise about the network is no part of it
        run.report("E0220", expectation.value.span, what="a layer", where="in an expectation")
        return
    if isinstance(expected, Poison):
        return
    if isinstance(actual, tuple):
        if not isinstance(expected, tuple):
            expected = (expected,)
        if any(not is_number(item) for item in expected):
            _wrong_kind(network, promise, expected)
            return
        equality = expectation.op in (ast.BinaryOp.EQUAL, ast.BinaryOp.NOT_EQUAL)
        if not equality:
            run.report("E0211", expectation.span, op=expectation.op.value, left="a shape", right=describe(expected))
        elif (actual == expected) is not (expectation.op is ast.BinaryOp.EQUAL):
            _failed(network, promise, "x".join(map(str, expected)), "x".join(map(str, actual)), None)
        return
    if isinstance(expected, bool) or not isinstance(expected, int | float):
        _wrong_kind(network, promise, expected)
        return
    tolerance = expectation.value.tolerance if isinstance(expectation.value, ast.Number) else 0.0
    if not _holds(network, expectation, actual, expected, tolerance):
        difference = _difference(actual, expected) if expectation.op is ast.BinaryOp.EQUAL else None
        _failed(network, promise, expected, actual, difference)


def _holds(network: Elaborated, expectation: ast.Expectation, actual: int, expected: float, tolerance: float) -> bool:
    """Whether the comparison holds; a number such as `4.1G` stands for all that rounds to it."""
    near = abs(actual - expected) <= tolerance
    match expectation.op:
        case ast.BinaryOp.EQUAL:
            return near
        case ast.BinaryOp.NOT_EQUAL:
            return not near
        case ast.BinaryOp.LESS_EQUAL | ast.BinaryOp.GREATER_EQUAL if near:
            return True
        case op:
            return numeric(network.run, None, op, actual, expected, expectation.span) is True


def _difference(actual: int, expected: float) -> str:
    more = actual - expected
    relative = f" ({abs(more) / abs(expected):.2%})" if expected else ""
    return f"{abs(more):,.10g} {'more' if more > 0 else 'fewer'} than expected{relative}"


def _failed(network: Elaborated, promise: Promise, expected: object, actual: object, difference: str | None) -> None:
    expectation = promise.expectation
    network.run.report(
        "E0601",
        expectation.span,
        metric=expectation.metric,
        op=expectation.op.value,
        expected=expected,
        actual=actual,
        difference=difference,
    )


def _wrong_kind(network: Elaborated, promise: Promise, expected: Value) -> None:
    span = promise.expectation.value.span
    network.run.report("E0207", span, wanted="a number", got=describe(expected), where="an expectation")
