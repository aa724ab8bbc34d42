"""The lines of text in a box and the room that they take; Graphviz is told so and need not know of fonts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from resnetdsl.emit.diagram.metrics import text_width
from resnetdsl.emit.diagram.model import Box, BoxKind, Mark, Skip, WireKind

TITLE, DETAIL, WIRE, FRAME = 12.0, 10.0, 9.5, 11.0
"""Sizes of text, in points."""

MERGE_RADIUS = 8.0
STACK = 3.0
"""How far the copies behind a folded box look out."""

_PAD_X, _PAD_Y = 9.0, 4.5
_TITLE_HEIGHT, _DETAIL_HEIGHT = 14.5, 12.0
_LEAST_WIDTH = 44.0
SKIP_BULGE = 13.0
SKIP_GAP = 4.0


class Direction(Enum):
    """Which way the tensors flow."""

    DOWN = "TB"
    RIGHT = "LR"


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    size: float
    bold: bool

    @property
    def width(self) -> float:
        return text_width(self.text, self.size, self.bold)

    @property
    def height(self) -> float:
        return _TITLE_HEIGHT if self.size == TITLE else _DETAIL_HEIGHT


def titled(title: str, copies: int) -> str:
    """`3 × bottleneck`."""
    return f"{copies} × {title}" if copies > 1 else title


_SIGNS = {Mark.ADDED: "+ ", Mark.REMOVED: "− ", Mark.CHANGED: "~ ", None: ""}


def lines(box: Box) -> list[Line]:
    """What is written in a box; beside it, for an addition."""
    details = [Line(text, DETAIL, bold=False) for text in box.details]
    match box.kind:
        case BoxKind.MERGE:
            return details
        case BoxKind.LINK:
            return [Line(box.title, DETAIL, bold=True)]
        case BoxKind.INPUT | BoxKind.RESULT:
            return [Line(_SIGNS[box.mark] + " ".join((box.title, *box.details)), DETAIL, bold=False)]
        case BoxKind.PART | BoxKind.LAYER:
            bold = box.kind is BoxKind.PART
            return [Line(_SIGNS[box.mark] + titled(box.title, box.copies), TITLE, bold), *details]


def body(box: Box) -> tuple[float, float]:
    """Width and height of the box itself."""
    if box.kind in (BoxKind.MERGE, BoxKind.LINK):
        return 2 * MERGE_RADIUS, 2 * MERGE_RADIUS
    shown = lines(box)
    width = max(_LEAST_WIDTH, max(line.width for line in shown) + 2 * _PAD_X)
    return width, sum(line.height for line in shown) + 2 * _PAD_Y


def room(box: Box, direction: Direction) -> tuple[float, float]:
    """Width and height of the box with what stands beside it; the box is in the middle."""
    width, height = body(box)
    if box.kind is BoxKind.MERGE:
        beside = max((line.width for line in lines(box)), default=0.0)
        if direction is Direction.DOWN:
            return width + 2 * (beside + 3 if beside else 0), height
        return max(width, beside), height + (2 * _DETAIL_HEIGHT if beside else 0)
    if box.copies > 1:
        width, height = width + 2 * STACK, height + 2 * STACK
    if box.skips:
        wide, high = skip_room(box.skips, direction)
        return (
            (width + 2 * wide, max(height, high))
            if direction is Direction.DOWN
            else (max(width, wide), height + 2 * high)
        )
    return width, height


def skip_lines(skips: tuple[Skip, ...]) -> list[Line]:
    """`identity, 2 ×`: the shortcuts in a closed box, a line each."""
    return [Line(f"{skip.count} {skip_name(skip)}", WIRE, bold=False) for skip in skips]


def skip_name(skip: Skip) -> str:
    return "identity" if skip.kind is WireKind.IDENTITY else skip.label


def skip_room(skips: tuple[Skip, ...], direction: Direction) -> tuple[float, float]:
    """What the arc of a closed box's shortcuts and their names take beside it."""
    shown = skip_lines(skips)
    width = max(line.width for line in shown)
    height = sum(line.height for line in shown)
    if direction is Direction.DOWN:
        return SKIP_BULGE + SKIP_GAP + width, height
    return width, SKIP_BULGE + SKIP_GAP + height
