"""Ways of wires that do not go straight on: off the main line, along beside it, and in from the side.

Graphviz has made room for them; where such a way would touch something, Graphviz's own curve is kept. All is reckoned
as if tensors flowed down, and turned if they do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from resnetdsl.emit.diagram.metrics import text_width
from resnetdsl.emit.diagram.model import Box, BoxKind, View, Wire, WireKind
from resnetdsl.emit.diagram.picture import Point
from resnetdsl.emit.diagram.sizes import WIRE, Direction

FORK = 5.0
"""How far behind its source a way leaves the main line."""

BEND = 7.0
_BESIDE, _STEP, _LANES = 13.0, 10.0, 5
_CLEAR = 3.0
_CIRCLE = 0.5523
_NEAR = 40.0
_STEPS = 8
_MANY = 400
"""Wires beyond which only shortcuts are looked after."""

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way to the tip of its arrow, and where its label stands: its base line's start, middle or end."""

    start: Point
    pieces: tuple[tuple[Point, ...], ...]
    tip: Point
    label: Point
    anchor: str


@dataclass(slots=True)
class Router:
    """Finds the ways, the short ones first, so that long ones lead around them. `bodies` are the edges of boxes."""

    view: View
    bodies: Mapping[int, Edges]
    direction: Direction
    turned: dict[int, Edges] = field(init=False)
    lanes: list[tuple[float, float, float]] = field(default_factory=list)
    """Where lanes are taken: their place across, and from where to where."""

    def __post_init__(self) -> None:
        down = self.direction is Direction.DOWN
        self.turned = {box: edges if down else _turned(edges) for box, edges in self.bodies.items()}

    def routes(self) -> dict[int, Route]:
        """By the number of the wire; those that are not here follow Graphviz."""
        found: dict[int, Route] = {}
        for number, wire in sorted(enumerate(self.view.wires), key=lambda each: self._length(each[1])):
            route = self._route(wire)
            if route is not None:
                found[number] = route
        return found

    def _length(self, wire: Wire) -> float:
        return self.turned[wire.target][1] - self.turned[wire.source][3]

    def _route(self, wire: Wire) -> Route | None:
        source, target = self.turned[wire.source], self.turned[wire.target]
        others = [edges for box, edges in self.turned.items() if box not in (wire.source, wire.target)]
        kind = self.view.boxes[wire.target].kind
        if wire.kind is WireKind.MAIN:
            if kind is BoxKind.RESULT:
                return self._aside(source, target, others)
            if len(self.view.wires) > _MANY or not self._passes(source, target, others):
                return None
        elif kind is not BoxKind.MERGE:
            return self._aside(source, target, others)
        elif abs(_middle(source) - _middle(target)) > _NEAR:
            return self._into(source, target, others)
        return self._beside(wire, others)

    def _passes(self, source: Edges, target: Edges, others: Sequence[Edges]) -> bool:
        """Whether other boxes stand between two that are in a line."""
        middle = _middle(source)
        aligned = abs(middle - _middle(target)) < 1
        return aligned and any(_touches((middle, source[3], middle, target[1]), box) for box in others)

    def _beside(self, wire: Wire, others: Sequence[Edges]) -> Route | None:
        """From under a box, along a lane, to the side of another."""
        source, target, merge = self.turned[wire.source], self.turned[wire.target], self.view.boxes[wire.target]
        start, tip_of = (_middle(source), source[3] + FORK), {1: target[2], -1: target[0]}
        end, ahead = (target[1] + target[3]) / 2, _middle(target)
        if abs(start[0] - ahead) > _NEAR or target[1] < start[1] + BEND:
            return None
        low, high = sorted((start[0], ahead))
        passed = self._passed(merge, (start[1], end), (low, high))
        label = text_width(wire.label, WIRE) + 2 * BEND if wire.label and self.direction is Direction.DOWN else 0.0
        least = max(label + (target[2] - target[0]) / 2, 2 * BEND + 2)
        # What an addition is drawn with stands at its left.
        for side in (1,) if merge.details and merge.kind is BoxKind.MERGE else (1, -1):
            from_here = high if side > 0 else low
            reach = [((edges[2] if side > 0 else edges[0]) - from_here) * side for edges in passed]
            near = max([*reach, 0.0]) + _BESIDE
            for number in range(_LANES):
                lane = from_here + side * (max(near, least) + _STEP * number)
                corners = [start, (lane, start[1]), (lane, end), (tip_of[side], end)]
                if self._is_taken(lane, start[1], end) or _hits(corners, others):
                    continue
                self.lanes.append((lane, start[1], end))
                if self.direction is Direction.DOWN:
                    return self._made(corners, (lane - BEND * side, end - 3.5), "end" if side > 0 else "start")
                return self._made(corners, (lane + (-4 if side > 0 else 11), (start[1] + end) / 2), "middle")
        return None

    def _passed(self, target: Box, along: tuple[float, float], across: tuple[float, float]) -> list[Edges]:
        """The boxes that a lane has to keep clear of: those on the line, and the others in the target's frame."""
        found = []
        for box in self.view.boxes:
            edges = self.turned[box.id]
            within = edges[1] < along[1] and edges[3] > along[0] and box.id != target.id
            on_the_line = edges[0] < across[1] and edges[2] > across[0]
            if within and (on_the_line or (box.cluster == target.cluster is not None)):
                found.append(edges)
        return found

    def _is_taken(self, lane: float, start: float, end: float) -> bool:
        return any(abs(lane - at) < _STEP - 1 and first < end and last > start for at, first, last in self.lanes)

    def _aside(self, source: Edges, target: Edges, others: Sequence[Edges]) -> Route | None:
        """From under a box across and down into one that stands aside."""
        start, end = (_middle(source), source[3] + FORK), (_middle(target), target[1])
        corners = [start, (end[0], start[1]), end]
        if abs(end[0] - start[0]) < 2 * BEND or end[1] < start[1] + BEND + 2 or _hits(corners, others):
            return None
        return self._made(corners, ((start[0] + end[0]) / 2, start[1] - 3.5), "middle")

    def _into(self, source: Edges, target: Edges, others: Sequence[Edges]) -> Route | None:
        """From under a box that stands aside down and across into the side of one on the main line."""
        start, end = (_middle(source), source[3]), (target[1] + target[3]) / 2
        tip = (target[2] if start[0] > _middle(target) else target[0], end)
        corners = [start, (start[0], end), tip]
        if end < start[1] + BEND + 2 or _hits(corners, others):
            return None
        return self._made(corners, ((start[0] + tip[0]) / 2, end - 3.5), "middle")

    def _made(self, corners: Sequence[Point], label: Point, anchor: str) -> Route:
        if self.direction is Direction.RIGHT:
            corners, label = [(y, x) for x, y in corners], (label[1], label[0])
        return Route(corners[0], rounded(corners), corners[-1], label, anchor)


