"""W0803: a layer whose result nothing reads. Its weights would sit in the checkpoint and never learn."""

from __future__ import annotations

from resnetdsl.checks.base import report
from resnetdsl.elaborate.network import Elaborated


def check(network: Elaborated) -> None:
    graph = network.graph
    read = {output.source.node for output in graph.outputs}
    for node in graph.nodes():
        if node.id not in read and not graph.users(node.id):
            report(network, "W0803", node, op=node.op, path=node.path)
