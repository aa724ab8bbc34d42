"""The oracles work beside a CPU build of torch."""

from __future__ import annotations

import torch

from tests import oracles


def test_the_oracles_build_a_network_and_run_it() -> None:
    image = torch.zeros(1, 3, 32, 32)
    with torch.no_grad():
        assert oracles.torchvision().models.resnet18(num_classes=4).eval()(image).shape == (1, 4)
        assert oracles.timm().create_model("resnet18", num_classes=4).eval()(image).shape == (1, 4)
