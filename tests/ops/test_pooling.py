"""Pooling: torch's rule for the last window, its refusals, and SAME padding as TensorFlow and timm have it."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Module, Window
from resnetdsl.ops.registry import OPS
from tests import oracles
from tests.ops.harness import agree, build, check, complete, render, tensors

IMAGE = TensorType.image(6, 13, 18, (4, 4))
IMAGES = [IMAGE, TensorType.image(6, 1, 1), TensorType.image(6, 2, 7)]
WINDOWS = ["max_pool", "avg_pool"]


@pytest.mark.parametrize("image", IMAGES, ids=str)
@pytest.mark.parametrize("pad", [0, 1, (0, 1), "same", "valid"])
@pytest.mark.parametrize(("kernel", "stride"), [*product([1, 2, 3, (1, 3)], [None, 1, 2, (3, 5)])])
@pytest.mark.parametrize("name", WINDOWS)
def test_sizes(name: str, kernel: object, stride: object, pad: object, image: TensorType) -> None:
    for ceil in (False, True):
        agree(OPS[name], {"kernel": kernel, "stride": stride, "pad": pad, "ceil": ceil}, image)


def test_last_window_must_start_in_the_image() -> None:
    # ceil((4 + 2 - 2) / 3) + 1 = 3 windows, of which the third would start at 6, after the image and its left padding.
    given = {"kernel": 2, "stride": 3, "pad": 1, "ceil": True}
    out = check(OPS["max_pool"], given, TensorType.image(1, 4, 5)).outputs
    assert out is not None
    assert out[0].shape == (1, 2, 2)


SIZES = st.integers(1, 7)
PAIRS = st.tuples(SIZES, SIZES)
PADS = st.integers(0, 4)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(WINDOWS),
    PAIRS,
    st.one_of(st.none(), PAIRS),
    st.one_of(st.sampled_from(["same", "valid", "half"]), st.tuples(PADS, PADS)),
    st.booleans(),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    PAIRS,
)
def test_refuses_what_torch_refuses(
    name: str, kernel: object, stride: object, pad: object, ceil: bool, dilation: object, size: tuple[int, int]
) -> None:
    given = {"kernel": kernel, "stride": stride, "pad": pad, "ceil": ceil}
    agree(OPS[name], given | ({"dilation": dilation} if name == "max_pool" else {}), TensorType.image(2, *size))


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("max_pool", {"kernel": 3, "stride": 2, "pad": 1}, "nn.MaxPool2d(kernel_size=3, stride=2, padding=1)"),
        ("max_pool", {"kernel": 2}, "nn.MaxPool2d(kernel_size=2)"),
        ("max_pool", {"kernel": 2, "stride": 2, "pad": "same"}, "MaxPool2dSame(kernel_size=2)"),
        ("max_pool", {"kernel": 3, "stride": 1, "pad": "same"}, "nn.MaxPool2d(kernel_size=3, stride=1, padding=1)"),
        (
            "avg_pool",
            {"kernel": 2, "ceil": True, "count_pad": False},
            "nn.AvgPool2d(kernel_size=2, ceil_mode=True, count_include_pad=False)",
        ),
        ("avg_pool", {"kernel": 2, "count_pad": False}, "nn.AvgPool2d(kernel_size=2)"),
        (
            "avg_pool",
            {"kernel": 3, "stride": 1, "pad": "same"},
            "nn.AvgPool2d(kernel_size=3, stride=1, padding=1, count_include_pad=False)",
        ),
        (
            "avg_pool",
            {"kernel": 3, "stride": 2, "pad": "same"},
            "AvgPool2dSame(kernel_size=3, stride=2, count_include_pad=False)",
        ),
        ("global_avg_pool", {}, "nn.AdaptiveAvgPool2d(1)"),
        ("global_max_pool", {}, "nn.AdaptiveMaxPool2d(1)"),
        ("adaptive_avg_pool", {"size": 7}, "nn.AdaptiveAvgPool2d(7)"),
        ("adaptive_max_pool", {"size": (2, 3)}, "nn.AdaptiveMaxPool2d((2, 3))"),
        ("blur_pool", {}, "BlurPool2d(6)"),
        ("blur_pool", {"kernel": 5, "stride": 1}, "BlurPool2d(6, kernel_size=5, stride=1)"),
    ],
)
def test_source_says_only_what_differs(name: str, given: dict[str, object], text: str) -> None:
    call = OPS[name].call(complete(OPS[name], given), (IMAGE,))
    assert isinstance(call, Module)
    assert render(call) == text


@pytest.mark.parametrize(
    ("given", "code", "data"),
    [
        ({"kernel": 3, "pad": 2}, "E0309", {"pad": 2, "limit": 1}),
        ({"kernel": (3, 5), "pad": (1, 3)}, "E0309", {"pad": (1, 3), "limit": (1, 2)}),
        ({"kernel": 3, "pad": (0, 1, 0, 1)}, "E0317", {}),
        ({"kernel": 2, "pad": "half"}, "E0308", {"kernel": "2x2"}),
        ({"kernel": (14, 2)}, "E0304", {"kernel": (14, 2), "size": (13, 18), "axis": "height"}),
    ],
)
@pytest.mark.parametrize("name", WINDOWS)
def test_faults(name: str, given: dict[str, object], code: str, data: dict[str, object]) -> None:
    (fault,) = OPS[name].infer(complete(OPS[name], given), (IMAGE,)).faults
    assert fault.code == code
    assert data.items() <= fault.data.items()


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.name.endswith("_pool")], ids=lambda op: op.name)
def test_wants_an_image(op: object) -> None:
    from resnetdsl.ops.base import Op

    assert isinstance(op, Op)
    given = {param.name: 3 for param in op.params if param.name in {"kernel", "size"}}
    inference = op.infer(complete(op, given), (TensorType((9, 8), "nc"),))
    assert [fault.code for fault in inference.faults] == ["E0306"]
    assert inference.outputs is None


def test_strides_and_windows() -> None:
    attrs = complete(OPS["max_pool"], {"kernel": 3, "stride": 2, "pad": 1, "dilation": (1, 2)})
    assert OPS["max_pool"].window(attrs, (IMAGE,)) == Window((3, 3), (2, 2), (1, 2))
    out = check(OPS["max_pool"], {"kernel": 2}, IMAGE).outputs
    assert out is not None
    assert out[0].stride == (8, 8)
    # A value of the whole plane keeps the plane's stride.
    for name in ("global_avg_pool", "global_max_pool"):
        (pooled,) = check(OPS[name], {}, IMAGE).outputs or ()
        assert pooled.stride == (4, 4)
        assert OPS[name].window({}, (IMAGE,)) == Window(None)


@pytest.mark.parametrize("size", [1, 7, (1, 3), (20, 2), (13, 18)])
@pytest.mark.parametrize("image", IMAGES, ids=str)
@pytest.mark.parametrize("name", ["adaptive_avg_pool", "adaptive_max_pool"])
def test_adaptive(name: str, image: TensorType, size: object) -> None:
    check(OPS[name], {"size": size}, image)


@pytest.mark.parametrize(("size", "to"), [(13, 5), (12, 4), (3, 7), (7, 7), (18, 4)])
def test_adaptive_window_covers_what_torch_reads(size: int, to: int) -> None:
    op, image = OPS["adaptive_avg_pool"], TensorType.image(1, size, size)
    window = op.window(complete(op, {"size": to}), (image,))
    ends = [(i * size // to, -(-(i + 1) * size // to)) for i in range(to)]
    assert window.kernel is not None
    assert window.kernel[0] >= max(stop - start for start, stop in ends)


def test_adaptive_stride() -> None:
    (out,) = check(OPS["adaptive_avg_pool"], {"size": (13, 6)}, IMAGE).outputs or ()
    assert out.stride == (4, 12)
    (out,) = check(OPS["adaptive_avg_pool"], {"size": (5, 18)}, IMAGE).outputs or ()
    assert out.stride == (Fraction(52, 5), 4)


@pytest.mark.parametrize("mode", ["reflect", "zeros"])
@pytest.mark.parametrize(("kernel", "stride"), [*product([2, 3, 4, 5], [1, 2, 3])])
@pytest.mark.parametrize("image", IMAGES, ids=str)
def test_blur(image: TensorType, kernel: int, stride: int, mode: str) -> None:
    agree(OPS["blur_pool"], {"kernel": kernel, "stride": stride, "pad_mode": mode}, image)


@pytest.mark.parametrize("mode", ["reflect", "zeros"])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (3, 1), (5, 2), (4, 2)])
def test_blur_is_timm_s(kernel: int, stride: int, mode: str) -> None:
    oracles.timm()
    from timm.layers import BlurPool2d

    op = OPS["blur_pool"]
    ours = build(op.call(complete(op, {"kernel": kernel, "stride": stride, "pad_mode": mode}), (IMAGE,)))
    theirs = BlurPool2d(6, kernel, stride, pad_mode="constant" if mode == "zeros" else mode)
    (batch,) = tensors([IMAGE], device="cpu")
    torch.testing.assert_close(ours(batch), theirs(batch))


@pytest.mark.parametrize("size", [(13, 18), (7, 8), (1, 1)])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (2, 1), (3, 1), ((1, 3), 2)])
def test_same_is_timm_s(kernel: object, stride: int, size: tuple[int, int]) -> None:
    oracles.timm()
    from timm.layers.pool2d_same import AvgPool2dSame, MaxPool2dSame

    image = TensorType.image(6, *size)
    (batch,) = tensors([image], device="cpu")
    given = {"kernel": kernel, "stride": stride, "pad": "same"}
    largest = build(OPS["max_pool"].call(complete(OPS["max_pool"], given), (image,)))
    torch.testing.assert_close(largest(batch), MaxPool2dSame(kernel, stride)(batch))
    means = build(OPS["avg_pool"].call(complete(OPS["avg_pool"], given | {"count_pad": True}), (image,)))
    torch.testing.assert_close(means(batch), AvgPool2dSame(kernel, stride)(batch))


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (2, 1), (3, 1), ((1, 3), 2)])
def test_same_means_leave_padding_out(kernel: object, stride: int) -> None:
    op = OPS["avg_pool"]
    module = build(op.call(complete(op, {"kernel": kernel, "stride": stride, "pad": "same"}), (IMAGE,)))
    flat = torch.full((1, 6, 13, 18), 3.0)
    out = module(flat)
    torch.testing.assert_close(out, torch.full_like(out, 3.0))
