"""Padding of planes and of channels."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Expression
from resnetdsl.ops.registry import OPS
from tests.ops.harness import agree, build, check, complete, tensors

PAD = OPS["pad"]
CHANNELS = OPS["pad_channels"]
IMAGE = TensorType.image(4, 5, 6, (8, 8))
SIDE = st.integers(0, 6)


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(SIDE, SIDE, SIDE, SIDE),
    st.sampled_from(["zeros", "reflect", "replicate"]),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_refuses_what_torch_refuses(sizes: tuple[int, ...], mode: str, image: tuple[int, int]) -> None:
    agree(PAD, {"sizes": sizes, "mode": mode}, TensorType.image(2, *image))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"sizes": 1}, "F.pad({0}, (1, 1, 1, 1))"),
        ({"sizes": (1, 2, 3, 4), "mode": "reflect"}, 'F.pad({0}, (3, 4, 1, 2), mode="reflect")'),
        ({"sizes": (0, 2), "value": -1.5}, "F.pad({0}, (2, 2, 0, 0), value=-1.5)"),
    ],
)
def test_source(given: dict[str, object], text: str) -> None:
    assert PAD.call(complete(PAD, given), (IMAGE,)) == Expression(text)
    check(PAD, given, IMAGE)


def test_faults() -> None:
    def codes(x: TensorType, **given: object) -> list[tuple[str, str | None]]:
        return [(fault.code, fault.param) for fault in PAD.infer(complete(PAD, given), (x,)).faults]

    assert codes(IMAGE, sizes=5, mode="reflect") == [("E0309", "sizes")]
    assert codes(IMAGE, sizes=1, mode="replicate", value=1) == [("E0317", "value")]
    assert codes(TensorType((8,), "c"), sizes=1) == [("E0306", None)]


@pytest.mark.parametrize(
    "x", [IMAGE, TensorType((4,), "c"), TensorType((9, 4), "nc"), TensorType((5, 6, 4), "hwc")], ids=lambda x: x.axes
)
@pytest.mark.parametrize(("before", "after"), [(0, 0), (2, 3), (0, 4)])
def test_channels(x: TensorType, before: int, after: int) -> None:
    (out,) = check(CHANNELS, {"before": before, "after": after}, x).outputs or ()
    assert (out.size("c"), out.stride) == (4 + before + after, x.stride)


def test_option_a() -> None:
    """The parameterless shortcut of He et al. (2015): every second pixel, and channels of zeros."""
    (batch,) = tensors([IMAGE], device="cpu")
    subsample = build(OPS["max_pool"].call(complete(OPS["max_pool"], {"kernel": 1, "stride": 2}), (IMAGE,)))
    widen = build(CHANNELS.call(complete(CHANNELS, {"before": 2, "after": 2}), (IMAGE,)))
    expected = torch.nn.functional.pad(batch[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
    torch.testing.assert_close(widen(subsample(batch)), expected)
