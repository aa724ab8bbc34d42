"""The shipped networks against torchvision's of the same names: state, outputs, gradients, published counts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from resnetdsl.analysis.metrics import metrics
from tests.networks.comparing import assert_same_function, assert_same_gradients, graph, module, promised, spec, state
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
OTHERS = (
    "alexnet",
    "googlenet",
    "squeezenet1_0",
    "squeezenet1_1",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
    "mnasnet0_5",
    "mnasnet0_75",
    "mnasnet1_0",
    "mnasnet1_3",
)
"""What stands in torchvision.rnet."""
QUICK = ("resnet18", "resnet50", "resnext50_32x4d", "googlenet", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5")
NAMES = tuple(name if name in QUICK else pytest.param(name, marks=slow) for name in (*ALL, *OTHERS))


def theirs(name: str) -> nn.Module:
    """torchvision's network, without classifiers that are there for training alone."""
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    made: nn.Module = getattr(torchvision().models, name)(weights=None, **options)
    return made


def file(name: str) -> str:
    return "torchvision" if name in OTHERS else "resnet"


@pytest.mark.parametrize("name", [*ALL, *OTHERS])
def test_the_graph_promises_torchvisions_state(name: str) -> None:
    with torch.device("meta"):
        other = theirs(name)
    assert promised(graph(file(name), name)) == state(other)


@pytest.mark.parametrize("name", NAMES)
def test_a_torchvision_model_loads_and_computes_the_same(name: str) -> None:
    ours, other = module(file(name), name), theirs(name)
    assert state(ours) == state(other)
    assert_same_function(ours, other, (3, 224, 224), (3, 97, 193))


@pytest.mark.parametrize(
    "name", ["resnet18", pytest.param("resnet50", marks=slow), pytest.param("resnext50_32x4d", marks=slow)]
)
def test_gradients_agree(name: str) -> None:
    assert_same_gradients(module(file(name), name), theirs(name), (3, 97, 97))


@pytest.mark.parametrize("name", [*ALL, *OTHERS])
def test_counts_are_those_that_torchvision_publishes(name: str) -> None:
    weights = torchvision().models.get_model_weights(name).DEFAULT
    checked = graph(file(name), name)
    found = metrics(checked)
    assert found["params"] == weights.meta["num_params"]
    assert round(found["macs"] / 1e9, 3) == weights.meta["_ops"]


def test_the_others_have_nothing_to_complain_of() -> None:
    report = spec("torchvision").check()
    assert not report.diagnostics, str(report)


def test_inception_v3_is_torchvisions_but_for_its_auxiliary_classifier() -> None:
    other = torchvision().models.inception_v3(weights=None, aux_logits=False, init_weights=False)
    assert_same_function(module("inception", "inception_v3"), other, (3, 96, 96))
