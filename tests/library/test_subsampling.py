"""What may stand at a stride, in a gate and at the end of a stem, and what it expands to."""

from __future__ import annotations

import pytest

from resnetdsl.ir.graph import CheckedGraph
from tests.library.expanding import checked, expand, layers, output


def strided(graph: CheckedGraph) -> list[str]:
    """The paths of the layers that have a stride."""
    return [node.path for node in graph.nodes() if node.attrs.get("stride", 1) not in (1, (1, 1))]


@pytest.mark.parametrize("layer", ["blur_pool", "avg_pool(2)"])
@pytest.mark.parametrize(
    ("block", "place"),
    [("basic(16", "0.3"), ("bottleneck(16", "0.6"), ("bottleneck(16, stride_on = 1x1", "0.6")],
)
def test_antialias_alone_has_the_stride_of_the_branch(layer: str, block: str, place: str) -> None:
    graph = expand(f"{block}, stride = 2, antialias = {layer}, shortcut = none)", channels=16, size=12)
    assert strided(graph) == [place]
    assert output(graph)[1:] == (6, 6)


def test_antialias_is_absent_where_there_is_no_stride() -> None:
    assert layers(expand("basic(16, antialias = blur_pool)")) == layers(expand("basic(16)"))


def test_the_width_before_the_3x3_may_be_another() -> None:
    graph = expand("bottleneck(16, groups = 2, reduce = 2)")
    shapes = {node.path: node.outputs[0].shape[0] for node in graph.nodes() if node.op == "conv"}
    assert shapes == {"0.conv1": 16, "0.conv2": 32, "0.conv3": 64, "0.downsample.0": 64}


@pytest.mark.parametrize(
    ("channels", "kernel"), [(16, 3), (64, 3), (127, 3), (128, 5), (256, 5), (512, 5), (1024, 5), (2048, 7)]
)
def test_eca_sees_more_neighbours_the_more_channels_there_are(channels: int, kernel: int) -> None:
    """timm: the odd number from `int((log2(channels) + 1) / 2)` on, and at least 3."""
    graph = expand("eca", channels=channels, size=4)
    assert [node.attrs["kernel"] for node in graph.nodes() if node.op == "channel_conv1d"] == [kernel]
    assert layers(graph) == [
        "0.0: global_avg_pool", "0.conv: channel_conv1d", "0.2: sigmoid", "0.multiply: multiply",
    ]  # fmt: skip


@pytest.mark.parametrize(("divisor", "hidden"), [(1, 4), (8, 8), (3, 3)])
def test_the_width_inside_se_is_the_nearest_multiple(divisor: int, hidden: int) -> None:
    graph = expand(f"se(divisor = {divisor})", channels=64)
    assert [node.outputs[0].shape[0] for node in graph.nodes() if node.path == "0.fc1"] == [hidden]


def test_se_without_a_divisor_does_not_round() -> None:
    assert [fact.code.id for fact in checked("se(16)", channels=40).diagnostics] == ["E0209"]


def test_a_projection_is_1x1_where_it_has_no_stride() -> None:
    for stride, kernel in ((1, 1), (2, 3)):
        graph = expand(f"basic(32, stride = {stride}, shortcut = projection(kernel = 3x3))")
        (found,) = (node.attrs["kernel"] for node in graph.nodes() if node.path == "0.downsample.0")
        assert found in (kernel, (kernel, kernel))


@pytest.mark.parametrize("stem", ["imagenet_stem", "deep_stem"])
def test_a_stem_ends_as_it_is_told(stem: str) -> None:
    graph = expand(f"{stem}(16, pool = conv_pool)", channels=3, size=32)
    assert layers(graph)[-3:] == ["maxpool.0: conv", "maxpool.1: batch_norm", "maxpool.2: relu"]
    assert output(graph) == output(expand(f"{stem}(16)", channels=3, size=32)) == (16, 8, 8)


def test_the_widths_of_a_deep_stem_may_grow() -> None:
    graph = expand("deep_stem(64, hidden = [24, 32])", channels=3, size=32)
    assert [node.outputs[0].shape[0] for node in graph.nodes() if node.op == "conv"] == [24, 32, 64]
