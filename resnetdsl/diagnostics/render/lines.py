"""Source lines as terminal cells: tabs, wide characters, and lines too long for the screen."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from resnetdsl.diagnostics.plain import cells, picture
from resnetdsl.source import SourceFile

TAB = 4
_CUT = "..."


class Line:
    """A line of a file, and at which cell each of its characters starts."""

    def __init__(self, text: str) -> None:
        self._glyphs: list[str] = []
        self._starts = [0]
        for char in text:
            at = self._starts[-1]
            if char == "\t":
                glyph, size = " " * (TAB - at % TAB), TAB - at % TAB
            else:
                glyph = picture(char)
                size = cells(glyph)
            self._glyphs.append(glyph)
            self._starts.append(at + size)

    @property
    def width(self) -> int:
        return self._starts[-1]

    @property
    def indent(self) -> int:
        """The cell of the first character that is no space."""
        for glyph, start in zip(self._glyphs, self._starts, strict=False):
            if not glyph.isspace():
                return start
        return self.width

    def cell(self, column: int) -> int:
        """The cell at which a 0-based column starts; columns past the end stand behind the last character."""
        return self._starts[min(max(column, 0), len(self._glyphs))]

    def between(self, low: int, high: int) -> str:
        """The cells `low..high`; half of a wide character is a space."""
        first = bisect_left(self._starts, low)
        out = [" " * (min(self._starts[first], high) - low)] if first < len(self._starts) else []
        at = max(low, self._starts[min(first, len(self._glyphs))])
        for index in range(first, len(self._glyphs)):
            end = self._starts[index + 1]
            if end > high:
                break
            out.append(self._glyphs[index])
            at = end
        return "".join(out) + " " * (high - at if self.width > high > at else 0)


@dataclass(frozen=True, slots=True)
class View:
    """The part of a line that is shown: the cells `low..high`, and what was cut on each side."""

    text: str
    low: int
    high: int

    def place(self, cell: int) -> int:
        """Where a cell of the line is in the view; what is cut off is at its edge."""
        return min(max(cell, self.low), self.high) - self.low


def view(line: Line, marks: list[tuple[int, int]], room: int) -> View:
    """Show all of a line if there is room, else the part of it around the marks."""
    if line.width <= room:
        return View(line.between(0, line.width), 0, max(line.width, 0) + 1)
    first = min((start for start, _ in marks), default=0)
    last = max((end for _, end in marks), default=0)
    if last <= room - len(_CUT):
        low = 0
    else:
        # Keep some text in front of the mark, and as much behind it as fits.
        spare = max(room - 2 * len(_CUT) - (last - first), 0)
        low = max(0, first - len(_CUT) - max(spare // 2, min(room // 4, first)))
        low = min(low, line.width - room) if last - low <= room else low
    high = low + room
    left = _CUT if low else ""
    right = _CUT if high < line.width else ""
    text = left + line.between(low + len(left), high - len(right)) + right
    return View(text, low, high)


def locate(file: SourceFile, start: int, end: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """1-based line and 0-based column of both ends of a span, clamped into the file.

    A span that ends behind a line break ends at the end of that line, where a reader sees its end.
    """
    size = len(file.text)
    start = min(max(start, 0), size)
    end = min(max(end, start), size)
    while end > start and file.text[end - 1] in "\r\n":
        end -= 1
    first, last = file.position(start), file.position(end)
    return (first[0], first[1] - 1), (last[0], last[1] - 1)
