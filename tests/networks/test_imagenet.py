"""The ImageNet networks beyond torchvision's names: timm's, those of the paper, the plain ones, and the pyramid."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from resnetdsl.analysis.metrics import metrics
from tests.networks.comparing import (
    assert_same_function,
    assert_same_gradients,
    difference,
    graph,
    image,
    measured_macs,
    module,
    promised,
    randomise,
    state,
)
from tests.oracles import timm, torchvision

slow = pytest.mark.slow

# --- timm ---

TIMM = {
    "resnet50d": "resnetd",
    "seresnet50": "senet",
    "resnet50": "resnet",
    "resnext50_32x4d": "resnet",
    "wide_resnet50_2": "resnet",
}


@pytest.mark.parametrize(
    "name", ["resnet50d", "seresnet50", *(pytest.param(n, marks=slow) for n in ("resnext50_32x4d", "wide_resnet50_2"))]
)
def test_a_timm_model_loads_and_computes_the_same(name: str) -> None:
    ours, other = module(TIMM[name], name), timm().create_model(name)
    assert state(ours) == state(other) == promised(graph(TIMM[name], name))
    assert_same_function(ours, other, (3, 224, 224), (3, 97, 193))


@pytest.mark.parametrize("name", TIMM)
def test_multiply_accumulates_are_those_of_torch(name: str) -> None:
    assert metrics(graph(TIMM[name], name))["macs"] == measured_macs(timm().create_model(name), (3, 224, 224))


@slow
@pytest.mark.parametrize("name", ["resnet50d", "seresnet50"])
def test_gradients_agree(name: str) -> None:
    assert_same_gradients(module(TIMM[name], name), timm().create_model(name), (3, 97, 97))


@pytest.mark.parametrize("name", ["resnet50d", "seresnet50"])
def test_the_last_norm_of_each_block_starts_at_zero_as_in_timm(name: str) -> None:
    def zeros(network: nn.Module) -> list[str]:
        return [key for key, value in network.state_dict().items() if key.endswith("weight") and not value.any()]

    found = zeros(module(TIMM[name], name))
    assert len(found) == 16
    assert found == zeros(timm().create_model(name))


# --- the paper's, from torchvision's by hand ---


def first_version(name: str) -> nn.Module:
    """The stride moved from the 3x3 to the 1x1 (He et al., 2015)."""
    network = getattr(torchvision().models, name)(weights=None)
    for part in network.modules():
        if isinstance(part, torchvision().models.resnet.Bottleneck) and part.stride != 1:
            part.conv1.stride, part.conv2.stride = part.conv2.stride, (1, 1)
    return network


def plain(name: str) -> nn.Module:
    """No shortcut anywhere."""
    network = getattr(torchvision().models, name)(weights=None)
    for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
        for block in stage:
            del block.downsample
            block.forward = lambda x, b=block: b.relu(b.bn2(b.conv2(b.relu(b.bn1(b.conv1(x))))))
    return network


def squeezed_first_version() -> nn.Module:
    network = timm().create_model("seresnet50")
    for part in network.modules():
        if isinstance(part, timm().models.resnet.Bottleneck) and part.conv2.stride != (1, 1):
            part.conv1.stride, part.conv2.stride = part.conv2.stride, (1, 1)
    return network


BY_HAND: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "resnet50_v1": ("resnet", lambda: first_version("resnet50")),
    "resnet101_v1": ("resnet", lambda: first_version("resnet101")),
    "resnet152_v1": ("resnet", lambda: first_version("resnet152")),
    "plain18": ("resnet", lambda: plain("resnet18")),
    "plain34": ("resnet", lambda: plain("resnet34")),
    "seresnet50_v1": ("senet", squeezed_first_version),
}
LONG = {"resnet101_v1", "resnet152_v1", "plain34", "seresnet50_v1"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=slow) if name in LONG else name for name in BY_HAND])
def test_the_papers_versions_compute_the_same(name: str) -> None:
    file, make = BY_HAND[name]
    ours, other = module(file, name), make()
    assert state(ours) == state(other) == promised(graph(file, name))
    assert_same_function(ours, other, (3, 224, 224), (3, 97, 193))


@pytest.mark.parametrize("name", BY_HAND)
def test_the_papers_versions_cost_what_torch_counts(name: str) -> None:
    file, make = BY_HAND[name]
    with torch.device("meta"):
        other = make()
    assert metrics(graph(file, name))["macs"] == measured_macs(other, (3, 224, 224))


# --- detection ---


def pyramid() -> nn.Module:
    torchvision()
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

    return resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d, trainable_layers=5)


def outputs(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    found = network(images)
    assert isinstance(found, dict)
    return found


def test_the_feature_pyramid_is_torchvisions() -> None:
    ours, other = module("detection", "resnet50_fpn"), pyramid()
    assert sorted(state(ours)) == sorted(state(other)) == sorted(promised(graph("detection", "resnet50_fpn")))
    ours.load_state_dict(randomise(other).state_dict(), strict=True)
    names = {"p2": "0", "p3": "1", "p4": "2", "p5": "3", "output": "pool"}
    with torch.no_grad():
        for size in ((3, 128, 96), (3, 97, 65)):
            mine, theirs = outputs(ours.eval(), image(*size)), outputs(other.eval(), image(*size))
            assert list(mine) == list(names)
            for name, key in names.items():
                assert difference(mine[name], theirs[key]) < 1e-5, name


def test_the_backbones_taps_are_the_stages_of_torchvisions_network() -> None:
    torchvision()
    from torchvision.models._utils import IntermediateLayerGetter

    names = {f"layer{i}": f"c{i + 1}" for i in range(1, 5)}
    other = IntermediateLayerGetter(randomise(torchvision().models.resnet50(weights=None)), names)
    ours = module("detection", "resnet50_backbone")
    assert state(ours) == state(other)
    ours.load_state_dict(other.state_dict(), strict=True)
    with torch.no_grad():
        for size in ((3, 64, 64), (3, 96, 160)):
            mine, theirs = outputs(ours.eval(), image(*size)), outputs(other.eval(), image(*size))
            for name in names.values():
                assert difference(mine[name], theirs[name]) < 1e-5, name
            assert torch.equal(mine["output"], mine["c5"])


@pytest.mark.parametrize("name", ["resnet50_backbone", "resnet50_fpn"])
def test_the_range_of_sizes_is_checked(name: str) -> None:
    assert graph("detection", name).input_ranges[1:] == ((64, 512, 32), (64, 512, 32))
