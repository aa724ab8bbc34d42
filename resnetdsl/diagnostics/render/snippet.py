"""The excerpt of one file with its marks, in the manner of rustc."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from resnetdsl.diagnostics.plain import text_cells
from resnetdsl.diagnostics.render.lines import Line, View, locate, view
from resnetdsl.diagnostics.render.paint import Row, Strip, Style
from resnetdsl.source import SourceFile, Span

_WHOLE = 4  # a span of at most so many lines is shown whole
_LABEL_ROOM = 24  # a label is not wrapped into less than this


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to underline. `style` and `char` tell a primary span from a secondary."""

    span: Span
    text: str
    char: str
    style: Style


@dataclass(frozen=True, slots=True)
class _Placed:
    """A mark with its ends as lines and columns."""

    mark: Mark
    first: int
    start: int
    last: int
    end: int

    @property
    def is_long(self) -> bool:
        return self.last > self.first


@dataclass(frozen=True, slots=True)
class _Under:
    """A mark within one line: the cells of the view that it underlines."""

    mark: Mark
    start: int
    end: int


def last_line(span: Span) -> int:
    """The last line that a span touches; the gutter must be wide enough for it."""
    return locate(span.file, span.start, span.end)[1][0]


def snippet(file: SourceFile, marks: list[Mark], gutter: int, width: int) -> Iterator[Row]:
    """Rows for the marked lines of a file, and what little lies between them."""
    yield from _Snippet(file, marks, gutter, width).rows()


class _Snippet:
    def __init__(self, file: SourceFile, marks: list[Mark], gutter: int, width: int) -> None:
        self.file = file
        self.gutter = gutter
        self.placed = [_place(mark) for mark in marks]
        # Each span of several lines has a lane at the left, in which its bracket runs.
        self.long = sorted((p for p in self.placed if p.is_long), key=lambda p: (p.first, -p.last, p.start))
        self.inset = len(self.long) + 1 if self.long else 0
        self.room = max(width - gutter - 3 - self.inset, 20)
        self.open: list[_Placed] = []

    def rows(self) -> Iterator[Row]:
        before = 0
        for line in self._lines():
            if before and line > before + 1:
                yield Row().add("...".ljust(self.gutter + 3), Style.GUTTER).add(*self._lanes())
            yield from self._line(line)
            before = line

    def _lines(self) -> list[int]:
        shown: set[int] = set()
        for p in self.placed:
            shown |= {p.first, p.last}
            if p.last - p.first < _WHOLE:
                shown |= set(range(p.first, p.last + 1))
        # A gap of one line is filled: it takes no more room than the ellipsis would.
        shown |= {line + 1 for line in shown if line + 2 in shown}
        return sorted(shown)

    def _line(self, number: int) -> Iterator[Row]:
        line = Line(self.file.line_text(number))
        short = [p for p in self.placed if not p.is_long and p.first == number]
        starts = [p for p in self.long if p.first == number]
        ends = [p for p in self.long if p.last == number]
        ranges = [(line.cell(p.start), max(line.cell(p.end), line.cell(p.start) + 1)) for p in short]
        ranges += [(line.cell(p.start), line.cell(p.start) + 1) for p in starts]
        ranges += [(max(line.cell(p.end) - 1, 0), line.cell(p.end)) for p in ends]
        shown = view(line, ranges, self.room)

        # A span that starts a line needs no arm to reach its start.
        flush = [p for p in starts if line.cell(p.start) <= line.indent and not shown.low]
        row = Row().add(f"{number:>{self.gutter}} | ", Style.GUTTER)
        yield self._with_lanes(row, corners=flush).add(shown.text)
        self.open += flush
        yield from self._short_marks(line, shown, short)
        for p in starts:
            if p not in flush:
                yield self._arm(p, shown.place(line.cell(p.start)), "")
                self.open.append(p)
        for p in ends:
            # The label of a span of several lines stands at its end, where the eye is when it has read it.
            yield self._arm(p, shown.place(max(line.cell(p.end) - 1, 0)), p.mark.text)
            self.open.remove(p)

    def _blank(self) -> Row:
        return Row().add(" " * self.gutter + " | ", Style.GUTTER)

    def _lanes(self) -> tuple[str, Style]:
        text = "".join("|" if p in self.open else " " for p in self.long)
        return (text + " " if self.long else "", self.open[0].mark.style if self.open else Style.PLAIN)

    def _with_lanes(self, row: Row, corners: list[_Placed]) -> Row:
        for p in self.long:
            char = "/" if p in corners else "|" if p in self.open else " "
            row.add(char, p.mark.style)
        return row.add(" " if self.long else "")

    def _under_row(self, strip: Strip) -> Row:
        return strip.onto(self._with_lanes(self._blank(), corners=[]))

    def _arm(self, p: _Placed, cell: int, text: str) -> Row:
        strip = Strip()
        for lane, other in enumerate(self.long):
            if other in self.open:
                strip.put(lane, "|", other.mark.style)
        lane = self.long.index(p)
        strip.put(lane + 1, "_" * (self.inset + cell - lane - 1), p.mark.style)
        strip.put(self.inset + cell, p.mark.char, p.mark.style)
        row = strip.onto(self._blank())
        return row.add(f" {text}" if text else "", p.mark.style)

    def _short_marks(self, line: Line, shown: View, placed: list[_Placed]) -> Iterator[Row]:
        if not placed:
            return
        under = []
        for p in placed:
            start = shown.place(line.cell(p.start))
            under.append(_Under(p.mark, start, max(shown.place(line.cell(p.end)), start + 1)))
        strip = Strip()
        # Long marks first, so that one inside another is seen; a primary over a secondary of the same place.
        for u in sorted(under, key=lambda u: (u.start - u.end, u.mark.char == "^")):
            strip.put(u.start, u.mark.char * (u.end - u.start), u.mark.style)

        labelled = sorted((u for u in under if u.mark.text), key=lambda u: (u.start, u.end))
        inline = labelled.pop() if labelled and all(u.end <= labelled[-1].end for u in under) else None
        if inline is None:
            yield self._under_row(strip)
        else:
            texts = self._wrap(inline.mark.text, inline.end + 1)
            yield self._under_row(strip).add(" " + texts[0], inline.mark.style)
            for text in texts[1:]:
                more = self._connectors(labelled)
                yield _pad(self._under_row(more), self._left + inline.end + 1).add(text, inline.mark.style)
        if labelled:
            yield self._under_row(self._connectors(labelled))
        while labelled:
            u = labelled.pop()
            rest = [other for other in labelled if other.start < u.start]
            for text in self._wrap(u.mark.text, u.start):
                row = self._under_row(self._connectors(rest))
                yield _pad(row, self._left + u.start).add(text, u.mark.style)

    @property
    def _left(self) -> int:
        return self.gutter + 3 + self.inset

    def _connectors(self, under: list[_Under]) -> Strip:
        strip = Strip()
        for u in under:
            strip.put(u.start, "|", u.mark.style)
        return strip

    def _wrap(self, text: str, at: int) -> list[str]:
        room = self.room - at
        if room < _LABEL_ROOM or text_cells(text) <= room:
            return [text]
        return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [text]


def _place(mark: Mark) -> _Placed:
    (first, start), (last, end) = locate(mark.span.file, mark.span.start, mark.span.end)
    return _Placed(mark, first, start, last, end)


def _pad(row: Row, width: int) -> Row:
    return row.add(" " * (width - sum(len(text) for text, _ in row.pieces)))
