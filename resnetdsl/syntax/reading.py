"""Bytes to text: what is no spec is refused before anything looks at it."""

from __future__ import annotations

import codecs
from pathlib import Path

from resnetdsl.diagnostics.model import Fact, Sink
from resnetdsl.source import SourceFile

MAX_BYTES = 1_000_000
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f")


def read_source(source: Path | bytes, name: str, sink: Sink) -> SourceFile | None:
    """The text of a file, or of bytes from elsewhere; None, and a fact, where it is no text.

    A byte order mark is left out, line endings stay as they are: places in the text are places in the file. A file that
    cannot be opened raises OSError, which is the caller's to word.
    """
    if isinstance(source, bytes):
        data, size = source, len(source)
    else:
        with source.open("rb") as stream:
            size = source.stat().st_size
            data = stream.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
            size = max(size, len(data))
    if size > MAX_BYTES:
        _refuse(name, "E0111", sink, size=size, limit=MAX_BYTES)
        return None
    for mark, encoding in ((codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16")):
        if data.startswith(mark):
            _refuse(name, "E0110", sink, reason=f"it is {encoding}, and a spec is UTF-8")
            return None
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        readable = data[: error.start].decode("utf-8")
        reason = f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8"
        _refuse(name, "E0110", sink, readable, reason=_if_binary(readable) or reason)
        return None
    control = next((offset for offset, char in enumerate(text) if ord(char) in _CONTROLS), None) if _odd(data) else None
    if control is not None:
        reason = _if_binary(text) or f"character U+{ord(text[control]):04X} at offset {control} is no part of a text"
        _refuse(name, "E0110", sink, text[:control], reason=reason)
        return None
    return SourceFile(name, text)


def _odd(data: bytes) -> bool:
    return bool(data.translate(None, bytes(set(range(256)) - _CONTROLS)))


def _if_binary(text: str) -> str | None:
    return "it is binary" if "\0" in text else None


def _refuse(name: str, code: str, sink: Sink, readable: str = "", **data: object) -> None:
    """The fact's place is the end of what could be read, in a file that holds no more than the last line of it."""
    lines = readable.count("\n")
    start = readable.rfind("\n") + 1
    shown = "\n" * lines + (readable[start : start + 200] if "\0" not in readable else "")
    file = SourceFile(name, shown)
    sink.take((Fact(code, file.span(len(shown), len(shown)), data),))
