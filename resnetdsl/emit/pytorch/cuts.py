"""Where a network can be cut for training in less memory: its blocks, between which few tensors live."""

from __future__ import annotations

from resnetdsl.emit.outline import Part, holds_blocks, outline
from resnetdsl.ir.graph import Graph, ScopeKind

HELPER = "recomputed"
"""The helper, and the decorator in it, that marks the `forward` of a block."""


def cuts(graph: Graph) -> frozenset[str]:
    """The module paths of the outermost blocks. One that mostly consists of blocks is a stage, and those are its."""
    found: set[str] = set()
    todo = [outline(graph)]
    while todo:
        for item in todo.pop().items:
            if not isinstance(item, Part):
                continue
            if item.scope.kind is ScopeKind.BLOCK and item.scope.path and not holds_blocks(item):
                found.add(item.scope.path)
            else:
                todo.append(item)
    return frozenset(found)
