"""What a network costs: parameters, buffers, multiply-accumulates and activations, a node and in all.

Weights that several nodes share (nodes of one path) are counted once, at the first of them; the work of
each use counts.

`activations` are what Radosavovic et al. (Designing Network Design Spaces, 2020) call so: the output
elements of the convolutions and linear layers, batch of one. They predict the run time on memory-bound
devices better than the multiply-accumulates do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from resnetdsl.ir.graph import Graph
from resnetdsl.ops.registry import OPS

DTYPE_BYTES = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one node costs. `outputs` counts the elements of all it produces, `weighted` tells a layer of the depth."""

    params: int
    buffers: int
    macs: int
    activations: int
    outputs: int
    parameter_bytes: int
    buffer_bytes: int
    weighted: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over a graph, or over a part of one."""

    nodes: int = 0
    params: int = 0
    buffers: int = 0
    macs: int = 0
    activations: int = 0
    outputs: int = 0
    parameter_bytes: int = 0
    buffer_bytes: int = 0

    def plus(self, cost: Cost) -> Totals:
        return Totals(
            self.nodes + 1,
            self.params + cost.params,
            self.buffers + cost.buffers,
            self.macs + cost.macs,
            self.activations + cost.activations,
            self.outputs + cost.outputs,
            self.parameter_bytes + cost.parameter_bytes,
            self.buffer_bytes + cost.buffer_bytes,
        )


def costs(graph: Graph) -> dict[int, Cost]:
    """The cost of every node by its id, in the order of the nodes."""
    found: dict[int, Cost] = {}
    counted: set[str] = set()
    for node in graph.nodes():
        op = OPS[node.op]
        inputs = graph.input_types(node.id)
        weights = op.weights(node.attrs, inputs)
        macs = op.macs(node.attrs, inputs, node.outputs)
        weighted = macs > 0 and any(weight.trainable for weight in weights)
        params = buffers = parameter_bytes = buffer_bytes = 0
        # A second node of one path uses the same weights; a path whose node has none says nothing.
        if weights and node.path not in counted:
            counted.add(node.path)
            for weight in weights:
                count = 1
                for dim in weight.shape:
                    count *= dim
                size = count * DTYPE_BYTES[weight.dtype]
                if weight.trainable:
                    params += count
                    parameter_bytes += size
                else:
                    buffers += count
                    buffer_bytes += size
        outputs = sum(output.numel for output in node.outputs)
        found[node.id] = Cost(
            params, buffers, macs, outputs if weighted else 0, outputs, parameter_bytes, buffer_bytes, weighted
        )
    return found


def totals(graph: Graph) -> Totals:
    """The sums over all nodes."""
    result = Totals()
    for cost in costs(graph).values():
        result = result.plus(cost)
    return result


def depth(graph: Graph, found: Mapping[int, Cost] | None = None) -> int:
    """The largest number of weighted layers on a path to the network's output, as He et al. count them.

    A weighted layer multiplies by weights of its own: a convolution or a linear layer, and no norm. Where
    a residual has both, the branch counts and not the shortcut, because the longest path does: 50 for
    ResNet-50. A gate lengthens the path by the layers inside it.
    """
    found = costs(graph) if found is None else found
    longest: dict[int, int] = {}
    for node in graph.nodes():
        before = max((longest[source.node] for source in graph.inputs(node.id)), default=0)
        longest[node.id] = before + found[node.id].weighted
    main = [longest[output.source.node] for output in graph.outputs if output.name == "output"]
    return max(main or [longest[output.source.node] for output in graph.outputs], default=0)
