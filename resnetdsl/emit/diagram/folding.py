"""Which copies of a repeat may be drawn once with their number: equal ones, each fed by the one before and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from resnetdsl.emit.outline import Part, Run, runs, signature
from resnetdsl.ir.graph import Graph, Node


def fold(graph: Graph, items: Sequence[Part | Node]) -> list[Run]:
    """Items in order, with chains of equal parts joined."""
    keys = [signature(graph, item, taps=False) if isinstance(item, Part) else at for at, item in enumerate(items)]
    tapped = {output.source.node for output in graph.outputs}
    found: list[Run] = []
    for run in runs(items, keys):
        group: list[Part | Node] = [run.first]
        ends: set[int] = set()
        for before, after in zip(run.items, run.items[1:], strict=False):
            assert isinstance(before, Part)
            assert isinstance(after, Part)
            end = _link(graph, before, after, tapped)
            if end is None or (ends and end not in ends):
                found.append(Run(tuple(group)))
                group, ends = [after], set()
            else:
                group.append(after)
                ends.add(end)
        found.append(Run(tuple(group)))
    return found


def _link(graph: Graph, before: Part, after: Part, tapped: set[int]) -> int | None:
    """Which node of a part, counted from its first, is all that the next one reads, if nothing else reads the part."""
    mine, others = {node.id for node in before.nodes}, {node.id for node in after.nodes}
    sources = {source for node in after.nodes for source in graph.inputs(node.id) if source.node not in others}
    if len(sources) != 1 or mine & tapped:
        return None
    source = next(iter(sources))
    readers = {user for node in before.nodes for user in graph.users(node.id)}
    if source.node not in mine or not readers <= mine | others:
        return None
    return source.node - before.nodes[0].id
