"""The passes in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection

from resnetdsl.compile.lower import (
    across,
    branches,
    chains,
    constants,
    fold_after,
    fold_before,
    left,
    norms,
    parallel,
    standardised,
    training,
)
from resnetdsl.compile.lower.lowered import Lowered, Pass, unlowered
from resnetdsl.ir.graph import CheckedGraph

PASSES: tuple[Pass, ...] = (
    training.PASS,
    constants.PASS,
    standardised.PASS,
    fold_after.PASS,
    fold_before.PASS,
    branches.PASS,
    parallel.PASS,
    across.PASS,
    chains.PASS,
    norms.PASS,
)

UNPAID: tuple[str, ...] = tuple(each.name for each in PASSES if each.unpaid)
"""The passes that are left out unless they are asked for."""

Watch = Callable[[Pass, Lowered], None]


_AGAIN = (fold_after.PASS, fold_before.PASS, branches.PASS)
"""Where branches were merged there is a convolution that may take what the sum could not."""


def lower(graph: CheckedGraph, without: Collection[str] = UNPAID, watch: Watch | None = None) -> Lowered:
    """The graph for inference. `without` names passes to leave out; `watch` sees the result of each.

    What was to be folded and is not is told when all has been tried, whatever is left out.
    """
    lowered = unlowered(graph)
    waiting = [*PASSES]
    while waiting:
        each = waiting.pop(0)
        if each is chains.PASS:
            lowered = left.explained(lowered, each.name)
        if each.name in without:
            continue
        before, lowered = len(lowered.notes), each.apply(lowered)
        if watch is not None:
            watch(each, lowered)
        if each is branches.PASS and any(note.done for note in lowered.notes[before:]):
            waiting = [*_AGAIN, *waiting]
    return lowered
