"""Convolutions: sizes, leaves, MACs and refusals as torch has them, and source that reads as people write it."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import InitCall, Module, Window
from resnetdsl.ops.registry import OPS
from tests import oracles
from tests.ops.harness import agree, build, check, complete, render, tensors

CONV = OPS["conv"]
TRANSPOSE = OPS["conv_transpose"]
IMAGE = TensorType.image(8, 13, 18)
IMAGES = [IMAGE, TensorType.image(8, 1, 1), TensorType.image(8, 2, 7)]


@pytest.mark.parametrize("image", IMAGES, ids=str)
@pytest.mark.parametrize("pad", [None, "same", "half", (1, 2, 0, 3), 4])
@pytest.mark.parametrize(("kernel", "stride"), [*product([1, 3, (1, 7)], [1, 2, (3, 1), 5])])
def test_sizes(kernel: object, stride: object, pad: object, image: TensorType) -> None:
    for more in ({}, {"bias": True, "groups": 4}, {"dilation": (1, 2)}):
        agree(CONV, {"out_channels": 12, "kernel": kernel, "stride": stride, "pad": pad, **more}, image)


@pytest.mark.parametrize("pad", ["same", "valid", 1, (0, 3)])
@pytest.mark.parametrize("kernel", [2, (2, 3), 4])
@pytest.mark.parametrize("stride", [1, 2, (1, 4)])
def test_even_kernels(kernel: object, stride: object, pad: object) -> None:
    check(CONV, {"out_channels": 6, "kernel": kernel, "stride": stride, "pad": pad}, IMAGE)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("pad", [None, (3, 2, 1, 0), "same"])
def test_pad_modes(mode: str, pad: object) -> None:
    check(CONV, {"out_channels": 6, "kernel": 3, "pad": pad, "pad_mode": mode}, IMAGE)


def test_depthwise_counts() -> None:
    attrs = complete(CONV, {"out_channels": 8, "kernel": 3, "groups": 8})
    out = check(CONV, {"out_channels": 8, "kernel": 3, "groups": 8}, IMAGE).outputs
    assert out is not None
    assert CONV.macs(attrs, (IMAGE,), out) == 8 * 13 * 18 * 9


def test_stride_and_window() -> None:
    x = TensorType.image(8, 13, 18, (4, Fraction(1, 2)))
    given = {"out_channels": 8, "kernel": 3, "stride": (2, 4), "dilation": 2}
    out = check(CONV, given, x).outputs
    assert out is not None
    assert out[0].stride == (8, 2)
    assert CONV.window(complete(CONV, given), (x,)) == Window((3, 3), (2, 4), (2, 2))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"kernel": 3}, "nn.Conv2d(8, 16, kernel_size=3, padding=1, bias=False)"),
        ({"kernel": 1, "bias": True}, "nn.Conv2d(8, 16, kernel_size=1)"),
        ({"kernel": 7, "stride": 2}, "nn.Conv2d(8, 16, kernel_size=7, stride=2, padding=3, bias=False)"),
        ({"kernel": (1, 7)}, "nn.Conv2d(8, 16, kernel_size=(1, 7), padding=(0, 3), bias=False)"),
        ({"kernel": 3, "pad": "same"}, "nn.Conv2d(8, 16, kernel_size=3, padding=1, bias=False)"),
        ({"kernel": 1, "stride": 2, "pad": "same"}, "nn.Conv2d(8, 16, kernel_size=1, stride=2, bias=False)"),
        ({"kernel": 3, "stride": 2, "pad": "same"}, "Conv2dSame(8, 16, kernel_size=3, stride=2, bias=False)"),
        ({"kernel": 2, "pad": "same"}, "PaddedConv2d(8, 16, kernel_size=2, bias=False, pad=(0, 1, 0, 1))"),
        (
            {"kernel": 3, "pad": (0, 1, 2, 3), "groups": 2, "dilation": 2},
            "PaddedConv2d(8, 16, kernel_size=3, dilation=2, groups=2, bias=False, pad=(2, 3, 0, 1))",
        ),
        ({"kernel": 1, "pad_mode": "reflect"}, "nn.Conv2d(8, 16, kernel_size=1, bias=False)"),
        (
            {"kernel": 3, "pad_mode": "circular"},
            "nn.Conv2d(8, 16, kernel_size=3, padding=1, bias=False, padding_mode='circular')",
        ),
    ],
)
def test_source_says_only_what_differs(given: dict[str, object], text: str) -> None:
    call = CONV.call(complete(CONV, {"out_channels": 16, **given}), (IMAGE,))
    assert isinstance(call, Module)
    assert render(call) == text


@pytest.mark.parametrize(
    ("given", "code", "param", "data"),
    [
        ({"groups": 3}, "E0303", "groups", {"channels": 8, "groups": 3, "which": "input"}),
        ({"groups": 8}, "E0303", "groups", {"channels": 12, "groups": 8, "which": "output"}),
        ({"kernel": 4}, "E0308", "kernel", {"kernel": "4x4"}),
        ({"kernel": (3, 2), "pad": "half"}, "E0308", "pad", {"kernel": "3x2"}),
        (
            {"kernel": 15, "pad": 0},
            "E0304",
            "kernel",
            {"kernel": (15, 15), "size": (13, 18), "axis": "height"},
        ),
        (
            {"kernel": 9, "pad": (0, 1, 0, 0), "dilation": 3},
            "E0304",
            "kernel",
            {"kernel": (25, 25), "size": (14, 18), "axis": "height and width"},
        ),
    ],
)
def test_faults(given: dict[str, object], code: str, param: str, data: dict[str, object]) -> None:
    inference = CONV.infer(complete(CONV, {"out_channels": 12, "kernel": 3, **given}), (IMAGE,))
    (fault,) = inference.faults
    assert (fault.code, fault.param, fault.data) == (code, param, data)
    # What was meant is plain unless the image is gone.
    assert (inference.outputs is None) == (code == "E0304")


def test_border_too_small_to_mirror() -> None:
    attrs = complete(CONV, {"out_channels": 8, "kernel": 5, "pad_mode": "reflect"})
    (fault,) = CONV.infer(attrs, (TensorType.image(8, 2, 9),)).faults
    assert (fault.code, fault.data["pad"], fault.data["limit"]) == ("E0309", 2, 1)
    assert CONV.infer(attrs, (TensorType.image(8, 3, 9),)).faults == ()


def test_same_with_a_stride_has_zeros_only() -> None:
    given = {"out_channels": 8, "kernel": 3, "stride": 2, "pad": "same", "pad_mode": "reflect"}
    (fault,) = CONV.infer(complete(CONV, given), (IMAGE,)).faults
    assert (fault.code, fault.param) == ("E0317", "pad_mode")


@pytest.mark.parametrize("name", ["conv", "std_conv", "scaled_std_conv", "conv_transpose"])
def test_wants_an_image(name: str) -> None:
    op = OPS[name]
    for x in (TensorType((8,), "c"), TensorType((9, 8), "nc"), TensorType((4, 4, 8), "hwc")):
        inference = op.infer(complete(op, {"out_channels": 8, "kernel": 1}), (x,))
        assert [fault.code for fault in inference.faults] == ["E0306"]
        assert inference.outputs is None


@pytest.mark.parametrize(
    ("init", "calls"),
    [
        ("he_fan_out", (InitCall("weight", "kaiming_normal_", (("mode", "fan_out"), ("nonlinearity", "relu"))),)),
        ("xavier", (InitCall("weight", "xavier_uniform_"),)),
        ("torch", ()),
        (0.0, (InitCall("weight", "constant_", (("val", 0.0),)),)),
    ],
)
def test_initialisation(init: object, calls: tuple[InitCall, ...]) -> None:
    assert CONV.initialise(complete(CONV, {"out_channels": 8, "kernel": 1, "init": init})) == calls


@pytest.mark.parametrize("choice", CONV.params[-1].choices)
def test_every_initialisation_is_torch_s(choice: str) -> None:
    for name in ("conv", "std_conv", "scaled_std_conv", "conv_transpose"):
        check(OPS[name], {"out_channels": 8, "kernel": 3, "init": choice}, IMAGE)


@pytest.mark.parametrize("size", [(7, 7), (8, 9), (1, 13)])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(3, 2, 1), (2, 2, 1), (5, 3, 1), (3, 2, 2), (1, 3, 1), (4, 1, 1)]
)
def test_same_is_timm_s(kernel: int, stride: int, dilation: int, size: tuple[int, int]) -> None:
    oracles.timm()
    from timm.layers import create_conv2d

    given = {"out_channels": 6, "kernel": kernel, "stride": stride, "dilation": dilation, "pad": "same"}
    x = TensorType.image(8, *size)
    ours = build(CONV.call(complete(CONV, given), (x,)))
    theirs = create_conv2d(8, 6, kernel, stride=stride, dilation=dilation, padding="same")
    theirs.load_state_dict(ours.state_dict())
    (batch,) = tensors([x], device="cpu")
    with torch.no_grad():
        torch.testing.assert_close(ours(batch), theirs(batch))


@pytest.mark.parametrize("mode", ["zeros", "reflect"])
def test_uneven_padding_is_a_pad_in_front(mode: str) -> None:
    given = {"out_channels": 6, "kernel": 3, "pad": (1, 2, 0, 3), "pad_mode": mode, "bias": True}
    ours = build(CONV.call(complete(CONV, given), (IMAGE,)))
    plain = torch.nn.Conv2d(8, 6, 3)
    plain.load_state_dict(ours.state_dict())
    (batch,) = tensors([IMAGE], device="cpu")
    padded = torch.nn.functional.pad(batch, (0, 3, 1, 2), mode="constant" if mode == "zeros" else mode)
    with torch.no_grad():
        torch.testing.assert_close(ours(batch), plain(padded))


# --- transposed ---


@pytest.mark.parametrize("image", IMAGES, ids=str)
@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "more"), [(2, 2, 0, 0), (4, 2, 1, 0), (3, 2, 1, 1), ((1, 5), (1, 3), 0, (0, 2))]
)
def test_transposed(kernel: object, stride: object, pad: int, more: object, image: TensorType) -> None:
    given = {"out_channels": 12, "kernel": kernel, "stride": stride, "pad": pad, "output_pad": more}
    check(TRANSPOSE, given, image)
    check(TRANSPOSE, {**given, "groups": 4, "bias": False, "dilation": 2, "stride": 3}, image)


def test_transposed_grows_the_image() -> None:
    x = TensorType.image(8, 7, 7, (32, 32))
    out = check(TRANSPOSE, {"out_channels": 4, "kernel": 4, "stride": 2, "pad": 1}, x).outputs
    assert out is not None
    assert (out[0].shape, out[0].stride) == ((4, 14, 14), (16, 16))


def test_transposed_faults() -> None:
    def codes(**given: object) -> list[str]:
        attrs = complete(TRANSPOSE, {"out_channels": 6, "kernel": 3, **given})
        return [fault.code for fault in TRANSPOSE.infer(attrs, (TensorType.image(4, 1, 1),)).faults]

    assert codes(groups=4) == ["E0303"]
    assert codes(output_pad=1) == ["E0317"]
    assert codes(output_pad=1, stride=2) == []
    assert codes(pad=2) == ["E0305"]


# --- whatever is accepted runs, whatever is refused does not ---

SIZES = st.integers(1, 6)
PAIRS = st.tuples(SIZES, SIZES)
PADS = st.integers(0, 3)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 6),
    PAIRS,
    PAIRS,
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.one_of(
        st.sampled_from([None, "same", "valid", "half"]), st.tuples(PADS, PADS, PADS, PADS), st.tuples(PADS, PADS)
    ),
    st.integers(1, 4),
    st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
    st.tuples(SIZES, SIZES, SIZES),
)
def test_conv_refuses_what_torch_refuses(
    out: int,
    kernel: object,
    stride: object,
    dilation: object,
    pad: object,
    groups: int,
    mode: str,
    shape: tuple[int, ...],
) -> None:
    given = {
        "out_channels": out,
        "kernel": kernel,
        "stride": stride,
        "dilation": dilation,
        "pad": pad,
        "groups": groups,
    }
    agree(CONV, {**given, "pad_mode": mode}, TensorType.image(*shape))


@settings(max_examples=150, deadline=None)
@given(
    PAIRS,
    PAIRS,
    st.tuples(PADS, PADS),
    st.tuples(PADS, PADS),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(1, 3),
    st.tuples(SIZES, SIZES, SIZES),
)
def test_transposed_refuses_what_torch_refuses(
    kernel: object, stride: object, pad: object, more: object, dilation: object, groups: int, shape: tuple[int, ...]
) -> None:
    given = {"out_channels": 6, "kernel": kernel, "stride": stride, "pad": pad, "output_pad": more, "groups": groups}
    agree(TRANSPOSE, {**given, "dilation": dilation}, TensorType.image(*shape))
