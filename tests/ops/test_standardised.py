"""Standardised convolutions: torch's sizes and leaves, timm's numbers."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Module
from resnetdsl.ops.registry import OPS
from tests import oracles
from tests.ops.harness import agree, build, check, complete, render, tensors

NAMES = ["std_conv", "scaled_std_conv"]
IMAGE = TensorType.image(8, 9, 12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pad", [None, "same", 0, (2, 0)])
@pytest.mark.parametrize("kernel", [1, 3, (2, 3), (1, 5)])
@pytest.mark.parametrize("stride", [1, 2, (1, 3)])
def test_sizes(name: str, kernel: object, stride: object, pad: object) -> None:
    for more in ({}, {"bias": True, "groups": 4, "dilation": 2}, {"bias": False, "eps": 1e-8, "groups": 8}):
        given = {"out_channels": 16, "kernel": kernel, "stride": stride, "pad": pad, **more}
        agree(OPS[name], given, IMAGE)
        agree(OPS[name], given, TensorType.image(8, 1, 1))


def test_gain_comes_last() -> None:
    op = OPS["scaled_std_conv"]
    leaves = op.weights(complete(op, {"out_channels": 16, "kernel": 3}), (IMAGE,))
    assert [leaf.name for leaf in leaves] == ["weight", "bias", "gain"]


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("std_conv", {}, "StdConv2d(8, 16, kernel_size=3, padding=1)"),
        ("std_conv", {"eps": 1e-8, "bias": True}, "StdConv2d(8, 16, kernel_size=3, padding=1, bias=True, eps=1e-08)"),
        ("std_conv", {"stride": 2, "pad": "same"}, "StdConv2dSame(8, 16, kernel_size=3, stride=2)"),
        ("scaled_std_conv", {"gain": 0.0}, "ScaledStdConv2d(8, 16, kernel_size=3, padding=1, gain_init=0.0)"),
        ("scaled_std_conv", {"bias": False}, "ScaledStdConv2d(8, 16, kernel_size=3, padding=1, bias=False)"),
    ],
)
def test_source_says_only_what_differs(name: str, given: dict[str, object], text: str) -> None:
    call = OPS[name].call(complete(OPS[name], {"out_channels": 16, "kernel": 3, **given}), (IMAGE,))
    assert isinstance(call, Module)
    assert render(call) == text


@pytest.mark.parametrize("name", NAMES)
def test_uneven_padding_is_refused(name: str) -> None:
    attrs = complete(OPS[name], {"out_channels": 16, "kernel": 3, "pad": (0, 1, 0, 1)})
    inference = OPS[name].infer(attrs, (IMAGE,))
    assert [(fault.code, fault.param) for fault in inference.faults] == [("E0317", "pad")]
    assert inference.outputs == (TensorType.image(16, 8, 11),)


@pytest.mark.parametrize("size", [(9, 12), (7, 7)])
@pytest.mark.parametrize("pad", [None, "same"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_timm_s(name: str, groups: int, stride: int, pad: str | None, size: tuple[int, int]) -> None:
    oracles.timm()
    from timm.layers import ScaledStdConv2d, ScaledStdConv2dSame, StdConv2d, StdConv2dSame

    given: dict[str, object] = {"out_channels": 16, "kernel": 3, "stride": stride, "pad": pad, "groups": groups}
    x = TensorType.image(8, *size)
    more: dict[str, object] = {"stride": stride, "groups": groups, "eps": 1e-5}
    if name == "std_conv":
        classes = (StdConv2d, StdConv2dSame)
    else:
        classes = (ScaledStdConv2d, ScaledStdConv2dSame)
        more |= {"gamma": 1.7}
        given |= {"gamma": 1.7}
    theirs = classes[1](8, 16, 3, **more) if pad == "same" else classes[0](8, 16, 3, **more)
    ours = build(OPS[name].call(complete(OPS[name], given | {"eps": 1e-5}), (x,)))
    with torch.no_grad():
        for leaf in theirs.parameters():
            leaf.normal_()
        ours.load_state_dict(theirs.state_dict())
        (batch,) = tensors([x], device="cpu")
        torch.testing.assert_close(ours(batch), theirs(batch), rtol=1e-4, atol=1e-4)


def test_gain_starts_as_it_is_told() -> None:
    op = OPS["scaled_std_conv"]
    module = build(op.call(complete(op, {"out_channels": 4, "kernel": 1, "gain": 0.25}), (IMAGE,)))
    assert module.state_dict()["gain"].unique().tolist() == [0.25]
    check(op, {"out_channels": 4, "kernel": 1, "gain": 0.0, "init": "lecun"}, IMAGE)
