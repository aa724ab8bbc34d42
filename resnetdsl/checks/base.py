"""What a rule is: a function that looks at a network and reports facts. One rule, one file."""

from __future__ import annotations

from collections.abc import Callable

from resnetdsl.diagnostics.model import Fact
from resnetdsl.elaborate.network import Elaborated
from resnetdsl.elaborate.run import frames
from resnetdsl.ir.graph import Node

Rule = Callable[[Elaborated], None]


def report(network: Elaborated, code: str, node: Node, **data: object) -> None:
    """A fact about a node, at the text that made it, with the trail that leads there."""
    graph = network.graph
    span = node.span or graph.scopes[node.scope].call
    if span is not None:
        network.run.sink.take((Fact(code, span, data, trail=frames(graph.trail(node.scope))),))
