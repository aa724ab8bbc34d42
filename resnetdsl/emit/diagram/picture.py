"""A picture as data: shapes and texts on a page, in points from the top left. Every format draws the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from resnetdsl.emit.diagram.metrics import ASCENT, DESCENT

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ink:
    """How a shape is filled and drawn. Colours are `#rrggbb`; `dash` is lengths of stroke and gap with round ends."""

    fill: str | None = None
    stroke: str | None = None
    width: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    radius: float
    ink: Ink


@dataclass(frozen=True, slots=True)
class Circle:
    x: float
    y: float
    radius: float
    ink: Ink


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of pieces, each straight (its end) or a cubic Bézier (two control points and its end)."""

    start: Point
    pieces: tuple[tuple[Point, ...], ...]
    ink: Ink
    closed: bool = False

    def points(self) -> Iterator[Point]:
        yield self.start
        for piece in self.pieces:
            yield from piece


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `x` is its start, middle or end by `anchor`, `y` its base line, `width` what was measured."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    width: float
    anchor: str = "middle"
    bold: bool = False


Shape = Rect | Circle | Curve | Text


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that are one thing: a node, an edge, a cluster. `note` is what hovering over it tells."""

    id: str
    classes: str
    shapes: tuple[Shape, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    title: str
    doc: str
    width: float
    height: float
    page: str | None
    groups: tuple[Group, ...]

    def shapes(self) -> Iterator[Shape]:
        for group in self.groups:
            yield from group.shapes


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    """A shape at another place."""
    match shape:
        case Curve(start=start, pieces=pieces):
            return replace(
                shape,
                start=(start[0] + dx, start[1] + dy),
                pieces=tuple(tuple((x + dx, y + dy) for x, y in piece) for piece in pieces),
            )
        case Rect() | Circle() | Text():
            return replace(shape, x=shape.x + dx, y=shape.y + dy)


def bounds(shape: Shape) -> tuple[float, float, float, float]:
    """Left, top, right and bottom."""
    match shape:
        case Rect(x=x, y=y, width=width, height=height):
            return x, y, x + width, y + height
        case Circle(x=x, y=y, radius=radius):
            return x - radius, y - radius, x + radius, y + radius
        case Curve():
            xs, ys = zip(*shape.points(), strict=True)
            return min(xs), min(ys), max(xs), max(ys)
        case Text(x=x, y=y, size=size, width=width, anchor=anchor):
            left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
            return left, y - ASCENT * size, left + width, y + DESCENT * size


def page(
    title: str, doc: str, groups: tuple[Group, ...], colour: str | None, margin: float = 6, least: float = 0
) -> Picture:
    """Groups on a page that just holds them."""
    edges = [bounds(shape) for group in groups for shape in group.shapes] or [(0.0, 0.0, 0.0, 0.0)]
    left, top = min(edge[0] for edge in edges), min(edge[1] for edge in edges)
    width = max(edge[2] for edge in edges) - left
    space = max(0.0, least - width) / 2
    dx, dy = margin + space - left, margin - top
    shown = tuple(replace(group, shapes=tuple(moved(shape, dx, dy) for shape in group.shapes)) for group in groups)
    height = max(edge[3] for edge in edges) - top
    # Whole points: a PNG would round them, and the rest of the last one would be cut.
    return Picture(title, doc, ceil(width + 2 * (margin + space)), ceil(height + 2 * margin), colour, shown)
