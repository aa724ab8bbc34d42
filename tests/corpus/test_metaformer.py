"""The metaformer family is timm's: names, weights, counts, outputs."""

from __future__ import annotations

import pytest
import torch

from tests.corpus.proving import (
    assert_all_are_here_and_documented,
    assert_same_gradients,
    assert_same_outputs,
    assert_same_state_and_counts,
    names,
)
from tests.networks.comparing import difference, image, module, randomise
from tests.oracles import timm

QUICK = ("poolformer_s12", "caformer_s18")
COUNTED = (*QUICK, "poolformerv2_s12")

DEEPEST = "poolformerv2_m48"
"""In float32 timm's own outputs are 1.3e-5 from those in float64, by rounding: it is compared in float64."""


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("metaformer")


@pytest.mark.parametrize("name", names("metaformer", COUNTED))
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("metaformer", name)


@pytest.mark.parametrize("name", [each for each in names("metaformer", QUICK) if DEEPEST not in str(each)])
def test_outputs(name: str) -> None:
    assert_same_outputs("metaformer", name, (3, 64, 64), (3, 65, 97))


@pytest.mark.slow
def test_outputs_of_the_deepest() -> None:
    ours, theirs = module("metaformer", DEEPEST), randomise(timm().create_model(DEEPEST))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    ours.double().eval()
    theirs.double().eval()
    with torch.no_grad():
        for size in ((3, 64, 64), (3, 65, 97)):
            images = image(*size).double()
            assert difference(ours(images), theirs(images)) < 1e-12


@pytest.mark.slow
def test_gradients() -> None:
    assert_same_gradients("metaformer", "caformer_s18", (3, 64, 64))
