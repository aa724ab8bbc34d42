"""Reductions along every set of axes, against torch."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from resnetdsl.ir.types import TensorType
from resnetdsl.ops import reduction
from resnetdsl.ops.base import Expression, Op, Window
from resnetdsl.ops.registry import OPS
from tests.ops.harness import build, check, complete, run, tensors

IMAGE = TensorType.image(4, 5, 7, (8, 8))
TYPES = [
    IMAGE,
    TensorType((9, 4), "nc"),
    TensorType((3, 4, 2, 2), "?chw"),
    TensorType((4,), "c"),
    TensorType((4, 1, 1), "chw", batched=False),
]


@pytest.mark.parametrize("x", TYPES, ids=lambda x: x.axes)
@pytest.mark.parametrize("op", reduction.OPS, ids=lambda op: op.name)
@pytest.mark.parametrize("keep", [True, False])
def test_all_axes(op: Op, x: TensorType, keep: bool) -> None:
    for count in range(1, len(x.axes) + 1):
        for axes in combinations(x.axes, count):
            outputs = check(op, {"axes": "".join(axes), "keep": keep}, x).outputs
            assert outputs is not None
            assert outputs[0].axes == (x.axes if keep else "".join(a for a in x.axes if a not in axes))
            assert outputs[0].stride == x.stride


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("reduce_mean", {}, "torch.mean({0}, dim=(2, 3), keepdim=True)"),
        ("reduce_sum", {"axes": "c", "keep": False}, "torch.sum({0}, dim=1)"),
        ("reduce_norm", {}, "torch.linalg.vector_norm({0}, dim=(2, 3), keepdim=True)"),
        ("reduce_max", {"axes": "channels"}, "torch.amax({0}, dim=1, keepdim=True)"),
        ("reduce_min", {"axes": "wh"}, "torch.amin({0}, dim=(2, 3), keepdim=True)"),
        ("reduce_var", {}, "torch.var({0}, dim=(2, 3), correction=0, keepdim=True)"),
        ("reduce_var", {"axes": "h", "unbiased": True, "keep": False}, "torch.var({0}, dim=2, correction=1)"),
    ],
)
def test_source(name: str, given: dict[str, object], text: str) -> None:
    assert OPS[name].call(complete(OPS[name], given), (IMAGE,)) == Expression(text)


def test_variance() -> None:
    (x,) = tensors([IMAGE], device="cpu")
    for unbiased in (False, True):
        module = build(OPS["reduce_var"].call(complete(OPS["reduce_var"], {"unbiased": unbiased}), (IMAGE,)))
        torch.testing.assert_close(module(x), x.var((2, 3), unbiased=unbiased, keepdim=True))


@pytest.mark.parametrize("axes", ["n", "hn", "channel"])
def test_axes_that_are_not_there(axes: str) -> None:
    (fault,) = OPS["reduce_mean"].infer(complete(OPS["reduce_mean"], {"axes": axes}), (IMAGE,)).faults
    assert (fault.code, fault.param) == ("E0315", "axes")
    assert fault.data["axes"] == "chw"


def test_other_faults() -> None:
    """torch takes no axes at all as all of them; and its variance of one value is no number."""
    op = OPS["reduce_var"]
    for given, param in (({"axes": "hh"}, "axes"), ({"axes": ""}, "axes"), ({"unbiased": True}, "unbiased")):
        (fault,) = op.infer(complete(op, given), (TensorType.image(4, 1, 1),)).faults
        assert (fault.code, fault.param) == ("E0317", param)
    with pytest.raises(RuntimeError):
        run(op, complete(op, {"axes": "hh"}), (IMAGE,))


def test_windows() -> None:
    op = OPS["reduce_mean"]
    assert op.window(complete(op, {}), (IMAGE,)) == Window(None)
    assert op.window(complete(op, {"axes": "c"}), (IMAGE,)) == Window()
