"""Padding of planes and of channels."""

from __future__ import annotations

from typing import cast

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import integer, literal, number, text
from resnetdsl.ops.axes import bad_combination, dim, needs_batch, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Expression, Inference, Kind, Op, Param, Types
from resnetdsl.ops.geometry import ONNX_PAD_MODES, Pads, for_onnx_pad, in_torch_order, pad_mode_faults
from resnetdsl.ops.onnx import Onnx


class Pad(Op):
    name = "pad"
    doc = "Puts pixels around an image (`F.pad`)."
    params = (
        Param(
            "sizes",
            Kind.PADDING,
            minimum=0,
            doc="How many: a number for all sides, `height, width`, or `top, bottom, left, right`.",
        ),
        Param(
            "mode",
            Kind.CHOICE,
            "zeros",
            choices=("zeros", "reflect", "replicate"),
            doc="What they hold: `value`, the mirrored image, or the nearest pixel.",
        ),
        Param("value", Kind.FLOAT, 0.0, doc="What they hold in the mode `zeros`."),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        top, bottom, left, right = pads = cast(Pads, attrs["sizes"])
        mode = text(attrs, "mode")
        faults = needs_batch(self.name, x) + pad_mode_faults(x, pads, mode, "sizes")
        if mode != "zeros" and number(attrs, "value"):
            faults += (bad_combination(f"`value` means nothing in the mode `{mode}`", "value"),)
        channels, height, width = x.shape
        return Inference((TensorType.image(channels, height + top + bottom, width + left + right, x.stride),), faults)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        sizes = in_torch_order(cast(Pads, attrs["sizes"]))
        mode, value = text(attrs, "mode"), number(attrs, "value")
        more = f', mode="{mode}"' if mode != "zeros" else f", value={literal(value)}" if value else ""
        return Expression(f"F.pad({{0}}, {sizes}{more})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        pads = g.ints(*for_onnx_pad(cast(Pads, attrs["sizes"])))
        mode = ONNX_PAD_MODES[text(attrs, "mode")]
        return g("Pad", g.x, pads, g.number(number(attrs, "value")), mode=mode)


class PadChannels(Op):
    name = "pad_channels"
    doc = "Puts channels of zeros before and after the ones that are there: the shortcut of option A (He et al., 2015)."
    params = (
        Param("before", Kind.INT, 0, minimum=0, doc="How many channels of zeros come first."),
        Param("after", Kind.INT, 0, minimum=0, doc="How many channels of zeros come last."),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if "c" not in x.axes:
            return Inference(None, (wrong_layout(self.name, "axes with c", x),))
        place = x.axes.index("c")
        channels = x.shape[place] + integer(attrs, "before") + integer(attrs, "after")
        shape = (*x.shape[:place], channels, *x.shape[place + 1 :])
        return Inference((TensorType(shape, x.axes, x.stride, batched=x.batched),))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        x = inputs[0]
        behind = (0, 0) * (len(x.axes) - 1 - x.axes.index("c"))  # F.pad counts axes from the last
        sizes = (*behind, integer(attrs, "before"), integer(attrs, "after"))
        return Expression(f"F.pad({{0}}, {sizes})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        x = inputs[0]
        before, after = ([0] * (len(x.axes) + x.batched) for _ in range(2))
        place = dim(x, x.axes.index("c"))
        before[place], after[place] = integer(attrs, "before"), integer(attrs, "after")
        return g("Pad", g.x, g.ints(*before, *after), g.number(0.0), mode="constant")


OPS = (Pad(), PadChannels())
