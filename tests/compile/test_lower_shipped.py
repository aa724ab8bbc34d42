"""Networks of every family that is shipped, lowered by all passes, compute what they computed before."""

from __future__ import annotations

import re

import pytest
import torch

import resnetdsl
from resnetdsl.api import shipped_files, shipped_networks
from resnetdsl.compile.lower.pipeline import lower
from tests.compile.lowering import distance

QUICK = (
    "resnet20",
    "resnet110_scaled",
    "resnet18",
    "mobileone_s0",
    "repghostnet",
    "mixnet_s",
    "convnext_atto",
    "densenet121",
    "test_byobnet",
    "resnetv2_18",
    "mobilenetv4_conv_small",
    "efficientnet_cc_b0_4e",
)
"""Small ones, in which every pass finds something."""

_NETWORK = re.compile(r"^network\s+([A-Za-z_]\w*)", re.MULTILINE)


def agrees(name: str, dtype: torch.dtype) -> float:
    spec = resnetdsl.load(name)
    try:
        net = spec.network(name, input=(3, 64, 64))  # the passes know no sizes, and float64 is slow
    except resnetdsl.SpecError:
        net = spec.network(name)
    return distance(net, lower(net.checked), dtype)


@pytest.mark.parametrize("name", QUICK)
def test_small_networks(name: str) -> None:
    assert agrees(name, torch.float64) < 1e-9


def families() -> list[str]:
    """The first, the middle and the last network of each file."""
    shipped = shipped_networks()
    found: dict[str, None] = {}
    for path in shipped_files():
        names = [name for name in _NETWORK.findall(path.read_text(encoding="utf-8")) if shipped[name] == path]
        found |= dict.fromkeys(names[at] for at in (0, len(names) // 2, -1) if names)
    return list(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", families())
def test_every_family(name: str) -> None:
    try:
        resnetdsl.load(name).network(name)
    except resnetdsl.SpecError:
        pytest.skip("not a network by itself: it needs arguments")
    assert agrees(name, torch.float64) < 1e-8
