"""The same numbers in another shape or order."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import integer, integers, text
from resnetdsl.ops.axes import bad_combination, dim, layout_of, no_such_axis, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Expression, Fault, Inference, Kind, Op, Param, Types, Window
from resnetdsl.ops.onnx import Onnx


class Reshape(Op):
    name = "reshape"
    doc = "The same numbers in the same order as another shape; the batch stays."
    params = (
        Param("shape", Kind.INTS, minimum=-1, doc="The new dimensions; one may be -1, for whatever is left."),
        Param("axes", Kind.TEXT, None, doc="What the dimensions mean, a letter each; c, nc or chw by their number."),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        shape = integers(attrs, "shape")
        axes = layout_of(len(shape)) if attrs["axes"] is None else text(attrs, "axes")
        if len(axes) != len(shape):
            reason = f"{len(shape)} dimensions need {len(shape)} axes, not `{axes}`"
            return Inference(None, (bad_combination(reason, "axes"),))
        if shape.count(-1) > 1:
            return Inference(None, (bad_combination("only one dimension can be -1", "shape"),))
        known = prod(size for size in shape if size != -1)
        rest = x.numel // known if known > 0 else 0
        full = tuple(rest if size == -1 else size for size in shape)
        if min(full, default=1) < 1 or prod(full) != x.numel:
            written = "x".join(map(str, shape)) or "scalar"
            data = {"from_shape": str(x), "to_shape": written, "have": x.numel, "want": known}
            return Inference(None, (Fault("E0312", data, "shape"),))
        return Inference((replace(x, shape=full, axes=axes),))

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        """Where the plane changes, an element of the result may come from anywhere on it."""
        (x,) = inputs
        outputs = self.infer(attrs, inputs).outputs
        same = outputs is not None and all(outputs[0].size(axis) == x.size(axis) for axis in "hw")
        return Window() if same else Window(None)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        batch = ["{0}.shape[0]"] if inputs[0].batched else []
        sizes = ", ".join([*batch, *map(str, integers(attrs, "shape"))])
        return Expression(f"{{0}}.reshape({sizes or '()'})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        batch = (0,) if inputs[0].batched else ()
        return g.reshape(g.x, *batch, *integers(attrs, "shape"))


class ReshapeLike(Op):
    name = "reshape_like"
    doc = "The numbers of the first tensor in the shape of the second: back from a `reshape`, whatever the size."
    arity = 2

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x, like = inputs
        if x.batched != like.batched:
            return Inference((like,), (bad_combination("one of the operands is a weight and has no batch"),))
        if x.numel != like.numel:
            data = {"from_shape": str(x), "to_shape": str(like), "have": x.numel, "want": like.numel}
            return Inference((like,), (Fault("E0312", data),))
        return Inference((like,))

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        x, like = inputs
        return Window() if all(x.size(axis) == like.size(axis) for axis in "hw") else Window(None)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Expression("{0}.reshape({1}.shape)")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return g("Reshape", g.x, g.shape(g.operands[1]))


class Permute(Op):
    name = "permute"
    doc = "The axes in another order: `permute(hwc)` makes the channels of an image last."
    params = (Param("order", Kind.TEXT, doc="The letters of the axes in their new order."),)

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        order = text(attrs, "order")
        places = self._places(order, x)
        absent = next((axis for axis in order if axis not in x.axes), None)
        if absent is not None:
            return Inference((x,), (no_such_axis(x, absent, "order"),))
        if places is None:
            reason = f"`{order}` does not name each axis of `{x.axes}` once"
            return Inference((x,), (bad_combination(reason, "order"),))
        return Inference((replace(x, shape=tuple(x.shape[at] for at in places), axes=order),))

    @staticmethod
    def _places(order: str, x: TensorType) -> list[int] | None:
        """Where each letter stands; axes of one letter keep their order."""
        if sorted(order) != sorted(x.axes):
            return None
        free = list(x.axes)
        places: list[int] = []
        for axis in order:
            places.append(free.index(axis))
            free[places[-1]] = ""
        return places

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        (x,) = inputs
        batch = [0] if x.batched else []
        dims = [*batch, *(dim(x, at) for at in self._places(text(attrs, "order"), x) or ())]
        return Expression(f"{{0}}.permute({', '.join(map(str, dims)) or '()'})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        (x,) = inputs
        batch = (0,) if x.batched else ()
        dims = (*batch, *(dim(x, at) for at in self._places(text(attrs, "order"), x) or ()))
        return g("Transpose", g.x, perm=dims) if dims else g.x


class Flatten(Op):
    name = "flatten"
    doc = "All numbers of a tensor as one vector; those of an image by channel, then row, then column."

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        if not x.axes:
            return Inference((replace(x, shape=(1,), axes="c"),), (wrong_layout(self.name, "one axis or more", x),))
        return Inference((replace(x, shape=(x.numel,), axes="c"),))

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        """A vector stands for the whole plane that it was made from."""
        (x,) = inputs
        return Window() if (x.size("h"), x.size("w")) in {(None, None), (1, 1)} else Window(None)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Expression("torch.flatten({0}, 1)" if inputs[0].batched else "torch.flatten({0})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return g("Flatten", g.x, axis=1) if inputs[0].batched else g.reshape(g.x, -1)


class Tokens(Op):
    name = "tokens"
    doc = "The places of an image, row by row, as a sequence of vectors: chw becomes nc."

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        channels, height, width = x.shape
        return Inference((replace(x, shape=(height * width, channels), axes="nc"),))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Expression("{0}.flatten(-2).transpose(-2, -1)")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        (x,) = inputs
        batch = (0,) if x.batched else ()
        return g("Transpose", g.reshape(g.x, *batch, x.shape[0], -1), perm=(0, 2, 1) if batch else (1, 0))


class Image(Op):
    name = "image"
    doc = "A sequence of vectors as an image of this height and width: nc becomes chw."
    params = (
        Param("height", Kind.INT, minimum=1, doc="The number of rows."),
        Param("width", Kind.INT, minimum=1, doc="The number of columns."),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        height, width = integer(attrs, "height"), integer(attrs, "width")
        return to_image(self.name, x, height, width)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        size = (integer(attrs, "height"), integer(attrs, "width"))
        return Expression(f"{{0}}.transpose(-2, -1).unflatten(-1, {size})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        (x,) = inputs
        batch = (0,) if x.batched else ()
        rows = g("Transpose", g.x, perm=(0, 2, 1) if batch else (1, 0))
        return g.reshape(rows, *batch, x.shape[1], integer(attrs, "height"), integer(attrs, "width"))


class ImageLike(Op):
    name = "image_like"
    doc = "A sequence of vectors as an image of another image's height and width, whatever they are."
    arity = 2

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x, like = inputs
        if not like.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", like),))
        return to_image(self.name, x, like.shape[1], like.shape[2])

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Expression("{0}.transpose(-2, -1).unflatten(-1, {1}.shape[-2:])")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        x, _ = inputs
        rows = g("Transpose", g.x, perm=(0, 2, 1) if x.batched else (1, 0))
        sizes = g("Concat", g.shape(rows, 0, -1), g.shape(g.operands[1], -2), axis=0)
        return g("Reshape", rows, sizes)


def to_image(op: str, x: TensorType, height: int, width: int) -> Inference:
    """`nc` as `chw`, if the number of tokens allows it."""
    if x.axes != "nc":
        return Inference(None, (wrong_layout(op, "nc", x),))
    tokens, channels = x.shape
    result = replace(x, shape=(channels, height, width), axes="chw")
    if tokens != height * width:
        data = {"from_shape": str(x), "to_shape": str(result), "have": x.numel, "want": result.numel}
        return Inference((result,), (Fault("E0312", data),))
    return Inference((result,))


OPS = (Reshape(), ReshapeLike(), Permute(), Flatten(), Tokens(), Image(), ImageLike())
