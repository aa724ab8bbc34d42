"""Styled text. A row is drawn once, and colour is a choice made when it is written out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Style(Enum):
    """What a piece of text is; the value is the ANSI code for it."""

    PLAIN = ""
    STRONG = "1"
    ERROR = "1;31"
    WARNING = "1;33"
    SECONDARY = "1;34"
    GUTTER = "34"
    HELP = "1;36"


@dataclass(slots=True)
class Row:
    """One line of output, built from left to right."""

    pieces: list[tuple[str, Style]] = field(default_factory=list)

    def add(self, text: str, style: Style = Style.PLAIN) -> Row:
        if text:
            self.pieces.append((text, style))
        return self

    def write(self, *, color: bool) -> str:
        if not color:
            return "".join(text for text, _ in self.pieces).rstrip()
        out = []
        for text, style in self.pieces:
            out.append(text if style is Style.PLAIN or text.isspace() else f"\x1b[{style.value}m{text}\x1b[0m")
        return "".join(out).rstrip()


class Strip:
    """A row of cells that can be written in any order, one character a cell."""

    def __init__(self) -> None:
        self._cells: dict[int, tuple[str, Style]] = {}

    def put(self, at: int, text: str, style: Style) -> None:
        for offset, char in enumerate(text):
            self._cells[at + offset] = (char, style)

    def onto(self, row: Row) -> Row:
        """Append the cells to a row, with spaces where nothing was put."""
        end = max(self._cells, default=-1) + 1
        blank = (" ", Style.PLAIN)
        run: list[str] = []
        style = Style.PLAIN
        for at in range(end):
            char, own = self._cells.get(at, blank)
            if own is not style:
                row.add("".join(run), style)
                run, style = [], own
            run.append(char)
        return row.add("".join(run), style)
