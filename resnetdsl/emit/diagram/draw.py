"""A view, laid out, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from resnetdsl.emit.diagram.arrows import DOTS, HEAD, arrow
from resnetdsl.emit.diagram.boxes import BoxArtist
from resnetdsl.emit.diagram.captions import note
from resnetdsl.emit.diagram.dot import OUTER
from resnetdsl.emit.diagram.engine import Engine
from resnetdsl.emit.diagram.frames import Grown
from resnetdsl.emit.diagram.layout import Course, Layout, layout
from resnetdsl.emit.diagram.metrics import ASCENT, CAPITAL, text_width
from resnetdsl.emit.diagram.model import Box, Cluster, Mark, View, Wire, WireKind
from resnetdsl.emit.diagram.picture import Group, Ink, Picture, Point, Rect, Shape, Text, bounds, page
from resnetdsl.emit.diagram.routes import Edges, Route, Router, along
from resnetdsl.emit.diagram.sizes import (
    FRAME,
    STACK,
    WIRE,
    Direction,
    body,
    titled,
)
from resnetdsl.emit.diagram.theme import Theme, Tint, shipped_theme
from resnetdsl.emit.diagram.under import captions

_WIRE, _SHORTCUT = 1.0, 1.6
_STRIP = 64.0


def draw(
    view: View,
    theme: Theme | None = None,
    direction: Direction = Direction.DOWN,
    engine: Engine = "wasm",
    *,
    caption: bool = True,
) -> Picture:
    """The picture of a view. Raises DiagramTooLarge and RenderUnavailable."""
    theme = theme or shipped_theme("light")
    groups = parts(view, layout(view, direction, engine), theme, direction)
    if caption:
        groups = (*groups, captions(groups, [(view.title, True), (view.doc, False)], theme))
    return page(view.title, view.doc, groups, theme.page)


def parts(view: View, found: Layout, theme: Theme, direction: Direction) -> tuple[Group, ...]:
    """What is drawn of a view, in the order of drawing: frames, wires, boxes."""
    artist = _Artist(view, found, theme, direction)
    frames = [artist.frame(cluster) for cluster in view.clusters]
    wires = [artist.wire(number, wire) for number, wire in enumerate(view.wires)]
    boxes = [artist.box(box) for box in view.boxes]
    return (*frames, *wires, *boxes)


@dataclass(slots=True)
class _Artist:
    view: View
    found: Layout
    theme: Theme
    direction: Direction
    bodies: Mapping[int, Edges] = field(init=False)
    routes: dict[int, Route] = field(init=False)
    """The ways that are not Graphviz's, by the number of the wire."""
    ways: list[Route] = field(init=False)
    frames: dict[int, Edges] = field(init=False)
    titles: dict[int, float] = field(init=False)
    """Where the titles of the frames begin."""
    from_left: set[int] = field(init=False)
    """The boxes that a wire comes into at the left."""
    taken: dict[int, list[Edges]] = field(init=False)
    """Where no label of a wire may stand, in strips across the picture."""
    labelled: list[Edges] = field(init=False)
    """Where no label of a way of Graphviz's may stand, which has no room made for it."""

    def __post_init__(self) -> None:
        self.bodies = {box.id: self._body(box) for box in self.view.boxes}
        self.routes = Router(self.view, self.bodies, self.direction).routes()
        self.ways = [
            self.routes.get(number) or self._as_laid_out(wire, self.found.wires[number])
            for number, wire in enumerate(self.view.wires)
        ]
        grown = Grown(self.view, self.bodies, self.found.frames, self.routes, self.direction)
        self.frames = grown.edges()
        self.titles = {cluster.id: grown.title(cluster, self.frames[cluster.id]) for cluster in self.view.clusters}
        self.from_left = {
            target
            for number, route in self.routes.items()
            if route.tip[0] <= self.bodies[target := self.view.wires[number].target][0]
        }
        self.taken = self._taken()
        free = any(wire.label and number not in self.routes for number, wire in enumerate(self.view.wires))
        self.labelled = self._texts() if free else []

    def _body(self, box: Box) -> Edges:
        (x, y), (width, height) = self.found.boxes[box.id], body(box)
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2

    # --- frames ---

    def frame(self, cluster: Cluster) -> Group:
        left, top, right, bottom = self.frames[cluster.id]
        outer = cluster.style in OUTER
        tint = self.theme.frame if outer else self.theme.block
        if cluster.mark in (Mark.ADDED, Mark.REMOVED):
            tint = Tint(tint.fill, getattr(self.theme, cluster.mark.value).line)
        dash = () if outer or cluster.copies > 1 else (0.1, 3.0)
        shapes: list[Shape] = []
        if cluster.copies > 1:
            shapes.append(Rect(left + STACK, top + STACK, right - left, bottom - top, 6, Ink(tint.fill, tint.line)))
        shapes.append(Rect(left, top, right - left, bottom - top, 6, Ink(tint.fill, tint.line, 1.0, dash)))
        bold = outer or cluster.copies > 1
        title = titled(cluster.title, cluster.copies)
        colour = self.theme.ink if bold else self.theme.faint
        width = text_width(title, FRAME, bold)
        shapes.append(
            Text(self.titles[cluster.id], top + 5 + FRAME * ASCENT, title, FRAME, colour, width, "start", bold)
        )
        return Group(f"c{cluster.id}", f"cluster {cluster.style}", tuple(shapes), note(cluster.about))

    def box(self, box: Box) -> Group:
        artist = BoxArtist(self.theme, self.direction, self.view.marked)
        shapes = artist.shapes(box, self.bodies[box.id], from_left=box.id in self.from_left)
        return Group(f"n{box.id}", f"node {box.kind.value} {box.tone.value}", shapes, note(box.about))

    # --- wires ---

    def wire(self, number: int, wire: Wire) -> Group:
        colour = {
            WireKind.MAIN: self.theme.wire,
            WireKind.IDENTITY: self.theme.identity,
            WireKind.PROJECTION: self.theme.projection,
        }[wire.kind]
        width = _WIRE if wire.kind is WireKind.MAIN else _SHORTCUT
        dash = DOTS if wire.kind is WireKind.PROJECTION else ()
        route = self.ways[number]
        shapes = arrow(route.start, route.pieces, route.tip, Ink(None, colour, width, dash))
        if wire.label:
            shapes.append(self._label(number, wire.label, colour))
        if wire.shape:
            shapes.append(self._shape_label(wire, route.start))
        return Group(f"e{number}", f"edge {wire.kind.value}", tuple(shapes), wire.label)

    def _as_laid_out(self, wire: Wire, course: Course) -> Route:
        """Graphviz's course, up to the boxes: Graphviz's own have room for what stands beside them, too."""
        points = [*course.points[:-1], course.tip]
        box = self.view.boxes[wire.source]
        behind = STACK if box.copies > 1 else 0.0
        left, top, right, bottom = self.bodies[wire.source]
        points[0] = _at_edge(points[0], (left, top, right + behind, bottom + behind))
        points[-1] = _at_edge(points[-1], self.bodies[wire.target])
        x, y = course.label or points[len(points) // 2]
        return Route(points[0], _pieces(points), points[-1], (x, y + WIRE * CAPITAL / 2), "middle")

    def _label(self, number: int, label: str, colour: str) -> Text:
        """Where its way has room for it; on a way of Graphviz's beside the first point at which none stands yet."""
        route, width = self.ways[number], text_width(label, WIRE)
        usual = Text(*route.label, label, WIRE, colour, width, route.anchor)
        if number in self.routes:
            return usual
        others = (
            Text(edges[at] + aside, edges[3] + WIRE * CAPITAL / 2, label, WIRE, colour, width, anchor)
            for edges in reversed(along(route.start, route.pieces))
            for at, aside, anchor in ((2, 3.0, "start"), (0, -3.0, "end"))
        )
        free = (text for text in (usual, *others) if not any(_overlap(bounds(text), edges) for edges in self.labelled))
        text = next(free, usual)
        self.labelled.append(bounds(text))
        return text

    def _shape_label(self, wire: Wire, start: Point) -> Text:
        """Beside the wire, where it leaves its box and nothing is in the way."""
        (x, y), width, (to_left, to_top, _, _) = start, text_width(wire.shape, WIRE), self.bodies[wire.target]
        high = WIRE * CAPITAL
        texts = []
        if self.direction is Direction.DOWN:
            end = max(to_top - 2, y + high + 4)
            texts = [
                Text(x + aside, base, wire.shape, WIRE, self.theme.faint, width, anchor)
                for aside, anchor in ((-4, "end"), (4, "start"))
                for base in _between(y + high + 2, end, min((y + end - HEAD + high) / 2, y + 13))
            ]
        else:
            end = max(to_left - HEAD, x + width + 4)
            texts = [
                Text(left, base, wire.shape, WIRE, self.theme.faint, width, "start")
                for base in (y - 4, y + 4 + high)
                for left in _between(x + 2, end - width, min((x + end - width) / 2, x + 6))
            ]
        text = next((text for text in texts if self._is_free(bounds(text))), texts[0])
        _occupy(self.taken, [bounds(text)])
        return text

    def _is_free(self, place: Edges) -> bool:
        return not any(_overlap(place, edges) for strip in _strips(place) for edges in self.taken.get(strip, ()))

    def _texts(self) -> list[Edges]:
        """What is written at boxes, and the edges of frames."""
        texts = [shape for box in self.view.boxes for shape in self.box(box).shapes if isinstance(shape, Text)]
        return [*map(bounds, texts), *(edge for frame in self.frames.values() for edge in _sides(frame))]

    def _taken(self) -> dict[int, list[Edges]]:
        """Boxes, edges and titles of frames, wires."""
        found = list(self.bodies.values())
        for cluster in self.view.clusters:
            top = self.frames[cluster.id][1]
            width = text_width(titled(cluster.title, cluster.copies), FRAME, bold=True)
            found += _sides(self.frames[cluster.id])
            start = self.titles[cluster.id]
            found.append((start - 2, top, start + width + 2, top + 5 + FRAME))
        for way in self.ways:
            found += along(way.start, way.pieces)
        strips: dict[int, list[Edges]] = {}
        _occupy(strips, found)
        return strips


def _occupy(strips: dict[int, list[Edges]], places: list[Edges]) -> None:
    for edges in places:
        for strip in _strips(edges):
            strips.setdefault(strip, []).append(edges)


def _strips(edges: Edges) -> range:
    """The numbers of the strips that something reaches into."""
    return range(int(edges[1] // _STRIP), int(edges[3] // _STRIP) + 1)


def _between(first: float, last: float, best: float) -> list[float]:
    """Places from `first` to `last`, in steps, the nearest to the best one first."""
    places = [first + 2 * step for step in range(int(max(0.0, last - first) / 2) + 1)]
    return sorted([*places, best], key=lambda place: abs(place - best))


def _sides(frame: Edges) -> list[Edges]:
    """Its lines, as high or wide as a point on either side."""
    left, top, right, bottom = frame
    across = [(left, at - 1, right, at + 1) for at in (top, bottom)]
    return across + [(at - 1, top, at + 1, bottom) for at in (left, right)]


def _overlap(one: Edges, other: Edges) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]


def _pieces(points: list[Point]) -> tuple[tuple[Point, ...], ...]:
    return tuple(tuple(points[at : at + 3]) for at in range(1, len(points), 3))


def _at_edge(point: Point, edges: Edges) -> Point:
    """The point of a box that is nearest to another."""
    return min(max(point[0], edges[0]), edges[2]), min(max(point[1], edges[1]), edges[3])
