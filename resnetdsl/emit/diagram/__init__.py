"""Diagrams: `view` says what to draw of a graph, `to_dot`, `to_svg` and `to_mermaid` draw it."""

from resnetdsl.emit.diagram.dot import to_dot
from resnetdsl.emit.diagram.mermaid import to_mermaid
from resnetdsl.emit.diagram.model import Box, BoxKind, Cluster, Tone, View, Wire, WireKind
from resnetdsl.emit.diagram.svg import DiagramTooLarge, RenderUnavailable, to_svg
from resnetdsl.emit.diagram.view import view

__all__ = [
    "Box",
    "BoxKind",
    "Cluster",
    "DiagramTooLarge",
    "RenderUnavailable",
    "Tone",
    "View",
    "Wire",
    "WireKind",
    "to_dot",
    "to_mermaid",
    "to_svg",
    "view",
]
