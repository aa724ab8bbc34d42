"""Where a span is, in the numbers that tools want."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

from resnetdsl.source import Span


@dataclass(frozen=True, slots=True)
class Place:
    """1-based lines and columns, the end column excluded; columns and offsets count Unicode code points."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    start: int
    end: int


def place(span: Span) -> Place:
    """The numbers of a span, clamped into its file."""
    size = len(span.file.text)
    start = min(max(span.start, 0), size)
    end = min(max(span.end, start), size)
    line, column = span.file.position(start)
    end_line, end_column = span.file.position(end)
    return Place(span.file.name, line, column, end_line, end_column, start, end)


def uri(name: str) -> str:
    """A file's name as a URI: relative where it is relative."""
    path = PurePath(name)
    encoded = quote(path.as_posix().encode("utf-8", "replace"), safe="/~")
    if not path.is_absolute():
        return encoded
    return f"file://{encoded}" if encoded.startswith("/") else f"file:///{encoded}"
