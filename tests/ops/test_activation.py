"""Activations: shapes stay, leaves are torch's, and each computes the function of its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from resnetdsl.ir.types import TensorType
from resnetdsl.ops import activation
from resnetdsl.ops.base import Module, Op, Window
from resnetdsl.ops.registry import OPS
from tests.ops.harness import build, check, complete, render, tensors

TYPES = [
    TensorType.image(3, 5, 7),
    TensorType.image(1, 1, 1),
    TensorType((4,), "c"),
    TensorType((), ""),
    TensorType((9, 4), "nc"),
    TensorType((4,), "c", batched=False),
    TensorType((), "", batched=False),
]
SOFTMAXES = ("softmax", "log_softmax")


@pytest.mark.parametrize("x", TYPES, ids=str)
@pytest.mark.parametrize("op", [op for op in activation.OPS if op.name not in SOFTMAXES], ids=lambda op: op.name)
def test_any_type_stays(op: Op, x: TensorType) -> None:
    outputs = check(op, {}, x).outputs
    assert outputs == (x,)
    assert outputs[0].batched == x.batched


FUNCTIONS: list[tuple[str, dict[str, object], Callable[[Tensor], Tensor]]] = [
    ("relu", {}, lambda x: x.clamp(min=0)),
    ("relu6", {}, lambda x: x.clamp(0, 6)),
    ("leaky_relu", {"slope": 0.2}, lambda x: torch.where(x > 0, x, 0.2 * x)),
    ("prelu", {"init": 0.1}, lambda x: torch.where(x > 0, x, 0.1 * x)),
    ("elu", {"alpha": 0.5}, lambda x: torch.where(x > 0, x, 0.5 * (x.exp() - 1))),
    ("selu", {}, F.selu),
    ("gelu", {}, lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5))),
    ("gelu", {"approximate": "tanh"}, lambda x: F.gelu(x, approximate="tanh")),
    ("silu", {}, lambda x: x * x.sigmoid()),
    ("mish", {}, lambda x: x * F.softplus(x).tanh()),
    ("sigmoid", {}, lambda x: 1 / (1 + (-x).exp())),
    ("tanh", {}, torch.tanh),
    ("hard_sigmoid", {}, lambda x: (x + 3).clamp(0, 6) / 6),
    ("hard_swish", {}, lambda x: x * (x + 3).clamp(0, 6) / 6),
    ("softplus", {"beta": 2.0}, lambda x: (1 + (2 * x).exp()).log() / 2),
    ("softmax", {}, lambda x: x.exp() / x.exp().sum(1, keepdim=True)),
    ("log_softmax", {"axis": "w"}, lambda x: F.softmax(x, 3).log()),
]


@pytest.mark.parametrize(
    ("name", "given", "function"), FUNCTIONS, ids=[f"{name}-{given}" for name, given, _ in FUNCTIONS]
)
def test_function(name: str, given: dict[str, object], function: Callable[[Tensor], Tensor]) -> None:
    image = TensorType.image(4, 3, 3)
    module = build(OPS[name].call(complete(OPS[name], given), (image,)))
    (x,) = tensors([image], device="cpu")
    x = x * 4
    before = x.clone()
    torch.testing.assert_close(module(x), function(x))
    assert torch.equal(x, before), "its operand may be needed again"


def test_every_activation_has_its_function_tested() -> None:
    assert {name for name, _, _ in FUNCTIONS} == {op.name for op in activation.OPS}


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("relu", {}, "nn.ReLU()"),
        ("leaky_relu", {}, "nn.LeakyReLU()"),
        ("leaky_relu", {"slope": 0.1}, "nn.LeakyReLU(negative_slope=0.1)"),
        ("prelu", {}, "nn.PReLU()"),
        ("prelu", {"per_channel": True, "init": 0.1}, "nn.PReLU(3, init=0.1)"),
        ("gelu", {"approximate": "tanh"}, "nn.GELU(approximate='tanh')"),
    ],
)
def test_source(name: str, given: dict[str, object], text: str) -> None:
    call = OPS[name].call(complete(OPS[name], given), (TYPES[0],))
    assert isinstance(call, Module)
    assert render(call) == text


def test_slopes_for_each_channel() -> None:
    op = OPS["prelu"]
    check(op, {"per_channel": True}, TYPES[0])
    check(op, {"per_channel": True}, TensorType((4,), "c"))
    for x in (TensorType((9, 4), "nc"), TensorType((4,), "c", batched=False), TensorType((), "")):
        assert [fault.code for fault in op.infer(complete(op, {"per_channel": True}), (x,)).faults] == ["E0306"]


@pytest.mark.parametrize("name", SOFTMAXES)
@pytest.mark.parametrize(
    ("x", "axis", "at"),
    [
        (TensorType.image(3, 5, 7), "c", 1),
        (TensorType.image(3, 5, 7), "w", 3),
        (TensorType.image(3, 5, 7), "height", 2),
        (TensorType((9, 4), "nc"), "c", 2),
        (TensorType((2, 3, 1, 1), "?chw"), "?", 1),
        (TensorType((4,), "c", batched=False), "c", 0),
    ],
)
def test_softmax_axis(name: str, x: TensorType, axis: str, at: int) -> None:
    op = OPS[name]
    check(op, {"axis": axis}, x)
    assert f"dim={at})" in str(op.call(complete(op, {"axis": axis}), (x,)))


@pytest.mark.parametrize("axis", ["n", "", "hw", "q", "?"])
def test_softmax_needs_one_axis_that_is_there(axis: str) -> None:
    (fault,) = OPS["softmax"].infer(complete(OPS["softmax"], {"axis": axis}), (TYPES[0],)).faults
    assert (fault.code, fault.data, fault.param) == ("E0315", {"axis": axis, "axes": "chw"}, "axis")


def test_softmax_over_places_sees_the_whole_plane() -> None:
    op = OPS["softmax"]
    assert op.window(complete(op, {"axis": "w"}), (TYPES[0],)) == Window(None)
    assert op.window(complete(op, {}), (TYPES[0],)) == Window()
