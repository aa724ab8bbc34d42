"""The byobnet family is timm's: names, weights, counts, outputs. RepVGG and MobileOne stand where their papers are."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.analysis.metrics import metrics
from tests.corpus.proving import LARGEST, assert_same_gradients, assert_same_outputs, assert_same_state_and_counts, rows
from tests.networks.comparing import assert_same_function, graph, module, promised, spec, state
from tests.oracles import timm

FILES = ("byobnet", "repvgg", "mobileone")
ROWS = rows("byobnet")
SAMPLE = {
    "gernet_s": "full convolutions, bottlenecks and inverted bottlenecks",
    "gcresnext26ts": "a tiered stem, groups, global context",
    "regnetz_b16_evos": "norms that are activations, no shortcut where the shape changes",
    "resnet50_clip": "averages for strides, attention for pooling",
    "repvgg_b1g4": "branches side by side, groups in every other block",
    "mobileone_s4": "depthwise and pointwise by turns, gates in some",
}
QUICK = ("test_byobnet", "mobileone_s1")
FIXED = ("resnet50_clip", "resnet101_clip", "resnet50x4_clip", "resnet50x16_clip", "resnet50x64_clip")
"""The networks that learn the positions of one size of image."""


BAT = "bat_resnext26ts"
"""Its image falls into 8x8 blocks in every stage, so that its size is a multiple of 256."""


def family(name: str) -> str:
    """The file that a network of the family stands in."""
    return {"rep": "repvgg", "mob": "mobileone"}.get(name[:3], "byobnet")


def cases(names: list[str], quick: tuple[str, ...]) -> list[object]:
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def test_the_family_is_whole_and_documented() -> None:
    documented: set[str] = set()
    for file in FILES:
        report = spec(file).check()
        assert not report.diagnostics, str(report)
        parts = spec(file).module
        assert parts is not None
        documented |= {name for name, network in parts.networks.items() if network.doc}
    assert set(ROWS) <= documented


@pytest.mark.parametrize("name", cases([name for name in ROWS if name != BAT], tuple(SAMPLE)))
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("byobnet", name, file=family(name))


SMALL = [name for name, row in ROWS.items() if row.params <= LARGEST and name not in (*FIXED, BAT)]


@pytest.mark.parametrize("name", cases(SMALL, QUICK))
def test_outputs(name: str) -> None:
    assert_same_outputs("byobnet", name, (3, 64, 64), (3, 96, 64), file=family(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FIXED if ROWS[name].params <= LARGEST])
@pytest.mark.parametrize("size", [64, 96])
def test_outputs_of_an_attention_pool(name: str, size: int) -> None:
    ours, theirs = module("byobnet", name, size=size), timm().create_model(name, img_size=size)
    assert state(ours) == state(theirs)
    assert_same_function(ours, theirs, (3, size, size))


@pytest.mark.slow
def test_the_bilinear_transform_multiplies_by_no_zeros() -> None:
    """timm stretches the transform's 8x8 matrices to the size of the image, with zeros between. Ours stay as they are.

    A stage of `c` channels, a quarter of its bottleneck's width, on `side` x `side` places then costs twice
    `c * side^2 * (side - 8)` less in each of its two blocks.
    """
    checked, row = graph("byobnet", BAT), ROWS[BAT]
    with torch.device("meta"):
        theirs = timm().create_model(BAT)
    assert promised(checked) == state(theirs)
    zeros = sum(2 * 2 * c * side**2 * (side - 8) for c, side in ((16, 64), (32, 32), (64, 16), (128, 8)))
    found = metrics(checked)
    assert (found["params"], found["macs"]) == (row.params, row.macs - zeros)


@pytest.mark.slow
def test_outputs_of_the_bilinear_transform() -> None:
    assert_same_outputs("byobnet", BAT, (3, 256, 256), (3, 512, 256))


def test_gradients() -> None:
    assert_same_gradients("byobnet", "test_byobnet", (3, 64, 64))


def test_without_classes_a_network_gives_its_averages() -> None:
    checked = graph("byobnet", "resnet50_clip_gap")
    assert checked.type(checked.outputs[-1].source).shape == (2048,)
    more = graph("byobnet", "resnet50_clip_gap", classes=10)
    assert metrics(checked)["params"] == ROWS["resnet50_clip_gap"].params
    assert metrics(more)["params"] == ROWS["resnet50_clip_gap"].params + 20_490
