"""Diagrams: `view` says what to draw of a graph, `to_dot`, `to_svg` and `to_mermaid` draw it."""

from resnetdsl.emit.diagram.dot import to_dot
from resnetdsl.emit.diagram.mermaid import to_mermaid
from resnetdsl.emit.diagram.model import About, Box, BoxKind, Cluster, Skip, Step, Tone, View, Wire, WireKind
from resnetdsl.emit.diagram.opening import UnknownPart
from resnetdsl.emit.diagram.svg import DiagramTooLarge, RenderUnavailable, to_svg
from resnetdsl.emit.diagram.view import view

__all__ = [
    "About",
    "Box",
    "BoxKind",
    "Cluster",
    "DiagramTooLarge",
    "RenderUnavailable",
    "Skip",
    "Step",
    "Tone",
    "UnknownPart",
    "View",
    "Wire",
    "WireKind",
    "to_dot",
    "to_mermaid",
    "to_svg",
    "view",
]
