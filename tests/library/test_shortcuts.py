"""What the shortcuts of the library do with what they read."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnetdsl.api import load
from tests.library.expanding import checked, expand, layers

CONV = "residual(downsample: {shortcut}) {{ conv: conv({width}, 3x3, stride = {stride}) }}"


def residual(shortcut: str, width: int = 16, stride: int = 1) -> str:
    """A residual of one convolution, so that little stands beside the shortcut."""
    return CONV.format(shortcut=shortcut, width=width, stride=stride)


EXPANSIONS = {
    ("projection", 16, 1): "downsample.0: identity",
    ("projection", 16, 2): "downsample.0: conv, downsample.1: batch_norm",
    ("projection", 32, 1): "downsample.0: conv, downsample.1: batch_norm",
    ("projection(norm = none)", 32, 2): "downsample.0: conv",
    ("projection_everywhere", 16, 1): "downsample.0: conv, downsample.1: batch_norm",
    ("conv1x1_shortcut", 16, 1): "downsample.0: conv",
    ("zero_padded", 16, 1): "downsample.0: identity",
    ("zero_padded", 32, 2): "downsample.0: avg_pool, downsample.1: pad_channels",
    ("zero_padded", 16, 2): "downsample.0: avg_pool",
    ("zero_padded", 32, 1): "downsample.0: pad_channels",
    ("avg_pool_projection", 16, 1): "downsample.0: identity",
    ("avg_pool_projection", 32, 2): "downsample.0: avg_pool, downsample.1: conv, downsample.2: batch_norm",
    ("avg_pool_projection", 32, 1): "downsample.0: identity, downsample.1: conv, downsample.2: batch_norm",
    ("scaled(0.5)", 16, 1): "downsample.0.0: identity, downsample.multiply_scalar: multiply_scalar",
    ("dropout_shortcut", 16, 1): "downsample.0.0: identity, downsample.1: dropout",
    ("none", 16, 1): "",
}


@pytest.mark.parametrize(("shortcut", "width", "stride"), EXPANSIONS)
def test_a_shortcut_expands_to_these_layers(shortcut: str, width: int, stride: int) -> None:
    found = layers(expand(residual(shortcut, width, stride)))
    wanted = EXPANSIONS[shortcut, width, stride]
    assert found == ["conv: conv", *(wanted.split(", ") if wanted else []), *(["add: add"] if wanted else [])]


def test_a_shortcut_without_a_label_is_called_shortcut() -> None:
    assert "shortcut.0: conv" in layers(expand("residual(projection) { conv(32, 3x3) }"))


def test_option_a_cannot_take_channels_away() -> None:
    report = checked(residual("zero_padded", 8))
    assert [found.code.id for found in report.errors] == ["E0210"]


def branchless(shortcut: str, width: int, stride: int) -> tuple[nn.Module, Tensor]:
    """The network whose branch is zero, so that its output is the shortcut's, and an image for it."""
    text = f"network one {{\n input 4x7x6\n {residual(shortcut, width, stride)}\n}}"
    module = load(text).network("one").module().eval()
    with torch.no_grad():
        module.get_submodule("conv").weight.zero_()  # type: ignore[union-attr, operator]
    return module, torch.randn(2, 4, 7, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_zero_padded_takes_every_nth_pixel_and_appends_zeros(stride: int) -> None:
    module, x = branchless("zero_padded", 9, stride)
    wanted = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, 5))
    assert torch.equal(module(x), wanted)


def test_zero_padded_centred_puts_half_of_the_zeros_first() -> None:
    module, x = branchless("zero_padded(centred = true)", 9, 2)
    assert torch.equal(module(x), F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 3)))


def test_identity_and_scaled() -> None:
    for shortcut, factor in (("identity", 1.0), ("scaled(0.25)", 0.25), ("dropout_shortcut", 1.0)):
        module, x = branchless(shortcut, 4, 1)
        assert torch.equal(module(x), factor * x)


def test_the_average_pool_of_resnet_d_covers_the_border_of_odd_sizes() -> None:
    module, x = branchless("avg_pool_projection(norm = none)", 4, 2)
    weight = module.state_dict()["downsample.1.weight"]
    pooled = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
    assert pooled.shape[-2:] == (4, 3)
    torch.testing.assert_close(module(x), F.conv2d(pooled, weight))


@pytest.mark.parametrize("name", ["shortcut_gate", "exclusive_gate"])
def test_gates_open_and_close_with_their_bias(name: str) -> None:
    """Far below zero the shortcut is all of the input, far above nothing; the exclusive one then is the branch."""
    for bias, share in ((-60.0, 1.0), (60.0, 0.0)):
        text = f"network one {{\n input 4x7x6\n {residual(f'{name}({bias:g})', 4)}\n}}"
        module = load(text).network("one").module().eval()
        x = torch.randn(2, 4, 7, 6, generator=torch.Generator().manual_seed(0))
        branch = F.conv2d(x, module.state_dict()["conv.weight"], padding=1)
        kept = 1.0 if name == "shortcut_gate" else 1.0 - share
        torch.testing.assert_close(module(x), share * x + kept * branch, rtol=1e-4, atol=1e-5)
