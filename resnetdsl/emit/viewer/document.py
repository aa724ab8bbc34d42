"""A checked network as the plain data that the viewer's page carries: its nodes, scopes, items and spec text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePath

from resnetdsl.analysis.costs import costs, depth, totals
from resnetdsl.analysis.memory import memory
from resnetdsl.analysis.receptive_field import network_field, receptive_fields
from resnetdsl.emit.diagram.captions import caption, shape
from resnetdsl.emit.diagram.opening import opening
from resnetdsl.emit.outline import Level, outline
from resnetdsl.emit.viewer.tree import Item, tree
from resnetdsl.emit.words import printable
from resnetdsl.ir.graph import CheckedGraph, Node, Scope, Value
from resnetdsl.source import SourceFile, Span

SCHEMA = 1

Plain = dict[str, object]


def document(graph: CheckedGraph, level: Level = Level.STAGE, opened: Iterable[str] = ()) -> Plain:
    """What the page knows of a network. Numbers are exact, memory counts 32-bit elements and a batch of one.

    It opens to a level, and beyond it the parts of these paths. Raises UnknownPart for a path that no part has.
    """
    more = opening(graph, outline(graph), level, opened, {})
    return {**_Document(graph).whole(level), "open": sorted(more.asked | more.around)}


class _Document:
    def __init__(self, graph: CheckedGraph) -> None:
        self.graph = graph
        self.costs = costs(graph)
        self.memory = memory(graph)
        self.fields = receptive_fields(graph)
        self.files: dict[int, tuple[int, SourceFile]] = {}
        self.kinds: dict[tuple[str, str], int] = {}
        self.shapes: dict[str, int] = {}

    def whole(self, level: Level) -> Plain:
        graph = self.graph
        items, residuals = tree(graph, self.costs)
        sums = totals(graph)
        nodes = [self.node(node) for node in graph.nodes()]
        scopes = [self.scope(scope) for scope in graph.scopes]
        return {
            "schema": SCHEMA,
            "network": printable(graph.name),
            "doc": graph.doc,
            "level": list(Level).index(level),
            "totals": {
                "params": sums.params,
                "buffers": sums.buffers,
                "macs": sums.macs,
                "memory": self.memory.training,
                "peak": self.memory.peak,
                "peak_at": printable(graph.node(self.memory.peak_node).path) if len(graph) else "",
                "depth": depth(graph, self.costs),
                "field": str(network_field(graph, self.fields)),
            },
            "outputs": [[printable(output.name), output.source.node, output.source.output] for output in graph.outputs],
            "kinds": [[op, *json.loads(attrs)] for op, attrs in self.kinds],
            "shapes": list(self.shapes),
            "nodes": nodes,
            "scopes": scopes,
            "residuals": [
                [each.merge, each.port, printable(each.label), sorted(each.nodes)] for each in residuals.values()
            ],
            "items": [_item(item) for item in items],
            "files": [[_shown_name(file.name), file.text] for _, file in self.files.values()],
        }

    def node(self, node: Node) -> list[object]:
        """kind, path, scope, outputs, params, buffers, MACs, bytes, field, span, inputs (node and output in turn)."""
        cost = self.costs[node.id]
        inputs = [number for source in self.graph.inputs(node.id) for number in (source.node, source.output)]
        return [
            self.kind(node),
            printable(node.path),
            node.scope,
            [self.shapes.setdefault(shape(kind), len(self.shapes)) for kind in node.outputs],
            cost.params,
            cost.buffers,
            cost.macs,
            self.memory.written[node.id],
            str(self.fields[node.id]),
            self.span(node.span),
            inputs,
        ]

    def kind(self, node: Node) -> int:
        attrs = [[name, _value(value)] for name, value in node.attrs.items()]
        key = node.op, json.dumps([caption(node), attrs])
        return self.kinds.setdefault(key, len(self.kinds))

    def scope(self, scope: Scope) -> list[object]:
        """parent, kind, name, path, call, definition, index, count, documentation."""
        return [
            scope.parent,
            scope.kind.value,
            printable(scope.name),
            printable(scope.path),
            self.span(scope.call),
            self.span(scope.definition),
            scope.index,
            scope.count,
            scope.doc,
        ]

    def span(self, span: Span | None) -> list[int] | None:
        """The file's number, start and end in code points."""
        if span is None:
            return None
        number, _ = self.files.setdefault(id(span.file), (len(self.files), span.file))
        return [number, span.start, span.end]


def _item(item: Item) -> Plain:
    """Short keys: there are thousands of these."""
    found: Plain = {"k": item.kind.value, "t": item.title, "n": item.nodes, "c": item.tone.value, "o": item.opens}
    if item.detail:
        found["d"] = item.detail
    if item.scope is not None:
        found["s"] = item.scope
    if item.items:
        found["i"] = [_item(each) for each in item.items]
    if item.split is not None:
        split = item.split
        found["x"] = {
            "merge": split.residual.merge,
            "after": sorted(split.after),
            "reads": [[source.node, source.output] for source in split.reads],
        }
    return found


def _value(value: Value) -> str:
    """An attribute as one writes it in a spec."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case tuple():
            flat = all(isinstance(each, int) and not isinstance(each, bool) for each in value)
            texts = [_value(each) for each in value]
            return "x".join(texts) if flat and len(texts) == 2 else f"[{', '.join(texts)}]"
        case float():
            return f"{value:.12g}"
        case _:
            return printable(str(value))


def _shown_name(name: str) -> str:
    """A file's name without the folders of the machine it stands on."""
    path = PurePath(name)
    return printable(path.name if path.is_absolute() else name)
