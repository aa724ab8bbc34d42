"""What differs between two graphs, on small ones made for it and on networks whose difference is known."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest

import resnetdsl
from resnetdsl.analysis.difference import Change, Difference, Pair, Status, difference
from resnetdsl.ir.graph import Graph
from tests.builders import Builder, resnet18, resnet50


def spec(body: str, head: str = "input 8x16x16") -> Graph:
    return resnetdsl.load(f"network n {{\n    {head}\n    {body}\n}}\n").graph()


def statuses(found: Difference) -> dict[str, Status]:
    """What became of each layer of the second graph that is not the same, by its name there."""
    return {found.after.node(id).path: s for id, s in found.of_after().items() if s is not Status.SAME}


def pair(found: Difference, path: str) -> Pair:
    return next(pair for pair in found.pairs if found.after.node(pair.after).path == path)


def own(found: Difference, path: str) -> list[tuple[str, object, object]]:
    return [(c.what, c.before, c.after) for c in pair(found, path).changes if c.what not in {"output", "weights"}]


@pytest.mark.parametrize("make", [resnet18, resnet50])
def test_a_network_is_the_same_as_itself(make: object) -> None:
    assert difference(make(), make()).same  # type: ignore[operator]


def test_an_attribute_that_changed_is_its_own_and_the_sizes_behind_it_are_not() -> None:
    found = difference(
        spec("a: conv(8, 3x3) -> b: batch_norm -> c: conv(4, 1x1) -> d: relu"),
        spec("a: conv(12, 3x3) -> b: batch_norm -> c: conv(4, 1x1) -> d: relu"),
    )
    assert statuses(found) == {"a": Status.CHANGED, "b": Status.RESHAPED, "c": Status.RESHAPED}
    assert own(found, "a") == [("out_channels", 8, 12)]
    assert [change.what for change in pair(found, "c").changes] == ["weights"]


def test_a_layer_put_in_is_the_only_difference() -> None:
    before = spec("a: conv(8, 3x3) -> c: conv(8, 1x1)")
    after = spec("a: conv(8, 3x3) -> b: batch_norm -> r: relu -> c: conv(8, 1x1)")
    found = difference(before, after)
    assert statuses(found) == {"b": Status.ADDED, "r": Status.ADDED}
    back = difference(after, before)
    assert [after.node(id).path for id in back.removed] == ["b", "r"]
    assert statuses(back) == {}


def test_running_indices_that_moved_are_renamings() -> None:
    found = difference(spec("conv(8, 3x3) -> batch_norm"), spec("relu -> conv(8, 3x3) -> batch_norm"))
    assert statuses(found) == {"0": Status.ADDED, "1": Status.RENAMED, "2": Status.RENAMED}
    assert own(found, "1") == [("name", "0", "1")]


def test_a_network_with_all_its_names_changed() -> None:
    found = difference(spec("stage a: 3 * basic(8)"), spec("stage b: 3 * basic(8)"))
    assert (found.added, found.removed) == ((), ())
    assert set(found.of_after().values()) == {Status.SAME, Status.RENAMED}  # the input keeps its name
    assert all(
        found.before.node(p.before).path.replace("a.", "b.", 1) == found.after.node(p.after).path for p in found.pairs
    )


def test_an_activation_that_was_replaced() -> None:
    found = difference(spec("conv(8, 3x3) -> relu"), spec("conv(8, 3x3) -> silu"))
    assert own(found, "1") == [("op", "relu", "silu")]


def test_other_wiring_is_a_change_although_layers_are_the_same() -> None:
    found = difference(_wired("a"), _wired("b"))
    assert statuses(found) == {"c": Status.CHANGED}
    assert own(found, "c") == [("reads", ("a",), ("b",))]


def _wired(read: str) -> Graph:
    make = Builder("wired")
    wires = {"x": make.input(8, 16, 16)}
    wires["a"] = make("conv", wires["x"], at="a", out_channels=8, kernel=1)
    wires["b"] = make("conv", wires["a"], at="b", out_channels=8, kernel=1)
    return make.done(make("conv", wires[read], at="c", out_channels=8, kernel=3))


def test_another_input_is_a_change_of_the_input() -> None:
    found = difference(spec("a: conv(8, 3x3)"), spec("a: conv(8, 3x3)", "input 8x32x32"))
    assert statuses(found) == {"input": Status.CHANGED, "a": Status.RESHAPED}


def test_results_that_come_and_go() -> None:
    make = Builder("tapped")
    x = make("conv", make.input(8, 16, 16), at="a", out_channels=8, kernel=1)
    make.tap("features", x)
    tapped = make.done(make("relu", x, at="r"))
    plain = Builder("tapped")
    x = plain("conv", plain.input(8, 16, 16), at="a", out_channels=8, kernel=1)
    bare = plain.done(plain("relu", x, at="r"))
    assert difference(tapped, bare).results == (Change("features", "a", None),)
    assert not difference(bare, tapped).same


def test_shared_weights_are_paired_in_the_order_of_their_use() -> None:
    def twice(times: int) -> Graph:
        make = Builder("shared")
        x = make.input(8, 16, 16)
        for _ in range(times):
            x = make("conv", x, at="a", out_channels=8, kernel=1)
        return make.done(x)

    found = difference(twice(2), twice(3))
    assert Counter(found.of_after().values()) == {Status.SAME: 3, Status.ADDED: 1}
    assert found.added == (3,)


def test_resnet50d_keeps_the_weights_of_its_shortcuts_under_other_names() -> None:
    found = difference(resnetdsl.load("resnet50").graph(), resnetdsl.load("resnet50d").graph())
    renamed = {c.before: c.after for p in found.pairs if p.status is Status.RENAMED for c in p.changes}
    assert renamed["layer1.0.downsample.0"] == "layer1.0.downsample.1"


NETWORKS = ("resnet18", "resnet34", "resnet50d", "preresnet110")


@pytest.mark.parametrize(("one", "other"), [*permutations(NETWORKS, 2)])
def test_every_layer_has_one_fate(one: str, other: str) -> None:
    before, after = (resnetdsl.load(name).graph() for name in (one, other))
    there = difference(before, after)
    assert there.of_before().keys() == {node.id for node in before.nodes()}
    assert there.of_after().keys() == {node.id for node in after.nodes()}
    assert len({p.before for p in there.pairs}) == len({p.after for p in there.pairs}) == len(there.pairs)
