"""What is drawn: boxes, folded copies, shortcuts; the same text every time; and no harm from any name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from resnetdsl.api import load
from resnetdsl.emit.diagram import (
    BoxKind,
    Skip,
    UnknownPart,
    View,
    WireKind,
    to_dot,
    to_mermaid,
    view,
)
from resnetdsl.emit.diagram.residuals import residuals
from resnetdsl.emit.outline import Level
from resnetdsl.ir.graph import CheckedGraph, Graph, ScopeKind
from tests.builders import (
    Builder,
    bottleneck,
    cifar_resnet,
    densenet,
    preact_basic,
    resnet,
    resnet18,
    resnet50,
    resnet152,
    se_bottleneck,
    vgg16,
)

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


def preact18() -> Graph:
    return resnet("preact18", preact_basic, (2, 2, 2, 2))


def se_net() -> Graph:
    return resnet("se", se_bottleneck, (2, 3, 1, 1))


NETWORKS: list[Callable[[], Graph]] = [
    resnet18,
    lambda: resnet50(taps=True),
    preact18,
    se_net,
    densenet,
    vgg16,
    lambda: cifar_resnet(5),
]


def titles(drawn: View, kind: BoxKind) -> list[str]:
    return [f"{box.copies} × {box.title}" if box.copies > 1 else box.title for box in drawn.boxes if box.kind is kind]


def wires(drawn: View, kind: WireKind) -> list[tuple[str, str, str]]:
    names = [box.title for box in drawn.boxes]
    return [(names[wire.source], names[wire.target], wire.label) for wire in drawn.wires if wire.kind is kind]


# --- levels ---


def test_network_level_has_the_parts() -> None:
    drawn = view(resnet50(taps=True), Level.NETWORK)
    assert titles(drawn, BoxKind.PART) == ["stem, /4", "layer1", "layer2, /2", "layer3, /2", "layer4, /2", "head"]
    assert drawn.boxes[2].details == ("3 × bottleneck", "216 k params, 668 M MACs")
    assert titles(drawn, BoxKind.RESULT) == ["tap c2", "tap c3", "tap c4", "tap c5", "output"]
    assert [wire.shape for wire in drawn.wires if wire.shape][:2] == ["64×56×56", "256×56×56"]
    assert {wire.kind for wire in drawn.wires} == {WireKind.MAIN}
    assert not drawn.clusters
    assert [box.skips for box in drawn.boxes[1:4]] == [
        (),
        (Skip(WireKind.PROJECTION, "projection", 1), Skip(WireKind.IDENTITY, "", 2)),
        (Skip(WireKind.PROJECTION, "projection", 1), Skip(WireKind.IDENTITY, "", 3)),
    ]


def test_stage_level_shows_blocks_and_their_shortcuts() -> None:
    drawn = view(resnet50(), Level.STAGE)
    assert [cluster.title for cluster in drawn.clusters] == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
    assert titles(drawn, BoxKind.PART) == [
        "bottleneck",
        "2 × bottleneck",
        *(title for rest in (3, 5, 2) for title in ("bottleneck, /2", f"{rest} × bottleneck")),
    ]
    assert len(titles(drawn, BoxKind.MERGE)) == 8
    assert wires(drawn, WireKind.PROJECTION) == [
        ("max_pool 3×3, /2", "+", "projection"),
        *[("+", "+", "projection")] * 3,
    ]
    assert wires(drawn, WireKind.IDENTITY) == [("+", "+", "")] * 4
    assert drawn.boxes[3].details == ("1×1 → 3×3 → 1×1", "75.0 k params, 231 M MACs")


def test_block_level_shows_layers_with_what_follows_them() -> None:
    drawn = view(resnet18(), Level.BLOCK)
    boxes = [box for box in drawn.boxes if box.kind is BoxKind.LAYER]
    assert [(box.title, box.details) for box in boxes[:5]] == [
        ("conv 7×7, 64, /2", ("batch_norm · relu",)),
        ("max_pool 3×3, /2", ()),
        ("conv 3×3, 64", ("batch_norm · relu",)),
        ("conv 3×3, 64", ("batch_norm",)),
        ("conv 3×3, 128, /2", ("batch_norm · relu",)),
    ]
    assert [box.details for box in drawn.boxes if box.kind is BoxKind.MERGE][:2] == [("relu",), ("relu",)]
    assert [(cluster.title, cluster.copies) for cluster in drawn.clusters[:3]] == [
        ("stem", 1),
        ("layer1", 1),
        ("basic", 2),
    ]
    assert len(wires(drawn, WireKind.PROJECTION)) == 3
    assert len(wires(drawn, WireKind.IDENTITY)) == 4  # the two of layer1 are drawn once


def test_a_block_in_a_block_stays_closed_until_op_level() -> None:
    assert "se" in titles(view(se_net(), Level.BLOCK), BoxKind.PART)
    drawn = view(se_net(), Level.OP)
    assert "se" in [cluster.title for cluster in drawn.clusters]
    assert "sigmoid" in titles(drawn, BoxKind.LAYER)


def test_op_level_has_every_op_and_every_operand() -> None:
    make = Builder("twice")
    x = make.input(3, 8, 8)
    y = make("identity", x, at="0")
    graph = make.done(make("add", y, y, at="add"))
    drawn = view(graph, Level.OP)
    assert [box.title for box in drawn.boxes] == ["input", "identity", "add", "output"]
    assert len(drawn.wires) == 4  # both operands are drawn


@pytest.mark.parametrize("make", NETWORKS)
def test_op_level_without_folding_counts_nodes(make: Callable[[], Graph]) -> None:
    graph = make()
    drawn = view(graph, Level.OP)
    assert len(drawn.boxes) <= len(graph) + len(graph.outputs)
    folded = any(cluster.copies > 1 for cluster in drawn.clusters)
    assert folded or len(drawn.boxes) == len(graph) + len(graph.outputs)


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("level", Level)
def test_every_view_is_whole(make: Callable[[], Graph], level: Level) -> None:
    drawn = view(make(), level)
    ids = {box.id for box in drawn.boxes}
    assert ids == set(range(len(drawn.boxes)))
    assert {cluster.id for cluster in drawn.clusters} == set(range(len(drawn.clusters)))
    into = {wire.target for wire in drawn.wires}
    out_of = {wire.source for wire in drawn.wires}
    for box in drawn.boxes:
        assert box.kind is BoxKind.INPUT or box.id in into
        assert box.kind is BoxKind.RESULT or box.id in out_of
    assert all(wire.source != wire.target for wire in drawn.wires)


# --- opened by name ---


def test_a_block_opened_by_its_path_is_no_copy() -> None:
    drawn = view(resnet50(), Level.STAGE, ["layer2.2"])
    inside = [cluster for cluster in drawn.clusters if cluster.key == "layer2.2"]
    assert [(cluster.title, cluster.copies) for cluster in inside] == [("bottleneck", 1)]
    assert [box.title for box in drawn.boxes if box.cluster == inside[0].id] == [
        "conv 1×1, 128",
        "conv 3×3, 128",
        "conv 1×1, 512",
        "+",
    ]
    assert [(box.key, box.copies) for box in drawn.boxes if box.key.startswith("layer2.") and box.opens] == [
        ("layer2.0", 1),
        ("layer2.1", 1),
        ("layer2.3", 1),
    ]


def test_what_is_around_an_opened_part_is_open() -> None:
    drawn = view(resnet50(), Level.NETWORK, ["layer2.1"])
    assert [cluster.key for cluster in drawn.clusters] == ["layer2", "layer2.1"]
    assert titles(drawn, BoxKind.PART)[:4] == ["stem, /4", "layer1", "bottleneck, /2", "2 × bottleneck"]


def test_an_opened_shortcut_shows_its_layers() -> None:
    drawn = view(resnet50(), Level.STAGE, ["layer2.0", "layer2.0.downsample"])
    frame = next(cluster for cluster in drawn.clusters if cluster.key == "layer2.0.downsample")
    assert [box.title for box in drawn.boxes if box.cluster == frame.id] == ["conv 1×1, 512, /2"]
    assert wires(drawn, WireKind.PROJECTION)[1:3] == [
        ("+", "conv 1×1, 512, /2", ""),  # its frame has the name
        ("conv 1×1, 512, /2", "+", ""),
    ]


def test_keys_open_what_they_name_at_every_level() -> None:
    for level in Level:
        drawn = view(se_net(), level)
        for key in [box.key for box in drawn.boxes if box.opens]:
            assert key in [cluster.key for cluster in view(se_net(), level, [key]).clusters]
        keys = [box.key for box in drawn.boxes]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layer22", "no part is called `layer22`; did you mean `layer2`?"),
        ("conv1", "`conv1` is a layer, with nothing inside to open"),
        ("<nothing/like it>", "no part is called `<nothing/like it>`; there are stem, layer1, layer1.0, "),
    ],
)
def test_an_unknown_part_is_refused(name: str, message: str) -> None:
    with pytest.raises(UnknownPart, match=re.escape(message)):
        view(resnet18(), opened=[name])


def test_unfolded_every_copy_is_drawn() -> None:
    assert len(titles(view(resnet50(), Level.STAGE, folded=False), BoxKind.PART)) == 16
    graph = resnet50()
    layers = [box for box in view(resnet18(), Level.BLOCK, folded=False).boxes if box.title.startswith("conv")]
    assert len(layers) == 17  # with the linear layer 18: the projections are arcs
    arcs = sum(node.op == "identity" for node in graph.nodes())  # an identity shortcut is an arc and no box
    assert len(view(graph, Level.OP, folded=False).boxes) == len(graph) + len(graph.outputs) - arcs


def test_a_box_tells_where_it_comes_from_and_what_it_costs() -> None:
    drawn = view(resnet50(), Level.STAGE)
    box = next(box for box in drawn.boxes if box.key == "layer2.1")
    assert box.copies == 3
    assert box.about.copies == ("layer2.1", "layer2.2", "layer2.3")
    assert [step.name for step in box.about.trail] == ["resnet50", "layer2", "bottleneck"]
    assert (box.about.inputs, box.about.outputs) == (("512×28×28",), ("512×28×28",))
    assert (box.about.sums.params, box.about.sums.macs) == (280_064, 218_365_952)
    assert box.about.field == "91"  # the last copy's


# --- folding ---


def test_copies_with_a_tap_inside_are_not_folded() -> None:
    make = Builder("tapped")
    x = make.input(8, 8, 8)
    for index in range(4):
        with make.scope(ScopeKind.BLOCK, "plain", str(index), index, 4):
            x = make("relu", make("conv", x, at="conv", out_channels=8, kernel=3), at="1")
        if index == 1:
            make.tap("middle", x)
    drawn = view(make.done(x), Level.STAGE)
    assert titles(drawn, BoxKind.PART) == ["2 × plain", "2 × plain"]
    assert wires(drawn, WireKind.MAIN) == [
        ("input", "plain", ""),
        ("plain", "plain", ""),
        ("plain", "tap middle", ""),
        ("plain", "output", ""),
    ]


def test_layers_that_read_all_before_them_are_not_folded() -> None:
    drawn = view(densenet((3,)), Level.STAGE)
    assert titles(drawn, BoxKind.PART) == ["dense_layer"] * 3


def test_rates_may_differ_between_folded_copies() -> None:
    make = Builder("rates")
    x = make.input(8, 8, 8)
    for index in range(3):
        with make.scope(ScopeKind.BLOCK, "dropping", str(index), index, 3):
            y = make("drop_path", make("conv", x, at="conv", out_channels=8, kernel=3), at="1", rate=0.1 * index)
            x = make("add", y, x, at="add")
    assert titles(view(make.done(x), Level.STAGE), BoxKind.PART) == ["3 × dropping"]


def test_deep_networks_stay_small() -> None:
    assert len(view(resnet152(), Level.OP).boxes) == 97


# --- residuals ---


def test_residuals_of_each_form() -> None:
    for make, projections, identities in ((resnet50, 4, 12), (preact18, 3, 5), (densenet, 0, 0), (vgg16, 0, 0)):
        found = residuals(make()).values()
        assert sum(1 for residual in found if residual.label) == projections
        assert sum(1 for residual in found if not residual.label) == identities


def test_an_addition_of_two_branches_is_no_residual() -> None:
    make = Builder("branches")
    x = make.input(3, 8, 8)
    left = make("conv", x, at="left", out_channels=4, kernel=3)
    right = make("conv", x, at="right", out_channels=4, kernel=1)
    graph = make.done(make("add", left, right, at="add"))
    assert not residuals(graph)
    assert titles(view(graph, Level.BLOCK), BoxKind.LAYER)[-1] == "add"


def test_a_lateral_that_only_tells_a_size_is_no_shortcut() -> None:
    make = Builder("pyramid")
    fine = make.input(4, 8, 8)
    coarse = make("max_pool", fine, at="pool", kernel=2)
    lateral = make("conv", fine, at="lateral", out_channels=4, kernel=1)
    up = make("resize_to", coarse, lateral, at="up")
    assert not residuals(make.done(make("add", lateral, up, at="add")))


def test_an_unnamed_shortcut_is_called_by_its_op() -> None:
    make = Builder("plain")
    x = make.input(4, 8, 8)
    with make.scope(ScopeKind.BLOCK, "pooled", "0"), make.scope(ScopeKind.RESIDUAL, "residual"):
        y = make("conv", x, at="conv", out_channels=4, kernel=3, stride=2)
        short = make("avg_pool", x, at="pool", kernel=2)
        y = make("add", y, short, at="add")
    drawn = view(make.done(y), Level.STAGE)
    assert wires(drawn, WireKind.PROJECTION) == [("input", "+", "avg_pool")]


def test_a_shortcut_that_was_computed_before_its_residual() -> None:
    make = Builder("before")
    x = make.input(4, 8, 8)
    with make.scope(ScopeKind.BLOCK, "block", "0"):
        with make.scope(ScopeKind.BLOCK, "pooled", "0.skip"):
            skip = make("conv", make("avg_pool", x, at="pool", kernel=2), at="conv", out_channels=8, kernel=1)
        with make.scope(ScopeKind.RESIDUAL, "residual"):
            y = make("conv", x, at="conv", out_channels=8, kernel=3, stride=2)
            y = make("add", y, skip, at="add")
    graph = make.done(y)
    assert [(len(each.nodes), each.label) for each in residuals(graph).values()] == [(2, "pooled")]
    assert wires(view(graph, Level.STAGE), WireKind.PROJECTION) == [("input", "+", "pooled")]


def test_a_block_with_two_residuals_is_one_box() -> None:
    make = Builder("two")
    x = make.input(8, 8, 8)
    with make.scope(ScopeKind.BLOCK, "two", "0"):
        for name in ("a", "b"):
            x = make("add", make("conv", x, at=name, out_channels=8, kernel=3), x, at=f"add_{name}")
    graph = make.done(x)
    assert titles(view(graph, Level.STAGE), BoxKind.PART) == ["two"]
    assert len(wires(view(graph, Level.BLOCK), WireKind.IDENTITY)) == 2


# --- text ---


@pytest.mark.parametrize("level", Level)
def test_golden_dot(level: Level) -> None:
    path = GOLDEN / f"resnet18-{level.value}.dot"
    assert to_dot(view(resnet18(doc="Eighteen layers."), level)) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("level", Level)
def test_same_graph_same_text(make: Callable[[], Graph], level: Level) -> None:
    one, two = view(make(), level), view(make(), level)
    assert one == two
    assert to_dot(one) == to_dot(two)
    assert to_mermaid(one) == to_mermaid(two)


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("level", Level)
def test_dot_has_each_box_cluster_and_wire_once(make: Callable[[], Graph], level: Level) -> None:
    drawn = view(make(), level)
    text = to_dot(drawn)
    assert len(re.findall(r"^\s*n\d+ \[", text, re.MULTILINE)) == len(drawn.boxes)
    assert len(re.findall(r"^\s*n\d+ -> n\d+", text, re.MULTILINE)) == len(drawn.wires)
    assert text.count("subgraph cluster") == len(drawn.clusters)
    assert text.count("style=dotted") == sum(1 for wire in drawn.wires if wire.kind is WireKind.PROJECTION)


def test_mermaid_draws_projections_dotted() -> None:
    text = to_mermaid(view(resnet18(), Level.STAGE))
    assert text.count("-.->") == 3
    assert '["2 × basic<br/>3×3 → 3×3<br/>74.0 k params, 231 M MACs"]' in text
    assert text.count("subgraph") == 6 == text.count("    end\n")


def test_a_block_of_blocks_is_opened_like_a_stage() -> None:
    make = Builder("wrapped")
    x = make.input(64, 16, 16)
    with make.scope(ScopeKind.BLOCK, "backbone", "body"):
        for index in range(2):
            with make.scope(ScopeKind.GROUP, f"layer{index}", f"layer{index}"):
                for copy in range(3):
                    with make.scope(ScopeKind.BLOCK, "bottleneck", str(copy), copy, 3):
                        x = bottleneck(make, x, 16, 1)
    graph = make.done(x)
    drawn = view(graph, Level.STAGE)
    assert [cluster.title for cluster in drawn.clusters] == ["backbone", "layer0", "layer1"]
    assert titles(drawn, BoxKind.PART) == ["3 × bottleneck", "3 × bottleneck"]
    assert titles(view(graph, Level.NETWORK), BoxKind.PART) == ["backbone"]
    assert len(titles(view(graph, Level.BLOCK), BoxKind.MERGE)) == 2


def of(text: str) -> CheckedGraph:
    return load(text).network("tiny").checked


def test_a_shortcut_may_be_one_by_its_label_alone() -> None:
    found = residuals(
        of("""
        block unit(width) {
            let skip = x -> downsample: (avg_pool(2x2) -> conv: conv(width, 1x1))
            conv(width, 3x3, stride = 2) -> (y => y + skip)
        }
        network tiny { input 4x32x32
            unit(8) }
        """)
    )
    assert [residual.label for residual in found.values()] == ["downsample"]


def test_layers_of_a_closed_block_are_told_as_they_lie() -> None:
    drawn = view(
        of("""
        block gate { identity * (global_avg_pool -> conv(x.channels, 1x1) -> sigmoid) }
        block chain { conv(8, 3x3) -> conv(8, 1x1) -> gate }
        block beside { conv(8, 3x3) + conv(8, 1x1) }
        network tiny { input 8x32x32
            stage all: (chain -> beside) }
        """)
    )
    details = {box.title: box.details[0] for box in drawn.boxes if box.kind is BoxKind.PART}
    assert details == {"chain": "3×3 → 1×1 · gate", "beside": "3×3, 1×1"}


def test_a_weight_stands_with_what_reads_it() -> None:
    graph = of("network tiny { input 8x32x32\n param gamma[x.channels] = 1\n conv(8, 3x3) -> (y => gamma * y * 0.5) }")
    layer = next(box for box in view(graph).boxes if box.kind is BoxKind.LAYER)
    assert (layer.title, layer.details) == ("conv 3×3, 8", ("multiply gamma · multiply 0.5",))
    assert layer.about.sums.params == 8 * 8 * 9 + 8
    assert "param" in titles(view(graph, Level.OP), BoxKind.LAYER)


def test_a_weight_that_two_read_has_its_box() -> None:
    graph = of("network tiny { input 8x32x32\n param gamma[x.channels] = 1\n relu -> (y => gamma * y + gamma) }")
    assert "param" in titles(view(graph), BoxKind.LAYER)


def test_a_block_of_many_unequal_blocks_is_closed_until_one_looks_into_it() -> None:
    graph = load("densenet121").network("densenet121").checked
    drawn = view(graph)
    inside = [box.details[0] for box in drawn.boxes if box.title == "dense_block"]
    assert inside == [f"{count} × dense_layer" for count in (6, 12, 24, 16)]
    assert [box.title for box in view(graph, Level.BLOCK).boxes].count("dense_layer") == 5  # the first is open
    opened = view(graph, opened=["features.denseblock2.dense_block"])
    assert [box.title for box in opened.boxes].count("dense_layer") == 12
    assert len(view(graph, folded=False).boxes) > 58


def test_a_list_of_blocks_is_told_by_its_blocks() -> None:
    drawn = view(load("convnext_tiny").network("convnext_tiny").checked, Level.NETWORK)
    details = {box.title: box.details[0] for box in drawn.boxes if box.kind is BoxKind.PART}
    assert details["stages.0"] == "3 × convnext_block"
    assert details["stages.2, /2"] == "downsample, 9 × convnext_block"
