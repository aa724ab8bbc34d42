"""Linear layers and the convolution over channels."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Module
from resnetdsl.ops.registry import OPS
from tests import oracles
from tests.ops.harness import build, check, complete, render, tensors

LINEAR = OPS["linear"]
CHANNELS = OPS["channel_conv1d"]
VECTOR = TensorType((8,), "c", (32, 32))


@pytest.mark.parametrize(
    "x", [VECTOR, TensorType((5, 8), "nc"), TensorType((3, 4, 8), "hwc"), TensorType((1,), "c")], ids=str
)
@pytest.mark.parametrize("bias", [True, False])
def test_linear(x: TensorType, bias: bool) -> None:
    out = check(LINEAR, {"out_features": 10, "bias": bias}, x).outputs
    assert out is not None
    assert (out[0].shape, out[0].axes, out[0].stride) == ((*x.shape[:-1], 10), x.axes, x.stride)


def test_linear_source() -> None:
    def text(**given: object) -> str:
        call = LINEAR.call(complete(LINEAR, {"out_features": 1000, **given}), (VECTOR,))
        assert isinstance(call, Module)
        return render(call)

    assert text() == "nn.Linear(8, 1000)"
    assert text(bias=False) == "nn.Linear(8, 1000, bias=False)"


def test_linear_faults() -> None:
    attrs = complete(LINEAR, {"out_features": 10})
    image = LINEAR.infer(attrs, (TensorType.image(8, 7, 7),))
    assert [(fault.code, fault.data) for fault in image.faults] == [("E0307", {"shape": "8x7x7"})]
    assert image.outputs == (TensorType((10,), "c"),)
    tokens_last = LINEAR.infer(attrs, (TensorType((8, 49), "cn"),))
    assert [fault.code for fault in tokens_last.faults] == ["E0306"]


@pytest.mark.parametrize("init", [*LINEAR.params[-1].choices, 0.0])
def test_initialisation(init: object) -> None:
    check(LINEAR, {"out_features": 10, "init": init}, VECTOR)


@pytest.mark.parametrize("kernel", [1, 3, 5, 13])
@pytest.mark.parametrize("x", [VECTOR, TensorType.image(8, 1, 1)], ids=str)
def test_channel_conv(x: TensorType, kernel: int) -> None:
    for bias in (False, True):
        assert check(CHANNELS, {"kernel": kernel, "bias": bias}, x).outputs == (x,)


def test_channel_conv_faults() -> None:
    def codes(x: TensorType, kernel: int) -> list[str]:
        return [fault.code for fault in CHANNELS.infer(complete(CHANNELS, {"kernel": kernel}), (x,)).faults]

    assert codes(VECTOR, 4) == ["E0308"]
    assert codes(TensorType.image(8, 1, 2), 3) == ["E0306"]
    assert codes(TensorType((5, 8), "nc"), 3) == ["E0306"]


def test_channel_conv_is_the_one_in_timm_s_eca() -> None:
    oracles.timm()
    from timm.layers import EcaModule

    x = TensorType.image(16, 1, 1)
    ours = build(CHANNELS.call(complete(CHANNELS, {"kernel": 3}), (x,)))
    theirs = EcaModule(kernel_size=3)
    theirs.conv.load_state_dict(ours.state_dict())
    (image,) = tensors([TensorType.image(16, 4, 5)], device="cpu")
    with torch.no_grad():
        gate = ours(image.mean((2, 3), keepdim=True)).sigmoid()
        torch.testing.assert_close(image * gate, theirs(image))
