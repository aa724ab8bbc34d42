"""Matrix products and attention: shapes and MACs against torch, numbers against nn.MultiheadAttention's arithmetic."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Expression, Window
from resnetdsl.ops.registry import OPS
from tests.ops.harness import build, check, complete, run, tensors

MATMUL, ATTENTION = OPS["matmul"], OPS["attention"]


def tokens(count: int, channels: int, *before: int, batched: bool = True) -> TensorType:
    return TensorType((*before, count, channels), "?" * len(before) + "nc", batched=batched)


# --- matmul ---


@pytest.mark.parametrize("batched", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("before", [((), ()), ((3,), (3,)), ((3,), (1,)), ((1, 3), (5, 1)), ((3,), ()), ((), (5, 3))])
@pytest.mark.parametrize("transpose", [False, True])
def test_matmul(batched: tuple[bool, bool], before: tuple[tuple[int, ...], tuple[int, ...]], transpose: bool) -> None:
    left = tokens(4, 6, *before[0], batched=batched[0])
    right = tokens(7, 6, *before[1], batched=batched[1])
    right = right if transpose else replace(right, shape=(*right.shape[:-2], 6, 7))
    outputs = check(MATMUL, {"transpose": transpose}, left, right).outputs
    assert outputs is not None
    assert outputs[0].shape[-2:] == (4, 7)
    assert outputs[0].batched == any(batched)


@settings(max_examples=150, deadline=None)
@given(*[st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=4)] * 2, st.booleans(), st.booleans())
def test_matmul_refuses_what_torch_refuses(one: list[int], other: list[int], transpose: bool, weight: bool) -> None:
    """A vector is refused though torch takes it: its meaning depends on the side that it stands on."""
    inputs = tuple(TensorType(tuple(shape), "?" * len(shape), batched=not weight) for shape in (one, other))
    given = {"transpose": transpose}
    faults = MATMUL.infer(given, inputs).faults
    if min(len(one), len(other)) < 2:
        assert [fault.code for fault in faults] == ["E0306"]
    elif not faults:
        check(MATMUL, given, *inputs)
    else:
        (fault,) = faults
        assert fault.code == "E0313"
        assert fault.data == {"left": str(inputs[0]), "right": str(inputs[1])}
        if weight or len(one) == len(other):
            with pytest.raises(RuntimeError):
                run(MATMUL, given, inputs)


def test_axes_of_a_product() -> None:
    """Places by places is `n?`, so that each axis can still be named."""
    x = tokens(4, 6)
    scores = check(MATMUL, {"transpose": True}, x, x).outputs
    assert scores == (TensorType((4, 4), "n?"),)
    assert check(MATMUL, {}, scores[0], x).outputs == (x,)
    channels = TensorType((6, 4), "cn")
    assert check(MATMUL, {}, channels, x).outputs == (TensorType((6, 6), "c?"),)
    assert MATMUL.window({"transpose": False}, (x, x)) == Window(None)


def test_source_of_products() -> None:
    def text(left: TensorType, right: TensorType, transpose: bool = False) -> str:
        call = MATMUL.call({"transpose": transpose}, (left, right))
        assert isinstance(call, Expression)
        return call.template

    assert text(tokens(4, 6), TensorType((6, 7), "??")) == "{0} @ {1}"
    assert text(tokens(4, 6), tokens(7, 6), True) == "{0} @ {1}.transpose(-2, -1)"
    assert text(tokens(4, 6, 3), TensorType((6, 7), "??")) == "{0} @ {1}[:, None]"
    assert text(tokens(4, 6, 3), TensorType((6, 7), "??", batched=False)) == "{0} @ {1}"


# --- attention ---


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("before", [(), (3,)])
@pytest.mark.parametrize(("keys", "channels"), [(9, 8), (5, 8), (1, 4)])
@pytest.mark.parametrize("scale", [None, 0.25])
def test_attention(heads: int, before: tuple[int, ...], keys: int, channels: int, scale: float | None) -> None:
    query, key, value = tokens(9, 8, *before), tokens(keys, 8, *before), tokens(keys, channels, *before)
    given = {"heads": heads, "scale": scale}
    assert check(ATTENTION, given, query, key, value).outputs == (tokens(9, channels, *before),)


@pytest.mark.parametrize("weights", [(True, False, False), (False, True, True), (True, True, True)])
def test_attention_with_weights_as_operands(weights: tuple[bool, bool, bool]) -> None:
    """Learned queries, learned keys: a weight serves each sample of the batch."""
    operands = [tokens(9, 8, batched=not weight) for weight in weights]
    outputs = check(ATTENTION, {"heads": 2}, *operands).outputs
    assert outputs is not None
    assert outputs[0].batched == (not all(weights))


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("scale", [None, 0.3])
def test_attention_is_its_formula(heads: int, scale: float | None) -> None:
    types = (tokens(5, 8), tokens(7, 8), tokens(7, 4))
    module = build(ATTENTION.call(complete(ATTENTION, {"heads": heads, "scale": scale}), types))
    q, k, v = tensors(types, device="cpu")
    factor = (8 // heads) ** -0.5 if scale is None else scale
    parts = [
        ((a @ b.transpose(1, 2)) * factor).softmax(-1) @ c
        for a, b, c in zip(q.chunk(heads, 2), k.chunk(heads, 2), v.chunk(heads, 2), strict=True)
    ]
    torch.testing.assert_close(module(q, k, v), torch.cat(parts, 2))


@pytest.mark.parametrize("kv_heads", [1, 2])
@pytest.mark.parametrize("scale", [None, 0.3])
def test_heads_that_share_keys(kv_heads: int, scale: float | None) -> None:
    """Each head of the query reads the key and value of its group."""
    types = (tokens(5, 8), tokens(7, 2 * kv_heads), tokens(7, 3 * kv_heads))
    given = {"heads": 4, "kv_heads": kv_heads, "scale": scale}
    assert check(ATTENTION, given, *types).outputs == (tokens(5, 12),)
    module = build(ATTENTION.call(complete(ATTENTION, given), types))
    q, k, v = tensors(types, device="cpu")
    keys, values = ([part for part in x.chunk(kv_heads, 2) for _ in range(4 // kv_heads)] for x in (k, v))
    parts = [
        ((a @ b.transpose(1, 2)) * (scale or 2**-0.5)).softmax(-1) @ c
        for a, b, c in zip(q.chunk(4, 2), keys, values, strict=True)
    ]
    torch.testing.assert_close(module(q, k, v), torch.cat(parts, 2))


def test_as_many_keys_as_heads_is_plain_attention() -> None:
    types = (tokens(5, 8), tokens(7, 8), tokens(7, 8))
    assert ATTENTION.call(complete(ATTENTION, {"heads": 2, "kv_heads": 2}), types) == ATTENTION.call(
        complete(ATTENTION, {"heads": 2}), types
    )


@pytest.mark.parametrize(
    ("types", "given", "code", "param"),
    [
        ((tokens(5, 12), tokens(7, 4), tokens(7, 4)), {"heads": 6, "kv_heads": 4}, "E0316", "kv_heads"),
        ((tokens(5, 8), tokens(7, 8), tokens(7, 8)), {"heads": 4, "kv_heads": 2}, "E0313", None),
        ((tokens(5, 8), tokens(7, 4), tokens(7, 3)), {"heads": 4, "kv_heads": 2}, "E0316", "kv_heads"),
    ],
)
def test_heads_that_cannot_be_shared(
    types: tuple[TensorType, ...], given: dict[str, int], code: str, param: str | None
) -> None:
    (fault,) = ATTENTION.infer(complete(ATTENTION, given), types).faults
    assert (fault.code, fault.param) == (code, param)


@pytest.mark.parametrize(
    ("query", "key", "value", "left", "right"),
    [
        (tokens(5, 8), tokens(7, 4), tokens(7, 4), "5x8", "7x4"),
        (tokens(5, 8), tokens(7, 8), tokens(6, 8), "7x8", "6x8"),
        (tokens(5, 8, 3), tokens(7, 8), tokens(7, 8), "3x5x8", "7x8"),
        (tokens(5, 8, 3), tokens(7, 8, 2), tokens(7, 8, 2), "3x5x8", "2x7x8"),
    ],
)
def test_operands_that_do_not_meet(
    query: TensorType, key: TensorType, value: TensorType, left: str, right: str
) -> None:
    """Without broadcasting: what torch would stretch here depends on the kernel that it takes."""
    inference = ATTENTION.infer(complete(ATTENTION, {}), (query, key, value))
    (fault,) = inference.faults
    assert (fault.code, fault.data) == ("E0313", {"left": left, "right": right})
    assert inference.outputs is not None


def test_attention_faults() -> None:
    x = tokens(9, 6)
    (fault,) = ATTENTION.infer(complete(ATTENTION, {"heads": 4}), (x, x, x)).faults
    assert (fault.code, fault.param) == ("E0316", "heads")
    assert fault.data == {"what": "the channels", "value": 6, "by": 4}
    image = TensorType.image(6, 3, 3)
    (fault,) = ATTENTION.infer(complete(ATTENTION, {}), (image, image, image)).faults
    assert (fault.code, fault.data) == ("E0306", {"op": "attention", "wanted": "nc", "got": "chw"})
    (fault,) = ATTENTION.infer(complete(ATTENTION, {}), (TensorType((6,), "c"), x, x)).faults
    assert fault.code == "E0306"
    assert ATTENTION.window({}, (x, x, x)) == Window(None)
