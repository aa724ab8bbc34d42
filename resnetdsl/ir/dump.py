"""A graph as YAML, out and in: what a person reads, a test compares and another program loads.

Written by hand rather than by PyYAML, an entry a line, so that the text is readable, quick and the same byte for byte
wherever it is made. `load` (ir/load.py) reads it back to an equal graph, `equal` says whether two graphs are one.
"""

from __future__ import annotations

import math
import re

from resnetdsl.ir.graph import Graph, Node, Scope, Source, Value
from resnetdsl.ir.load import VERSION, DumpError, load
from resnetdsl.ir.types import TensorType
from resnetdsl.source import Span

__all__ = ["VERSION", "DumpError", "dump", "equal", "load"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}  # what YAML 1.1 reads as something else
_PRINTABLE = re.compile('[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|["\\\\]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


Plain = int | float | bool | str | None | list["Plain"] | dict[str, "Plain"]
"""What YAML and JSON have."""


def dump(graph: Graph) -> str:
    """The graph as YAML."""
    lines: list[str] = []
    for key, value in document(graph).items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{key}:", *(f"- {_value(entry)}" for entry in value)]
        else:
            lines.append(f"{key}: {_value(value)}")
    return "\n".join(lines) + "\n"


def document(graph: Graph) -> dict[str, Plain]:
    """The graph as plain data, which `from_document` (ir/load.py) reads back. What is absent is left out."""
    return _entry(
        resnetdsl=VERSION,
        network=graph.name,
        doc=graph.doc or None,
        ranges=[None if each is None else [*each] for each in graph.input_ranges],
        scopes=[_scope(scope) for scope in graph.scopes],
        nodes=[_node(node) for node in graph.nodes()],
        order=[_entry(path=path, names=[*names]) for path, names in graph.order.items()] or None,
        outputs=[_entry(name=output.name, of=_source(output.source)) for output in graph.outputs],
    )


def equal(left: Graph, right: Graph) -> bool:
    """Whether two graphs are the same in everything: ops, attributes, paths, operands, types, scopes, outputs, spans.

    Spans are compared by their file's name and their offsets. `2`, `2.0` and `true` are three attributes.
    """
    # A dump holds all of a graph and writes each thing in one way only.
    return dump(left) == dump(right)


def _scope(scope: Scope) -> dict[str, Plain]:
    return _entry(
        id=scope.id,
        kind=scope.kind.value,
        name=scope.name,
        path=scope.path,
        parent=scope.parent,
        copy=None if scope.index is None and scope.count is None else [scope.index, scope.count],
        call=_span(scope.call),
        definition=_span(scope.definition),
        doc=scope.doc or None,
    )


def _node(node: Node) -> dict[str, Plain]:
    return _entry(
        id=node.id,
        op=node.op,
        path=node.path,
        attrs={name: _plain(value) for name, value in node.attrs.items()} or None,
        inputs=[_source(source) for source in node.inputs] or None,
        types=[_type(kind) for kind in node.outputs],
        scope=node.scope,
        span=_span(node.span),
    )


def _type(kind: TensorType) -> str:
    """`64x56x56 chw @4`: the shape, the axes, the stride where there is one, `weight` where there is no batch."""
    height, width = kind.stride
    stride = f" @{height}" if height == width else f" @{height},{width}"
    stride = "" if height == width == 1 else stride
    return f"{kind} {kind.axes}".rstrip() + stride + ("" if kind.batched else " weight")


def _entry(**fields: Plain) -> dict[str, Plain]:
    return {key: value for key, value in fields.items() if value is not None}


def _source(source: Source) -> Plain:
    return source.node if source.output == 0 else [source.node, source.output]


def _span(span: Span | None) -> str | None:
    return None if span is None else f"{span.file.name}:{span.start}:{span.end}"


def _plain(value: Value) -> Plain:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _value(value: Plain) -> str:
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
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{{', '.join(f'{_text(key)}: {_value(each)}' for key, each in value.items())}}}"


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
