"""Pictures of two or more networks side by side, equal stages at one height, as in figure 3 of He et al., 2015."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from resnetdsl.emit.diagram.columns import split
from resnetdsl.emit.diagram.draw import parts
from resnetdsl.emit.diagram.engine import Engine
from resnetdsl.emit.diagram.layout import Layout, layout
from resnetdsl.emit.diagram.model import View
from resnetdsl.emit.diagram.picture import Group, Picture, Point, moved, page
from resnetdsl.emit.diagram.sizes import Direction, body
from resnetdsl.emit.diagram.theme import Theme, shipped_theme
from resnetdsl.emit.diagram.under import captions, edges_of

_APART = 30.0


@dataclass(frozen=True, slots=True)
class Side:
    """A view, and the lines under it: the first is its title."""

    view: View
    lines: tuple[str, ...]


def draw_beside(
    sides: Sequence[Side],
    theme: Theme | None = None,
    direction: Direction = Direction.DOWN,
    engine: Engine = "wasm",
    *,
    title: str = "",
    under: Callable[[tuple[Group, ...], Theme], Group] | None = None,
) -> Picture:
    """One picture of several views. `under` draws what stands below them all. Raises as `draw` does."""
    theme = theme or shipped_theme("light")
    found = aligned([side.view for side in sides], [layout(side.view, direction, engine) for side in sides], direction)
    groups: list[Group] = []
    at = 0.0
    for number, (side, place) in enumerate(zip(sides, found, strict=True)):
        own = parts(side.view, place, theme, direction)
        if side.lines:
            own = (*own, captions(own, [(line, not at) for at, line in enumerate(side.lines)], theme))
        first, last = (0, 2) if direction is Direction.DOWN else (1, 3)
        edges = edges_of(own)
        start = edges[first]
        by = (at - start, 0.0) if direction is Direction.DOWN else (0.0, at - start)
        groups += [
            replace(
                group, id=f"{chr(97 + number)}-{group.id}", shapes=tuple(moved(shape, *by) for shape in group.shapes)
            )
            for group in own
        ]
        at += edges[last] - start + _APART
    whole = tuple(groups)
    if under is not None:
        whole = (*whole, under(whole, theme))
    names = title or " | ".join(side.view.title for side in sides)
    return page(names, "", whole, theme.page)


def aligned(views: Sequence[View], layouts: Sequence[Layout], direction: Direction) -> list[Layout]:
    """The layouts, pulled apart so that what all views have at their top level begins at the same height."""
    spans = [_spans(view, found, direction) for view, found in zip(views, layouts, strict=True)]
    shared = _shared(spans)
    moves: list[list[tuple[float, float]]] = [[] for _ in views]  # knots: where a place was, where it is
    for key in shared:
        here = [_along(knots, span[key][0]) for knots, span in zip(moves, spans, strict=True)]
        for knots, span in zip(moves, spans, strict=True):
            start, end = span[key]
            knots += [(start, max(here)), (end, max(here) + end - start)]
    return [_moved(found, knots, direction) for found, knots in zip(layouts, moves, strict=True)]


def _spans(view: View, found: Layout, direction: Direction) -> dict[str, tuple[float, float]]:
    """From where to where each part at the top level reaches, in order."""
    down = direction is Direction.DOWN
    spans: dict[str, tuple[float, float]] = {}
    for cluster in view.clusters:
        if cluster.parent is None:
            left, top, right, bottom = found.frames[cluster.id]
            spans[cluster.key] = (top, bottom) if down else (left, right)
    for box in view.boxes:
        if box.cluster is None:
            middle, size = found.boxes[box.id][down], body(box)[down]
            spans.setdefault(box.key, (middle - size / 2, middle + size / 2))
    return dict(sorted(spans.items(), key=lambda item: item[1]))


def _shared(spans: Sequence[dict[str, tuple[float, float]]]) -> list[str]:
    """The keys that all have, as far as they follow on one another without overlap everywhere."""
    found: list[str] = []
    for key in spans[0]:
        if all(key in span and (not found or span[key][0] >= span[found[-1]][1]) for span in spans):
            found.append(key)
    return found


def _along(knots: Sequence[tuple[float, float]], at: float) -> float:
    """Where a place is after the moves: between two knots in proportion, outside of them as the nearest."""
    place = bisect_right(knots, at, key=lambda knot: knot[0])
    if not knots or place == 0:
        return at + (knots[0][1] - knots[0][0] if knots else 0.0)
    was, now = knots[place - 1]
    if place == len(knots):
        return at + now - was
    next_was, next_now = knots[place]
    return now + (at - was) * (next_now - now) / (next_was - was)


def _moved(found: Layout, knots: Sequence[tuple[float, float]], direction: Direction) -> Layout:
    down = direction is Direction.DOWN

    def to(point: Point) -> Point:
        return (point[0], _along(knots, point[1])) if down else (_along(knots, point[0]), point[1])

    def edges(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        return (*to((box[0], box[1])), *to((box[2], box[3])))

    return Layout(
        {id: to(point) for id, point in found.boxes.items()},
        {id: edges(box) for id, box in found.frames.items()},
        tuple(
            replace(
                course,
                points=tuple(map(to, course.points)),
                tip=to(course.tip),
                label=None if course.label is None else to(course.label),
            )
            for course in found.wires
        ),
    )


def draw_columns(
    view: View,
    count: int,
    theme: Theme | None = None,
    direction: Direction = Direction.DOWN,
    engine: Engine = "wasm",
    *,
    caption: bool = True,
) -> Picture:
    """A view in columns, or in rows where tensors flow to the right. Raises as `draw` does."""
    lines = [(view.title, True), (view.doc, False)] if caption else []
    sides = [Side(part, ()) for part in split(view, count)]
    return draw_beside(
        sides, theme, direction, engine, title=view.title, under=lambda groups, theme: captions(groups, lines, theme)
    )
