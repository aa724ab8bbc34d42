"""Counts against hand counts and against what the papers and torchvision publish."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from resnetdsl.analysis.costs import costs, depth, totals
from resnetdsl.analysis.metrics import METRICS, metrics
from resnetdsl.ir.graph import Graph
from tests.builders import (
    Builder,
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


def se_resnet50() -> Graph:
    return resnet("se_resnet50", se_bottleneck, (3, 4, 6, 3))


def preact18() -> Graph:
    return resnet("preact18", preact_basic, (2, 2, 2, 2))


@pytest.mark.parametrize(
    ("make", "params", "macs", "activations"),
    [
        (resnet18, 11_689_512, 1_814_073_344, 2_484_712),
        (resnet50, 25_557_032, 4_089_184_256, 11_114_984),  # 11.1 M activations: RegNet paper, table 4
        (resnet152, 60_192_808, 11_513_626_624, 22_555_112),
        (vgg16, 138_357_544, 15_470_264_320, 13_556_712),
        (se_resnet50, 28_088_024, 4_091_699_200, 11_131_032),
    ],
)
def test_published_counts(make: Callable[[], Graph], params: int, macs: int, activations: int) -> None:
    found = totals(make())
    assert (found.params, found.macs, found.activations) == (params, macs, activations)


@pytest.mark.parametrize(
    ("make", "layers"),
    [
        (resnet18, 18),
        (resnet50, 50),
        (resnet152, 152),
        (vgg16, 16),
        (preact18, 18),
        (lambda: cifar_resnet(3), 20),
        (lambda: cifar_resnet(18), 110),
        (densenet, 8),  # conv0, 2 layers, the transition, 3 layers, the classifier
        (se_resnet50, 50 + 2 * 16),  # a gate has two layers of its own
    ],
)
def test_depth(make: Callable[[], Graph], layers: int) -> None:
    assert depth(make()) == layers


def test_one_node_by_hand() -> None:
    make = Builder("tiny")
    x = make.input(3, 8, 8)
    y = make("conv", x, at="a", out_channels=4, kernel=3, stride=2, bias=True)
    y = make("batch_norm", y, at="b")
    found = costs(make.done(y))
    conv, norm = found[1], found[2]
    assert (conv.params, conv.macs, conv.activations) == (4 * 3 * 9 + 4, 4 * 4 * 4 * 27, 4 * 4 * 4)
    assert (conv.weighted, conv.buffers, conv.parameter_bytes) == (True, 0, 4 * (4 * 27 + 4))
    assert (norm.params, norm.buffers, norm.macs, norm.activations, norm.weighted) == (8, 9, 0, 0, False)
    assert norm.buffer_bytes == 4 * 8 + 8  # num_batches_tracked is an int64


def test_shared_weights_count_once_and_their_work_twice() -> None:
    make = Builder("shared")
    x = make.input(4, 8, 8)
    once = make("conv", x, at="conv", out_channels=4, kernel=3)
    twice = make("conv", once, at="conv", out_channels=4, kernel=3)
    found = totals(make.done(twice))
    assert (found.params, found.macs) == (4 * 4 * 9, 2 * 64 * 4 * 4 * 9)
    assert depth(make.graph) == 2


def test_free_parameters_count_and_are_no_layer() -> None:
    make = Builder("free")
    x = make.input(4, 8, 8)
    gamma = make("param", at="gamma", shape=(4,))
    y = make("multiply", x, gamma, at="multiply")
    graph = make.done(y)
    assert totals(graph).params == 4
    assert depth(graph) == 0


def test_dead_layers_do_not_deepen() -> None:
    make = Builder("dead")
    x = make.input(4, 8, 8)
    live = make("conv", x, at="a", out_channels=4, kernel=1)
    make("conv", live, at="b", out_channels=4, kernel=1)
    assert depth(make.done(live)) == 1


def test_metrics_have_all_names() -> None:
    found = metrics(resnet50())
    assert found.keys() == METRICS.keys()
    assert found["output"] == (1000,)
    assert found["depth"] == 50
    assert found["params"] == 25_557_032


def test_metrics_of_a_wide_window() -> None:
    make = Builder("wide")
    x = make("conv", make.input(3, 8, 8), at="a", out_channels=4, kernel=(1, 5), pad=0)
    assert metrics(make.done(x))["receptive_field"] == (1, 5)
