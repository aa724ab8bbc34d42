"""Weights of one's own: a free parameter, and a factor for each channel."""

from __future__ import annotations

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import integers, literal, number, text
from resnetdsl.ops.axes import bad_combination, layout_of, needs_batch, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Fault, Inference, Kind, Module, Op, Param, Parameter, Types, Weight
from resnetdsl.ops.onnx import Onnx


class FreeParameter(Op):
    """`param gamma[64] = 1e-6`. The node's path is the weight's whole name, so the leaf itself has none."""

    name = "param"
    doc = "A weight of one's own, used in arithmetic: `param gamma[x.channels] = 1e-6`."
    params = (
        Param("shape", Kind.INTS, (), doc="Its dimensions; none for a single number."),
        Param(
            "value",
            Kind.INIT,
            0.0,
            choices=("normal", "trunc_normal"),
            doc="What it starts as: a number everywhere, or random with the deviation `std`.",
        ),
        Param("std", Kind.FLOAT, 0.02, minimum=0.0, doc="The standard deviation of a random start."),
        Param("axes", Kind.TEXT, None, doc="What its dimensions mean, a letter each; c, nc or chw by their number."),
    )
    arity = 0

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        shape = integers(attrs, "shape")
        axes = layout_of(len(shape)) if attrs["axes"] is None else text(attrs, "axes")
        if len(axes) != len(shape):
            reason = f"{len(shape)} dimensions need {len(shape)} axes, not `{axes}`"
            return Inference(None, (bad_combination(reason, "axes"),))
        vanished = next((axis for axis, size in zip(axes, shape, strict=True) if size < 1), None)
        if vanished is not None:
            written = "x".join(map(str, shape))
            return Inference(None, (Fault("E0305", {"axis": vanished, "shape": written}, "shape"),))
        return Inference((TensorType(shape, axes, batched=False),))

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        return (Weight("", integers(attrs, "shape")),)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        shape, value = integers(attrs, "shape"), attrs["value"]
        dims = ", ".join(map(str, shape)) or "()"
        if value == "normal":
            return Parameter(f"torch.randn({dims}) * {literal(number(attrs, 'std'))}")
        if value == "trunc_normal":
            return Parameter(f"nn.init.trunc_normal_(torch.empty({dims}), std={literal(number(attrs, 'std'))})")
        start = number(attrs, "value")
        if not shape:
            return Parameter(f"torch.tensor({start!r})")
        if start in {0.0, 1.0}:
            return Parameter(f"torch.{'ones' if start else 'zeros'}({dims})")
        return Parameter(f"torch.full(({dims}{',' if len(shape) == 1 else ''}), {start!r})")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return g.weight("")


class Scale(Op):
    """timm's LayerScale."""

    name = "scale"
    doc = "Each channel times a learned factor of its own, the leaf `gamma`."
    params = (Param("init", Kind.FLOAT, 1.0, doc="What the factors start as."),)

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        (x,) = inputs
        if not (x.is_image or x.axes.endswith("c")):
            return Inference(inputs, (wrong_layout(self.name, "chw, or channels last", x),))
        return Inference(inputs, needs_batch(self.name, x))

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        return (Weight("gamma", (inputs[0].size("c") or 0,)),)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        (x,) = inputs
        args = (x.size("c"), number(attrs, "init"))
        return Module("Scale2d", args, helper="scale_2d") if x.is_image else Module("Scale", args, helper="scale")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        gamma = g.weight("gamma")
        return g("Mul", g.x, g.insert(gamma, (1, 2)) if inputs[0].is_image else gamma)


OPS = (FreeParameter(), Scale())
