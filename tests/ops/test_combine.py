"""concat, stack, split and slice against torch, over generated sizes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Expression, Op
from resnetdsl.ops.registry import OPS
from tests.ops.harness import build, check, complete, run, tensors

IMAGE = TensorType.image(6, 5, 7, (4, 4))
TOKENS = TensorType((9, 6), "nc")
WEIGHT = TensorType((6,), "c", batched=False)


def source(op: Op, given: dict[str, object], *inputs: TensorType) -> str:
    call = op.call(complete(op, given), inputs)
    assert isinstance(call, Expression)
    return call.template


def codes(name: str, given: dict[str, object], *inputs: TensorType) -> list[str]:
    return [fault.code for fault in OPS[name].infer(complete(OPS[name], given), inputs).faults]


# --- concat ---


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize(
    ("x", "axis", "shape", "dim"),
    [
        (IMAGE, "c", lambda n: (6 * n, 5, 7), 1),
        (IMAGE, "h", lambda n: (6, 5 * n, 7), 2),
        (IMAGE, "width", lambda n: (6, 5, 7 * n), 3),
        (TOKENS, "c", lambda n: (9, 6 * n), 2),
        (TOKENS, "n", lambda n: (9 * n, 6), 1),
        (TensorType((6,), "c"), "c", lambda n: (6 * n,), 1),
        (WEIGHT, "c", lambda n: (6 * n,), 0),
    ],
)
def test_concat(x: TensorType, axis: str, shape: object, dim: int, count: int) -> None:
    outputs = check(OPS["concat"], {"axis": axis}, *[x] * count).outputs
    assert outputs == (TensorType(shape(count), x.axes),)  # type: ignore[operator]
    assert outputs[0].stride == x.stride
    assert source(OPS["concat"], {"axis": axis}, *[x] * count) == f"torch.cat([{{all}}], dim={dim})"


def test_a_weight_is_repeated_for_the_batch() -> None:
    """A class token in front of the others."""
    token = TensorType((1, 6), "nc", batched=False)
    outputs = check(OPS["concat"], {"axis": "n"}, token, TOKENS).outputs
    assert outputs == (TensorType((10, 6), "nc"),)
    assert outputs[0].batched
    text = source(OPS["concat"], {"axis": "n"}, token, TOKENS)
    assert text == "torch.cat([{0}.expand({1}.shape[0], -1, -1), {1}], dim=1)"
    check(OPS["stack"], {}, TensorType((6,), "c"), WEIGHT)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([1, 2, 3])] * 3), min_size=2, max_size=3), st.sampled_from("chw"))
def test_concat_refuses_what_torch_refuses(shapes: list[tuple[int, int, int]], axis: str) -> None:
    op, inputs = OPS["concat"], tuple(TensorType(shape, "chw") for shape in shapes)
    attrs = complete(op, {"axis": axis})
    faults = op.infer(attrs, inputs).faults
    if not faults:
        check(op, {"axis": axis}, *inputs)
        return
    assert faults[0].code == "E0302"
    with pytest.raises(RuntimeError):
        run(op, attrs, inputs)


def test_concat_faults() -> None:
    op = OPS["concat"]
    (fault,) = op.infer(complete(op, {}), (IMAGE, TensorType.image(2, 5, 6))).faults
    assert fault.data == {"op": "concat", "left": "6x5x7", "right": "2x5x6", "axis": "width"}
    assert codes("concat", {}, IMAGE, TOKENS) == ["E0306"]
    assert codes("concat", {}, IMAGE, TensorType((6, 5, 7), "hwc")) == ["E0306"]
    assert codes("concat", {"axis": "n"}, IMAGE, IMAGE) == ["E0315"]
    assert codes("concat", {"axis": "hw"}, IMAGE, IMAGE) == ["E0315"]


def test_what_does_not_meet_still_has_the_channels_that_were_meant() -> None:
    outputs = OPS["concat"].infer(complete(OPS["concat"], {}), (IMAGE, TensorType.image(2, 5, 6))).outputs
    assert outputs == (TensorType.image(8, 5, 7),)


# --- stack ---


@pytest.mark.parametrize("x", [IMAGE, TOKENS, TensorType((), ""), WEIGHT], ids=str)
@pytest.mark.parametrize("count", [1, 3])
def test_stack(x: TensorType, count: int) -> None:
    assert check(OPS["stack"], {}, *[x] * count).outputs == (TensorType((count, *x.shape), "?" + x.axes),)


def test_stack_faults() -> None:
    assert codes("stack", {}, IMAGE, TensorType.image(1, 5, 7)) == ["E0302"]
    assert codes("stack", {}, IMAGE, TOKENS) == ["E0306"]
    with pytest.raises(RuntimeError):
        run(OPS["stack"], {}, (IMAGE, TensorType.image(1, 5, 7)))


# --- split ---


@settings(max_examples=150, deadline=None)
@given(st.sampled_from("chw"), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_split_by_sizes(axis: str, sizes: list[int]) -> None:
    op, x = OPS["split"], TensorType((8, 8, 8), "chw")
    attrs = complete(op, {"axis": axis, "sizes": tuple(sizes)})
    inference = op.infer(attrs, (x,))
    assert inference.outputs is not None
    assert [out.size(axis) for out in inference.outputs] == sizes
    if not inference.faults:
        check(op, {"axis": axis, "sizes": tuple(sizes)}, x)
        return
    (fault,) = inference.faults
    word = {"c": "channels", "h": "height", "w": "width"}[axis]
    assert (fault.code, fault.param) == ("E0310", "sizes")
    assert fault.data == {"sizes": tuple(sizes), "total": 8, "axis": word}


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 6, 7])
def test_split_in_parts(parts: int) -> None:
    op = OPS["split"]
    inference = op.infer(complete(op, {"parts": parts}), (IMAGE,))
    assert inference.outputs is not None
    assert len(inference.outputs) == parts
    if 6 % parts == 0:
        check(op, {"parts": parts}, IMAGE)
    else:
        (fault,) = inference.faults
        assert (fault.code, fault.param) == ("E0316", "parts")
        assert (fault.data["value"], fault.data["by"]) == (6, parts)


def test_split_faults_and_source() -> None:
    assert codes("split", {}, IMAGE) == ["E0317"]
    assert codes("split", {"sizes": (3, 3), "parts": 2}, IMAGE) == ["E0317"]
    assert codes("split", {"parts": 2, "axis": "n"}, IMAGE) == ["E0315"]
    assert source(OPS["split"], {"parts": 2}, IMAGE) == "torch.chunk({0}, 2, dim=1)"
    assert source(OPS["split"], {"sizes": (2, 4)}, IMAGE) == "torch.split({0}, [2, 4], dim=1)"
    assert source(OPS["split"], {"sizes": (6,)}, IMAGE) == "{0}"


# --- slice ---


@settings(max_examples=150, deadline=None)
@given(st.sampled_from("chw"), st.integers(-9, 9), st.one_of(st.none(), st.integers(-9, 9)), st.integers(1, 3))
def test_slice_is_pythons(axis: str, start: int, stop: int | None, step: int) -> None:
    """Bounds outside the axis are refused where Python cuts them off, and so is what would be empty."""
    op, x = OPS["slice"], TensorType((6, 6, 6), "chw")
    given = {"axis": axis, "start": start, "stop": stop, "step": step}
    inference = op.infer(complete(op, given), (x,))
    taken = range(6)[start:stop:step]
    inside = -6 <= start < 6 and (stop is None or -6 <= stop <= 6)
    if taken and inside:
        assert not inference.faults
        outputs = check(op, given, x).outputs
        assert outputs is not None
        assert outputs[0].size(axis) == len(taken)
    else:
        (fault,) = inference.faults
        assert fault.code == "E0311"
        assert fault.data == {"start": start, "stop": 6 if stop is None else stop, "size": 6}
        assert inference.outputs == (x,)


def test_slice_takes_the_right_ones() -> None:
    given = {"start": 1, "stop": -1, "step": 2}
    module = build(OPS["slice"].call(complete(OPS["slice"], given), (IMAGE,)))
    (x,) = tensors([IMAGE], device="cpu")
    assert torch.equal(module(x), x[:, [1, 3]])
    assert source(OPS["slice"], given, IMAGE) == "{0}[:, 1:-1:2]"
    assert source(OPS["slice"], {"stop": 3}, TensorType((9, 6), "nc")) == "{0}[:, :, :3]"
    assert source(OPS["slice"], {"start": 3}, WEIGHT) == "{0}[3:]"


def test_taking_every_other_place_doubles_the_stride() -> None:
    x = replace(IMAGE, stride=(Fraction(1, 2), 4))
    rows = check(OPS["slice"], {"axis": "h", "step": 2}, x).outputs
    assert rows is not None
    assert rows[0].shape == (6, 3, 7)
    assert rows[0].stride == (1, 4)
    columns = check(OPS["slice"], {"axis": "w", "step": 2}, x).outputs
    assert columns is not None
    assert columns[0].stride == (Fraction(1, 2), 8)
    channels = check(OPS["slice"], {"step": 2}, x).outputs
    assert channels is not None
    assert channels[0].stride == x.stride
    assert codes("slice", {"axis": "n"}, IMAGE) == ["E0315"]
