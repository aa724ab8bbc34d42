"""Norms: the modules' shapes and leaves, which layouts they take, and timm's own as oracles."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from resnetdsl.ir.types import TensorType
from resnetdsl.ops import normalisation
from resnetdsl.ops.base import InitCall, Op
from resnetdsl.ops.registry import OPS
from tests import oracles
from tests.ops.harness import build, check, complete, render, run, tensors

IMAGES = [TensorType.image(8, 5, 7), TensorType.image(1, 3, 3), TensorType.image(64, 1, 2)]
VECTOR = TensorType((8,), "c")
TOKENS = TensorType((9, 8), "nc")
LAST = TensorType((5, 7, 8), "hwc")
WEIGHT = TensorType((8, 3, 3), "chw", batched=False)


@pytest.mark.parametrize("image", IMAGES, ids=str)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("op", normalisation.OPS, ids=lambda op: op.name)
def test_images(op: Op, affine: bool, image: TensorType) -> None:
    given = {"affine": affine, "eps": 1e-3, "init": 0.0}
    given |= {"groups": 1} if op.name == "group_norm" else {}
    assert check(op, given, image).outputs == (image,)


@pytest.mark.parametrize("x", [VECTOR, TOKENS, LAST], ids=str)
@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_channels_last(name: str, x: TensorType) -> None:
    check(OPS[name], {}, x)
    check(OPS[name], {"affine": False, "eps": 1e-5}, x)


def test_vectors() -> None:
    check(OPS["batch_norm"], {"momentum": 0.01}, VECTOR)
    check(OPS["batch_norm"], {"affine": False}, TensorType((1,), "c"))
    check(OPS["group_norm"], {"groups": 2}, VECTOR)


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("batch_norm", {}, "nn.BatchNorm2d(8)"),
        ("batch_norm", {"eps": 1e-3, "momentum": 0.01}, "nn.BatchNorm2d(8, eps=0.001, momentum=0.01)"),
        ("batch_norm", {"affine": False}, "nn.BatchNorm2d(8, affine=False)"),
        ("layer_norm", {}, "LayerNorm2d(8)"),
        ("group_norm", {"groups": 4}, "nn.GroupNorm(4, 8)"),
        ("group_norm", {"group_size": 4}, "nn.GroupNorm(2, 8)"),
        ("instance_norm", {}, "nn.InstanceNorm2d(8)"),
        ("instance_norm", {"affine": True}, "nn.InstanceNorm2d(8, affine=True)"),
        ("rms_norm", {"eps": 1e-5}, "RmsNorm2d(8, eps=1e-05)"),
    ],
)
def test_source_says_only_what_differs(name: str, given: dict[str, object], text: str) -> None:
    call = OPS[name].call(complete(OPS[name], given), (TensorType.image(8, 5, 7),))
    assert render(call) == text  # type: ignore[arg-type]


def test_epsilon_of_channels_last_is_ours() -> None:
    """nn.LayerNorm's default is 1e-5 and nn.RMSNorm's depends on the type of numbers; ours is 1e-6 in both."""
    for name in ("layer_norm", "rms_norm"):
        module = build(OPS[name].call(complete(OPS[name], {}), (TOKENS,)))
        assert module.eps == 1e-6


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("batch_norm", TOKENS),
        ("batch_norm", LAST),
        ("batch_norm", TensorType((), "")),
        ("layer_norm", TensorType((8, 9), "cn")),
        ("rms_norm", TensorType((9,), "n")),
        ("group_norm", TOKENS),
        ("instance_norm", VECTOR),
    ],
)
def test_layouts(name: str, x: TensorType) -> None:
    (fault,) = OPS[name].infer(complete(OPS[name], {}), (x,)).faults
    assert fault.code == "E0306"
    assert fault.data["op"] == name


@pytest.mark.parametrize("op", normalisation.OPS, ids=lambda op: op.name)
def test_no_norm_of_a_weight(op: Op) -> None:
    given = {"groups": 1} if op.name == "group_norm" else {}
    assert [fault.code for fault in op.infer(complete(op, given), (WEIGHT,)).faults] == ["E0317"]


@pytest.mark.parametrize("channels", [1, 2, 6, 32])
@pytest.mark.parametrize("groups", [1, 2, 3, 4, 32, 33])
@pytest.mark.parametrize("plane", [(1, 1), (1, 2), (3, 3)])
def test_group_norm_refuses_what_torch_refuses(channels: int, groups: int, plane: tuple[int, int]) -> None:
    """At a batch of one, that is: torch itself lets a group of one value pass where others are in the batch."""
    op, x = OPS["group_norm"], TensorType.image(channels, *plane)
    attrs = complete(op, {"groups": groups})
    refused = bool(op.infer(attrs, (x,)).faults)
    if refused:
        with pytest.raises((ValueError, RuntimeError)):
            run(op, attrs, (x,), batch=1)
    else:
        run(op, attrs, (x,), batch=1)


def test_codes_of_group_norm() -> None:
    op = OPS["group_norm"]
    (fault,) = op.infer(complete(op, {"groups": 3}), (VECTOR,)).faults
    assert (fault.code, fault.param) == ("E0303", "groups")
    assert fault.data == {"channels": 8, "groups": 3, "which": "input"}
    (fault,) = op.infer(complete(op, {"groups": 8}), (VECTOR,)).faults
    assert (fault.code, fault.param) == ("E0317", "groups")
    (fault,) = op.infer(complete(op, {"group_size": 3}), (VECTOR,)).faults
    assert (fault.code, fault.param) == ("E0316", "group_size")
    assert fault.data == {"what": "the number of channels", "value": 8, "by": 3}
    (fault,) = op.infer(complete(op, {"group_size": 16}), (VECTOR,)).faults
    assert (fault.code, fault.param) == ("E0316", "group_size")
    (fault,) = op.infer(complete(op, {"group_size": 1}), (VECTOR,)).faults
    assert (fault.code, fault.param) == ("E0317", "group_size")


def test_group_norm_by_the_size_of_a_group() -> None:
    check(OPS["group_norm"], {"group_size": 4}, VECTOR)
    check(OPS["group_norm"], {"group_size": 2, "groups": 3}, TensorType.image(8, 5, 7))


@pytest.mark.parametrize("plane", [(1, 1), (1, 2)])
def test_instance_norm_refuses_what_torch_refuses(plane: tuple[int, int]) -> None:
    op, x = OPS["instance_norm"], TensorType.image(4, *plane)
    attrs = complete(op, {})
    if op.infer(attrs, (x,)).faults:
        with pytest.raises(ValueError, match="more than 1 spatial"):
            run(op, attrs, (x,), batch=4)
    else:
        run(op, attrs, (x,), batch=4)
    assert bool(op.infer(attrs, (x,)).faults) == (plane == (1, 1))


@pytest.mark.parametrize("op", normalisation.OPS, ids=lambda op: op.name)
def test_initial_factor(op: Op) -> None:
    on = {"affine": True}
    assert op.initialise(complete(op, on)) == ()
    assert op.initialise(complete(op, on | {"init": 0.0})) == (InitCall("weight", "constant_", (("val", 0.0),)),)
    assert op.initialise(complete(op, {"affine": False, "init": 0.0})) == ()


@pytest.mark.parametrize(("name", "theirs"), [("layer_norm", "LayerNorm2d"), ("rms_norm", "RmsNorm2d")])
@pytest.mark.parametrize("affine", [True, False])
def test_same_numbers_as_timm(name: str, theirs: str, affine: bool) -> None:
    image = TensorType.image(6, 3, 5)
    ours = build(OPS[name].call(complete(OPS[name], {"affine": affine}), (image,)))
    layers = oracles.timm().layers
    oracle: nn.Module = getattr(layers, theirs)(6, affine=affine)
    for leaf in ours.parameters():
        nn.init.normal_(leaf)
    oracle.load_state_dict(ours.state_dict())
    (x,) = tensors([image], device="cpu")
    torch.testing.assert_close(ours(x), oracle(x))
