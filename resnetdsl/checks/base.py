"""What a rule is: a function that looks at a network and reports facts. One rule, one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from resnetdsl.diagnostics.model import Fact, Inside
from resnetdsl.elaborate.network import Elaborated
from resnetdsl.elaborate.run import frames
from resnetdsl.ir.graph import Node
from resnetdsl.source import Span

Rule = Callable[[Elaborated], None]


def report(network: Elaborated, code: str, node: Node, **data: object) -> None:
    """A fact about a node, at the text that made it, with the trail that leads there."""
    graph = network.graph
    found = place(network, node)
    if found is not None:
        span, inside = found
        network.run.sink.take((Fact(code, span, data, trail=frames(graph.trail(node.scope)), inside=inside),))


def report_places(network: Elaborated, code: str, found: Iterable[tuple[Node, Mapping[str, object]]]) -> None:
    """One fact for each text that made such nodes, at the first of them, with their number.

    A block's text is applied a hundred times, and its reader has one thing to change.
    """
    places: dict[tuple[int, int, int], tuple[Node, Mapping[str, object]]] = {}
    counts: dict[tuple[int, int, int], int] = {}
    for node, data in found:
        at = place(network, node)
        if at is not None:
            key = (id(at[0].file), at[0].start, at[0].end)
            places.setdefault(key, (node, data))
            counts[key] = counts.get(key, 0) + 1
    for key, (node, data) in places.items():
        report(network, code, node, **{"path": node.path, "count": counts[key], **data})


def place(network: Elaborated, node: Node) -> tuple[Span, Inside | None] | None:
    """The text that made a node: of a node of the library the call that asked for it, which its reader can change."""
    span = node.span or network.graph.scopes[node.scope].call
    return None if span is None else network.run.blame.asked(span, node.scope)
