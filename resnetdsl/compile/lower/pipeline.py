"""The passes in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection

from resnetdsl.compile.lower import branches, fold_after, fold_before, norms, parallel, standardised, training
from resnetdsl.compile.lower.lowered import Lowered, Pass, unlowered
from resnetdsl.ir.graph import CheckedGraph

PASSES: tuple[Pass, ...] = (
    training.PASS,
    standardised.PASS,
    fold_after.PASS,
    fold_before.PASS,
    branches.PASS,
    parallel.PASS,
    norms.PASS,
)

Watch = Callable[[Pass, Lowered], None]


def lower(graph: CheckedGraph, without: Collection[str] = (), watch: Watch | None = None) -> Lowered:
    """The graph for inference. `without` names passes to leave out; `watch` sees the result of each."""
    lowered = unlowered(graph)
    for each in PASSES:
        if each.name not in without:
            lowered = each.apply(lowered)
            if watch is not None:
                watch(each, lowered)
    return lowered
