"""A YAML text as settings with places: plain values and tables, and a fact for whatever is more or less than that.

Built on the parser's events, as `ir/plain_yaml.py` is and for its reasons; there a document is data, and here each part
of it knows where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from resnetdsl.diagnostics.model import Sink
from resnetdsl.source import SourceFile, Span

_MOST_NESTED = 8


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value, as it is written."""

    text: str
    span: Span
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Keys and values in order; a key may be there twice."""

    entries: tuple[tuple[Scalar, Value], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Value, ...]
    span: Span


Value = Scalar | Table | Sequence


@dataclass(slots=True)
class _Open:
    """A collection that is being read; `items` alternate between keys and values in a table."""

    span: Span
    table: bool
    items: list[Value] = field(default_factory=list)


def read(file: SourceFile, sink: Sink) -> Value | None:
    """The one document of a text, or None after a fact that says why there is none."""
    try:
        return _Document(file, sink).read()
    except yaml.MarkedYAMLError as error:
        sink.report("E1001", _place(file, error), reason=" ".join((error.problem or "it cannot be read").split()))
    except yaml.YAMLError as error:
        sink.report("E1001", file.span(0, 0), reason=" ".join(str(error).split()))
    except _NotPlain as found:
        sink.report("E1002", found.span, what=found.what)
    return None


def _place(file: SourceFile, error: yaml.MarkedYAMLError) -> Span:
    """Where a reader has to look: at a line without its colon, and not at the next, where it is missed."""
    if error.context_mark is not None and error.problem == "could not find expected ':'":
        at = error.context_mark.index
        return file.span(at, at + len(file.text[at:].split("\n", 1)[0].split(" #", 1)[0].rstrip()))
    at = min(error.problem_mark.index if error.problem_mark is not None else 0, len(file.text))
    # The parser complains at the ends of lines and texts: the last character before them can be seen.
    while at > 0 and (at >= len(file.text) or file.text[at] in "\r\n"):
        at -= 1
    return file.span(at, min(at + 1, len(file.text)))


class _NotPlain(Exception):  # noqa: N818 - it never leaves this file
    def __init__(self, what: str, span: Span) -> None:
        self.what = what
        self.span = span


class _Document:
    def __init__(self, file: SourceFile, sink: Sink) -> None:
        self.file = file
        self.sink = sink

    def read(self) -> Value | None:
        root: Value | None = None
        opened: list[_Open] = []
        for event in self._events():
            made: Value
            match event:
                case yaml.ScalarEvent():
                    made = Scalar(event.value, self._span(event), quoted=event.style is not None)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    opened.append(_Open(self._start(event), isinstance(event, yaml.MappingStartEvent)))
                    if len(opened) > _MOST_NESTED:
                        raise _NotPlain("deep nesting", opened[-1].span)
                    continue
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    made = self._close(opened.pop())
                case _:
                    continue
            if opened:
                opened[-1].items.append(made)
            else:
                root = made
        return root

    def _close(self, done: _Open) -> Value:
        if not done.table:
            return Sequence(tuple(done.items), done.span)
        entries: list[tuple[Scalar, Value]] = []
        for key, value in zip(done.items[::2], done.items[1::2], strict=True):
            if not isinstance(key, Scalar):
                raise _NotPlain("a key that is no name", key.span)
            entries.append((key, value))
        return Table(tuple(entries), done.span)

    def _events(self) -> Iterator[yaml.Event]:
        documents = 0
        for event in yaml.parse(self.file.text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _NotPlain("a second document", self._start(event))
            if isinstance(event, yaml.AliasEvent):
                raise _NotPlain("an alias", self._span(event))
            if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
                raise _NotPlain("an anchor", self._start(event))
            if getattr(event, "tag", None) is not None:
                raise _NotPlain("a tag", self._start(event))
            yield event

    def _span(self, event: yaml.Event) -> Span:
        if event.start_mark is None or event.end_mark is None:
            return self.file.span(0, 0)
        start, end = event.start_mark.index, event.end_mark.index
        # The mark of the end of a block of text stands on the line after it.
        return self.file.span(start, start + len(self.file.text[start:end].rstrip()))

    def _start(self, event: yaml.Event) -> Span:
        """The word that a node begins with: the whole of it may be the rest of the text."""
        start = 0 if event.start_mark is None else event.start_mark.index
        word = self.file.text[start:].split(maxsplit=1)
        return self.file.span(start, start + (len(word[0]) if word else 0))
