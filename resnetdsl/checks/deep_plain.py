"""W0905: many weighted layers in a row with no way around any of them (He et al., 2015, figures 1 and 6)."""

from __future__ import annotations

from typing import Final

from resnetdsl.checks.anatomy import Anatomy
from resnetdsl.diagnostics.model import Fact
from resnetdsl.elaborate.run import frames

MOST: Final = 20
"""In the paper 18 and 20 plain layers still gain by depth; 34 and 56 lose."""

_JOINS: Final = frozenset({"add", "subtract", "concat", "maximum", "minimum", "stack"})


def check(anatomy: Anatomy) -> None:
    layers, first = _longest_run(anatomy)
    root = anatomy.graph.scopes[0]
    if layers > MOST and root.call is not None:
        data = {"layers": layers, "path": anatomy.nodes[first].path, "count": 1}
        trail = frames(anatomy.graph.trail(root.id))
        anatomy.network.run.sink.take((Fact("W0905", root.call, data, trail=trail),))


def _longest_run(anatomy: Anatomy) -> tuple[int, int]:
    """The most weighted layers in a row that all of the result depends on: how many, and the first of them.

    What dominates the result has no way around it. A join of ways of different length ends a run: a gradient takes the
    shorter. A depthwise convolution counts as one layer with the 1x1 convolution beside it.
    """
    id = next((output.source.node for output in anatomy.graph.outputs if output.name == "output"), 0)
    best, layers = (0, id), 0
    while id != anatomy.above[id] >= 0:
        if anatomy.op(id) in _JOINS and len({anatomy.longest[operand] for operand in anatomy.operands[id]}) > 1:
            layers = 0
        if anatomy.weighted(id) and not anatomy.depthwise(id):
            layers += 1
            best = max(best, (layers, id), key=lambda run: run[0])
        id = anatomy.above[id]
    return best
