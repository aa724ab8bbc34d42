"""The shipped networks against torchvision's of the same names: state, outputs, gradients, published counts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from resnetdsl.analysis.metrics import metrics
from tests.networks.comparing import assert_same_function, assert_same_gradients, graph, module, promised, state
from tests.oracles import torchvision

slow = pytest.mark.slow
ALL = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "wide_resnet50_2",
    "wide_resnet101_2",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
)
QUICK = ("resnet18", "resnet50", "resnext50_32x4d")
NAMES = tuple(name if name in QUICK else pytest.param(name, marks=slow) for name in ALL)


def theirs(name: str) -> nn.Module:
    return getattr(torchvision().models, name)(weights=None)


@pytest.mark.parametrize("name", ALL)
def test_the_graph_promises_torchvisions_state(name: str) -> None:
    with torch.device("meta"):
        other = theirs(name)
    assert promised(graph("resnet", name)) == state(other)


@pytest.mark.parametrize("name", NAMES)
def test_a_torchvision_model_loads_and_computes_the_same(name: str) -> None:
    ours, other = module("resnet", name), theirs(name)
    assert state(ours) == state(other)
    assert_same_function(ours, other, (3, 224, 224), (3, 97, 193))


@pytest.mark.parametrize(
    "name", ["resnet18", pytest.param("resnet50", marks=slow), pytest.param("resnext50_32x4d", marks=slow)]
)
def test_gradients_agree(name: str) -> None:
    assert_same_gradients(module("resnet", name), theirs(name), (3, 97, 97))


@pytest.mark.parametrize("name", ALL)
def test_counts_are_those_that_torchvision_publishes(name: str) -> None:
    weights = torchvision().models.get_model_weights(name).DEFAULT
    checked = graph("resnet", name)
    found = metrics(checked)
    assert found["params"] == weights.meta["num_params"]
    assert round(found["macs"] / 1e9, 3) == weights.meta["_ops"]
