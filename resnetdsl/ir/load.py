"""A graph from its YAML dump. Trusts nothing: whatever is wrong with a document is a `DumpError` that says where."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NoReturn

from resnetdsl.ir.graph import Graph, Output, Scope, ScopeKind, Source, Value
from resnetdsl.ir.types import Rate, TensorType
from resnetdsl.source import SourceFile, Span

VERSION = 1
"""The version of the format, first line of a dump. It changes when an older loader would misread a newer dump."""

_TYPE = re.compile(
    r"(?:scalar|(\d{1,18}(?:x\d{1,18})*) ([a-z?]+))(?: @([\d/]{1,40})(?:,([\d/]{1,40}))?)?( weight)?\Z", re.ASCII
)
_RATE = re.compile(r"[1-9]\d*(/[1-9]\d*)?\Z", re.ASCII)
_GRAPH_KEYS = {"resnetdsl", "network", "doc", "ranges", "scopes", "nodes", "order", "outputs"}
_SCOPE_KEYS = {"id", "kind", "name", "path", "parent", "copy", "call", "definition", "doc"}
_NODE_KEYS = {"id", "op", "path", "attrs", "inputs", "types", "scope", "span"}


class DumpError(Exception):
    """A document that is no dump of a graph, and where it goes wrong."""


def load(text: str, sources: Mapping[str, SourceFile] | None = None) -> Graph:
    """The graph of a dump. `sources` gives the texts that its spans point at, by name; others are taken as empty.

    Raises `DumpError` for anything else than what `dump` writes.
    """
    from resnetdsl.ir.plain_yaml import YamlError, parse  # an artifact has JSON

    try:
        document = parse(text)
    except YamlError as error:
        raise DumpError(f"not YAML: {error}") from error
    return from_document(document, sources)


def from_document(document: object, sources: Mapping[str, SourceFile] | None = None) -> Graph:
    """The graph of a dump that has been parsed, as YAML or from JSON, which is read ten times as fast."""
    return _Reader(dict(sources or {})).graph(document)


class _Reader:
    """Turns plain data into a graph; `where` names the entry at hand for the messages."""

    def __init__(self, sources: dict[str, SourceFile]) -> None:
        self.sources = sources
        self.where = "document"
        self.types: dict[str, TensorType] = {}

    def graph(self, document: object) -> Graph:
        top = self.mapping(document, _GRAPH_KEYS, {"resnetdsl", "network", "scopes", "nodes", "outputs"})
        if top["resnetdsl"] != VERSION or isinstance(top["resnetdsl"], bool):
            self.fail(f"this is version {top['resnetdsl']!r} of the format, and {VERSION} is read")
        graph = Graph(self.text(top["network"], "network"), self.text(top.get("doc", ""), "doc"))
        graph.input_ranges = self.ranges(top.get("ranges", []))
        for number, entry in enumerate(self.list(top["scopes"], "scopes")):
            self.where = f"scope {number}"
            graph.scopes.append(self.scope(entry, number))
        for number, entry in enumerate(self.list(top["nodes"], "nodes")):
            self.where = f"node {number}"
            self.node(graph, entry, number)
        for number, entry in enumerate(self.list(top.get("order", []), "order")):
            self.where = f"order {number}"
            fields = self.mapping(entry, {"path", "names"}, {"path", "names"})
            names = tuple(self.text(name, "names") for name in self.list(fields["names"], "names"))
            graph.order[self.text(fields["path"], "path")] = names
        for number, entry in enumerate(self.list(top["outputs"], "outputs")):
            self.where = f"output {number}"
            fields = self.mapping(entry, {"name", "of"}, {"name", "of"})
            graph.outputs.append(Output(self.text(fields["name"], "name"), self.source(graph, fields["of"])))
        return graph

    def scope(self, entry: object, number: int) -> Scope:
        fields = self.mapping(entry, _SCOPE_KEYS, {"id", "kind", "name", "path"})
        self.expect_id(fields["id"], number)
        kind = self.text(fields["kind"], "kind")
        if kind not in {known.value for known in ScopeKind}:
            self.fail(f"no such kind of scope: {kind!r}")
        parent = fields.get("parent")
        copy = self.list(fields.get("copy", [None, None]), "copy")
        if len(copy) != 2:
            self.fail("`copy` is an index and a count")
        index, count = (None if part is None else self.whole(part, "copy", 0) for part in copy)
        return Scope(
            number,
            None if parent is None else self.whole(parent, "parent", 0, number - 1),
            ScopeKind(kind),
            self.text(fields["name"], "name"),
            self.text(fields["path"], "path"),
            self.span(fields.get("call")),
            self.span(fields.get("definition")),
            index,
            count,
            self.text(fields.get("doc", ""), "doc"),
        )

    def node(self, graph: Graph, entry: object, number: int) -> None:
        fields = self.mapping(entry, _NODE_KEYS, {"id", "op", "path", "types", "scope"})
        self.expect_id(fields["id"], number)
        attrs = fields.get("attrs", {})
        if not isinstance(attrs, dict):
            self.fail("`attrs` is not a mapping")
        graph.add(
            self.text(fields["op"], "op"),
            {self.text(name, "attrs"): self.value(value) for name, value in attrs.items()},
            tuple(self.source(graph, source) for source in self.list(fields.get("inputs", []), "inputs")),
            tuple(self.type(kind) for kind in self.list(fields["types"], "types")),
            self.text(fields["path"], "path"),
            self.whole(fields["scope"], "scope", 0, len(graph.scopes) - 1),
            self.span(fields.get("span")),
        )

    def source(self, graph: Graph, value: object) -> Source:
        node, output = value if isinstance(value, list) and len(value) == 2 else (value, 0)
        node = self.whole(node, "operand", 0, len(graph) - 1)
        return Source(node, self.whole(output, "output of the operand", 0, len(graph.node(node).outputs) - 1))

    def type(self, value: object) -> TensorType:
        text = self.text(value, "types")
        if text not in self.types:
            found = _TYPE.match(text)
            shape = () if found is None or not found[1] else tuple(map(int, found[1].split("x")))
            if found is None or len(found[2] or "") != len(shape):
                self.fail(f"{text!r} is no type such as '64x56x56 chw @4'")
            height = self.rate(found[3] or "1")
            width = self.rate(found[4]) if found[4] else height
            self.types[text] = TensorType(shape, found[2] or "", (height, width), batched=found[5] is None)
        return self.types[text]

    def rate(self, text: str) -> Rate:
        if not _RATE.match(text):
            self.fail(f"{text!r} is no stride such as 4 or 1/2")
        rate = Fraction(text)
        return int(rate) if rate.denominator == 1 else rate

    def span(self, value: object) -> Span | None:
        if value is None:
            return None
        text = self.text(value, "span")
        name, _, offsets = text.rpartition(":")
        name, mark, start = name.rpartition(":")
        if not mark or not re.fullmatch(r"\d{1,12} \d{1,12}", f"{start} {offsets}", re.ASCII):
            self.fail(f"{text!r} is no span such as 'file.rnet:120:135'")
        if name not in self.sources:
            self.sources[name] = SourceFile(name, "")
        return Span(self.sources[name], int(start), int(offsets))

    def ranges(self, value: object) -> tuple[tuple[int, int, int] | None, ...]:
        found: list[tuple[int, int, int] | None] = []
        for part in self.list(value, "ranges"):
            if part is None:
                found.append(None)
                continue
            numbers = [self.whole(number, "ranges", 1) for number in self.list(part, "ranges")]
            if len(numbers) != 3:
                self.fail("a range is low, high and step")
            found.append((numbers[0], numbers[1], numbers[2]))
        return tuple(found)

    # --- plain data ---

    def value(self, value: object) -> Value:
        if isinstance(value, list):
            return tuple(map(self.value, value))
        if value is not None and not isinstance(value, int | float | str):
            self.fail("an attribute cannot be a mapping")
        return value

    def mapping(self, value: object, known: set[str], required: set[str]) -> dict[str, object]:
        if not isinstance(value, dict):
            self.fail("not a mapping")
        for key in value:
            if key not in known:
                self.fail(f"unknown key {key!r}")
        for key in sorted(required - value.keys()):
            self.fail(f"`{key}` is missing")
        return value

    def list(self, value: object, what: str) -> Sequence[object]:
        if not isinstance(value, list):
            self.fail(f"`{what}` is not a list")
        return value

    def text(self, value: object, what: str) -> str:
        if not isinstance(value, str):
            self.fail(f"`{what}` is not text")
        return value

    def whole(self, value: object, what: str, low: int, high: int | None = None) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            self.fail(f"`{what}` is not a whole number")
        if value < low or (high is not None and value > high):
            self.fail(f"{value} as `{what}` points at nothing")
        return value

    def expect_id(self, value: object, number: int) -> None:
        if value != number or isinstance(value, bool):
            self.fail(f"its id is {value!r}: entries are numbered from 0 in their order")

    def fail(self, message: str) -> NoReturn:
        raise DumpError(f"{self.where}: {message}")
