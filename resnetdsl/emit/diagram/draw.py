"""A view, laid out, as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from resnetdsl.emit.diagram.captions import note
from resnetdsl.emit.diagram.dot import OUTER
from resnetdsl.emit.diagram.engine import Engine
from resnetdsl.emit.diagram.frames import Grown
from resnetdsl.emit.diagram.layout import Course, Layout, layout
from resnetdsl.emit.diagram.metrics import ASCENT, CAPITAL, text_width
from resnetdsl.emit.diagram.model import Box, BoxKind, Cluster, Mark, View, Wire, WireKind
from resnetdsl.emit.diagram.picture import Circle, Curve, Group, Ink, Picture, Point, Rect, Shape, Text, bounds, page
from resnetdsl.emit.diagram.routes import FORK, Edges, Route, aside, shortcut
from resnetdsl.emit.diagram.sizes import (
    DETAIL,
    FRAME,
    SKIP_BULGE,
    SKIP_GAP,
    STACK,
    WIRE,
    Direction,
    body,
    lines,
    skip_lines,
    titled,
)
from resnetdsl.emit.diagram.theme import Theme, Tint, shipped_theme

DOTS = (0.1, 3.2)
"""Dots: strokes of no length with round ends."""

_HEAD = 5.5
_WIRE, _SHORTCUT = 1.0, 1.6
_GAP = 3.0


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
    courses = zip(view.wires, found.wires, strict=True)
    wires = [artist.wire(number, wire, course) for number, (wire, course) in enumerate(courses)]
    boxes = [artist.box(box) for box in view.boxes]
    return (*frames, *wires, *boxes)


def captions(groups: tuple[Group, ...], texts: Iterable[tuple[str, bool]], theme: Theme) -> Group:
    """Lines under a picture, in the middle; the bold ones are titles."""
    edges = [bounds_of(group) for group in groups]
    left, right = min(edge[0] for edge in edges), max(edge[2] for edge in edges)
    y = max(edge[3] for edge in edges) + 10
    shown: list[Shape] = []
    for text, bold in texts:
        size, colour = (FRAME, theme.ink) if bold else (DETAIL, theme.faint)
        for line in wrapped(text, max(right - left, 200), size, bold):
            y += size * 1.25
            shown.append(Text((left + right) / 2, y, line, size, colour, text_width(line, size, bold), bold=bold))
    return Group("caption", "caption", tuple(shown))


def wrapped(text: str, width: float, size: float, bold: bool) -> list[str]:
    """A text in lines of a width; a word that is longer has its own."""
    found: list[str] = []
    for word in text.split():
        longer = f"{found[-1]} {word}" if found else word
        if found and text_width(longer, size, bold) <= width:
            found[-1] = longer
        else:
            found.append(word)
    return found


@dataclass(slots=True)
class _Artist:
    view: View
    found: Layout
    theme: Theme
    direction: Direction
    bodies: Mapping[int, Edges] = field(init=False)
    routes: dict[int, Route] = field(init=False)
    frames: dict[int, Edges] = field(init=False)
    taken: list[Edges] = field(init=False)

    def __post_init__(self) -> None:
        self.bodies = {box.id: self._body(box) for box in self.view.boxes}
        self.routes = {
            number: route for number, wire in enumerate(self.view.wires) if (route := self._route(wire)) is not None
        }
        self.frames = Grown(self.view, self.bodies, self.found.frames, self.routes, self.direction).edges()
        self.taken = self._taken()

    def _body(self, box: Box) -> Edges:
        (x, y), (width, height) = self.found.boxes[box.id], body(box)
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2

    def _route(self, wire: Wire) -> Route | None:
        """The lane of a shortcut that ends in an addition."""
        if wire.kind is WireKind.MAIN or self.view.boxes[wire.target].kind is not BoxKind.MERGE:
            return None
        ends, label = (wire.source, wire.target), text_width(wire.label, WIRE)
        others = [edges for box, edges in self.bodies.items() if box not in ends]
        return shortcut(self.bodies[wire.source], self.bodies[wire.target], others, self.direction, label)

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
        shapes.append(Text(left + 8, top + 5 + FRAME * ASCENT, title, FRAME, colour, width, "start", bold))
        return Group(f"c{cluster.id}", f"cluster {cluster.style}", tuple(shapes), note(cluster.about))

    # --- boxes ---

    def box(self, box: Box) -> Group:
        if box.kind is BoxKind.MERGE:
            shapes = self._merge(box)
        else:
            shapes = [*self._stack(box), *self._skips(box), *self._lines(box)]
        return Group(f"n{box.id}", f"node {box.kind.value} {box.tone.value}", tuple(shapes), note(box.about))

    def _tint(self, box: Box) -> Tint:
        if box.mark is not None:
            marked: Tint = getattr(self.theme, box.mark.value)
            return marked
        if box.kind in (BoxKind.INPUT, BoxKind.RESULT):
            return self.theme.input
        tint: Tint = self.theme.block if self.view.marked else getattr(self.theme, box.tone.value)
        return tint

    def _stack(self, box: Box) -> list[Shape]:
        """The box, with the edge of another copy or two behind it."""
        left, top, right, bottom = self.bodies[box.id]
        tint = self._tint(box)
        radius = (bottom - top) / 2 if box.kind in (BoxKind.INPUT, BoxKind.RESULT) else 4
        ink = Ink(tint.fill, tint.line, 1.0)
        behind = [STACK] if box.copies == 2 else [STACK, STACK / 2] if box.copies > 2 else []
        return [Rect(left + by, top + by, right - left, bottom - top, radius, ink) for by in (*behind, 0.0)]

    def _lines(self, box: Box) -> list[Shape]:
        left, top, right, bottom = self.bodies[box.id]
        shown = lines(box)
        y = (top + bottom - sum(line.height for line in shown)) / 2
        texts: list[Shape] = []
        for number, line in enumerate(shown):
            base = y + line.height / 2 + line.size * CAPITAL / 2
            colour = self.theme.faint if number else self.theme.ink
            texts.append(Text((left + right) / 2, base, line.text, line.size, colour, line.width, bold=line.bold))
            y += line.height
        return texts

    def _merge(self, box: Box) -> list[Shape]:
        left, top, right, bottom = self.bodies[box.id]
        x, y, radius = (left + right) / 2, (top + bottom) / 2, (right - left) / 2
        tint = self._tint(box)
        arm = radius * 0.55
        plus = Ink(None, self.theme.ink, 1.3)
        shapes: list[Shape] = [
            Circle(x, y, radius, Ink(tint.fill, tint.line, 1.2)),
            Curve((x - arm, y), (((x + arm, y),),), plus),
            Curve((x, y - arm), (((x, y + arm),),), plus),
        ]
        for line in lines(box):
            if self.direction is Direction.DOWN:
                at, anchor = (left - 3, y + line.size * CAPITAL / 2), "end"
            else:
                at, anchor = (x, top - 4), "middle"
            shapes.append(Text(*at, line.text, line.size, self.theme.faint, line.width, anchor))
        return shapes

    def _skips(self, box: Box) -> list[Shape]:
        """The shortcuts inside a closed box, as an arc beside it: one of each style, with the names."""
        if not box.skips:
            return []
        left, top, right, bottom = self.bodies[box.id]
        down = self.direction is Direction.DOWN
        if down:
            start, stop, edge = top, bottom, right + (STACK if box.copies > 1 else 0)
        else:
            start, stop, edge = left, right, -top
        length = stop - start
        kinds = sorted({skip.kind for skip in box.skips}, key=lambda kind: kind is WireKind.IDENTITY)
        shapes: list[Shape] = []

        def at(across: float, along: float) -> Point:
            return (across, along) if down else (along, -across)

        for number, kind in enumerate(kinds):
            inset = 0.12 + 0.14 * number if len(kinds) > 1 else 0.16
            bulge = SKIP_BULGE - 5.5 * number
            first, last = start + inset * length, stop - inset * length
            colour = self.theme.identity if kind is WireKind.IDENTITY else self.theme.projection
            out = edge + bulge * 4 / 3 - 1
            curve = (at(out, first), at(out, last), at(edge + 1.5, last))
            dash = DOTS if kind is WireKind.PROJECTION else ()
            shapes.append(Curve(at(edge, first), (curve,), Ink(None, colour, 1.4, dash)))
            shapes.append(_head(at(edge, last), at(edge + 1, last), colour, 4.0))
        names = skip_lines(box.skips)
        height = sum(line.height for line in names)
        middle = (start + stop) / 2
        y = middle - height / 2 if down else top - SKIP_BULGE - SKIP_GAP - height
        for skip, line in zip(box.skips, names, strict=True):
            colour = self.theme.identity if skip.kind is WireKind.IDENTITY else self.theme.projection
            base = y + line.height / 2 + line.size * CAPITAL / 2
            x, anchor = (edge + SKIP_BULGE + SKIP_GAP, "start") if down else (middle, "middle")
            shapes.append(Text(x, base, line.text, line.size, colour, line.width, anchor))
            y += line.height
        return shapes

    # --- wires ---

    def wire(self, number: int, wire: Wire, course: Course) -> Group:
        shapes = self._main(wire, course) if wire.kind is WireKind.MAIN else self._shortcut(number, wire, course)
        return Group(f"e{wire.source}-{wire.target}", f"edge {wire.kind.value}", tuple(shapes), wire.label)

    def _main(self, wire: Wire, course: Course) -> list[Shape]:
        points = self._attached(wire, course)
        way = (points[0], _pieces(points), points[-1])
        if self.view.boxes[wire.target].kind is BoxKind.RESULT:
            source, target = self.bodies[wire.source], self.bodies[wire.target]
            others = [edges for box, edges in self.bodies.items() if box not in (wire.source, wire.target)]
            way = aside(source, target, others, self.direction) or way
        shapes = self._arrow(*way, self.theme.wire, _WIRE, ())
        if wire.shape:
            shapes.append(self._shape_label(wire, points))
        return shapes

    def _shape_label(self, wire: Wire, points: list[Point]) -> Text:
        """Beside the wire, where it leaves its box and nothing is in the way."""
        (x, y), width, (to_left, to_top, _, _) = points[0], text_width(wire.shape, WIRE), self.bodies[wire.target]
        high = WIRE * CAPITAL
        texts = []
        if self.direction is Direction.DOWN:
            end = max(to_top - _HEAD, y + high + 4)
            texts = [
                Text(x + aside, base, wire.shape, WIRE, self.theme.faint, width, anchor)
                for aside, anchor in ((-4, "end"), (4, "start"))
                for base in _between(y + high + 2, end, min((y + end + high) / 2, y + 13))
            ]
        else:
            end = max(to_left - _HEAD, x + width + 4)
            texts = [
                Text(left, base, wire.shape, WIRE, self.theme.faint, width, "start")
                for base in (y - 4, y + 4 + high)
                for left in _between(x + 2, end - width, min((x + end - width) / 2, x + 6))
            ]
        free = (text for text in texts if not any(_overlap(bounds(text), edges) for edges in self.taken))
        return next(free, texts[0])

    def _taken(self) -> list[Edges]:
        """Where no label of a wire may stand: boxes, edges and titles of frames, the forks of shortcuts."""
        found = list(self.bodies.values())
        for cluster in self.view.clusters:
            left, top, right, bottom = self.frames[cluster.id]
            width = text_width(titled(cluster.title, cluster.copies), FRAME, bold=True)
            found += [(left, at - 1, right, at + 1) for at in (top, bottom)]
            found += [(at - 1, top, at + 1, bottom) for at in (left, right)]
            found.append((left + 6, top, left + 10 + width, top + 5 + FRAME))
        for wire in self.view.wires:
            left, _, right, bottom = self.bodies[wire.source]
            tap = self.view.boxes[wire.target].kind is BoxKind.RESULT
            if (tap or wire.kind is not WireKind.MAIN) and self.direction is Direction.DOWN:
                middle = (left + right) / 2
                left = middle - 60 if tap else middle
                found.append((left + 1, bottom + FORK - 2, middle + 60, bottom + FORK + 2))
        return found

    def _attached(self, wire: Wire, course: Course) -> list[Point]:
        """A course that ends at the boxes: Graphviz's boxes have room for what stands beside them, too."""
        points = [*course.points[:-1], course.tip]
        down = self.direction is Direction.DOWN
        (_, _, right, bottom), box = self.bodies[wire.source], self.view.boxes[wire.source]
        (to_left, to_top, _, _) = self.bodies[wire.target]
        behind = STACK if box.copies > 1 else 0.0
        if down:
            if points[0][1] >= bottom - 1:
                points[0] = (points[0][0], bottom + behind)
            if points[-1][1] <= to_top + 1:
                points[-1] = (points[-1][0], to_top)
        else:
            if points[0][0] >= right - 1:
                points[0] = (right + behind, points[0][1])
            if points[-1][0] <= to_left + 1:
                points[-1] = (to_left, points[-1][1])
        return points

    def _shortcut(self, number: int, wire: Wire, course: Course) -> list[Shape]:
        colour = self.theme.identity if wire.kind is WireKind.IDENTITY else self.theme.projection
        dash = DOTS if wire.kind is WireKind.PROJECTION else ()
        route = self.routes.get(number)
        if route is None:
            points = self._attached(wire, course)
            shapes = self._arrow(points[0], _pieces(points), points[-1], colour, _SHORTCUT, dash)
            x, y = course.label or points[len(points) // 2]
            place, anchor = (x, y + WIRE * CAPITAL / 2), "middle"
        else:
            shapes = self._arrow(route.start, route.pieces, route.tip, colour, _SHORTCUT, dash)
            place, anchor = route.label, route.anchor
        if wire.label:
            shapes.append(Text(*place, wire.label, WIRE, colour, text_width(wire.label, WIRE), anchor))
        return shapes

    def _arrow(
        self,
        start: Point,
        pieces: tuple[tuple[Point, ...], ...],
        tip: Point,
        colour: str,
        width: float,
        dash: tuple[float, ...],
    ) -> list[Shape]:
        """A curve to where its arrow begins, and the arrow."""
        *before, last = pieces
        ahead = last[-2] if len(last) > 1 else before[-1][-1] if before else start
        length = math.dist(ahead, tip) or 1.0
        # The curve ends inside of its arrow: its own end would make the tip blunt.
        by = min(_HEAD * 0.8, length) / length
        end = (tip[0] + (ahead[0] - tip[0]) * by, tip[1] + (ahead[1] - tip[1]) * by)
        curve = Curve(start, (*before, (*last[:-1], end)), Ink(None, colour, width, dash))
        return [curve, _head(tip, ahead, colour, _HEAD)]


def _head(tip: Point, behind: Point, colour: str, size: float) -> Curve:
    """An arrow's head: a triangle with its tip at a point, coming from another."""
    length = math.dist(behind, tip) or 1.0
    x, y = (tip[0] - behind[0]) / length, (tip[1] - behind[1]) / length
    back = (tip[0] - x * size, tip[1] - y * size)
    half = size * 0.42
    left, right = (back[0] - y * half, back[1] + x * half), (back[0] + y * half, back[1] - x * half)
    return Curve(tip, ((left,), (right,)), Ink(colour, None), closed=True)


def _between(first: float, last: float, best: float) -> list[float]:
    """Places from `first` to `last`, in steps, the nearest to the best one first."""
    places = [first + 2 * step for step in range(int(max(0.0, last - first) / 2) + 1)]
    return sorted([*places, best], key=lambda place: abs(place - best))


def _overlap(one: Edges, other: Edges) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]


def _pieces(points: list[Point]) -> tuple[tuple[Point, ...], ...]:
    return tuple(tuple(points[at : at + 3]) for at in range(1, len(points), 3))


def bounds_of(group: Group) -> Edges:
    edges = [bounds(shape) for shape in group.shapes]
    return min(e[0] for e in edges), min(e[1] for e in edges), max(e[2] for e in edges), max(e[3] for e in edges)
