"""Every node of a tree."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import fields
from functools import cache
from typing import cast

from resnetdsl.syntax import ast


@cache
def _parts(kind: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cast("type[ast.Node]", kind)) if field.compare)


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
