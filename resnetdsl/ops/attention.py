"""Products of matrices, and the attention that is made of two of them."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import flag, integer, number
from resnetdsl.ops.axes import any_batched, swapped, word, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Expression, Fault, Inference, Kind, Op, Param, Types, Window
from resnetdsl.ops.combine import with_batch
from resnetdsl.ops.onnx import Onnx


def _mismatch(left: TensorType, right: TensorType) -> Fault:
    return Fault("E0313", {"left": str(left), "right": str(right)})


class Matmul(Op):
    name = "matmul"
    doc = "The product of the matrices in the last two axes; axes before those stretch as in `+`."
    params = (Param("transpose", Kind.BOOL, False, doc="Whether rows and columns of the right operand change places."),)
    arity = 2

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        left, right = inputs
        flat = next((x for x in inputs if len(x.axes) < 2), None)
        if flat is not None:
            return Inference(None, (wrong_layout(self.name, "two axes or more", flat),))
        inner, outer = (-1, -2) if flag(attrs, "transpose") else (-2, -1)
        stacked, axes = self._stack(left, right)
        last = right.axes[outer]
        axes += left.axes[-2]
        result = TensorType(
            (*(stacked or ()), left.shape[-2], right.shape[outer]),
            axes + ("?" if last in axes else last),  # A matrix of places by places is `n?`: an axis has one name.
            left.stride,
            any_batched(inputs),
        )
        if stacked is None:
            return Inference(None, (_mismatch(left, right),))
        return Inference((result,), (_mismatch(left, right),) if left.shape[-1] != right.shape[inner] else ())

    @staticmethod
    def _stack(left: TensorType, right: TensorType) -> tuple[tuple[int, ...] | None, str]:
        """The dimensions before the matrices, from the right; None where they do not meet."""
        large, small = (left, right) if len(left.axes) >= len(right.axes) else (right, left)
        before = list(large.shape[:-2])
        for at, size in enumerate(reversed(small.shape[:-2]), start=1):
            if before[-at] == 1:
                before[-at] = size
            elif size not in {1, before[-at]}:
                return None, large.axes[:-2]
        return tuple(before), large.axes[:-2]

    def macs(self, attrs: Attrs, inputs: Types, outputs: Types) -> int:
        return outputs[0].numel * inputs[0].shape[-1]

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        return Window(None)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        left, right = inputs
        rank = max(len(left.axes), len(right.axes))
        one, other = (
            f"{{{at}}}" + (f"[:{', None' * (rank - len(x.axes))}]" if x.batched and len(x.axes) < rank else "")
            for at, x in enumerate(inputs)
        )
        return Expression(f"{one} @ {other}" + (".transpose(-2, -1)" if flag(attrs, "transpose") else ""))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        rank = max(len(x.axes) for x in inputs)
        one, other = (
            g.insert(name, range(1, 1 + rank - len(x.axes))) if x.batched else name
            for name, x in zip(g.operands, inputs, strict=True)
        )
        if flag(attrs, "transpose"):
            right = inputs[1]
            other = g("Transpose", other, perm=swapped(rank + 1 if right.batched else len(right.axes), -2, -1))
        return g("MatMul", one, other)


class Attention(Op):
    name = "attention"
    doc = (
        "softmax(q k^T * scale) v over tokens, the channels shared out among the heads (Vaswani et al., 2017). With"
        " fewer `kv_heads`, several heads of the query read one of key and value (Ainslie et al., 2023); with one, all"
        " do (Shazeer, 2019, multi-query attention)."
    )
    params = (
        Param("heads", Kind.INT, 1, minimum=1, doc="How many heads share the channels of the query."),
        Param(
            "kv_heads", Kind.INT, None, minimum=1, doc="How many share those of key and value; `heads` if not given."
        ),
        Param(
            "scale", Kind.FLOAT, None, doc="The factor of the products; 1 / sqrt(channels of a head) where not given."
        ),
    )
    arity = 3

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        query, key, value = inputs
        for x in inputs:
            if len(x.axes) < 2 or not x.axes.endswith("c"):
                return Inference(None, (wrong_layout(self.name, "nc", x),))
        heads, kv_heads = self._heads(attrs)
        result = replace(query, shape=(*query.shape[:-1], value.shape[-1] * heads // kv_heads or 1))
        result = replace(result, batched=any_batched(inputs))
        if heads % kv_heads:
            data: dict[str, object] = {"what": "the number of heads", "value": heads, "by": kv_heads}
            return Inference((result,), (Fault("E0316", data, "kv_heads"),))
        if len(key.shape) != len(query.shape) or (key.shape[:-2], key.shape[-1] * heads) != (
            query.shape[:-2],
            query.shape[-1] * kv_heads,
        ):
            return Inference((result,), (_mismatch(query, key),))
        if value.shape[:-1] != key.shape[:-1]:
            return Inference((result,), (_mismatch(key, value),))
        for x, shared, param in ((query, heads, "heads"), (value, kv_heads, "kv_heads")):
            if x.shape[-1] % shared:
                data = {"what": f"the {word(x.axes, len(x.axes) - 1)}", "value": x.shape[-1], "by": shared}
                given = "heads" if attrs["kv_heads"] is None else param
                return Inference((result,), (Fault("E0316", data, given),))
        return Inference((result,))

    @staticmethod
    def _heads(attrs: Attrs) -> tuple[int, int]:
        heads = integer(attrs, "heads")
        return heads, heads if attrs["kv_heads"] is None else integer(attrs, "kv_heads")

    def macs(self, attrs: Attrs, inputs: Types, outputs: Types) -> int:
        """Two products: tokens by tokens by channels, however many heads share these."""
        query, key, _ = inputs
        return prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + outputs[0].shape[-1])

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        return Window(None)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        more = "" if attrs["scale"] is None else f", scale={attrs['scale']!r}"
        texts = ", ".join(with_batch(inputs))
        heads, kv_heads = self._heads(attrs)
        if heads != kv_heads:
            call = f"grouped_query_attention({texts}, heads={heads}, kv_heads={kv_heads}{more})"
            return Expression(call, "grouped_query_attention")
        return Expression(f"multi_head_attention({texts}, heads={heads}{more})", "multi_head_attention")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        """As its helpers do it. Zeros in the new shapes keep the sizes of the batch and of the tokens.

        Heads of the query that read one of key and value have an axis of their own, over which these stretch.
        """
        heads, kv_heads = self._heads(attrs)
        each, rank = heads // kv_heads, len(inputs[0].axes) + any_batched(inputs)
        batch = next((name for name, x in zip(g.operands, inputs, strict=True) if x.batched), "")
        kept = (0,) * (rank - 1)
        query, key, value = (
            name if x.batched or not batch else g.repeat(name, len(x.axes), batch)
            for name, x in zip(g.operands, inputs, strict=True)
        )
        query = g.reshape(query, *kept, kv_heads, each, -1)
        key, value = (g.reshape(x, *kept, kv_heads, 1, -1) for x in (key, value))
        # From (..., tokens, kv_heads, each, channels) the tokens go behind the heads, and at the end back again.
        front = tuple(range(rank - 2))
        tokens, kv, one, channels = range(rank - 2, rank + 2)
        scale = (inputs[0].shape[-1] // heads) ** -0.5 if attrs["scale"] is None else number(attrs, "scale")
        query = g("Transpose", g("Mul", query, g.number(scale)), perm=(*front, kv, one, tokens, channels))
        key = g("Transpose", key, perm=(*front, kv, one, channels, tokens))
        value = g("Transpose", value, perm=(*front, kv, one, tokens, channels))
        shares = g("Softmax", g("MatMul", query, key), axis=-1)
        found = g("Transpose", g("MatMul", shares, value), perm=(*front, one, tokens, kv, channels))
        return g.reshape(found, *kept, -1)


OPS = (Matmul(), Attention())
