"""A box with what stands in and beside it, as shapes."""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.emit.diagram.arrows import DOTS, head
from resnetdsl.emit.diagram.metrics import CAPITAL
from resnetdsl.emit.diagram.model import Box, BoxKind, WireKind
from resnetdsl.emit.diagram.picture import Circle, Curve, Ink, Point, Rect, Shape, Text
from resnetdsl.emit.diagram.routes import Edges
from resnetdsl.emit.diagram.sizes import SKIP_BULGE, SKIP_GAP, STACK, Direction, lines, skip_lines
from resnetdsl.emit.diagram.theme import Theme, Tint

_ENDS = (BoxKind.INPUT, BoxKind.RESULT, BoxKind.LINK)
"""Where a tensor comes from or goes to."""


_MARKED = 1.8
"""How thick the line is around what was added, removed or changed: in black and white it is most of the difference."""


@dataclass(frozen=True, slots=True)
class BoxArtist:
    """Draws boxes at their places. `marked`: only what has a mark has a colour."""

    theme: Theme
    direction: Direction
    marked: bool

    def shapes(self, box: Box, edges: Edges, *, from_left: bool = False) -> tuple[Shape, ...]:
        """A box at its place: left, top, right and bottom. `from_left` says that a wire comes in at its left."""
        if box.kind is BoxKind.MERGE:
            return tuple(self._merge(box, edges, from_left))
        return (*self._stack(box, edges), *self._skips(box, edges), *self._lines(box, edges))

    def _tint(self, box: Box) -> Tint:
        if box.mark is not None:
            marked: Tint = getattr(self.theme, box.mark.value)
            return marked
        if box.kind in _ENDS:
            return self.theme.input
        tint: Tint = self.theme.block if self.marked else getattr(self.theme, box.tone.value)
        return tint

    def _stack(self, box: Box, edges: Edges) -> list[Shape]:
        """The box, with the edge of another copy or two behind it."""
        left, top, right, bottom = edges
        tint = self._tint(box)
        radius = (bottom - top) / 2 if box.kind in _ENDS else 4
        ink = Ink(tint.fill, tint.line, 1.0 if box.mark is None else _MARKED)
        behind = [STACK] if box.copies == 2 else [STACK, STACK / 2] if box.copies > 2 else []
        return [Rect(left + by, top + by, right - left, bottom - top, radius, ink) for by in (*behind, 0.0)]

    def _lines(self, box: Box, edges: Edges) -> list[Shape]:
        left, top, right, bottom = edges
        shown = lines(box)
        y = (top + bottom - sum(line.height for line in shown)) / 2
        texts: list[Shape] = []
        for number, line in enumerate(shown):
            base = y + line.height / 2 + line.size * CAPITAL / 2
            colour = self.theme.faint if number else self.theme.ink
            texts.append(Text((left + right) / 2, base, line.text, line.size, colour, line.width, bold=line.bold))
            y += line.height
        return texts

    def _merge(self, box: Box, edges: Edges, from_left: bool) -> list[Shape]:
        left, top, right, bottom = edges
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
                aside = line.size * CAPITAL / 2 if not from_left else radius + line.size * CAPITAL
                at, anchor = (left - 3, y + aside), "end"
            else:
                at, anchor = (x, top - 4), "middle"
            shapes.append(Text(*at, line.text, line.size, self.theme.faint, line.width, anchor))
        return shapes

    def _skips(self, box: Box, edges: Edges) -> list[Shape]:
        """The shortcuts inside a closed box, as an arc beside it: one of each style, with the names."""
        if not box.skips:
            return []
        left, top, right, bottom = edges
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
            shapes.append(head(at(edge, last), at(edge + 1, last), colour, 4.0))
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
