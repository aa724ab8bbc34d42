"""Reshaping: the same numbers, in the order that the op promises, for every size of the input."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.ir.types import TensorType
from resnetdsl.ops import shaping
from resnetdsl.ops.base import Expression, Op, Window
from resnetdsl.ops.registry import OPS
from tests.ops.harness import build, check, complete, run, tensors

IMAGE = TensorType.image(6, 4, 5, (8, 8))
POOLED = TensorType.image(6, 1, 1, (8, 8))
TOKENS = TensorType((20, 6), "nc", (8, 8))
WEIGHT = TensorType((6, 4, 5), "chw", batched=False)


def apply(op: Op, given: dict[str, object], *types: TensorType, sizes: tuple[TensorType, ...] | None = None) -> None:
    """The call made for some types, run on others: what a source with free sizes must stand."""
    module = build(op.call(complete(op, given), types))
    found = module(*tensors(sizes or types))
    outputs = op.infer(complete(op, given), sizes or types).outputs
    assert outputs is not None
    assert tuple(found.shape[1:]) == outputs[0].shape


def fault_of(name: str, given: dict[str, object], *inputs: TensorType) -> tuple[str, str | None]:
    (fault,) = OPS[name].infer(complete(OPS[name], given), inputs).faults
    return fault.code, fault.param


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([IMAGE, POOLED, TOKENS, WEIGHT, TensorType((), ""), TensorType((6,), "c")]),
    st.lists(st.sampled_from([-1, -1, 1, 2, 3, 4, 6, 20, 60]), max_size=4),
)
def test_reshape_refuses_what_torch_refuses(x: TensorType, shape: list[int]) -> None:
    op = OPS["reshape"]
    given = {"shape": tuple(shape)}
    if not op.infer(complete(op, given), (x,)).faults:
        check(op, given, x)
    else:
        with pytest.raises(RuntimeError):
            run(op, complete(op, given), (x,))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((120,), "c"), ((20, -1), "nc"), ((-1, 4, 5), "chw"), ((2, 3, 4, 5), "?chw"), ((1,) * 5, "??chw")],
)
def test_reshape_names_its_axes(shape: tuple[int, ...], axes: str) -> None:
    x = IMAGE if shape[0] != 1 else TensorType((1,), "c")
    outputs = check(OPS["reshape"], {"shape": shape}, x).outputs
    assert outputs is not None
    assert outputs[0].axes == axes
    letters = "hwc?n"[: len(shape)]
    outputs = check(OPS["reshape"], {"shape": shape, "axes": letters}, x).outputs
    assert outputs is not None
    assert outputs[0].axes == letters


def test_reshape_faults() -> None:
    op = OPS["reshape"]
    (fault,) = op.infer(complete(op, {"shape": (7, -1)}), (IMAGE,)).faults
    assert (fault.code, fault.param) == ("E0312", "shape")
    assert fault.data == {"from_shape": "6x4x5", "to_shape": "7x-1", "have": 120, "want": 7}
    assert fault_of("reshape", {"shape": (0, -1)}, IMAGE) == ("E0312", "shape")
    assert fault_of("reshape", {"shape": (-1, -1)}, IMAGE) == ("E0317", "shape")
    assert fault_of("reshape", {"shape": (6, -1), "axes": "chw"}, IMAGE) == ("E0317", "axes")


def test_reshape_like_undoes_a_reshape_for_every_size() -> None:
    op, groups = OPS["reshape_like"], TensorType((2, 3, 20), "?cn")
    assert check(op, {}, groups, IMAGE).outputs == (IMAGE,)
    apply(op, {}, groups, IMAGE, sizes=(TensorType((2, 3, 6), "?cn"), TensorType.image(6, 2, 3)))
    assert op.window({}, (groups, IMAGE)) == Window(None)
    assert op.window({}, (TensorType((2, 3, 4, 5), "?chw"), IMAGE)) == Window()
    assert fault_of("reshape_like", {}, groups, POOLED) == ("E0312", None)
    assert fault_of("reshape_like", {}, groups, WEIGHT) == ("E0317", None)


@pytest.mark.parametrize("order", ["chw", "hwc", "whc", "cwh"])
def test_permute(order: str) -> None:
    outputs = check(OPS["permute"], {"order": order}, IMAGE).outputs
    sizes = dict(zip("chw", IMAGE.shape, strict=True))
    assert outputs == (TensorType(tuple(sizes[axis] for axis in order), order),)
    check(OPS["permute"], {"order": order}, WEIGHT)


def test_permute_keeps_the_order_of_axes_of_one_letter() -> None:
    x = TensorType((2, 3, 4), "??c")
    assert check(OPS["permute"], {"order": "c??"}, x).outputs == (TensorType((4, 2, 3), "c??"),)
    check(OPS["permute"], {"order": ""}, TensorType((), ""))
    check(OPS["permute"], {"order": ""}, TensorType((), "", batched=False))


@pytest.mark.parametrize(("order", "code"), [("chn", "E0315"), ("ch", "E0317"), ("chh", "E0317"), ("chwc", "E0317")])
def test_permute_faults(order: str, code: str) -> None:
    assert fault_of("permute", {"order": order}, IMAGE) == (code, "order")


@pytest.mark.parametrize("x", [IMAGE, POOLED, TOKENS, WEIGHT, TensorType((6,), "c"), TensorType((5, 4, 6), "hwc")])
def test_flatten(x: TensorType) -> None:
    outputs = check(OPS["flatten"], {}, x).outputs
    assert outputs == (TensorType((x.numel,), "c"),)
    assert outputs[0].stride == x.stride
    assert fault_of("flatten", {}, TensorType((), "")) == ("E0306", None)


def test_tokens_and_back() -> None:
    assert check(OPS["tokens"], {}, IMAGE).outputs == (TOKENS,)
    assert check(OPS["tokens"], {}, WEIGHT).outputs == (TOKENS,)
    assert check(OPS["image"], {"height": 4, "width": 5}, TOKENS).outputs == (IMAGE,)
    assert check(OPS["image_like"], {}, TOKENS, TensorType.image(1, 4, 5)).outputs == (IMAGE,)
    (x,) = tensors([IMAGE], device="cpu")
    rows = build(OPS["tokens"].call({}, (IMAGE,)))(x)
    assert torch.equal(rows, x.permute(0, 2, 3, 1).reshape(2, 20, 6))
    assert torch.equal(build(OPS["image"].call({"height": 4, "width": 5}, (TOKENS,)))(rows), x)
    assert torch.equal(build(OPS["image_like"].call({}, (TOKENS, IMAGE)))(rows, x), x)


def test_token_faults() -> None:
    assert fault_of("tokens", {}, TOKENS) == ("E0306", None)
    assert fault_of("image", {"height": 4, "width": 5}, IMAGE) == ("E0306", None)
    assert fault_of("image", {"height": 4, "width": 4}, TOKENS) == ("E0312", None)
    assert fault_of("image_like", {}, TOKENS, TOKENS) == ("E0306", None)
    assert fault_of("image_like", {}, TOKENS, TensorType.image(6, 5, 5)) == ("E0312", None)


def test_source_serves_every_size() -> None:
    larger = TensorType.image(6, 9, 3)
    for name in ("flatten", "tokens"):
        apply(OPS[name], {}, IMAGE, sizes=(larger,))
    apply(OPS["permute"], {"order": "hwc"}, IMAGE, sizes=(larger,))
    apply(OPS["reshape"], {"shape": (6, -1)}, IMAGE, sizes=(larger,))
    apply(OPS["image_like"], {}, TOKENS, IMAGE, sizes=(TensorType((27, 6), "nc"), larger))


def test_windows() -> None:
    """What mixes the places of a plane is reached by all of it; what only renames them is not."""
    flatten, reshape = OPS["flatten"], OPS["reshape"]
    assert flatten.window({}, (IMAGE,)) == Window(None)
    assert flatten.window({}, (POOLED,)) == Window()
    assert reshape.window(complete(reshape, {"shape": (2, 3, 4, 5)}), (IMAGE,)) == Window()
    assert reshape.window(complete(reshape, {"shape": (6, 20)}), (IMAGE,)) == Window(None)
    assert OPS["tokens"].window({}, (IMAGE,)) == Window()


def test_sources() -> None:
    def text(name: str, given: dict[str, object], *inputs: TensorType) -> str:
        call = OPS[name].call(complete(OPS[name], given), inputs)
        assert isinstance(call, Expression)
        return call.template

    assert text("flatten", {}, IMAGE) == "torch.flatten({0}, 1)"
    assert text("permute", {"order": "hwc"}, IMAGE) == "{0}.permute(0, 2, 3, 1)"
    assert text("reshape", {"shape": (2, -1, 1, 1)}, POOLED) == "{0}.reshape({0}.shape[0], 2, -1, 1, 1)"
    assert {op.name for op in shaping.OPS} == {
        "flatten",
        "permute",
        "reshape",
        "reshape_like",
        "tokens",
        "image",
        "image_like",
    }
