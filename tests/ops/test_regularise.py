"""Dropout, drop path, identity and the network's input."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Expression, Inference, Module
from resnetdsl.ops.registry import OPS
from tests import oracles
from tests.ops.harness import build, check, complete, render, tensors

TYPES = [TensorType.image(4, 5, 6), TensorType((4,), "c"), TensorType((9, 4), "nc")]


@pytest.mark.parametrize("x", TYPES, ids=str)
@pytest.mark.parametrize("rate", [0, 0.1, 1])
@pytest.mark.parametrize("name", ["dropout", "drop_path"])
def test_nothing_happens_when_evaluating(name: str, rate: float, x: TensorType) -> None:
    assert check(OPS[name], {"rate": rate}, x).outputs == (x,)
    module = build(OPS[name].call(complete(OPS[name], {"rate": rate}), (x,))).eval()
    (batch,) = tensors([x], device="cpu")
    torch.testing.assert_close(module(batch), batch)


@pytest.mark.parametrize("x", TYPES, ids=str)
@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_drop_path_is_timm_s(rate: float, x: TensorType) -> None:
    oracles.timm()
    from timm.layers import DropPath

    (batch,) = tensors([x], batch=16, device="cpu")
    ours = build(OPS["drop_path"].call(complete(OPS["drop_path"], {"rate": rate}), (x,)))
    torch.manual_seed(0)
    expected = DropPath(rate)(batch)
    torch.manual_seed(0)
    torch.testing.assert_close(ours(batch), expected)


def test_source() -> None:
    dropped = OPS["dropout"].call(complete(OPS["dropout"], {}), TYPES[:1])
    assert isinstance(dropped, Module)
    assert render(dropped) == "nn.Dropout(p=0.5)"
    assert OPS["input"].call({}, ()) == Expression("x")
    assert OPS["input"].infer({}, ()) == Inference(None)


@pytest.mark.parametrize("x", [*TYPES, TensorType((4,), "c", batched=False)], ids=str)
def test_identity(x: TensorType) -> None:
    assert check(OPS["identity"], {}, x).outputs == (x,)
