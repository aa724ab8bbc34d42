"""A graph as YAML, out and in: what a person reads, a test compares and another program loads.

Written by hand rather than by PyYAML, an entry a line, so that the text is readable, quick and the same byte for byte
wherever it is made. `load` (ir/load.py) reads it back to an equal graph, `equal` says whether two graphs are one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from resnetdsl.ir.graph import Graph, Node, Scope, Source, Value
from resnetdsl.ir.load import VERSION, DumpError, load
from resnetdsl.ir.types import TensorType
from resnetdsl.source import Span

__all__ = ["VERSION", "DumpError", "dump", "equal", "load"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}  # what YAML 1.1 reads as something else
_PRINTABLE = re.compile('[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|["\\\\]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump(graph: Graph) -> str:
    """The graph as YAML."""
    lines = [f"resnetdsl: {VERSION}", f"network: {_text(graph.name)}"]
    if graph.doc:
        lines.append(f"doc: {_text(graph.doc)}")
    lines.append(f"ranges: {_value(graph.input_ranges)}")
    lines.extend(_block("scopes", (_scope(scope) for scope in graph.scopes)))
    lines.extend(_block("nodes", (_node(graph, node) for node in graph.nodes())))
    if graph.order:
        orders = (_entry(path=_text(path), names=_value(names)) for path, names in graph.order.items())
        lines.extend(_block("order", orders))
    results = (_entry(name=_text(output.name), of=_source(output.source)) for output in graph.outputs)
    lines.extend(_block("outputs", results))
    return "\n".join(lines) + "\n"


def equal(left: Graph, right: Graph) -> bool:
    """Whether two graphs are the same in everything: ops, attributes, paths, operands, types, scopes, outputs, spans.

    Spans are compared by their file's name and their offsets. `2`, `2.0` and `true` are three attributes.
    """
    # A dump holds all of a graph and writes each thing in one way only.
    return dump(left) == dump(right)


def _block(key: str, entries: Iterable[str]) -> list[str]:
    lines = [f"- {entry}" for entry in entries]
    return [f"{key}:", *lines] if lines else [f"{key}: []"]


def _scope(scope: Scope) -> str:
    return _entry(
        id=str(scope.id),
        kind=scope.kind.value,
        name=_text(scope.name),
        path=_text(scope.path),
        parent=None if scope.parent is None else str(scope.parent),
        copy=None if scope.index is None and scope.count is None else _value((scope.index, scope.count)),
        call=_span(scope.call),
        definition=_span(scope.definition),
        doc=_text(scope.doc) if scope.doc else None,
    )


def _node(graph: Graph, node: Node) -> str:
    inputs = graph.inputs(node.id)
    attrs = ", ".join(f"{_text(name)}: {_value(value)}" for name, value in node.attrs.items())
    return _entry(
        id=str(node.id),
        op=_text(node.op),
        path=_text(node.path),
        attrs=f"{{{attrs}}}" if attrs else None,
        inputs=f"[{', '.join(map(_source, inputs))}]" if inputs else None,
        types=f"[{', '.join(map(_type, node.outputs))}]",
        scope=str(node.scope),
        span=_span(node.span),
    )


def _type(kind: TensorType) -> str:
    """`"64x56x56 chw @4"`: the shape, the axes, the stride where there is one, `weight` where there is no batch."""
    height, width = kind.stride
    stride = f" @{height}" if height == width else f" @{height},{width}"
    stride = "" if height == width == 1 else stride
    return _text(f"{kind} {kind.axes}".rstrip() + stride + ("" if kind.batched else " weight"))


def _entry(**fields: str | None) -> str:
    return "{" + ", ".join(f"{key}: {text}" for key, text in fields.items() if text is not None) + "}"


def _source(source: Source) -> str:
    return str(source.node) if source.output == 0 else f"[{source.node}, {source.output}]"


def _span(span: Span | None) -> str | None:
    return None if span is None else _text(f"{span.file.name}:{span.start}:{span.end}")


def _value(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case str():
            return _text(value)
        case tuple():
            return f"[{', '.join(map(_value, value))}]"


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    # YAML 1.1 takes `1e-05` for a string: a float has a point.
    return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else text


def _text(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _RESERVED:
        return text
    return '"' + _PRINTABLE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    return _ESCAPES.get(char) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
