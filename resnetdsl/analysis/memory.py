"""The memory that a network's activations need, by the lifetime of its tensors. Batch of one, without the weights.

The model: nodes run in the order of the graph, each writes its outputs into new memory while its operands are still
there, and a tensor is freed after its last reader. So the numbers are those of an eager run without in-place ops
and without a library's scratch space; a compiler that fuses needs less. Free parameters are weights and take none.
"""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.ir.graph import Graph
from resnetdsl.ops.base import Call, Expression, Module, Parameter
from resnetdsl.ops.registry import OPS


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. `peak` is the most that is alive at once in inference, and `peak_node` the node at work then.

    `training` is what the backward pass needs at the most: every output is kept. `live` has for each node
    the bytes alive while it runs, `written` those that it adds and training keeps.
    """

    peak: int
    peak_node: int
    training: int
    live: tuple[int, ...]
    written: tuple[int, ...]


def memory(graph: Graph, element_bytes: int = 4) -> Memory:
    """The activation memory of a graph with elements of so many bytes (4: float32)."""
    root: dict[int, int] = {}  # for each node the node whose memory its outputs lie in
    size: dict[int, int] = {}
    last: dict[int, int] = {}
    written: list[int] = []
    for node in graph.nodes():
        sources = graph.inputs(node.id)
        call = OPS[node.op].call(node.attrs, graph.input_types(node.id))
        elements = 0 if isinstance(call, Parameter) else sum(output.numel for output in node.outputs)
        written.append(0 if call == Module("nn.Identity") else element_bytes * elements)
        if len(sources) == 1 and _hands_on(call) and len(graph.node(sources[0].node).outputs) == 1:
            root[node.id] = root[sources[0].node]
        else:
            root[node.id] = node.id
            size[node.id] = element_bytes * elements
        last[root[node.id]] = node.id
        for source in graph.inputs(node.id):
            last[root[source.node]] = node.id
    end = len(graph)
    for output in graph.outputs:
        last[root[output.source.node]] = end

    dying: dict[int, int] = {}
    for owner, when in last.items():
        dying[when] = dying.get(when, 0) + size[owner]
    alive = 0
    live: list[int] = []
    for node in graph.nodes():
        alive += size.get(node.id, 0)
        live.append(alive)
        alive -= dying.get(node.id, 0)
    peak = max(live, default=0)
    return Memory(peak, live.index(peak) if live else 0, sum(written), tuple(live), tuple(written))


def _hands_on(call: Call) -> bool:
    """Whether torch returns the operand itself; the last two do so in inference."""
    match call:
        case Module(target="nn.Identity" | "nn.Dropout" | "DropPath") | Expression(template="{0}"):
            return True
        case _:
            return False
