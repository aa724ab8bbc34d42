"""Names on the left of a `let`, a `for` and an `in`."""

from __future__ import annotations

from typing import cast

from resnetdsl.elaborate.run import Context, Run
from resnetdsl.elaborate.values import POISON, Poison, Value, describe, uncertain
from resnetdsl.source import Span
from resnetdsl.syntax import ast


def bind_targets(run: Run, targets: tuple[ast.Target, ...], index: int | Poison, item: Value, context: Context) -> bool:
    """Bind the variables of a loop: one target takes the element, two take index and element."""
    if item is POISON:
        index = POISON
    if len(targets) == 2:
        return bind_target(run, targets[0], index, context) and bind_target(run, targets[1], item, context)
    return bind_target(run, targets[0], item, context)


def bind_target(run: Run, target: ast.Target, value: Value, context: Context) -> bool:
    if target.name is not None:
        bind_name(target.name, value, context)
        return True
    return unpack(run, target.parts, value, target.span, context)


def bind_name(name: str, value: Value, context: Context) -> None:
    context.env.names[name] = value
    if name == "here":  # from here on the name means this, and not the running tensor
        context.env.kept |= {name}


def unpack(run: Run, targets: tuple[ast.Target, ...], value: Value, span: Span, context: Context) -> bool:
    """Take a list apart into as many targets; after a mistake all of them are poisoned."""
    good = isinstance(value, tuple) and len(value) == len(targets)
    if not good and not uncertain(value):
        got = describe(value)
        run.report("E0215", span, context.place, wanted=len(targets), got=got)
    parts = cast("tuple[Value, ...]", value) if good else (POISON,) * len(targets)
    for target, part in zip(targets, parts, strict=True):
        bind_target(run, target, part, context)
    return good
