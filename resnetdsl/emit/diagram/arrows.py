"""Lines with heads."""

from __future__ import annotations

import math

from resnetdsl.emit.diagram.picture import Curve, Ink, Point, Shape

DOTS = (0.1, 3.2)
"""Dots: strokes of no length with round ends."""

HEAD = 5.5
"""The length of a head."""


def arrow(start: Point, pieces: tuple[tuple[Point, ...], ...], tip: Point, ink: Ink) -> list[Shape]:
    """A curve, and the head at its end."""
    *before, last = pieces
    ahead = last[-2] if len(last) > 1 else before[-1][-1] if before else start
    length = math.dist(ahead, tip) or 1.0
    # The curve ends inside of its head: its own end would make the tip blunt.
    by = min(HEAD * 0.8, length) / length
    end = (tip[0] + (ahead[0] - tip[0]) * by, tip[1] + (ahead[1] - tip[1]) * by)
    return [Curve(start, (*before, (*last[:-1], end)), ink), head(tip, ahead, ink.stroke or "", HEAD)]


def head(tip: Point, behind: Point, colour: str, size: float) -> Curve:
    """A triangle with its tip at a point, coming from another."""
    length = math.dist(behind, tip) or 1.0
    x, y = (tip[0] - behind[0]) / length, (tip[1] - behind[1]) / length
    back = (tip[0] - x * size, tip[1] - y * size)
    half = size * 0.42
    left, right = (back[0] - y * half, back[1] + x * half), (back[0] + y * half, back[1] - x * half)
    return Curve(tip, ((left,), (right,)), Ink(colour, None), closed=True)
