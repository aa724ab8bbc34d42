"""The wires between boxes: an edge of the graph, or a shortcut that is drawn as one."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from resnetdsl.emit.diagram.captions import shape
from resnetdsl.emit.diagram.model import Box, BoxKind, Wire, WireKind
from resnetdsl.emit.diagram.residuals import Residual
from resnetdsl.ir.graph import Graph, Node, Source


@dataclass(slots=True)
class Wiring:
    """`home` is the box of each node that has one; the others are part of a wire. See `view._Maker` for the rest."""

    graph: Graph
    boxes: list[Box]
    home: Mapping[int, int]
    copied: Set[int]
    residuals: Mapping[int, Residual]
    around: Mapping[int, list[Source]]
    explicit: Set[int]
    ports: bool
    """Whether a box that reads a tensor twice has two wires for it."""

    def wires(self) -> list[Wire]:
        """All wires, in the order of the nodes that they lead to."""
        found: dict[tuple[int, int, WireKind, str, int], Wire] = {}
        shaped: set[int] = set()
        received = self._received()
        shortcuts = {node: residual for residual in self.residuals.values() for node in residual.nodes}

        def draw(source: Source, target: int, kind: WireKind, label: str, port: int = 0) -> None:
            for origin in self._origins(source):
                start = self.home[origin.node]
                key = (start, target, kind, label, port)
                if start == target or key in found:
                    continue
                text = shape(self.graph.type(origin))
                # A result has its shape in its box.
                tells = kind is WireKind.MAIN and self.boxes[target].kind is not BoxKind.RESULT
                changed = tells and start not in shaped and received.get(start) != text
                if changed:
                    shaped.add(start)
                found[key] = Wire(start, target, kind, label, text if changed else "")

        for node in self.graph.nodes():
            if node.id in self.copied or node.id not in self.home:
                continue
            target = self.home[node.id]
            residual = self.residuals.get(node.id)
            for port, source in enumerate(self.graph.inputs(node.id)):
                kind, label = self._style(node, port, shortcuts.get(node.id))
                if residual is not None and port == residual.port and node.id in self.around:
                    for outside in self.around[node.id]:
                        draw(outside, target, kind, label)
                else:
                    draw(source, target, kind, label, port if self.ports else 0)
        first = len(self.boxes) - len(self.graph.outputs)
        for number, output in enumerate(self.graph.outputs):
            draw(output.source, first + number, WireKind.MAIN, "")
        return list(found.values())

    def _style(self, node: Node, port: int, inside: Residual | None) -> tuple[WireKind, str]:
        """How the wire into a port is drawn. Where a shortcut's ops have boxes, all wires on its way are dotted."""
        residual = self.residuals.get(node.id)
        if residual is not None and self.boxes[self.home[node.id]].kind is not BoxKind.MERGE:
            return WireKind.MAIN, ""
        if residual is not None and port == residual.port:
            kind = WireKind.PROJECTION if residual.label else WireKind.IDENTITY
            return kind, "" if node.id in self.explicit else residual.label  # its boxes tell what it is
        if inside is not None and inside.merge in self.explicit:
            return (WireKind.PROJECTION if inside.label else WireKind.IDENTITY), ""
        return WireKind.MAIN, ""

    def _origins(self, source: Source) -> list[Source]:
        """The tensors of boxes that a tensor is passed on from."""
        if source.node in self.home:
            return [source]
        found = [origin for before in self.graph.inputs(source.node) for origin in self._origins(before)]
        return list(dict.fromkeys(found))

    def _received(self) -> dict[int, str]:
        """The shape of the first tensor that comes to each box from another; the input's own shape is in its box."""
        found: dict[int, str] = {}
        for node in self.graph.nodes():
            at = self.home.get(node.id)
            if at is None or at in found:
                continue
            if self.boxes[at].kind is BoxKind.INPUT:
                found[at] = shape(node.outputs[0])
                continue
            for source in self.graph.inputs(node.id):
                for origin in self._origins(source):
                    if self.home[origin.node] != at:
                        found.setdefault(at, shape(self.graph.type(origin)))
        return found
