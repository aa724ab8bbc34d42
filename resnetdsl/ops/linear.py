"""Matrix products with a learned matrix, and the convolution that runs over channels."""

from __future__ import annotations

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import flag, integer
from resnetdsl.ops.axes import needs_batch, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Fault, Inference, InitCall, Kind, Module, Op, Param, Types, Weight
from resnetdsl.ops.convolution import bias_param
from resnetdsl.ops.geometry import keywords
from resnetdsl.ops.initial import init_param, weight_init
from resnetdsl.ops.onnx import Onnx


class Linear(Op):
    name = "linear"
    doc = "A fully connected layer over the channels, which must be the last axis (`nn.Linear`)."
    params = (
        Param("out_features", Kind.INT, minimum=1, doc="How many channels come out."),
        bias_param(True),
        init_param("torch"),
    )
    wants_vector = True

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        out_features = integer(attrs, "out_features")
        if x.is_image:  # what is meant is plain: a vector of that many features
            meant = TensorType((out_features,), "c", x.stride)
            return Inference((meant,), (Fault("E0307", {"shape": str(x)}),))
        if not x.axes.endswith("c"):
            return Inference(None, (wrong_layout(self.name, "c last", x),))
        out = TensorType((*x.shape[:-1], out_features), x.axes, x.stride)
        return Inference((out,), needs_batch(self.name, x))

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        out_features = integer(attrs, "out_features")
        weight = Weight("weight", (out_features, inputs[0].shape[-1]))
        return (weight, Weight("bias", (out_features,))) if flag(attrs, "bias") else (weight,)

    def macs(self, attrs: Attrs, inputs: Types, outputs: Types) -> int:
        return inputs[0].numel * integer(attrs, "out_features")

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        ends = (inputs[0].shape[-1], integer(attrs, "out_features"))
        return Module("nn.Linear", ends, keywords(("bias", flag(attrs, "bias"), True)))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        weight = g.weight("weight")
        bias = (g.weight("bias"),) if flag(attrs, "bias") else ()
        if len(inputs[0].axes) == 1:
            return g("Gemm", g.x, weight, *bias, transB=1)
        product = g("MatMul", g.x, g("Transpose", weight, perm=(1, 0)))
        return g("Add", product, *bias) if bias else product

    def initialise(self, attrs: Attrs) -> tuple[InitCall, ...]:
        return weight_init(attrs)


class ChannelConv1d(Op):
    name = "channel_conv1d"
    doc = (
        "A 1-d convolution along the channels of a Cx1x1 image or a vector: each channel sees its `kernel` neighbours"
        " (efficient channel attention, Wang et al., 2020)."
    )
    params = (
        Param("kernel", Kind.INT, minimum=1, doc="How many neighbouring channels it sees; odd."),
        bias_param(False),
        init_param("torch"),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if x.axes != "c" and not (x.is_image and x.shape[1:] == (1, 1)):
            return Inference(None, (wrong_layout(self.name, "c, or chw of size Cx1x1", x),))
        kernel = integer(attrs, "kernel")
        faults = () if kernel % 2 else (Fault("E0308", {"kernel": str(kernel)}, "kernel"),)
        return Inference(inputs, needs_batch(self.name, x) + faults)

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        weight = Weight("weight", (1, 1, integer(attrs, "kernel")))
        return (weight, Weight("bias", (1,))) if flag(attrs, "bias") else (weight,)

    def macs(self, attrs: Attrs, inputs: Types, outputs: Types) -> int:
        return inputs[0].shape[0] * integer(attrs, "kernel")

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        more = keywords(("bias", flag(attrs, "bias"), False))
        return Module("ChannelConv1d", (integer(attrs, "kernel"),), more, "channel_conv1d")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        (x,) = inputs
        kernel, channels = integer(attrs, "kernel"), x.shape[0]
        bias = (g.weight("bias"),) if flag(attrs, "bias") else ()
        row = g.reshape(g.x, 0, 1, channels)
        sides = (kernel // 2, kernel // 2)
        row = g("Conv", row, g.weight("weight"), *bias, kernel_shape=(kernel,), pads=sides)
        return g.reshape(row, 0, *x.shape)

    def initialise(self, attrs: Attrs) -> tuple[InitCall, ...]:
        return weight_init(attrs)


OPS = (Linear(), ChannelConv1d())
