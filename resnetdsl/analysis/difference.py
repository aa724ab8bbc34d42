"""Two networks side by side: which layers stayed, went, came, or are other than they were. From the graphs alone.

Layers are paired in three passes, each over what the one before left:

1. those of one name and one op, since a name is the key of a checkpoint;
2. those of one op and equal attributes that read the same layers: the same layer by another name;
3. those of one name with another op, such as a norm or an activation that was replaced.

What then differs in a pair is either its own (an attribute, its name, what it reads) or a consequence of what
differs before it (another size). The two are told apart, or a change in the stem would be one of every layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from resnetdsl.ir.graph import Graph, Node, Source
from resnetdsl.ops.registry import OPS

_CANDIDATES = 8
"""Layers of one kind that are looked at for the one that was renamed; the first nearly always is it."""

_WALK = 64
"""Layers without a partner that are looked through for what stands before them; behind more, nothing was renamed."""


class Status(Enum):
    """What became of a layer."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    """Its op, an attribute, or what it reads differs."""
    RENAMED = "renamed"
    """Only its name differs, and with it the keys of its weights."""
    RESHAPED = "reshaped"
    """Only sizes differ: a consequence of a change before it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: `op`, `name`, `reads`, `output`, `weights`, or the name of an attribute."""

    what: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Pair:
    """A layer in both graphs, by the ids of its nodes there."""

    before: int
    after: int
    status: Status
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two graphs. `pairs` are in the order of the second, `removed` of the first."""

    before: Graph
    after: Graph
    pairs: tuple[Pair, ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]
    results: tuple[Change, ...] = ()
    """Outputs that came (`before` is None), went, or are taken from another layer."""

    @property
    def same(self) -> bool:
        """Whether the two compute the same, layer by layer, with the same names."""
        return not (self.removed or self.added or self.results) and all(p.status is Status.SAME for p in self.pairs)

    def of_before(self) -> dict[int, Status]:
        """The status of each node of the first graph."""
        return {p.before: p.status for p in self.pairs} | dict.fromkeys(self.removed, Status.REMOVED)

    def of_after(self) -> dict[int, Status]:
        """The status of each node of the second graph."""
        return {p.after: p.status for p in self.pairs} | dict.fromkeys(self.added, Status.ADDED)


def difference(before: Graph, after: Graph) -> Difference:
    """Compare two graphs. Both are left as they are."""
    matching = _Matching(before, after)
    matching.by_name(lambda one, other: one.op == other.op)
    matching.by_reading()
    matching.by_name(lambda one, other: one.op != other.op)
    to_before = matching.to_before
    ahead, behind = _through(before, matching.to_after), _through(after, to_before)
    pairs = []
    for node in after.nodes():
        if node.id in to_before:
            old = before.node(to_before[node.id])
            pairs.append(_compare(before, old, after, node, _moved(matching, old, node, ahead, behind)))
    return Difference(
        before,
        after,
        tuple(pairs),
        tuple(node.id for node in before.nodes() if node.id not in matching.to_after),
        tuple(node.id for node in after.nodes() if node.id not in to_before),
        tuple(_results(matching)),
    )


class _Matching:
    """Which node of the one graph is which of the other, as far as is known."""

    def __init__(self, before: Graph, after: Graph) -> None:
        self.before, self.after = before, after
        self.to_after: dict[int, int] = {}
        self.to_before: dict[int, int] = {}

    def pair(self, old: Node, new: Node) -> None:
        self.to_after[old.id], self.to_before[new.id] = new.id, old.id

    def by_name(self, fits: Callable[[Node, Node], bool]) -> None:
        """Nodes of one path in the order of their use: several share it where they share weights."""
        waiting: dict[str, list[Node]] = defaultdict(list)
        for old in self.before.nodes():
            if old.id not in self.to_after:
                waiting[old.path].append(old)
        for new in self.after.nodes():
            found = waiting.get(new.path) if new.id not in self.to_before else None
            if found and fits(found[0], new):
                self.pair(found.pop(0), new)

    def by_reading(self) -> None:
        waiting: dict[object, list[Node]] = defaultdict(list)
        for old in self.before.nodes():
            if old.id not in self.to_after:
                waiting[_kind(old)].append(old)
        for new in self.after.nodes():
            if new.id in self.to_before:
                continue
            near = waiting.get(_kind(new), ())[:_CANDIDATES]
            reads = _roots(self.after, new.id, self.to_before) if near else None
            for old in near if reads is not None else ():
                roots = _roots(self.before, old.id, self.to_after)
                if roots is not None and [self.to_after[at] for at in roots] == reads:
                    self.pair(old, new)
                    waiting[_kind(new)].remove(old)
                    break


