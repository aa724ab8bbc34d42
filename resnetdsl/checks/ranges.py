"""E0602-E0606: a spec whose input is a range must hold for every size in it, with the same layers and weights.

Library blocks decide by channels and strides, so the graph of one size serves for all and its types alone
are inferred again. A spec that looks at a height or width is elaborated again for every size, and must give the same
network.

Height and width are varied one at a time and together: no op but those on whole planes joins the two, and
those see the same number whichever way it came about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from resnetdsl.checks.base import place, report
from resnetdsl.diagnostics.model import Fact
from resnetdsl.diagnostics.words import word
from resnetdsl.elaborate.network import Elaborated
from resnetdsl.ir.graph import Graph, Source
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Fault
from resnetdsl.ops.registry import OPS

MOST_STEPS: Final = 300_000
"""Nodes times sizes that are tried at most."""

Size = tuple[int, int, int]
Again = Callable[[Size], Elaborated]


def check(network: Elaborated, again: Again) -> None:
    """Try every size of the range. `again` elaborates the network for one size."""
    graph = network.graph
    if graph.input_ranges == (None, None, None):
        return
    limit = MOST_STEPS // (len(graph) * (20 if network.run.reads_size else 1))
    tried = list(dict.fromkeys(islice(sizes(graph), limit + 3)))  # two may repeat the default
    if len(tried) > limit and network.run.input_span is not None:
        network.run.report("E0604", network.run.input_span, sizes=_count(graph), limit=limit)
        return
    known: dict[tuple[int, tuple[TensorType, ...]], tuple[TensorType, ...] | Fault] = {}
    weights = {node.id: _weights(graph, node.id, graph.input_types(node.id)) for node in graph.nodes()}
    for size in tried:
        if network.run.reads_size and not _same_network(network, again, size):
            return
        if not _holds(network, size, known, weights):
            return


def sizes(graph: Graph) -> Iterator[Size]:
    """The default; then each axis alone through its range; then both together as far as they go in step."""
    channels, height, width = graph.node(0).outputs[0].shape
    axes = [range(r[0], r[1] + 1, r[2]) if r else None for r in graph.input_ranges]
    yield channels, height, width
    for value in axes[1] or ():
        yield channels, value, width
    for value in axes[2] or ():
        yield channels, height, value
    if axes[1] and axes[2]:
        for both in zip(axes[1], axes[2], strict=False):
            yield channels, *both


def _count(graph: Graph) -> int:
    """How many sizes `sizes` gives beside the default: ranges may be far too long to go through."""
    steps = [(high - low) // step for low, high, step in filter(None, graph.input_ranges[1:])]
    return 1 + sum(steps) + (min(steps) if len(steps) == 2 else 0)


def _holds(
    network: Elaborated,
    size: Size,
    known: dict[tuple[int, tuple[TensorType, ...]], tuple[TensorType, ...] | Fault],
    weights: dict[int, tuple[tuple[int, ...], ...]],
) -> bool:
    """Infer all types again for a size; a node that was seen with these operands is not asked twice."""
    graph = network.graph
    types: dict[Source, TensorType] = {}
    for node in graph.nodes():
        inputs = tuple(types[source] for source in graph.inputs(node.id))
        key = (node.id, inputs)
        if node.op == "input":
            found: tuple[TensorType, ...] | Fault = (TensorType.image(*size),)
        elif key in known:
            found = known[key]
        else:
            inference = OPS[node.op].infer(node.attrs, inputs)
            found = inference.faults[0] if inference.faults else (inference.outputs or ())
            known[key] = found
            if not isinstance(found, Fault):
                now = _weights(graph, node.id, inputs)
                if now != weights[node.id]:
                    first, second = _shapes(weights[node.id]), _shapes(now)
                    report(network, "E0603", node, path=node.path, first=first, second=second, size=size)
                    return False
        if isinstance(found, Fault):
            at = place(network, node)
            if at is not None:
                reason = word(Fact(found.code, at[0], found.data)).title
                report(network, "E0602", node, size=size, reason=reason)
            return False
        for output, type in enumerate(found):
            types[Source(node.id, output)] = type
    return True


def _weights(graph: Graph, id: int, inputs: tuple[TensorType, ...]) -> tuple[tuple[int, ...], ...]:
    node = graph.node(id)
    return tuple(weight.shape for weight in OPS[node.op].weights(node.attrs, inputs))


def _shapes(shapes: tuple[tuple[int, ...], ...]) -> str:
    return ", ".join("x".join(map(str, shape)) or "scalar" for shape in shapes)


def _same_network(network: Elaborated, again: Again, size: Size) -> bool:
    """Whether the spec gives the same ops, names and edges for another size."""
    other = again(size)
    if other.run.sink.has_errors or not other.complete:
        fact = next((fact for fact in other.run.sink.facts if fact.code.startswith("E")), None)
        if fact is not None:
            data = {"size": size, "reason": word(fact).title}
            network.run.sink.take((Fact("E0602", fact.span, data, trail=fact.trail, inside=fact.inside),))
        return False
    if structure(network.graph) == structure(other.graph):
        return True
    if network.run.input_span is not None:
        network.run.report("E0606", network.run.input_span, size=size)
    return False


def structure(graph: Graph) -> list[object]:
    """All of a graph but its sizes."""
    return [(node.op, dict(node.attrs), node.path, graph.inputs(node.id)) for node in graph.nodes()]
