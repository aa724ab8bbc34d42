"""Convolutions whose weights depend on the sample: torch's sizes and counts, timm's numbers."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.registry import OPS
from tests import oracles
from tests.ops.harness import build, check, complete, tensors

OP = OPS["cond_conv"]
IMAGE = TensorType.image(8, 9, 12)
EXPERTS = TensorType((4,), "c")


@pytest.mark.parametrize("pad", [None, "same", "valid", (2, 0)])
@pytest.mark.parametrize("stride", [1, 2, (1, 3)])
@pytest.mark.parametrize("more", [{}, {"bias": True, "groups": 4}, {"dilation": 2, "groups": 8}])
def test_sizes_weights_and_macs(pad: object, stride: object, more: dict[str, object]) -> None:
    given = {"out_channels": 16, "kernel": 3, "stride": stride, "pad": pad, **more}
    check(OP, given, IMAGE, EXPERTS)


def test_each_expert_is_a_row() -> None:
    leaves = OP.weights(
        complete(OP, {"out_channels": 16, "kernel": (3, 5), "groups": 2, "bias": True}), (IMAGE, EXPERTS)
    )
    assert [(leaf.name, leaf.shape) for leaf in leaves] == [("weight", (4, 16 * 4 * 15)), ("bias", (4, 16))]


@pytest.mark.parametrize("pad", [None, "same"])
def test_numbers_are_timms(pad: str | None) -> None:
    oracles.timm()
    from timm.layers.cond_conv2d import CondConv2d

    given = {"out_channels": 16, "kernel": 3, "stride": 2, "groups": 4, "bias": True, "pad": pad}
    ours = build(OP.call(complete(OP, given), (IMAGE, EXPERTS)))
    theirs = CondConv2d(8, 16, 3, stride=2, padding=pad or "", groups=4, bias=True, num_experts=4)
    theirs.load_state_dict(ours.state_dict())
    x, routing = tensors((IMAGE, EXPERTS), device="cpu")
    torch.testing.assert_close(ours(x, routing), theirs(x, routing))


def test_experts_start_as_he_et_al_have_it() -> None:
    torch.manual_seed(0)
    made = build(OP.call(complete(OP, {"out_channels": 64, "kernel": 3}), (TensorType.image(32, 8, 8), EXPERTS)))
    spread = made.get_parameter("weight").std(dim=1)
    torch.testing.assert_close(spread, torch.full((4,), (2 / (64 * 9)) ** 0.5), rtol=0.05, atol=0)


@pytest.mark.parametrize(
    ("routing", "given", "code"),
    [
        (TensorType.image(4, 1, 1), {}, "E0306"),
        (TensorType((4,), "c", batched=False), {}, "E0317"),
        (EXPERTS, {"pad": (0, 1, 0, 1)}, "E0317"),
        (EXPERTS, {"groups": 3}, "E0303"),
    ],
)
def test_what_it_refuses(routing: TensorType, given: dict[str, object], code: str) -> None:
    attrs = complete(OP, {"out_channels": 16, "kernel": 3, **given})
    assert [fault.code for fault in OP.infer(attrs, (IMAGE, routing)).faults] == [code]
