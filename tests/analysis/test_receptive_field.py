"""Fields against the table of Araujo et al. (2019), and against what actually reaches an output."""

from __future__ import annotations

from fractions import Fraction

import pytest

from resnetdsl.analysis.receptive_field import network_field, receptive_fields
from resnetdsl.ir.graph import Graph, Source
from tests.builders import Block, Builder, basic, bottleneck, resnet, resnet50, se_bottleneck, vgg16


def field(graph: Graph) -> int:
    found = network_field(graph).size
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("block", "depths", "expected"),
    [
        (bottleneck, (3, 4, 6, 3), 483),
        (bottleneck, (3, 4, 23, 3), 1027),
        (bottleneck, (3, 8, 36, 3), 1507),
    ],
)
def test_araujo_table(block: Block, depths: tuple[int, ...], expected: int) -> None:
    # TF-Slim strides in the last block of a stage, which is what the table counts.
    assert field(resnet("slim", block, depths, slim=True)) == expected


def test_torchvision_strides_one_block_later() -> None:
    assert field(resnet50()) == 427
    assert field(resnet("resnet34", basic, (3, 4, 6, 3))) == 899


def test_vgg16() -> None:
    graph = vgg16()
    found = receptive_fields(graph)
    pool5 = found[graph.outputs[0].source.node]
    assert pool5.size == (212, 212)
    assert pool5.jump == (32, 32)
    assert not pool5.whole
    assert found[graph.outputs[1].source.node].whole  # flattened


def test_alexnet() -> None:
    make = Builder("alexnet_v2")
    x = make("conv", make.input(3, 224, 224), at="conv1", out_channels=64, kernel=11, stride=4, pad=0)
    x = make("max_pool", x, at="pool1", kernel=3, stride=2)
    x = make("conv", x, at="conv2", out_channels=192, kernel=5)
    x = make("max_pool", x, at="pool2", kernel=3, stride=2)
    for name in ("conv3", "conv4", "conv5"):
        x = make("conv", x, at=name, out_channels=384, kernel=3)
    x = make("max_pool", x, at="pool5", kernel=3, stride=2)
    assert field(make.done(x)) == 195


def test_branches_take_the_largest() -> None:
    make = Builder("inception")
    x = make.input(8, 32, 32)
    near = make("conv", x, at="near", out_channels=8, kernel=1)
    far = make("conv", x, at="far", out_channels=8, kernel=3, dilation=4)
    graph = make.done(make("concat", near, far, at="concat"))
    assert field(graph) == 9


def test_upsampling_makes_the_jump_a_fraction() -> None:
    make = Builder("decoder")
    x = make.input(8, 32, 32)
    x = make("upsample", x, at="up", scale=2.0)
    x = make("conv", x, at="conv", out_channels=8, kernel=5)
    graph = make.done(x)
    found = network_field(graph)
    assert found.jump == (Fraction(1, 2), Fraction(1, 2))
    assert found.size == (3, 3)  # 1 + 4 steps of half a pixel


def test_a_gate_sees_all_and_the_windows_still_count() -> None:
    graph = resnet("se", se_bottleneck, (1, 1, 1, 1))
    plain = resnet("plain", bottleneck, (1, 1, 1, 1))
    found = network_field(graph)
    assert found.whole
    assert found.size == network_field(plain).size
    assert str(found) == f"{found.size[0]}, all"
    fields = receptive_fields(graph)
    assert not fields[5].whole
    assert str(fields[5]) == "11"


def test_against_what_reaches_the_output() -> None:
    """Walk the windows back from one output element, on a network small enough that nothing is cut off."""
    make = Builder("walk")
    x = make.input(1, 64, 64)
    spec = [(3, 2, 1), (5, 1, 1), (3, 1, 3), (2, 2, 1), (3, 1, 1)]
    for i, (kernel, stride, dilation) in enumerate(spec):
        x = make("conv", x, at=str(i), out_channels=1, kernel=kernel, stride=stride, dilation=dilation, pad=0)
    places = {3}
    for kernel, stride, dilation in reversed(spec):
        places = {place * stride + tap * dilation for place in places for tap in range(kernel)}
    assert field(make.done(x)) == max(places) - min(places) + 1


def test_no_outputs_is_no_crash() -> None:
    make = Builder("empty")
    make.input(3, 8, 8)
    assert network_field(make.graph).size == (1, 1)
    make.tap("only", Source(0))
    assert network_field(make.graph).size == (1, 1)
