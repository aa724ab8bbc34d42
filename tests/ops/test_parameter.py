"""Free weights and learned factors."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Parameter
from resnetdsl.ops.registry import OPS
from tests import oracles
from tests.ops.harness import build, check, complete, tensors

PARAM, SCALE = OPS["param"], OPS["scale"]


@pytest.mark.parametrize(
    ("given", "text", "axes"),
    [
        ({}, "torch.tensor(0.0)", ""),
        ({"value": 1e-6}, "torch.tensor(1e-06)", ""),
        ({"shape": (8,)}, "torch.zeros(8)", "c"),
        ({"shape": (8,), "value": 1.0}, "torch.ones(8)", "c"),
        ({"shape": (8,), "value": 1e-6}, "torch.full((8,), 1e-06)", "c"),
        ({"shape": (4, 8), "value": 2.0}, "torch.full((4, 8), 2.0)", "nc"),
        ({"shape": (8, 1, 1), "value": "normal"}, "torch.randn(8, 1, 1) * 0.02", "chw"),
        ({"shape": (8,), "value": "normal", "std": 1.0}, "torch.randn(8) * 1", "c"),
        ({"value": "normal"}, "torch.randn(()) * 0.02", ""),
        ({"shape": (2, 4), "value": "trunc_normal"}, "nn.init.trunc_normal_(torch.empty(2, 4), std=0.02)", "nc"),
        ({"shape": (2, 8, 1, 1)}, "torch.zeros(2, 8, 1, 1)", "?chw"),
        ({"shape": (5, 9), "axes": "?n"}, "torch.zeros(5, 9)", "?n"),
    ],
)
def test_param(given: dict[str, object], text: str, axes: str) -> None:
    assert PARAM.call(complete(PARAM, given), ()) == Parameter(text)
    outputs = check(PARAM, given).outputs
    assert outputs == (TensorType(given.get("shape", ()), axes),)  # type: ignore[arg-type]
    assert not outputs[0].batched
    (weight,) = PARAM.weights(complete(PARAM, given), ())
    assert weight.name == "", "its name is the node's whole path"


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [({"shape": (8, 0)}, "E0305", "shape"), ({"shape": (8,), "axes": "nc"}, "E0317", "axes")],
)
def test_param_faults(given: dict[str, object], code: str, param: str) -> None:
    (fault,) = PARAM.infer(complete(PARAM, given), ()).faults
    assert (fault.code, fault.param) == (code, param)


@pytest.mark.parametrize("x", [TensorType.image(6, 3, 5), TensorType((9, 6), "nc"), TensorType((6,), "c")], ids=str)
def test_scale(x: TensorType) -> None:
    assert check(SCALE, {"init": 1e-5}, x).outputs == (x,)
    ours = build(SCALE.call(complete(SCALE, {"init": 1e-5}), (x,)))
    layers = oracles.timm().layers
    oracle = (layers.LayerScale2d if x.is_image else layers.LayerScale)(6, init_values=1e-5)
    assert torch.equal(ours.gamma, oracle.gamma)
    torch.nn.init.normal_(ours.gamma)
    oracle.load_state_dict(ours.state_dict())
    (operand,) = tensors([x], device="cpu")
    torch.testing.assert_close(ours(operand), oracle(operand))


def test_scale_faults() -> None:
    for x, code in (
        (TensorType((6, 9), "cn"), "E0306"),
        (TensorType((), ""), "E0306"),
        (TensorType((6,), "c", batched=False), "E0317"),
    ):
        assert [fault.code for fault in SCALE.infer(complete(SCALE, {}), (x,)).faults] == [code]
