"""The repeats of a network: consecutive segments of a graph, and which of them are one computation. No torch here.

Two segments are of one kind when they have the same ops with the same attributes, wired in the same way, on tensors of
the same types, and share weights among their nodes in the same way. What their weights hold plays no part: a kind is
traced or compiled once and called with the weights of each of its segments.

Sizes are compared as the graph has them. Where the network's input has ranges, a kind must be traced with its sizes
free: two segments that see planes of one size for one input may see different ones for another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from resnetdsl.ir.graph import Graph, Source

Run = tuple[int, ...]
"""Node ids in the graph's order."""

Key = tuple[object, ...]

_LEAST = 3
"""The nodes of the smallest repeat that counts as one: every network repeats its activations."""


@dataclass(frozen=True, slots=True)
class Call:
    """One segment. `inputs` are the tensors that it reads from outside, in the order of their first use, `outputs`
    those of its own that are read outside or leave the network, in the order of their making.

    `paths` has the module path of its nodes, each once, in the order of the nodes: calls of one kind have their
    weights at the same places of it.
    """

    kind: int
    nodes: Run
    inputs: tuple[Source, ...]
    outputs: tuple[Source, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Regions:
    """A graph as calls, in an order in which they can be run, of a few kinds.

    `kinds[k]` is the place of the first call of kind `k`, by whose nodes it is traced or compiled.
    """

    calls: tuple[Call, ...]
    kinds: tuple[int, ...]

    def first(self, kind: int) -> Call:
        return self.calls[self.kinds[kind]]


def blocks(graph: Graph) -> Regions:
    """A graph by the blocks that its author wrote: the largest expansions that repeat, and what lies between them.

    Every node but the inputs is in one call. A block whose like is found nowhere else is looked into: there may be
    repeats inside.
    """
    runs = _merged(graph, list(_runs(graph, [node.id for node in graph.nodes() if node.op != "input"], 0)))
    return regions(graph, runs)


def regions(graph: Graph, runs: Iterable[Sequence[int]]) -> Regions:
    """These segments and their kinds. They are to be in an order in which they can be run: ValueError if they are not.

    They need not cover the graph; what they read from nodes outside of all of them is taken to be there.
    """
    inside = [tuple(sorted(run)) for run in runs]
    place = {id: at for at, run in enumerate(inside) for id in run}
    if len(place) != sum(map(len, inside)):
        raise ValueError("a node is in two segments")
    calls: list[Call] = []
    numbers: dict[Key, int] = {}
    kinds: list[int] = []
    for at, run in enumerate(inside):
        inputs, outputs = _ends(graph, run)
        if any(place.get(source.node, -1) > at for source in inputs):
            raise ValueError("a segment reads what a later one makes")
        paths = tuple(dict.fromkeys(graph.node(id).path for id in run))
        key = _key(graph, run, inputs, outputs, paths)
        if key not in numbers:
            numbers[key] = len(kinds)
            kinds.append(at)
        calls.append(Call(numbers[key], run, inputs, outputs, paths))
    return Regions(tuple(calls), tuple(kinds))


def _ends(graph: Graph, run: Run) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """What a segment reads from outside, and what is read of it there."""
    own = set(run)
    inputs = dict.fromkeys(source for id in run for source in graph.inputs(id) if source.node not in own)
    read = {source for id in run for user in graph.users(id) if user not in own for source in graph.inputs(user)}
    read |= {output.source for output in graph.outputs}
    outputs = sorted((source for source in read if source.node in own), key=lambda s: (s.node, s.output))
    return tuple(inputs), tuple(outputs)


def _key(graph: Graph, run: Run, inputs: Sequence[Source], outputs: Sequence[Source], paths: Sequence[str]) -> Key:
    """Equal for two segments if and only if they are of one kind."""
    names: dict[Source, object] = {source: ("in", at) for at, source in enumerate(inputs)}
    number = {path: at for at, path in enumerate(paths)}
    steps = []
    for at, id in enumerate(run):
        node = graph.node(id)
        # By `repr`: for Python 2, 2.0 and True are equal, for an op they are three attributes.
        attrs = tuple((name, repr(node.attrs[name])) for name in sorted(node.attrs))
        operands = tuple(names[source] for source in graph.inputs(id))
        made = [Source(id, n) for n in range(len(node.outputs))]
        steps.append((node.op, attrs, operands, _types(graph, made), number[node.path]))
        names |= {source: (at, source.output) for source in made}
    return tuple(steps), _types(graph, inputs), tuple(names[source] for source in outputs)


def _types(graph: Graph, sources: Iterable[Source]) -> Key:
    found = [graph.type(source) for source in sources]
    return tuple((type.shape, type.axes, type.batched) for type in found)


def _runs(graph: Graph, ids: Sequence[int], depth: int) -> Iterable[Run]:
    """Consecutive nodes of one expansion, from `depth` scopes below the network down to where they repeat."""
    trails = {id: graph.trail(graph.node(id).scope) for id in ids}
    runs = [tuple(run) for _, run in groupby(ids, lambda id: [scope.id for scope in trails[id][: depth + 1]])]
    keys = [_key(graph, run, *_ends(graph, run), _paths(graph, run)) for run in runs]
    count = Counter(keys)
    for run, key in zip(runs, keys, strict=True):
        deeper = any(len(trails[id]) > depth + 1 for id in run)
        if len(run) > 1 and deeper and count[key] == 1:
            yield from _runs(graph, run, depth + 1)
        else:
            yield run


def _paths(graph: Graph, run: Run) -> tuple[str, ...]:
    return tuple(dict.fromkeys(graph.node(id).path for id in run))


def _merged(graph: Graph, runs: list[Run]) -> list[Run]:
    """Neighbours of which neither repeats as one: a stem, a head, the steps between two stages."""
    keys = [_key(graph, run, *_ends(graph, run), _paths(graph, run)) for run in runs]
    count = Counter(keys)
    found: list[Run] = []
    alone = [count[key] == 1 or len(run) < _LEAST for run, key in zip(runs, keys, strict=True)]
    for at, run in enumerate(runs):
        if at and alone[at - 1] and alone[at]:
            found[-1] += run
        else:
            found.append(run)
    return found
