"""The size that an `input` line states: three whole numbers, or ranges of them."""

from __future__ import annotations

from resnetdsl.elaborate.arguments import want_whole
from resnetdsl.elaborate.run import Context, Run
from resnetdsl.elaborate.values import Poison, contains_poison
from resnetdsl.syntax import ast

Dim = int | tuple[int, int, int]
"""A size, or (low, high, step) with both ends included."""


def dims(run: Run, node: ast.Input, context: Context) -> tuple[Dim, ...] | None:
    """Channels, height and width; None after a mistake."""
    found: list[Dim] = []
    good = True
    for part in node.dims:
        if isinstance(part, ast.Range):
            dim = _range(run, part, context)
            if dim is None:
                good = False
            else:
                found.append(dim)
            continue
        value = run.evaluator(part, context)
        if contains_poison(value):
            good = False
            continue
        for item in value if isinstance(value, tuple) else (value,):
            size = want_whole(run, context.place, item, part.span, "a size of `input`")
            if isinstance(size, Poison):
                good = False
            elif size < 1:
                run.report("E0210", part.span, context.place, what="a size of `input`", value=size, minimum=1)
                good = False
            else:
                found.append(size)
    if good and len(found) != 3:
        wanted, got = "channels, height and width", f"{len(found)} number{'s' if len(found) != 1 else ''}"
        hint = "the batch is free and is not written" if len(found) == 4 else None
        run.report("E0207", node.span, context.place, wanted=wanted, got=got, where="`input`", hint=hint)
        good = False
    if good and not isinstance(found[0], int):
        run.report(
            "E0605",
            node.dims[0].span,
            context.place,
            low=found[0][0],
            high=found[0][1],
            step=found[0][2],
            reason="the channels of the input cannot vary, since the weights of the first layer depend on them",
        )
        good = False
    return tuple(found) if good else None


def _range(run: Run, node: ast.Range, context: Context) -> tuple[int, int, int] | None:
    ends: list[int] = []
    for part in (node.low, node.high, node.step):
        end = (
            1
            if part is None
            else want_whole(run, context.place, run.evaluator(part, context), part.span, "a size of `input`")
        )
        if isinstance(end, Poison):
            return None
        ends.append(end)
    low, high, step = ends
    reason = None
    if low < 1:
        reason = "a size is at least 1"
    elif step < 1:
        reason = "the step must be at least 1"
    elif high < low:
        reason = "it ends before it starts"
    elif (high - low) % step:
        reason = f"steps of {step} from {low} do not arrive at {high}"
    if reason is not None:
        run.report("E0605", node.span, context.place, low=low, high=high, step=step, reason=reason)
        return None
    return low, high, step
