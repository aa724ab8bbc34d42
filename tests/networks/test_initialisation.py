"""Fresh weights are drawn from the distributions that the papers and the libraries draw from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.networks.comparing import module
from tests.oracles import timm, torchvision


def assert_same_distributions(ours: nn.Module, theirs: nn.Module) -> None:
    """Constants are equal; large tensors agree in mean, spread and extremes (a uniform one has sharp ends)."""
    for (name, mine), (other_name, other) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
        assert name == other_name
        if torch.equal(other, other.flatten()[0].expand_as(other)):
            assert torch.equal(mine, other), name
        elif other.numel() > 4000:
            spread = float(other.std())
            assert float(mine.std()) == pytest.approx(spread, rel=0.06), name
            assert abs(float(mine.mean() - other.mean())) < 0.1 * spread, name
            assert float(mine.abs().max()) / float(other.abs().max()) == pytest.approx(1, abs=0.35), name
            assert not torch.equal(mine, other), name


def test_torchvisions() -> None:
    torch.manual_seed(0)
    assert_same_distributions(module("resnet", "resnet18"), torchvision().models.resnet18(weights=None))


@pytest.mark.parametrize(("file", "name"), [("resnetd", "resnet50d"), ("senet", "seresnet50")])
def test_timms(file: str, name: str) -> None:
    torch.manual_seed(0)
    assert_same_distributions(module(file, name), timm().create_model(name))


def test_gates_start_nearly_open() -> None:
    """He et al., 2016, section 3.1: the bias of the gates is set to -6."""
    network = module("preact", "resnet110_shortcut_gate", n=1)
    biases = [value for name, value in network.named_parameters() if name.endswith("gate_bias")]
    assert len(biases) == 3
    assert all(bool((bias == -6).all()) for bias in biases)
