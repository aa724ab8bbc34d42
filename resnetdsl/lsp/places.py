"""Characters of a text as positions of the protocol, which count lines from 0 and units of an encoding within them."""

from __future__ import annotations

from lsprotocol import types as lsp

from resnetdsl.source import SourceFile, Span

Encoding = lsp.PositionEncodingKind


class Places:
    """Positions in one text. A position beyond a line's end is its end, one beyond the text the text's."""

    def __init__(self, file: SourceFile, encoding: Encoding = Encoding.Utf16) -> None:
        self.file = file
        self.encoding = encoding

    def offset(self, position: lsp.Position) -> int:
        """The character that a position is before."""
        if position.line >= len(self.file.line_starts):
            return len(self.file.text)
        start = self.file.line_starts[position.line]
        line = self.file.line_text(position.line + 1)
        gone = 0
        for at, char in enumerate(line):
            if gone >= position.character:
                return start + at
            gone += units(char, self.encoding)
        return start + len(line)

    def position(self, offset: int) -> lsp.Position:
        line, column = self.file.position(min(offset, len(self.file.text)))
        start = self.file.line_starts[line - 1]
        before = self.file.text[start : start + column - 1]
        return lsp.Position(line - 1, units(before, self.encoding))

    def range(self, span: Span) -> lsp.Range:
        return lsp.Range(self.position(span.start), self.position(span.end))


def units(text: str, encoding: Encoding) -> int:
    """How many units a text takes."""
    match encoding:
        case Encoding.Utf8:
            return len(text.encode("utf-8", "surrogatepass"))
        case Encoding.Utf32:
            return len(text)
        case _:
            return len(text) + sum(char > "\uffff" for char in text)
