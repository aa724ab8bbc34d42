"""The way of a shortcut: off the main line, straight along beside the branch, and into the addition from its side.

Graphviz has made room for it; where its lane would touch something, Graphviz's own curve is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resnetdsl.emit.diagram.picture import Point
from resnetdsl.emit.diagram.sizes import Direction

FORK = 6.0
"""How far behind its source a shortcut leaves the main line."""

BEND = 7.0
_BESIDE = 13.0
_OFF = 1.0
_CLEAR = 3.0
_CIRCLE = 0.5523

Edges = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Route:
    """The way to the tip of its arrow, and where its label stands: its base line's start, middle or end."""

    start: Point
    pieces: tuple[tuple[Point, ...], ...]
    tip: Point
    label: Point
    anchor: str


def shortcut(
    source: Edges,
    target: Edges,
    obstacles: Sequence[Edges],
    direction: Direction,
    label: float,
) -> Route | None:
    """The way from under a box to the side of another, or None. Edges are left, top, right and bottom.

    `label` is the width of its label. The way is found as if tensors flowed down, and turned if they do not.
    """
    down = direction is Direction.DOWN
    turn = _same if down else _turned
    (left, _, right, start), (to_left, to_top, to_right, to_bottom) = turn(source), turn(target)
    middle, end = (left + right) / 2, (to_top + to_bottom) / 2
    fork = start + FORK
    if abs((to_left + to_right) / 2 - middle) > _OFF or to_top < fork + BEND:
        return None
    boxes = [turn(edges) for edges in obstacles]
    least = (label + 2 * BEND if down else 0.0) + (to_right - to_left) / 2
    lanes = [(side, lane) for side in (1, -1) for lane in _lanes(boxes, middle, side, (fork, end), least)]
    for side, lane in lanes:
        tip = to_right if side > 0 else to_left
        way = [(middle, fork, lane, fork), (lane, fork, lane, end), (lane, end, tip, end)]
        if not any(_touches(piece, box) for piece in way for box in boxes):
            return _bent((middle, fork), (lane, end), tip, side, down)
    return None


Way = tuple[Point, tuple[tuple[Point, ...], ...], Point]


def aside(source: Edges, target: Edges, obstacles: Sequence[Edges], direction: Direction) -> Way | None:
    """The way off the main line to a result that stands aside: across, round a bend, and in. Start, pieces, tip."""
    down = direction is Direction.DOWN
    turn = _same if down else _turned
    (left, _, right, start), (to_left, top, to_right, _) = turn(source), turn(target)
    middle, end, fork = (left + right) / 2, (to_left + to_right) / 2, start + FORK
    way = [(middle, fork, end, fork), (end, fork, end, top)]
    boxes = [turn(edges) for edges in obstacles]
    if abs(end - middle) < 2 * BEND or top < fork + 2 * BEND or any(_touches(p, box) for p in way for box in boxes):
        return None
    side = 1 if end > middle else -1

    def at(x: float, y: float) -> Point:
        return (x, y) if down else (y, x)

    back = BEND * (1 - _CIRCLE)
    bend = (at(end - back * side, fork), at(end, fork + back), at(end, fork + BEND))
    return at(middle, fork), ((at(end - BEND * side, fork),), bend, (at(end, top),)), at(end, top)


def _lanes(boxes: Sequence[Edges], middle: float, side: int, span: tuple[float, float], least: float) -> list[float]:
    """Where the lane could be: beside the boxes that it passes, or farther out."""
    passed = [edges for edges in boxes if edges[1] < span[1] and edges[3] > span[0]]
    reach = [edges[2] if side > 0 else edges[0] for edges in passed if edges[0] < middle < edges[2]]
    near = max([(edge - middle) * side for edge in reach], default=0.0) + _BESIDE
    near = max(near, least, 2 * BEND + 2)
    return [middle + side * (near + more) for more in (0.0, 5.0, 10.0, 15.0, 25.0)]


def _bent(fork: Point, corner: Point, tip: float, side: int, down: bool) -> Route:
    (middle, start), (lane, end) = fork, corner
    bend, inner, back = BEND * side, BEND * (1 - _CIRCLE) * side, BEND * (1 - _CIRCLE)

    def at(x: float, y: float) -> Point:
        return (x, y) if down else (y, x)

    pieces: tuple[tuple[Point, ...], ...] = (
        (at(lane - bend, start),),
        (at(lane - inner, start), at(lane, start + back), at(lane, start + BEND)),
        (at(lane, end - BEND),),
        (at(lane, end - back), at(lane - inner, end), at(lane - bend, end)),
        (at(tip, end),),
    )
    if down:
        label, anchor = (lane - bend, end - 3.5), "end" if side > 0 else "start"
    else:
        label, anchor = ((start + end) / 2, lane + (-4 if side > 0 else 11)), "middle"
    return Route(at(middle, start), pieces, at(tip, end), label, anchor)


def _touches(piece: Edges, box: Edges) -> bool:
    left, right = sorted((piece[0], piece[2]))
    top, bottom = sorted((piece[1], piece[3]))
    return left < box[2] + _CLEAR and right > box[0] - _CLEAR and top < box[3] + _CLEAR and bottom > box[1] - _CLEAR


def _same(edges: Edges) -> Edges:
    return edges


def _turned(edges: Edges) -> Edges:
    return edges[1], edges[0], edges[3], edges[2]
