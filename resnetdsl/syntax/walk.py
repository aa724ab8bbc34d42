"""Every node of a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from resnetdsl.syntax import ast

_PARTS: dict[type[ast.Node], tuple[str, ...]] = {}


def _parts(kind: type[ast.Node]) -> tuple[str, ...]:
    if kind not in _PARTS:
        _PARTS[kind] = tuple(field.name for field in fields(kind) if field.compare)
    return _PARTS[kind]


def children(node: ast.Node) -> Iterator[ast.Node]:
    """The nodes directly below a node, in the order of the text."""
    for name in _parts(type(node)):
        part = getattr(node, name)
        if isinstance(part, ast.Node):
            yield part
        elif isinstance(part, tuple):
            yield from (item for item in part if isinstance(item, ast.Node))


def walk(node: ast.Node) -> Iterator[ast.Node]:
    """A node and all below it, parents first."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        yield at
        waiting.extend(reversed(tuple(children(at))))
