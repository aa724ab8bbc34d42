"""Interpolation, and channels traded for pixels."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Call, Expression, Module
from resnetdsl.ops.registry import OPS
from tests import oracles
from tests.ops.harness import agree, build, check, complete, render, tensors

UP = OPS["upsample"]
RESIZE = OPS["resize_to"]
IMAGE = TensorType.image(16, 5, 6, (8, 8))
MODES = ["nearest", "nearest-exact", "bilinear", "bicubic"]


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.integers(1, 5), st.floats(0.05, 4), st.sampled_from([1 / 3, 0.7, 1.1, 2.3])),
    st.sampled_from(MODES),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_scale_rounds_as_torch_does(scale: float, mode: str, size: tuple[int, int]) -> None:
    agree(UP, {"scale": scale, "mode": mode}, TensorType.image(1, *size))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 7, (3, 20)])
def test_size(mode: str, size: object) -> None:
    check(UP, {"size": size, "mode": mode}, IMAGE)


def test_strides() -> None:
    def stride(**given: object) -> object:
        (out,) = check(UP, given, IMAGE).outputs or ()
        return out.stride

    assert stride(scale=2) == (4, 4)
    assert stride(scale=0.5) == (16, 16)
    assert stride(scale=16) == (Fraction(1, 2), Fraction(1, 2))
    assert stride(size=(10, 2)) == (4, 24)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"scale": 2}, "nn.Upsample(scale_factor=2, mode='nearest')"),
        ({"scale": 1.5, "mode": "bilinear"}, "nn.Upsample(scale_factor=1.5, mode='bilinear')"),
        (
            {"size": 7, "mode": "bilinear", "align_corners": True},
            "nn.Upsample(size=(7, 7), mode='bilinear', align_corners=True)",
        ),
    ],
)
def test_source(given: dict[str, object], text: str) -> None:
    call = UP.call(complete(UP, given), (IMAGE,))
    assert isinstance(call, Module)
    assert render(call) == text


def test_faults() -> None:
    def codes(x: TensorType = IMAGE, **given: object) -> list[tuple[str, str | None]]:
        return [(fault.code, fault.param) for fault in UP.infer(complete(UP, given), (x,)).faults]

    assert codes() == [("E0317", None)]
    assert codes(scale=2, size=(4, 4)) == [("E0317", None)]
    assert codes(scale=2, align_corners=True) == [("E0317", "align_corners")]
    assert codes(scale=0.1) == [("E0305", "scale")]
    assert codes(TensorType((8,), "c"), scale=2) == [("E0306", None)]


@pytest.mark.parametrize("mode", MODES)
def test_resize_to(mode: str) -> None:
    like = TensorType.image(3, 9, 4, (2, 3))
    (out,) = check(RESIZE, {"mode": mode}, IMAGE, like).outputs or ()
    assert (out.shape, out.stride) == ((16, 9, 4), (2, 3))


def test_resize_to_follows_its_operand_at_run_time() -> None:
    module = build(RESIZE.call(complete(RESIZE, {"mode": "bilinear", "align_corners": True}), (IMAGE, IMAGE)))
    assert module(torch.randn(1, 3, 4, 4), torch.randn(1, 2, 7, 9)).shape == (1, 3, 7, 9)
    faults = RESIZE.infer(complete(RESIZE, {}), (IMAGE, TensorType((8,), "c"))).faults
    assert [fault.code for fault in faults] == ["E0306"]


@pytest.mark.parametrize("order", ["channels_first", "block_first"])
@pytest.mark.parametrize("by", [1, 2, 3, 4])
@pytest.mark.parametrize("image", [IMAGE, TensorType.image(36, 12, 12), TensorType.image(9, 3, 1)], ids=str)
def test_pixels_and_channels(image: TensorType, by: int, order: str) -> None:
    agree(OPS["pixel_shuffle"], {"factor": by, "order": order}, image)
    agree(OPS["space_to_depth"], {"block": by, "order": order}, image)


@pytest.mark.parametrize("order", ["channels_first", "block_first"])
def test_one_undoes_the_other(order: str) -> None:
    image, deep = TensorType.image(3, 8, 12), TensorType.image(48, 2, 3)
    down, up = OPS["space_to_depth"], OPS["pixel_shuffle"]
    (batch,) = tensors([image], device="cpu")
    there = build(down.call(complete(down, {"block": 4, "order": order}), (image,)))
    back = build(up.call(complete(up, {"factor": 4, "order": order}), (deep,)))
    torch.testing.assert_close(back(there(batch)), batch)


def test_block_first_is_timm_s() -> None:
    oracles.timm()
    from timm.layers.space_to_depth import DepthToSpace, SpaceToDepth

    image, deep = TensorType.image(3, 8, 12), TensorType.image(48, 2, 3)
    given = {"order": "block_first"}

    def made(name: str, param: str, x: TensorType) -> Call:
        return OPS[name].call(complete(OPS[name], {**given, param: 4}), (x,))

    (batch,) = tensors([image], device="cpu")
    torch.testing.assert_close(build(made("space_to_depth", "block", image))(batch), SpaceToDepth(4)(batch))
    (batch,) = tensors([deep], device="cpu")
    torch.testing.assert_close(build(made("pixel_shuffle", "factor", deep))(batch), DepthToSpace(4)(batch))


def test_not_divisible() -> None:
    up, down = OPS["pixel_shuffle"], OPS["space_to_depth"]
    (fault,) = up.infer(complete(up, {"factor": 3}), (IMAGE,)).faults
    assert (fault.code, fault.data) == ("E0316", {"what": "the channels", "value": 16, "by": 9})
    (fault,) = down.infer(complete(down, {"block": 4}), (IMAGE,)).faults
    assert (fault.code, fault.data) == ("E0316", {"what": "the height", "value": 5, "by": 4})


@pytest.mark.parametrize("groups", [1, 2, 3, 8, 16])
@pytest.mark.parametrize("x", [IMAGE, TensorType((16,), "c")], ids=str)
def test_channel_shuffle(x: TensorType, groups: int) -> None:
    op = OPS["channel_shuffle"]
    agree(op, {"groups": groups}, x)
    if 16 % groups:
        (fault,) = op.infer(complete(op, {"groups": groups}), (x,)).faults
        assert (fault.code, fault.param) == ("E0303", "groups")


def test_channel_shuffle_is_torch_s() -> None:
    call = OPS["channel_shuffle"].call({"groups": 4}, (IMAGE,))
    assert isinstance(call, Expression)
    (batch,) = tensors([IMAGE], device="cpu")
    torch.testing.assert_close(build(call)(batch), torch.nn.ChannelShuffle(4)(batch))
