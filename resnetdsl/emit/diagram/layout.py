"""Where everything stands: Graphviz's answer for a view, in points from the top left."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from resnetdsl.emit.diagram.dot import skeleton
from resnetdsl.emit.diagram.engine import Engine, lay_out
from resnetdsl.emit.diagram.model import View, WireKind
from resnetdsl.emit.diagram.picture import Point
from resnetdsl.emit.diagram.sizes import Direction
from resnetdsl.emit.outline import Level

MOST_BOXES = 1500
MOST_WIRES = 3000
"""Beyond these a layout takes minutes and nobody can read it."""


_NEARLY = 8.0


class DiagramTooLarge(Exception):  # noqa: N818 - says what happened
    """More boxes than a picture can show; the message offers a lower level."""


@dataclass(frozen=True, slots=True)
class Course:
    """The way of a wire: a Bézier curve of `points` (1 + 3 n), the tip of its arrow, the middle of its label."""

    points: tuple[Point, ...]
    tip: Point
    label: Point | None


@dataclass(frozen=True, slots=True)
class Layout:
    """By the ids of boxes their middles, of clusters left, top, right and bottom; the courses of the wires in order."""

    boxes: dict[int, Point]
    frames: dict[int, tuple[float, float, float, float]]
    wires: tuple[Course, ...]


def layout(view: View, direction: Direction = Direction.DOWN, engine: Engine = "wasm") -> Layout:
    """Lay a view out. Raises DiagramTooLarge and RenderUnavailable."""
    if len(view.boxes) > MOST_BOXES or len(view.wires) > MOST_WIRES:
        levels = list(Level)
        lower = " or ".join(f"`{level.value}`" for level in levels[: levels.index(view.level)])
        ways = ["fold repeats"] if not view.folded else []
        ways += [f"choose the level {lower}"] if lower else []
        ways += ["or write DOT"] if ways else ["write DOT"]
        raise DiagramTooLarge(
            f"{len(view.boxes):,} boxes and {len(view.wires):,} wires at level `{view.level.value}` are more than a "
            f"picture can show ({MOST_BOXES:,} and {MOST_WIRES:,}): {', '.join(ways)}"
        )
    found = json.loads(lay_out(skeleton(view, direction), engine))
    height = _numbers(found["bb"])[3]
    boxes: dict[int, Point] = {}
    frames = {}
    for thing in found.get("objects", ()):
        name = thing["name"]
        if name.startswith("cluster"):
            left, low, right, high = _numbers(thing["bb"])
            frames[int(name.removeprefix("cluster"))] = (left, height - high, right, height - low)
        else:
            x, y = _numbers(thing["pos"])
            boxes[int(name.removeprefix("n"))] = (x, height - y)
    courses = {int(edge["id"][1:]): _course(edge, height) for edge in found.get("edges", ())}
    whole = Layout(boxes, frames, tuple(courses[number] for number in range(len(view.wires))))
    return straightened(view, whole, direction)


def straightened(view: View, found: Layout, direction: Direction) -> Layout:
    """Boxes that stand nearly in a line on the main way put in one: Graphviz leaves them a little off."""
    axis = 0 if direction is Direction.DOWN else 1
    chain: dict[int, int] = {}

    def root(box: int) -> int:
        while chain.get(box, box) != box:
            box = chain[box]
        return box

    for wire in view.wires:
        one, other = root(wire.source), root(wire.target)
        near = abs(found.boxes[wire.source][axis] - found.boxes[wire.target][axis]) < _NEARLY
        off = abs(found.boxes[one][axis] - found.boxes[other][axis]) < _NEARLY
        if wire.kind is WireKind.MAIN and near and off:
            chain[max(one, other)] = min(one, other)

    def put(point: Point, line: float) -> Point:
        return (line, point[1]) if axis == 0 else (point[0], line)

    boxes = {box: put(at, found.boxes[root(box)][axis]) for box, at in found.boxes.items()}
    wires = list(found.wires)
    for number, (wire, course) in enumerate(zip(view.wires, found.wires, strict=True)):
        line = boxes[wire.source][axis]
        straight = all(abs(point[axis] - line) < 2 * _NEARLY for point in (*course.points, course.tip))
        if straight and boxes[wire.target][axis] == line:
            points = tuple(put(point, line) for point in course.points)
            wires[number] = replace(course, points=points, tip=put(course.tip, line))
    return Layout(boxes, found.frames, tuple(wires))


def _course(edge: dict[str, str], height: float) -> Course:
    tip: Point | None = None
    points: list[Point] = []
    for word in edge["pos"].split():
        if word.startswith("e,"):
            x, y = _numbers(word[2:])
            tip = (x, height - y)
        elif not word.startswith("s,"):
            x, y = _numbers(word)
            points.append((x, height - y))
    label = None
    if "lp" in edge:
        x, y = _numbers(edge["lp"])
        label = (x, height - y)
    return Course(tuple(points), tip or points[-1], label)


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]
