"""Bytes to text: what can be wrong with a file before anything is parsed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from resnetdsl.diagnostics.model import Sink
from resnetdsl.source import SourceFile

MOST_BYTES: Final = 4 * 2**20


def read_source(source: Path | bytes, name: str, sink: Sink) -> SourceFile | None:
    """The text of a file or of bytes; None after a message. A byte order mark is dropped; offsets count from after it."""
    if isinstance(source, Path):
        try:
            size = source.stat().st_size
            if size > MOST_BYTES:
                return _refuse(name, "E0111", sink, size=size, limit=MOST_BYTES)
            source = source.read_bytes()
        except OSError as problem:
            return _refuse(name, "E0110", sink, reason=f"it cannot be read: {problem.strerror or problem}")
    if len(source) > MOST_BYTES:
        return _refuse(name, "E0111", sink, size=len(source), limit=MOST_BYTES)
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = source[: problem.start].count(b"\n") + 1
        return _refuse(name, "E0110", sink, reason=f"byte {problem.start}, on line {line}, is no UTF-8")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        return _refuse(name, "E0110", sink, reason=f"line {line} holds a NUL character, as binary files do")
    return SourceFile(name, text)


def _refuse(name: str, code: str, sink: Sink, **data: object) -> None:
    sink.report(code, SourceFile(name, "").span(0, 0), **data)
