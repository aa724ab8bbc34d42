"""timm's ResNetV2 family: names, weights, counts, outputs. Its projections are made before the norms that they read."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.analysis.metrics import metrics
from tests.corpus.proving import assert_all_are_here_and_documented, assert_same_gradients, names, rows
from tests.networks.comparing import assert_same_function, graph, module, promised, state
from tests.oracles import timm

SAMPLE = ("resnetv2_18", "resnetv2_34d", "resnetv2_50t", "resnetv2_50d_evos", "resnetv2_50d_frn", "resnetv2_50x3_bit")
"""Blocks of two, the average in the shortcut, the tiered stem, norms that are activations, standardised weights."""
QUICK = ("resnetv2_18", "resnetv2_50x1_bit")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("resnetv2")


@pytest.mark.parametrize(
    "name", [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in rows("resnetv2")]
)
def test_state_and_counts(name: str) -> None:
    with torch.device("meta"):
        theirs = timm().create_model(name)
    checked = graph("resnetv2", name)
    assert promised(checked) == state(theirs)
    row, found = rows("resnetv2")[name], metrics(checked)
    assert "x".join(map(str, checked.node(0).outputs[0].shape)) == row.size
    assert (found["params"], found["macs"]) == (row.params, row.macs)


@pytest.mark.parametrize("name", names("resnetv2", QUICK))
def test_outputs(name: str) -> None:
    ours, theirs = module("resnetv2", name), timm().create_model(name)
    assert state(ours) == state(theirs)
    assert_same_function(ours, theirs, (3, 64, 64), (3, 65, 97))


@pytest.mark.parametrize("name", ["resnetv2_50d_evos", "resnetv2_50d_frn"])
def test_outputs_one_block_in_a_stage(name: str) -> None:
    """The norms that are activations, in time: `test_outputs` has them whole."""
    ours, theirs = module("resnetv2", name, depths=(1, 1, 1, 1)), timm().create_model(name, layers=(1, 1, 1, 1))
    assert state(ours) == state(theirs)
    assert_same_function(ours, theirs, (3, 65, 97))


def test_gradients() -> None:
    assert_same_gradients("resnetv2", "resnetv2_18", (3, 64, 64))
