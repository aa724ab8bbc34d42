"""The shapes and costs of the layers that a place of the text makes, over all networks that reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from resnetdsl.analysis.costs import Cost, Totals
from resnetdsl.emit.words import human
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.lsp.document import Document
from resnetdsl.source import Span

_MOST = 6
"""Rows that are worth a glance."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a text makes in one network: the shapes that it gives, in order, and what all of it costs."""

    network: str
    shapes: tuple[str, ...]
    totals: Totals


def made_at(document: Document, offset: int) -> tuple[Span, list[Made]] | None:
    """The smallest text around a place that makes layers, and what it makes in each network."""
    spans = [span for graph in document.graphs.values() for span in _spans(graph) if _holds(document, span, offset)]
    if not spans:
        return None
    span = min(spans, key=lambda each: each.end - each.start)
    return span, made_by(document, span)


def made_by(document: Document, span: Span) -> list[Made]:
    """What exactly this text makes."""
    named = document.graphs.items()
    return [made for name, graph in named if (made := _made(name, graph, document.costs[name], span)) is not None]


def table(found: list[Made]) -> str:
    """As Markdown. Networks for which it is the same are one row."""
    rows: dict[tuple[str, int, int], list[str]] = {}
    for each in found:
        key = (shapes(each.shapes), each.totals.params, each.totals.macs)
        rows.setdefault(key, []).append(each.network)
    lines = ["| network | output | params | MACs |", "| --- | --- | ---: | ---: |"]
    for (text, params, macs), networks in list(rows.items())[:_MOST]:
        more = f" and {len(networks) - 1} more" if len(networks) > 1 else ""
        lines.append(f"| {networks[0]}{more} | {text} | {human(params)} | {human(macs)} |")
    if len(rows) > _MOST:
        lines.append(f"| {len(rows) - _MOST} more | | | |")
    return "\n".join(lines)


def shapes(found: tuple[str, ...]) -> str:
    """`64x56x56`, or `64x56x56 ... 512x7x7` where a text makes several layers."""
    return found[0] if len(set(found)) == 1 else f"{found[0]} ... {found[-1]}"


def _spans(graph: CheckedGraph) -> Iterator[Span]:
    yield from (node.span for node in graph.nodes() if node.span is not None)
    yield from (scope.call for scope in graph.scopes if scope.call is not None)


def _holds(document: Document, span: Span, offset: int) -> bool:
    return span.file is document.file and span.start <= offset <= span.end


def _made(network: str, graph: CheckedGraph, costs: Mapping[int, Cost], span: Span) -> Made | None:
    """The layers of this text: ops that are written here, and all that is in what it calls."""
    within = {scope.id for scope in graph.scopes if scope.call == span}
    parents = {scope.id: scope.parent for scope in graph.scopes}
    last: dict[int, str] = {}
    totals = Totals()
    for node in graph.nodes():
        scope: int | None = node.scope
        while scope is not None and scope not in within:
            scope = parents[scope]
        if node.span != span and scope is None:
            continue
        totals = totals.plus(costs[node.id])
        # A call gives what its last layer gives, as a linear layer does whose image had to be flattened before it.
        if scope is None:
            last.pop(node.id - 1, None)
        last[node.id if scope is None else -1 - scope] = ", ".join(map(str, node.outputs))
    return Made(network, tuple(last.values()), totals) if last else None
