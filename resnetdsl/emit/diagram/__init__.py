"""Diagrams: `view` says what to draw of a graph, `draw` lays it out as a picture, `to_svg` and others write that."""

from resnetdsl.emit.diagram.dot import to_dot
from resnetdsl.emit.diagram.draw import draw
from resnetdsl.emit.diagram.engine import RenderUnavailable
from resnetdsl.emit.diagram.layout import DiagramTooLarge
from resnetdsl.emit.diagram.mermaid import to_mermaid
from resnetdsl.emit.diagram.model import About, Box, BoxKind, Cluster, Skip, Step, Tone, View, Wire, WireKind
from resnetdsl.emit.diagram.opening import UnknownPart
from resnetdsl.emit.diagram.picture import Picture
from resnetdsl.emit.diagram.png import to_png
from resnetdsl.emit.diagram.sizes import Direction
from resnetdsl.emit.diagram.svg import to_svg
from resnetdsl.emit.diagram.theme import Theme, ThemeError, find_theme, shipped_themes
from resnetdsl.emit.diagram.view import view

__all__ = [
    "About",
    "Box",
    "BoxKind",
    "Cluster",
    "DiagramTooLarge",
    "Direction",
    "Picture",
    "RenderUnavailable",
    "Skip",
    "Step",
    "Theme",
    "ThemeError",
    "Tone",
    "UnknownPart",
    "View",
    "Wire",
    "WireKind",
    "draw",
    "find_theme",
    "shipped_themes",
    "to_dot",
    "to_mermaid",
    "to_png",
    "to_svg",
    "view",
]
