"""One block on one tensor, and what it expands to."""

from __future__ import annotations

from resnetdsl.api import load
from resnetdsl.ir.graph import CheckedGraph
from resnetdsl.spec import Report


def checked(layer: str, channels: int = 16, size: int = 9, more: str = "") -> Report:
    """The check of a network that is one layer."""
    return load(f"network one {{\n    input {channels}, {size}, {size}\n    {layer}\n{more}}}\n").check()


def expand(layer: str, channels: int = 16, size: int = 9) -> CheckedGraph:
    report = checked(layer, channels, size)
    assert report.ok, str(report)
    graph = report.graphs["one"]
    assert graph is not None
    return graph


def layers(graph: CheckedGraph) -> list[str]:
    """`path: op`, the input left out."""
    return [f"{node.path}: {node.op}" for node in graph.nodes() if node.op != "input"]


def output(graph: CheckedGraph) -> tuple[int, ...]:
    return graph.type(graph.outputs[-1].source).shape
