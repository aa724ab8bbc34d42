"""What is drawn as one: equal copies of a repeat, each fed by the one before and no other; a layer and its norm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from resnetdsl.analysis.costs import Cost
from resnetdsl.emit.outline import Part, Run, runs, signature
from resnetdsl.ir.graph import Graph, Node

PARAM = "param"
BLOCKS_MOST = 4
"""A block of more blocks than these, no two of them equal, is closed until one looks into it."""


def fold(graph: Graph, items: Sequence[Part | Node], marks: Mapping[int, object] | None = None) -> list[Run | Node]:
    """Items in order, with chains of equal parts joined, whose nodes have the same marks."""

    def key(part: Part) -> object:
        return signature(graph, part, taps=False), [marks.get(node.id) for node in part.nodes] if marks else None

    tapped = {output.source.node for output in graph.outputs}
    found: list[Run | Node] = []
    for run in runs(items, key):
        found.extend([run] if isinstance(run, Node) else _chains(graph, run, tapped))
    return found


def _chains(graph: Graph, run: Run, tapped: set[int]) -> list[Run]:
    """Equal parts, split where one does not read the one before in the way that the others do."""
    found: list[Run] = []
    group = [run.first]
    usual: int | None = None
    for before, after in zip(run.parts, run.parts[1:], strict=False):
        end = _link(graph, before, after, tapped)
        if end is None or usual not in (None, end):
            found.append(Run(tuple(group)))
            group, usual = [after], None
        else:
            group.append(after)
            usual = end
    return [*found, Run(tuple(group))]


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


def weights_of(graph: Graph) -> dict[int, list[Node]]:
    """The free weights that one node alone reads, by that node: a layer's scale, the gain of a branch."""
    found: dict[int, list[Node]] = {}
    for node in graph.nodes():
        users = set(graph.users(node.id)) if node.op == PARAM else set()
        for reader in users if len(users) == 1 else ():
            if node.scope in {scope.id for scope in graph.trail(graph.node(reader).scope)}:
                found.setdefault(reader, []).append(node)
    return found


def continues(
    graph: Graph,
    node: Node,
    costs: Mapping[int, Cost],
    tapped: AbstractSet[int],
    weights: AbstractSet[int] = frozenset(),
) -> Node | None:
    """The node whose box a norm, an activation or the like may share: the only one it reads, read by nothing else.

    `weights` are nodes that do not count as read.
    """
    sources = [source for source in graph.inputs(node.id) if source.node not in weights]
    if len(sources) != 1 or costs[node.id].macs:
        return None
    before = graph.node(sources[0].node)
    alone = before.outputs == node.outputs and before.id not in tapped and len(graph.users(before.id)) == 1
    return before if alone else None
