"""What people change of a shipped network: classes, channels and size of the input; from anywhere, by a bare name."""

from __future__ import annotations

import csv

import pytest
import torch

from resnetdsl.api import find_network, load
from resnetdsl.elaborate.values import DefinedLayer
from resnetdsl.spec import SpecError
from tests.cli.running import run
from tests.corpus.proving import TABLE
from tests.everything import EVERYTHING
from tests.networks.comparing import promised, spec, state
from tests.oracles import timm

with TABLE.open(encoding="utf-8", newline="") as table:
    ROWS = list(csv.DictReader(table))
SMALLEST = {
    family: min((row for row in ROWS if row["family"] == family), key=lambda row: int(row["params"]))["model"]
    for family in dict.fromkeys(row["family"] for row in ROWS)
}
MORE = ("resnet18", "resnet50d", "tf_mixnet_s", "mobilenetv4_conv_small_035", "mobileone_s0", "repvgg_a0")
QUICK = [*SMALLEST.values(), *MORE]
ALL = [row["model"] for row in ROWS if row["model"] not in QUICK][:: 1 if EVERYTHING else 4]


def shipped(name: str) -> str:
    path = find_network(name)
    assert path is not None
    return path.stem


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in ALL)])
def test_classes_and_channels_are_timms(name: str) -> None:
    """The state of the changed network: `num_classes` and `in_chans` in timm."""
    with torch.device("meta"):
        theirs = timm().create_model(name, num_classes=10, in_chans=1)
    checked = spec(shipped(name)).graph(name, overrides={"classes": 10, "in_channels": 1})
    assert promised(checked) == state(theirs)
    assert checked.node(0).outputs[0].shape[0] == 1
    assert checked.type(checked.outputs[-1].source).shape == (10,)


@pytest.mark.parametrize("name", QUICK)
def test_the_size_is_a_parameter_and_an_option(name: str) -> None:
    """Nothing else depends on it, but for what has a weight for each place."""
    by_parameter = spec(shipped(name)).graph(name, overrides={"size": 288})
    by_option = spec(shipped(name)).graph(name, input=(3, 288, 288))
    assert by_parameter.node(0).outputs[0].shape == (3, 288, 288)
    assert promised(by_parameter) == promised(by_option) == promised(spec(shipped(name)).graph(name))


def test_every_network_takes_them() -> None:
    for row in ROWS:
        layer = spec(shipped(row["model"])).module.env.value(row["model"])
        assert isinstance(layer, DefinedLayer)
        assert {"classes", "in_channels", "size"} <= {param.name for param in layer.definition.syntax.params}


def test_on_the_command_line() -> None:
    done = run(
        "summary", "resnet18", "--set", "classes=10", "--set", "width=32", "--set", "in_channels=1", "--format", "json"
    )
    assert done.code == 0, done.err
    whole = load("resnet18").network(classes=10, width=32, in_channels=1)
    assert f'"params": {sum(value.numel() for value in whole.module().parameters())}' in done.out


def test_a_backbone_on_the_command_line() -> None:
    done = run("summary", "resnet18", "--set", "taps=[4, 32]", "--set", "output_stride=8", "--input", "3x64x64")
    assert done.code == 0, done.err
    assert "tap c2" in done.out
    assert "512x8x8" in done.out


def test_what_it_does_not_take_is_said() -> None:
    with pytest.raises(SpecError, match="has no parameter `in_chans`; did you mean `in_channels`"):
        load("resnet18").network(in_chans=1)
