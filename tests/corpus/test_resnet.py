"""The 81 networks of timm's ResNet family: names, weights, counts, outputs.

Most stand in specs/timm_resnet.rnet. Those that the papers have are where the papers are, and are not said twice.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest
import torch

from resnetdsl.analysis.metrics import metrics
from resnetdsl.paths import specs_dir
from tests.corpus.proving import LARGEST, rows
from tests.networks.comparing import (
    assert_same_function,
    assert_same_gradients,
    graph,
    module,
    promised,
    spec,
    state,
)
from tests.oracles import timm

slow = pytest.mark.slow
HERE = "timm_resnet"
ELSEWHERE = {"resnet50d": "resnetd", "seresnet50": "senet"} | dict.fromkeys(
    (
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
    ),
    "resnet",
)
ROWS = rows("resnet")
DEEP = 15_000_000_000
"""From so many multiply-accumulates on the networks have hundreds of layers, and comparing takes a second or more."""

SAMPLE = {
    "resnet10t": "the block of two layers, the tiered stem, the average in the shortcut",
    "test_resnet": "stages that differ in their block",
    "seresnet18": "squeeze and excitation, where the widths are rounded",
    "resnetblur18": "blur pooling in the stem and the blocks",
    "resnetaa34d": "average pooling for strides",
    "ecaresnext26t_32x4d": "attention over neighbouring channels, groups",
    "ecaresnet50d_pruned": "widths from a table",
    "resnetrs50": "a convolution for the max pooling, another width in the gate",
}
SHALLOW = {
    "resnet50_gn": "group norm, in the stem and the shortcuts too",
    "resnet50s": "the wide stem",
    "ecaresnetlight": "the average in the shortcut behind the 7x7",
    "senet154": "half of the channels before the 3x3, projections of 3x3",
}
"""Networks of large blocks, which are the same in stages of one block. `test_outputs` has them whole."""


def file(name: str) -> str:
    return ELSEWHERE.get(name, HERE)


def size(name: str) -> tuple[int, int, int]:
    channels, height, width = map(int, ROWS[name].size.split("x"))
    return channels, height, width


@cache
def shipped() -> Counter[str]:
    """How many definitions of a network of each name there are in the shipped files."""
    texts = (path.read_text(encoding="utf-8") for path in specs_dir().glob("*.rnet"))
    return Counter(name for text in texts for name in re.findall(r"^network +(\w+)", text, re.MULTILINE))


def test_check_has_nothing_to_say_and_every_network_is_documented() -> None:
    found = spec(HERE)
    report = found.check()
    assert not report.diagnostics, str(report)
    assert set(found.networks) | set(ELSEWHERE) == set(ROWS)
    assert not set(found.networks) & set(ELSEWHERE)
    assert found.module is not None
    assert all(network.doc for network in found.module.networks.values())


def test_every_instance_promises_its_counts() -> None:
    text = (specs_dir() / f"{HERE}.rnet").read_text(encoding="utf-8")
    assert text.count("expect params == ") == len(spec(HERE).networks)
    assert len(text.splitlines()) <= 350


@pytest.mark.parametrize("name", ROWS)
def test_a_bare_name_finds_one_network(name: str) -> None:
    assert shipped()[name] == 1


@pytest.mark.parametrize("name", [pytest.param(n, marks=slow) if r.macs > DEEP else n for n, r in ROWS.items()])
def test_state_and_counts(name: str) -> None:
    """Keys, shapes and order of the weights are timm's; parameters and multiply-accumulates are the table's."""
    with torch.device("meta"):
        theirs = timm().create_model(name)
    checked = graph(file(name), name)
    assert promised(checked) == state(theirs)
    assert checked.node(0).outputs[0].shape == size(name)
    found = metrics(checked)
    assert (found["params"], found["macs"]) == (ROWS[name].params, ROWS[name].macs)


@pytest.mark.parametrize("name", SAMPLE)
def test_outputs_of_one_network_for_each_construct(name: str) -> None:
    assert_same_function(module(HERE, name), timm().create_model(name), (3, 65, 97))


@pytest.mark.parametrize("name", SHALLOW)
def test_outputs_of_large_blocks_one_in_a_stage(name: str) -> None:
    ours, theirs = module(HERE, name, depths=(1, 1, 1, 1)), timm().create_model(name, layers=(1, 1, 1, 1))
    assert state(ours) == state(theirs)
    assert_same_function(ours, theirs, (3, 65, 97))


@slow
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.params <= LARGEST])
def test_outputs(name: str) -> None:
    """At timm's size and at one that nothing divides."""
    ours, theirs = module(file(name), name), timm().create_model(name)
    assert state(ours) == state(theirs)
    assert_same_function(ours, theirs, size(name), (3, 97, 193))


@slow
@pytest.mark.parametrize("name", ["resnetblur18", "ecaresnext26t_32x4d", "resnetrs50"])
def test_gradients(name: str) -> None:
    assert_same_gradients(module(file(name), name), timm().create_model(name), (3, 97, 97))


@pytest.mark.parametrize("name", ["seresnet18", "resnetaa34d", "resnet50_gn"])
def test_the_last_norm_of_each_branch_starts_at_zero(name: str) -> None:
    def zeros(network: torch.nn.Module) -> list[str]:
        return [key for key, value in network.state_dict().items() if key.endswith("weight") and not value.any()]

    found = zeros(module(HERE, name))
    assert found == zeros(timm().create_model(name))
    assert found


def test_rates_of_dropping_are_timms() -> None:
    """`drop_path_rate` grows along the blocks, and `drop_rate` is that of the classifier."""
    checked = graph(HERE, "seresnet18", drop_path_rate=0.14, drop_rate=0.2)
    theirs = timm().create_model("seresnet18", drop_path_rate=0.14)
    rates = [node.attrs["rate"] for node in checked.nodes() if node.op == "drop_path"]
    assert rates == pytest.approx([m.drop_prob for n, m in theirs.named_modules() if n.endswith("drop_path")])
    assert [node.attrs["rate"] for node in checked.nodes() if node.op == "dropout"] == [0.2]


def test_channels_classes_and_size_are_overrides_away() -> None:
    checked = graph(HERE, "resnet10t", in_channels=1, classes=10, size=64)
    assert checked.node(0).outputs[0].shape == (1, 64, 64)
    assert metrics(checked)["output"] == (10,)
