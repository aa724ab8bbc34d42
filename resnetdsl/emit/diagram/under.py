"""What stands under a picture: its name, and lines of text."""

from __future__ import annotations

from collections.abc import Iterable

from resnetdsl.emit.diagram.metrics import text_width
from resnetdsl.emit.diagram.picture import Group, Shape, Text, bounds
from resnetdsl.emit.diagram.sizes import DETAIL, FRAME
from resnetdsl.emit.diagram.theme import Theme

_LEAST = 200.0


def captions(groups: tuple[Group, ...], texts: Iterable[tuple[str, bool]], theme: Theme) -> Group:
    """Lines in the middle under groups; the bold ones are titles."""
    left, _, right, y = edges_of(groups)
    y += 10
    shown: list[Shape] = []
    for text, bold in texts:
        size, colour = (FRAME, theme.ink) if bold else (DETAIL, theme.faint)
        for line in wrapped(text, max(right - left, _LEAST), size, bold):
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


def edges_of(groups: Iterable[Group]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of all that is drawn."""
    edges = [bounds(shape) for group in groups for shape in group.shapes]
    return min(e[0] for e in edges), min(e[1] for e in edges), max(e[2] for e in edges), max(e[3] for e in edges)
