"""A graph as the tree that its author wrote: stages, blocks, layers, with equal neighbours told apart from others.

The summary prints this tree and the diagram draws it, at one of four levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from resnetdsl.ir.graph import Graph, Node, Scope, ScopeKind


class Level(Enum):
    """How far a network is opened."""

    NETWORK = "network"
    """The stem, the stages and the head."""
    STAGE = "stage"
    """Their blocks."""
    BLOCK = "block"
    """The layers of the blocks; a block inside a block stays closed."""
    OP = "op"
    """Every op."""


PARTS = (ScopeKind.STEM, ScopeKind.STAGE, ScopeKind.HEAD)
"""The scopes that a network's author names as its parts."""


@dataclass(slots=True)
class Part:
    """A scope with what was made in it, in order; `nodes` are all of them, those of parts inside included."""

    scope: Scope
    items: list[Part | Node] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)


def outline(graph: Graph) -> Part:
    """The tree of a graph. Scopes in which nothing was made are left out.

    The residual of a block has no entry of its own: its layers stand in the block.
    """
    parts: dict[int, Part] = {}
    for node in graph.nodes():
        trail = [scope for scope in graph.trail(node.scope) if not _is_spliced(graph, scope)]
        for depth, scope in enumerate(trail):
            if scope.id not in parts:
                parts[scope.id] = Part(scope)
                if depth:
                    parts[trail[depth - 1].id].items.append(parts[scope.id])
            parts[scope.id].nodes.append(node)
        parts[trail[-1].id].items.append(node)
    root = next(iter(graph.scopes), Scope(0, None, ScopeKind.NETWORK, graph.name, ""))
    return parts.get(root.id, Part(root))


def _is_spliced(graph: Graph, scope: Scope) -> bool:
    opens = (ScopeKind.BLOCK, ScopeKind.SHORTCUT)
    return scope.kind is ScopeKind.RESIDUAL and scope.parent is not None and graph.scopes[scope.parent].kind in opens


def is_open(part: Part, level: Level, in_block: bool) -> bool:
    """Whether what is inside a part is shown at this level; `in_block` says that a block is open around it."""
    match level:
        case Level.OP:
            return True
        case Level.NETWORK:
            return part.scope.kind is ScopeKind.NETWORK
        case Level.STAGE:
            return part.scope.kind in (ScopeKind.NETWORK, *PARTS) or holds_blocks(part)
        case Level.BLOCK:
            return not in_block or part.scope.kind is ScopeKind.GROUP


def holds_blocks(part: Part) -> bool:
    """Whether a block or group mostly consists of blocks, as a backbone or dense block does: a stage but for the name.

    What counts as a block here has two weighted layers or more; a layer with its norm and activation has one, and a
    gate beside the layers of a block does not outweigh them.
    """
    inner = [item for item in part.items if isinstance(item, Part)]
    held = sum(len(item.nodes) for item in inner if holds_blocks(item) or _is_block(item))
    return 2 * held > len(part.nodes)


def _is_block(part: Part) -> bool:
    weighted = [node for node in part.nodes if "out_channels" in node.attrs or "out_features" in node.attrs]
    return part.scope.kind is ScopeKind.BLOCK and len(weighted) > 1


Signature = tuple[object, ...]


def signature(graph: Graph, part: Part, taps: bool = True) -> Signature:
    """What two copies of one structure have in common: ops, attributes, types, wiring and names below the part.

    With `taps` a copy that a result is taken from differs from one that none is. The values of fractions do not
    count: a rate of stochastic depth that grows from block to block makes no other structure.
    """
    place = {node.id: at for at, node in enumerate(part.nodes)}
    prefix = f"{part.scope.path}."
    # What comes from outside is known by the order in which it is first read.
    outside: dict[tuple[int, int], int] = {}
    results = {output.source.node: output.name for output in graph.outputs} if taps else {}
    rows: list[object] = [part.scope.kind, part.scope.name]
    for node in part.nodes:
        wires: list[object] = []
        for source in graph.inputs(node.id):
            if source.node in place:
                wires.append((place[source.node], source.output))
            else:
                # The type with its stride: a wire that the copies share has one.
                seen = outside.setdefault((source.node, source.output), len(outside))
                wires.append(("outside", seen, graph.type(source)))
        rows.append(
            (
                node.op,
                tuple((name, float if isinstance(value, float) else repr(value)) for name, value in node.attrs.items()),
                node.path.removeprefix(prefix) if node.path.startswith(prefix) else node.path == part.scope.path,
                node.outputs,
                tuple(wires),
                results.get(node.id),
            )
        )
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class Run:
    """Equal parts in a row; the first stands for all."""

    parts: tuple[Part, ...]

    @property
    def first(self) -> Part:
        return self.parts[0]

    @property
    def count(self) -> int:
        return len(self.parts)


def runs(items: Sequence[Part | Node], key: Callable[[Part], object] | None) -> list[Run | Node]:
    """Items in order, parts with equal keys that stand side by side joined; without a key, none."""
    found: list[Run | Node] = []
    last: object = None
    for item in items:
        if isinstance(item, Node):
            found.append(item)
            continue
        now = None if key is None else key(item)
        before = found[-1] if found else None
        if isinstance(before, Run) and now is not None and now == last:
            found[-1] = Run((*before.parts, item))
        else:
            found.append(Run((item,)))
        last = now
    return found


def _without_lists(items: Sequence[Part | Node]) -> Iterator[Part | Node]:
    """Items, with those of a group of blocks alone in its place: its name says no more than they do."""
    for item in items:
        if (
            isinstance(item, Part)
            and item.scope.kind is ScopeKind.GROUP
            and not any(isinstance(inner, Node) for inner in item.items)
        ):
            yield from item.items
        else:
            yield item


def contents(items: Sequence[Part | Node], most: int = 4) -> str:
    """`3 × bottleneck`, `conv, batch_norm, relu`: what is inside a part, in order, by its names."""
    groups: list[tuple[str, int]] = []
    for item in _without_lists(items):
        name = item.op if isinstance(item, Node) else item.scope.name
        if groups and groups[-1][0] == name:
            groups[-1] = name, groups[-1][1] + 1
        else:
            groups.append((name, 1))
    texts = [name if count == 1 else f"{count} × {name}" for name, count in groups]
    return ", ".join(texts if len(texts) <= most else [*texts[: most - 1], "…"])
