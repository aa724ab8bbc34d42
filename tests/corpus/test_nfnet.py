"""The nfnet family is timm's: names, weights, counts, outputs."""

from __future__ import annotations

import pytest

from tests.corpus.proving import (
    assert_all_are_here_and_documented,
    assert_same_gradients,
    assert_same_outputs,
    assert_same_state_and_counts,
    names,
    rows,
)
from tests.networks.comparing import graph, module

SAMPLE = ("dm_nfnet_f0", "eca_nfnet_l0", "nf_regnet_b0", "nf_seresnet26", "test_nfnet")
"""Factors behind the activations and TF's padding, ECA, SE inside the bottleneck, the 7x7 stem, the extra 3x3."""
QUICK = ("nf_regnet_b0", "test_nfnet")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("nfnet")


@pytest.mark.parametrize(
    "name", [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in rows("nfnet")]
)
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("nfnet", name)


@pytest.mark.parametrize("name", names("nfnet", QUICK))
def test_outputs(name: str) -> None:
    assert_same_outputs("nfnet", name, (3, 64, 64), (3, 65, 97))


def test_gradients() -> None:
    assert_same_gradients("nfnet", "test_nfnet", (3, 64, 64))


def test_expected_variance_is_carried_from_block_to_block() -> None:
    """Each block adds alpha^2 to it; the first of a stage still sees that of the stage before, then it starts anew."""
    divided = [n.attrs["value"] for n in graph("nfnet", "nf_resnet26", alpha=0.5).nodes() if n.op == "multiply_scalar"]
    found = [round(float(v) ** -2, 6) for v in divided if isinstance(v, float) and v != 0.5]
    assert found == [1.0, 1.25, 1.5, 1.25, 1.5, 1.25, 1.5, 1.25]


@pytest.mark.parametrize("name", ["test_nfnet", "nf_regnet_b0"])
def test_branches_start_as_nothing(name: str) -> None:
    """The last gain of every branch is zero, so that a block starts as its shortcut."""
    gains = {key: value for key, value in module("nfnet", name).state_dict().items() if key.endswith("conv3.gain")}
    last = {key: value for key, value in gains.items() if key.startswith("stages")}
    assert last
    assert not any(value.any() for value in last.values())
