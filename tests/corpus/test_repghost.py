"""The repghost family is timm's: names, weights, counts, outputs."""

from __future__ import annotations

import pytest

from tests.corpus.proving import (
    assert_all_are_here_and_documented,
    assert_same_outputs,
    assert_same_state_and_counts,
    names,
    rows,
)
from tests.networks.comparing import assert_same_gradients, module
from tests.oracles import timm

COUNTED = ("repghostnet_050", "repghostnet_200")
COMPUTED = ("repghostnet_050", "repghostnet_058")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("repghost")


@pytest.mark.parametrize(
    "name", [n if n in COUNTED else pytest.param(n, marks=pytest.mark.slow) for n in rows("repghost")]
)
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("repghost", name)


@pytest.mark.parametrize("name", names("repghost", COMPUTED))
def test_outputs(name: str) -> None:
    assert_same_outputs("repghost", name, (3, 64, 64), (3, 65, 97))


@pytest.mark.slow
def test_gradients() -> None:
    ours = module("repghost", "repghostnet_050", drop_rate=0)
    assert_same_gradients(ours, timm().create_model("repghostnet_050", drop_rate=0), (3, 64, 64))
