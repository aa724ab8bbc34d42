"""Segments of a graph and their kinds: every node once, in an order that runs, and equal kinds are equal networks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import resnetdsl
from resnetdsl.compile.regions import Regions, blocks, regions
from resnetdsl.ir.graph import Graph, ScopeKind, Source
from tests.builders import Builder, basic, bottleneck

NETWORKS = ("resnet18", "resnet50", "preresnet164", "densenet121", "mobilenetv2_100", "resnest50d", "convnext_atto")


def assert_runs(graph: Graph, found: Regions) -> None:
    """Going through the calls in order makes every output, and each call reads only what is there."""
    there = {Source(0)} | {Source(node.id) for node in graph.nodes() if node.op == "input"}
    for call in found.calls:
        assert set(call.inputs) <= there
        inside = set(call.inputs)
        for id in call.nodes:
            assert set(graph.inputs(id)) <= inside
            inside |= {Source(id, n) for n in range(len(graph.node(id).outputs))}
        assert set(call.outputs) <= inside
        assert call.outputs, "a segment that nobody reads"
        there |= set(call.outputs)
    assert {output.source for output in graph.outputs} <= there


@pytest.mark.parametrize("name", NETWORKS)
def test_every_node_is_in_one_call_and_the_calls_run(name: str) -> None:
    graph = resnetdsl.load(name).network().checked
    found = blocks(graph)
    assert sorted(id for call in found.calls for id in call.nodes) == [n.id for n in graph.nodes() if n.op != "input"]
    assert_runs(graph, found)


@pytest.mark.parametrize("name", NETWORKS)
def test_calls_of_one_kind_are_the_same_computation(name: str) -> None:
    graph = resnetdsl.load(name).network().checked
    found = blocks(graph)
    for call in found.calls:
        first = found.first(call.kind)
        assert [graph.type(source) for source in call.inputs] == [graph.type(source) for source in first.inputs]
        assert [graph.type(source) for source in call.outputs] == [graph.type(source) for source in first.outputs]
        assert len(call.paths) == len(first.paths)
        for mine, its in zip(call.nodes, first.nodes, strict=True):
            assert graph.node(mine).op == graph.node(its).op
            assert graph.node(mine).attrs == graph.node(its).attrs
            assert call.paths.index(graph.node(mine).path) == first.paths.index(graph.node(its).path)


def deep(depth: int, block: Callable[[Builder, Source, int, int], Source] = basic) -> Graph:
    make = Builder("deep")
    x = make.input(16, 8, 8)
    with make.scope(ScopeKind.STAGE, "layer1", "layer1"):
        for n in range(depth):
            with make.scope(ScopeKind.BLOCK, "basic", str(n), n, depth):
                x = block(make, x, 16 if block is basic else 4, 1)
    return make.done(x)


def test_kinds_do_not_grow_with_depth() -> None:
    few, many = blocks(deep(3)), blocks(deep(40))
    assert (len(few.calls), len(many.calls)) == (3, 40)
    assert len(few.kinds) == len(many.kinds) == 1


def test_a_preactivation_network_of_1001_layers_has_as_many_kinds_as_one_of_29() -> None:
    spec = resnetdsl.load("preresnet1001")
    shallow, whole = (blocks(spec.network(n=n).checked) for n in (3, 111))
    assert len(shallow.kinds) == len(whole.kinds)
    assert len(whole.calls) > 300


def test_another_width_or_stride_is_another_kind() -> None:
    make = Builder("widths")
    x = make.input(8, 16, 16)
    runs = []
    for n, (width, stride) in enumerate([(8, 1), (8, 1), (16, 1), (16, 2), (16, 1)]):
        with make.scope(ScopeKind.BLOCK, "b", f"b{n}"):
            y = bottleneck(make, x, width // 4, stride)
        runs.append(range(x.node + 1, y.node + 1))
        x = y
    found = regions(make.done(x), runs)
    # The third and the fifth are not alike: one widens, the other sees half the plane.
    assert [call.kind for call in found.calls] == [0, 0, 1, 2, 3]


def test_activations_alone_are_no_repeat() -> None:
    make = Builder("one")
    x = make.input(8, 16, 16)
    for n, width in enumerate([8, 16, 32]):
        with make.scope(ScopeKind.BLOCK, "b", f"b{n}"):
            x = make("relu", bottleneck(make, make("relu", x, at="before"), width // 4, 1), at="after")
    assert len(blocks(make.done(x)).calls) == 1


def chain(*attributes: dict[str, object]) -> Graph:
    make = Builder("chain")
    x = make.input(4, 8, 8)
    for n, given in enumerate(attributes):
        x = make("leaky_relu", x, at=f"a{n}", **given)
    return make.done(x)


@pytest.mark.parametrize(("one", "other", "kinds"), [(0.1, 0.1, 1), (0.1, 0.2, 2), (1.0, True, 2)])
def test_attributes_are_compared_with_their_types(one: float, other: float, kinds: int) -> None:
    graph = chain({"slope": one}, {"slope": other})
    assert len(regions(graph, [(1,), (2,)]).kinds) == kinds


def test_wiring_makes_a_kind() -> None:
    make = Builder("wiring")
    x = make.input(4, 8, 8)
    y = make("relu", x, at="y")
    a = make("subtract", x, y, at="a")
    b = make("subtract", y, x, at="b")
    c = make("subtract", x, x, at="c")
    graph = make.done(make("add", make("add", a, b, at="d"), c, at="e"))
    found = regions(graph, [(a.node,), (b.node,), (c.node,)])
    # Which of two operands comes first is a matter of the call; that there is one of them, of the kind.
    assert [call.kind for call in found.calls] == [0, 0, 1]
    assert found.calls[0].inputs == (x, y)
    assert found.calls[1].inputs == (y, x)


def test_shared_weights_make_a_kind() -> None:
    make = Builder("shared")
    x = make.input(4, 8, 8)
    paths = ("one", "two", "three", "three")
    for path in paths:
        x = make("conv", x, at=path, out_channels=4, kernel=3)
    graph = make.done(x)
    found = regions(graph, [(1, 2), (3, 4)])
    assert len(found.kinds) == 2
    assert [call.paths for call in found.calls] == [("one", "two"), ("three",)]


def test_several_inputs_and_outputs() -> None:
    make = Builder("several")
    x = make.input(4, 8, 8)
    y = make("relu", x, at="y")
    a = make("add", x, y, at="a")
    b = make("tanh", y, at="b")
    make.tap("early", a)
    graph = make.done(make("multiply", a, b, at="c"))
    (first, second, third) = regions(graph, [(y.node,), (a.node, b.node), (4,)]).calls
    assert second.inputs == (x, y)
    assert second.outputs == (a, b)
    assert third.inputs == (a, b)
    assert first.outputs == (y,)


def test_an_order_that_cannot_run_is_refused() -> None:
    graph = chain({}, {}, {})
    with pytest.raises(ValueError, match="later"):
        regions(graph, [(1, 3), (2,)])
    with pytest.raises(ValueError, match="two segments"):
        regions(graph, [(1, 2), (2, 3)])
