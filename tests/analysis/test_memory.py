"""The sweep over lifetimes against the definition, and against networks counted by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.analysis.memory import memory
from resnetdsl.ir.graph import Graph
from tests.builders import Builder, cifar_resnet, densenet, preact_basic, resnet, resnet18, resnet50, vgg16


def brute(graph: Graph) -> list[int]:
    """At each node: the sizes of all tensors made by then that are read now or later, or are results."""
    owner: dict[int, int] = {}
    for node in graph.nodes():
        handed_on = node.op in {"identity", "dropout", "drop_path"}
        owner[node.id] = owner[graph.inputs(node.id)[0].node] if handed_on else node.id
    readers: dict[int, set[int]] = {node.id: set() for node in graph.nodes()}
    for node in graph.nodes():
        readers[owner[node.id]].add(node.id)
        for source in graph.inputs(node.id):
            readers[owner[source.node]].add(node.id)
    for output in graph.outputs:
        readers[owner[output.source.node]].add(len(graph))
    return [
        sum(
            4 * output.numel
            for other in graph.nodes()
            if other.id <= node.id and owner[other.id] == other.id and other.op != "param"
            for output in other.outputs
            if any(reader >= node.id for reader in readers[other.id])
        )
        for node in graph.nodes()
    ]


@pytest.mark.parametrize(
    "make",
    [
        resnet18,
        lambda: resnet18(taps=True),
        lambda: cifar_resnet(3),
        densenet,
        vgg16,
        lambda: resnet("pre", preact_basic, (2, 1, 1, 1)),
    ],
)
def test_agrees_with_the_definition(make: Callable[[], Graph]) -> None:
    graph = make()
    assert list(memory(graph).live) == brute(graph)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_agrees_on_any_graph(data: st.DataObject) -> None:
    make = Builder("any")
    tensors = [make.input(2, 4, 4)]
    for i in range(data.draw(st.integers(0, 12))):
        op = data.draw(st.sampled_from(["relu", "identity", "add", "dropout", "concat"]))
        operands = [data.draw(st.sampled_from(tensors)) for _ in range(2 if op in {"add", "concat"} else 1)]
        if op == "add" and make.channels(operands[0]) != make.channels(operands[1]):
            op = "concat"
        if op == "concat" and sum(map(make.channels, operands)) > 64:
            continue
        tensors.append(make(op, *operands, at=str(i)))
    for tap in data.draw(st.lists(st.sampled_from(tensors), max_size=2)):
        make.tap("tap", tap)
    graph = make.done(tensors[-1])
    assert list(memory(graph).live) == brute(graph)


def test_resnet50_peaks_at_the_first_projection() -> None:
    graph = resnet50()
    found = memory(graph)
    assert found.peak == 3 * 256 * 56 * 56 * 4  # the branch, the projection and its norm
    assert graph.node(found.peak_node).path == "layer1.0.downsample.1"


def test_training_keeps_everything() -> None:
    make = Builder("chain")
    x = make.input(2, 4, 4)
    for i in range(5):
        x = make("relu", x, at=str(i))
    found = memory(make.done(x))
    assert found.training == 6 * 32 * 4
    assert found.peak == 2 * 32 * 4
    assert memory(make.graph, element_bytes=2).peak == 2 * 32 * 2


def test_free_parameters_are_weights() -> None:
    make = Builder("free")
    gamma = make("param", at="gamma", shape=(2,))
    y = make("multiply", make.input(2, 4, 4), gamma, at="multiply")
    assert memory(make.done(y)).peak == 2 * 32 * 4
