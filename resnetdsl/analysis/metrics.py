"""The numbers that a spec may promise with `expect`, under their names."""

from __future__ import annotations

from collections.abc import Mapping

from resnetdsl.analysis.costs import Totals, costs, depth
from resnetdsl.analysis.memory import memory
from resnetdsl.analysis.receptive_field import network_field
from resnetdsl.ir.graph import Graph

METRICS: Mapping[str, str] = {
    "params": "trainable parameters, shared ones once",
    "macs": "multiply-accumulates of the convolutions and matrix products, batch of one",
    "activations": "output elements of the convolutions and linear layers (Radosavovic et al., 2020)",
    "memory": "peak activation memory of inference in bytes at float32, batch of one, weights not included",
    "depth": "most weighted layers (convolutions, linear) on a path to the output, as He et al. count them",
    "receptive_field": "input pixels that the windows on the way to the output see; global pooling does not count",
    "output": "shape of the output without the batch",
}
"""What each name of an `expect` line means, in one line."""

Metric = int | tuple[int, ...]


def metrics(graph: Graph) -> Mapping[str, Metric]:
    """Every metric of a graph. The receptive field is a pair only where height and width differ."""
    found = costs(graph)
    sums = Totals()
    for cost in found.values():
        sums = sums.plus(cost)
    height, width = network_field(graph).size
    return {
        "params": sums.params,
        "macs": sums.macs,
        "activations": sums.activations,
        "memory": memory(graph).peak,
        "depth": depth(graph, found),
        "receptive_field": height if height == width else (height, width),
        "output": output_shape(graph),
    }


def output_shape(graph: Graph) -> tuple[int, ...]:
    """The shape of the network's last tensor, without the batch."""
    for output in graph.outputs:
        if output.name == "output":
            return graph.type(output.source).shape
    return ()
