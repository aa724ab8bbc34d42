"""Arithmetic: broadcasting held against torch over generated shapes, and the text of each operator."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.ir.types import TensorType
from resnetdsl.ops import arithmetic
from resnetdsl.ops.arithmetic import Binary, Constant, Function
from resnetdsl.ops.base import Expression, Op
from resnetdsl.ops.registry import OPS
from tests.ops.harness import build, check, complete, run, tensors

IMAGE = TensorType.image(4, 5, 7, (8, 8))
VECTOR = TensorType((4,), "c")
GAMMA = TensorType((4,), "c", batched=False)
NUMBER = TensorType((), "", batched=False)
BINARY = [op for op in arithmetic.OPS if isinstance(op, Binary)]


def source(op: Op, given: dict[str, object], *inputs: TensorType) -> str:
    call = op.call(complete(op, given), inputs)
    assert isinstance(call, Expression)
    return call.template


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
@pytest.mark.parametrize(
    ("left", "right", "out"),
    [
        (IMAGE, IMAGE, "4x5x7"),
        (IMAGE, TensorType.image(4, 1, 1), "4x5x7"),
        (TensorType.image(1, 5, 7), TensorType.image(4, 1, 1), "4x5x7"),
        (IMAGE, VECTOR, "4x5x7"),
        (VECTOR, IMAGE, "4x5x7"),
        (IMAGE, GAMMA, "4x5x7"),
        (GAMMA, IMAGE, "4x5x7"),
        (IMAGE, NUMBER, "4x5x7"),
        (NUMBER, NUMBER, "scalar"),
        (IMAGE, TensorType((), ""), "4x5x7"),
        (IMAGE, TensorType((5, 7), "hw"), "4x5x7"),
        (TensorType((9, 4), "nc"), VECTOR, "9x4"),
        (TensorType((9, 4), "nc"), GAMMA, "9x4"),
        (TensorType((9, 4), "nc"), TensorType((9,), "n"), "9x4"),
        (TensorType((5, 7, 4), "hwc"), GAMMA, "5x7x4"),
        (TensorType((5, 7, 4), "hwc"), VECTOR, "5x7x4"),
        (TensorType((3, 4, 5, 7), "?chw"), IMAGE, "3x4x5x7"),
        (TensorType((3, 4, 5, 7), "?chw"), VECTOR, "3x4x5x7"),
        (replace(IMAGE, batched=False), VECTOR, "4x5x7"),
        (replace(IMAGE, batched=False), GAMMA, "4x5x7"),
    ],
)
def test_broadcasting(op: Op, left: TensorType, right: TensorType, out: str) -> None:
    outputs = check(op, {}, left, right).outputs
    assert outputs is not None
    assert str(outputs[0]) == out
    assert outputs[0].batched == (left.batched or right.batched)


AXES = st.sampled_from(["", "c", "nc", "chw", "hwc", "?chw", "hw", "cn", "n"])
LENGTHS = st.sampled_from([1, 1, 2, 3, 5])


@st.composite
def types(draw: st.DrawFn) -> TensorType:
    axes = draw(AXES)
    return TensorType(tuple(draw(LENGTHS) for _ in axes), axes, batched=draw(st.booleans()))


@settings(max_examples=150, deadline=None)
@given(types(), types())
def test_broadcasting_is_torchs(left: TensorType, right: TensorType) -> None:
    """Of equal rank we refuse what torch refuses, and the meeting of axes of two meanings; what we accept runs."""
    op = OPS["add"]
    inference = op.infer({}, (left, right))
    assert inference.outputs is not None
    if not inference.faults:
        check(op, {}, left, right)
        check(op, {}, right, left)
        return
    (fault,) = inference.faults
    assert inference.outputs == (left,)
    if fault.code == "E0302" and left.axes == right.axes:
        with pytest.raises(RuntimeError):
            run(op, {}, (replace(left, batched=True), replace(right, batched=True)))


def test_broadcasting_computes_what_it_says() -> None:
    """Each element of a vector meets its channel, on square shapes where a wrong alignment would pass unseen."""
    image, vector = TensorType.image(4, 4, 4), TensorType((4,), "c")
    for right, view in ((vector, (2, 4, 1, 1)), (replace(vector, batched=False), (1, 4, 1, 1))):
        module = build(OPS["multiply"].call({}, (image, right)))
        x, factor = tensors([image, right], device="cpu")
        assert torch.equal(module(x, factor), x * factor.reshape(view))
    tokens = TensorType((2, 2), "nc")
    module = build(OPS["add"].call({}, (tokens, TensorType((2,), "c"))))
    x, shift = tensors([tokens, TensorType((2,), "c")], device="cpu")
    assert torch.equal(module(x, shift), x + shift[:, None, :])


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        (IMAGE, IMAGE, "{0} * {1}"),
        (IMAGE, VECTOR, "{0} * {1}[..., None, None]"),
        (IMAGE, GAMMA, "{0} * {1}[..., None, None]"),
        (GAMMA, IMAGE, "{0}[..., None, None] * {1}"),
        (NUMBER, IMAGE, "{0} * {1}"),
        (TensorType((9, 4), "nc"), GAMMA, "{0} * {1}"),
        (TensorType((9, 4), "nc"), VECTOR, "{0} * {1}[..., None, :]"),
    ],
)
def test_source_of_products(left: TensorType, right: TensorType, text: str) -> None:
    assert source(OPS["multiply"], {}, left, right) == text


@pytest.mark.parametrize(
    ("left", "right", "axis"),
    [
        (IMAGE, TensorType.image(5, 5, 7), "channels"),
        (IMAGE, TensorType.image(4, 4, 7), "height"),
        (IMAGE, TensorType.image(4, 5, 2), "width"),
        (IMAGE, TensorType((3,), "c"), "channels"),
        (TensorType((9, 4), "nc"), TensorType((8, 4), "nc"), "tokens"),
        (TensorType((3, 4, 5, 7), "?chw"), TensorType((2, 4, 5, 7), "?chw"), "dimension 1"),
    ],
)
def test_sizes_that_do_not_meet(left: TensorType, right: TensorType, axis: str) -> None:
    inference = OPS["add"].infer({}, (left, right))
    (fault,) = inference.faults
    assert fault.code == "E0302"
    assert fault.data == {"op": "add", "left": str(left), "right": str(right), "axis": axis}
    assert inference.outputs == (left,)


@pytest.mark.parametrize(
    ("left", "right"),
    [(IMAGE, TensorType((4, 5, 7), "hwc")), (IMAGE, TensorType((9, 4), "nc")), (IMAGE, TensorType((4,), "n"))],
)
def test_meanings_that_do_not_meet(left: TensorType, right: TensorType) -> None:
    (fault,) = OPS["add"].infer({}, (left, right)).faults
    assert (fault.code, fault.data) == ("E0306", {"op": "add", "wanted": left.axes, "got": right.axes})


def test_axes_and_stride_of_the_result() -> None:
    """A named axis wins over `?`, one with a size over one of 1; the stride is the first image's, not a weight's."""
    anything = TensorType((4, 5, 7), "???")
    assert check(OPS["add"], {}, anything, IMAGE).outputs == (TensorType((4, 5, 7), "chw"),)
    assert check(OPS["add"], {}, TensorType((1, 4), "nc"), TensorType((9, 4), "?c")).outputs == (
        TensorType((9, 4), "nc"),
    )
    weight = TensorType((4, 1, 1), "chw", batched=False)
    for operands in ((weight, IMAGE), (GAMMA, IMAGE), (IMAGE, TensorType.image(4, 1, 1, (2, 2)))):
        outputs = check(OPS["multiply"], {}, *operands).outputs
        assert outputs is not None
        assert outputs[0].stride == (8, 8)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("add_scalar", 3.0, "{0} + 3"),
        ("add_scalar", -1.5, "{0} - 1.5"),
        ("multiply_scalar", 1e-6, "{0} * 1e-06"),
        ("multiply_scalar", -1.0, "{0} * -1"),
        ("rsub_scalar", 1.0, "1 - {0}"),
        ("divide_scalar", 6.0, "{0} / 6"),
        ("rdiv_scalar", 1.0, "1 / {0}"),
        ("power_scalar", 2.0, "{0} ** 2"),
        ("power_scalar", -0.5, "{0} ** -0.5"),
        ("add_scalar", float("inf"), '{0} + float("inf")'),
    ],
)
def test_constants(name: str, value: float, text: str) -> None:
    op = OPS[name]
    assert source(op, {"value": value}, IMAGE) == text
    for x in (IMAGE, NUMBER):
        assert check(op, {"value": value}, x).outputs == (x,)


@pytest.mark.parametrize("op", [op for op in arithmetic.OPS if isinstance(op, Function)], ids=lambda op: op.name)
@pytest.mark.parametrize("x", [IMAGE, VECTOR, NUMBER], ids=str)
def test_functions(op: Op, x: TensorType) -> None:
    assert check(op, {}, x).outputs == (x,)
    (operand,) = tensors([x], device="cpu")
    operand = operand.abs() + 0.5
    found = build(op.call({}, (x,)))(operand)
    torch.testing.assert_close(found, getattr(torch, op.name)(operand))


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"min": 0.0}, "torch.clamp({0}, min=0)"),
        ({"max": 6.0}, "torch.clamp({0}, max=6)"),
        ({"min": -1.0, "max": 1.0}, "torch.clamp({0}, min=-1, max=1)"),
        ({"min": 1.0, "max": 1.0}, "torch.clamp({0}, min=1, max=1)"),
    ],
)
def test_clamp(bounds: dict[str, object], text: str) -> None:
    assert source(OPS["clamp"], bounds, IMAGE) == text
    check(OPS["clamp"], bounds, IMAGE)


@pytest.mark.parametrize(("bounds", "param"), [({}, None), ({"min": 2.0, "max": 1.0}, "min")])
def test_clamp_faults(bounds: dict[str, object], param: str | None) -> None:
    """torch takes bounds in the wrong order and makes everything `max`, which nobody means."""
    (fault,) = OPS["clamp"].infer(complete(OPS["clamp"], bounds), (IMAGE,)).faults
    assert (fault.code, fault.param) == ("E0317", param)


def test_every_op_is_of_a_tested_family() -> None:
    rest = [op for op in arithmetic.OPS if not isinstance(op, Binary | Constant | Function)]
    assert [op.name for op in rest] == ["clamp"]