def _kind(node: Node) -> object:
    return node.op, tuple(sorted(node.attrs.items()))


def _roots(graph: Graph, id: int, matched: Mapping[int, int]) -> list[int] | None:
    """The nearest matched nodes that a node reads, through those that have no partner; in order, each once."""
    found: dict[int, None] = {}
    seen: set[int] = set()
    todo = [source.node for source in reversed(graph.inputs(id))]
    while todo:
        at = todo.pop()
        if at in matched:
            found[at] = None
        elif at not in seen:
            seen.add(at)
            if len(seen) > _WALK:
                return None
            todo += [source.node for source in reversed(graph.inputs(at))]
    return list(found)


def _through(graph: Graph, matched: Mapping[int, int]) -> dict[int, frozenset[int]]:
    """For every node its nearest matched nodes, itself if it is one: what `_roots` finds, for all in one pass."""
    found: dict[int, frozenset[int]] = {}
    for node in graph.nodes():
        if node.id in matched:
            found[node.id] = frozenset((node.id,))
        else:
            found[node.id] = frozenset().union(*(found[source.node] for source in graph.inputs(node.id)))
    return found


def _moved(
    matching: _Matching,
    old: Node,
    new: Node,
    ahead: Mapping[int, frozenset[int]],
    behind: Mapping[int, frozenset[int]],
) -> Change | None:
    """What a node reads, if that differs by more than what was put in or taken out before it."""
    was, now = matching.before.inputs(old.id), matching.after.inputs(new.id)
    if len(was) == len(now) and all(
        (a.output == b.output or a.node not in matching.to_after)
        and frozenset(matching.to_after[at] for at in ahead[a.node]) == behind[b.node]
        for a, b in zip(was, now, strict=True)
    ):
        return None
    return Change("reads", _names(matching.before, was), _names(matching.after, now))


def _names(graph: Graph, sources: tuple[Source, ...]) -> tuple[str, ...]:
    return tuple(graph.node(source.node).path for source in sources)


def _compare(before: Graph, old: Node, after: Graph, new: Node, moved: Change | None) -> Pair:
    own = [Change("op", old.op, new.op)] if old.op != new.op else []
    # Attributes of different ops have nothing to do with each other.
    names = dict.fromkeys((*old.attrs, *new.attrs)) if old.op == new.op else ()
    own += [
        Change(name, old.attrs.get(name), new.attrs.get(name))
        for name in names
        if old.attrs.get(name) != new.attrs.get(name)
    ]
    own += [moved] if moved else []
    renamed = [Change("name", old.path, new.path)] if old.path != new.path else []
    sizes = list(_sizes(before, old, after, new))
    if sizes and not before.inputs(old.id):  # the network's input is nobody's consequence
        own, sizes = own + sizes, []
    status = Status.SAME
    if own:
        status = Status.CHANGED
    elif renamed:
        status = Status.RENAMED
    elif sizes:
        status = Status.RESHAPED
    return Pair(old.id, new.id, status, (*own, *renamed, *sizes))


def _sizes(before: Graph, old: Node, after: Graph, new: Node) -> Iterator[Change]:
    if old.outputs != new.outputs:
        yield Change("output", old.outputs, new.outputs)
    was, now = _weights(before, old), _weights(after, new)
    if was != now:
        yield Change("weights", was, now)


def _weights(graph: Graph, node: Node) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The leaves of a node and their shapes."""
    weights = OPS[node.op].weights(node.attrs, graph.input_types(node.id))
    return tuple((weight.name, tuple(weight.shape)) for weight in weights)


def _results(matching: _Matching) -> Iterator[Change]:
    was = {output.name: output.source for output in matching.before.outputs}
    now = {output.name: output.source for output in matching.after.outputs}
    for name in dict.fromkeys((*was, *now)):
        old, new = was.get(name), now.get(name)
        if old is None or new is None or (matching.to_after.get(old.node), old.output) != (new.node, new.output):
            yield Change(
                name,
                matching.before.node(old.node).path if old else None,
                matching.after.node(new.node).path if new else None,
            )
