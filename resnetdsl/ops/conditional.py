"""A convolution whose weights depend on the sample."""

from __future__ import annotations

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import flag, integer
from resnetdsl.ops.axes import bad_combination, needs_batch, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Fault, Inference, InitCall, Module, Types, Weight
from resnetdsl.ops.convolution import DILATION, GROUPS, KERNEL, OUT_CHANNELS, PAD, STRIDE, Convolution, bias_param
from resnetdsl.ops.geometry import compact, pair, symmetric
from resnetdsl.ops.onnx import Onnx


class CondConv(Convolution):
    name = "cond_conv"
    doc = (
        "Convolution whose weights are a sum of several experts' weights, for each sample with factors of its own: a"
        " vector with one for each expert, the second operand (Yang et al., 2019; timm's `CondConv2d`). Each expert"
        " starts as He et al. (2015) have it."
    )
    params = (OUT_CHANNELS, KERNEL, STRIDE, PAD, DILATION, GROUPS, bias_param(False))
    arity = 2

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x, routing = inputs
        if routing.axes != "c":
            return Inference(None, (wrong_layout(self.name, "c, a factor for each expert", routing),))
        plain = super().infer(attrs, (x,))
        return Inference(plain.outputs, (*plain.faults, *needs_batch(self.name, routing)))

    def padding_faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        pads = self.pads(attrs)
        if pads == "same" or attrs["pad"] == "same" or symmetric(pads) is not None:
            return ()
        return (bad_combination("`cond_conv` pads both sides alike; put `pad(...)` in front of it", "pad"),)

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        """A row for each expert: its weights one after the other."""
        x, routing = inputs
        experts = routing.shape[0]
        return tuple(
            Weight(one.name, (experts, TensorType(one.shape, "").numel)) for one in super().weights(attrs, (x,))
        )

    def macs(self, attrs: Attrs, inputs: Types, outputs: Types) -> int:
        """The convolution, and the products of factors and weights."""
        mixing = sum(TensorType(weight.shape, "").numel for weight in self.weights(attrs, inputs))
        return super().macs(attrs, inputs[:1], outputs) + mixing

    def initialise(self, attrs: Attrs) -> tuple[InitCall, ...]:
        return ()

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        x, routing = inputs
        ends = (x.shape[0], integer(attrs, "out_channels"))
        pads = self.pads(attrs)
        sides = None if pads == "same" else symmetric(pads)
        same = () if sides is not None else (("same", True),)
        padding = 0 if sides is None else compact(sides)
        more = (("experts", routing.shape[0]), *same)
        return Module("CondConv2d", ends, (*self.keywords(attrs, padding, False), *more), "cond_conv2d")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        """Every expert's convolution, and then the sum of their results: ONNX has no groups that follow the batch."""
        routing = g.operands[1]
        experts, channels, groups = inputs[1].shape[0], integer(attrs, "out_channels"), integer(attrs, "groups")
        kernel = pair(attrs, "kernel")
        inside = inputs[0].shape[0] // groups
        weight = g.reshape(g.weight("weight"), experts, groups, channels // groups, inside, *kernel)
        weight = g("Transpose", weight, perm=(1, 0, 2, 3, 4, 5))
        weight = g.reshape(weight, experts * channels, inside, *kernel)
        plain = {**attrs, "bias": False}
        many = self.onnx_conv(plain, inputs[:1], g, weight)
        parts = g.reshape(many, 0, groups, experts, channels // groups, -1)
        mixed = g("ReduceSum", g("Mul", parts, g.insert(routing, (1, 3, 4))), g.ints(2), keepdims=0)
        shape = g("Concat", g.shape(many, 0, 1), g.ints(channels), g.shape(many, 2), axis=0)
        image = g("Reshape", mixed, shape)
        if not flag(attrs, "bias"):
            return image
        return g("Add", image, g.insert(g("MatMul", routing, g.weight("bias")), (2, 3)))


OPS = (CondConv(),)
