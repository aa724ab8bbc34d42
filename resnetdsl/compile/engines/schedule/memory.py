"""Which steps may write over an operand: nobody reads it afterwards, and its memory is known to be its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from resnetdsl.compile.engines.schedule.steps import Clamp, Conv, Plain, Step, Unary
from resnetdsl.ir.graph import Graph, Source
from resnetdsl.ops.base import Module
from resnetdsl.ops.registry import OPS

_OWN = {"nn.MaxPool2d", "nn.AvgPool2d"}
"""Modules whose result is memory of its own. What is not known may give a view of its operands: then all of it is."""


class Memory:
    """Where the results of steps may lie, by the steps that allocated it, and the last step that reads from there."""

    def __init__(self, graph: Graph, steps: Sequence[Step]) -> None:
        self._at: dict[Source, frozenset[int]] = {Source(0): frozenset({0})}
        self._last: dict[int, float] = {}
        self._own: set[int] = set()
        self._taken: dict[int, int] = {}
        for place, step in enumerate(steps):
            roots = frozenset({step.node})
            if _allocates(graph, step):
                self._own.add(step.node)
            else:
                roots = roots.union(*(self._at[source] for source in step.inputs))
            self._at |= {Source(step.node, n): roots for n in range(len(graph.node(step.node).outputs))}
            for source in step.inputs:
                self._last |= dict.fromkeys(self._at[source], place)
        for output in graph.outputs:
            self._last |= dict.fromkeys(self._at[output.source], math.inf)

    def reuse(self, place: int, step: Step) -> Step:
        """The step, in place where it can be. To be asked for all steps in their order."""
        match step.what:
            case Conv(adds=True) if self._free(place, step, 1):
                operand = 1
            case Clamp() | Unary() if self._free(place, step, 0):
                operand = 0
            case _:
                return step
        (root,) = self._roots(step.inputs[operand])
        self._taken[step.node] = root
        self._last[root] = max(self._last[root], self._last.get(step.node, place))
        return replace(step, what=replace(step.what, in_place=True))

    def _free(self, place: int, step: Step, operand: int) -> bool:
        roots = self._roots(step.inputs[operand])
        others = [source for at, source in enumerate(step.inputs) if at != operand]
        return (
            len(roots) == 1
            and roots <= self._own
            and all(self._last[root] <= place for root in roots)
            and all(roots.isdisjoint(self._roots(source)) for source in others)
        )

    def _roots(self, source: Source) -> frozenset[int]:
        return frozenset(map(self._root, self._at[source]))

    def _root(self, root: int) -> int:
        while root in self._taken:
            root = self._taken[root]
        return root


def _allocates(graph: Graph, step: Step) -> bool:
    if not isinstance(step.what, Plain):
        return True
    node = graph.node(step.node)
    call = OPS[node.op].call(node.attrs, graph.input_types(node.id))
    return isinstance(call, Module) and call.target in _OWN