def along(start: Point, pieces: Sequence[tuple[Point, ...]]) -> list[Edges]:
    """Edges around a way, piece by piece; a curve's are those of short straight pieces of it."""
    points, at = [start], start
    for piece in pieces:
        steps = 1 if len(piece) == 1 else _STEPS
        points += [_on_curve(at, piece, (step + 1) / steps) for step in range(steps)]
        at = piece[-1]
    found = []
    for (x, y), (other_x, other_y) in pairwise(points):
        found.append((min(x, other_x) - 1, min(y, other_y) - 1, max(x, other_x) + 1, max(y, other_y) + 1))
    return found


def _on_curve(start: Point, piece: tuple[Point, ...], at: float) -> Point:
    """A point of a straight piece or of a Bézier curve, at a share of its length."""
    points = [start, *piece]
    while len(points) > 1:
        points = [(x + (to_x - x) * at, y + (to_y - y) * at) for (x, y), (to_x, to_y) in pairwise(points)]
    return points[0]


def rounded(corners: Sequence[Point]) -> tuple[tuple[Point, ...], ...]:
    """The pieces of a way along corners at right angles, with a bend at each."""
    pieces: list[tuple[Point, ...]] = []
    for before, at, after in zip(corners, corners[1:], corners[2:], strict=False):
        came, goes = _towards(at, before), _towards(at, after)
        enter = (at[0] + came[0] * BEND, at[1] + came[1] * BEND)
        leave = (at[0] + goes[0] * BEND, at[1] + goes[1] * BEND)
        back = BEND * (1 - _CIRCLE)
        pieces += [
            (enter,),
            ((at[0] + came[0] * back, at[1] + came[1] * back), (at[0] + goes[0] * back, at[1] + goes[1] * back), leave),
        ]
    return (*pieces, (corners[-1],))


def _towards(point: Point, other: Point) -> Point:
    """The direction of another point that is straight above, below or beside."""
    x, y = other[0] - point[0], other[1] - point[1]
    return (x > 0) - (x < 0), (y > 0) - (y < 0)


def _hits(corners: Sequence[Point], boxes: Sequence[Edges]) -> bool:
    ways = [(*one, *other) for one, other in pairwise(corners)]
    return any(_touches(way, box) for way in ways for box in boxes)


def _touches(piece: Edges, box: Edges) -> bool:
    left, right = sorted((piece[0], piece[2]))
    top, bottom = sorted((piece[1], piece[3]))
    return left < box[2] + _CLEAR and right > box[0] - _CLEAR and top < box[3] + _CLEAR and bottom > box[1] - _CLEAR


def _middle(edges: Edges) -> float:
    return (edges[0] + edges[2]) / 2


def _turned(edges: Edges) -> Edges:
    return edges[1], edges[0], edges[3], edges[2]
