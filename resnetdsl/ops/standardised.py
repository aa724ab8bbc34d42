"""Convolutions that standardise their weights each time they are used, in place of a norm of the activations."""

from __future__ import annotations

from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import integer, number
from resnetdsl.ops.axes import bad_combination
from resnetdsl.ops.base import Attrs, Call, Fault, Kind, Module, Param, Types, Weight
from resnetdsl.ops.convolution import DILATION, GROUPS, KERNEL, OUT_CHANNELS, PAD, STRIDE, Convolution, bias_param
from resnetdsl.ops.geometry import compact, keywords, symmetric
from resnetdsl.ops.initial import init_param
from resnetdsl.ops.onnx import Onnx

_EPS = Param("eps", Kind.FLOAT, 1e-6, minimum=0, doc="What is added to the variance of the weights.")


class Standardised(Convolution):
    """What both have in common: torch's arguments, and a variant for padding that depends on the size."""

    target: str
    helper: str

    def padding_faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        pads = self.pads(attrs)
        if pads == "same" or attrs["pad"] == "same" or symmetric(pads) is not None:
            return ()
        reason = f"`{self.name}` pads both sides alike; put `pad(...)` in front of it"
        return (bad_combination(reason, "pad"),)

    def module(self, attrs: Attrs, inputs: Types, bias: bool, more: tuple[tuple[str, Value], ...]) -> Module:
        ends = (inputs[0].shape[0], integer(attrs, "out_channels"))
        pads = self.pads(attrs)
        sides = None if pads == "same" else symmetric(pads)
        if sides is None:
            return Module(f"{self.target}Same", ends, self.keywords(attrs, 0, bias) + more, f"{self.helper}_same")
        return Module(self.target, ends, self.keywords(attrs, compact(sides), bias) + more, self.helper)

    def onnx_weight(self, attrs: Attrs, g: Onnx) -> str:
        """The weight less its mean and over its deviation, for each output channel; a runtime computes it once."""
        weight, axes = g.weight("weight"), g.ints(1, 2, 3)
        centred = g("Sub", weight, g("ReduceMean", weight, axes, keepdims=1))
        variance = g("ReduceMean", g("Mul", centred, centred), axes, keepdims=1)
        return g("Div", centred, g("Sqrt", g("Add", variance, g.number(number(attrs, "eps")))))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return self.onnx_conv(attrs, inputs, g, self.onnx_weight(attrs, g))


class StdConv(Standardised):
    name = "std_conv"
    doc = (
        "Convolution whose weights have mean 0 and variance 1 for each output channel (Qiao et al., 2019; timm's"
        " `StdConv2d`). It usually stands before group norm."
    )
    params = (
        OUT_CHANNELS,
        KERNEL,
        STRIDE,
        PAD,
        DILATION,
        GROUPS,
        bias_param(False),
        _EPS,
        init_param("he_fan_out"),
    )
    target = "StdConv2d"
    helper = "std_conv2d"

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return self.module(attrs, inputs, False, keywords(("eps", number(attrs, "eps"), 1e-6)))


class ScaledStdConv(Standardised):
    name = "scaled_std_conv"
    doc = (
        "Convolution for networks without norms: its weights are standardised for each output channel, divided by the"
        " root of the fan-in and scaled by a learned `gain` and a constant `gamma` (Brock et al., 2021; timm's"
        " `ScaledStdConv2d`)."
    )
    params = (
        OUT_CHANNELS,
        KERNEL,
        STRIDE,
        PAD,
        DILATION,
        GROUPS,
        bias_param(True),
        Param("gamma", Kind.FLOAT, 1.0, doc="A constant factor, for the variance that the activation takes away."),
        _EPS,
        Param("gain", Kind.FLOAT, 1.0, doc="What the learned gain of each output channel starts as."),
        init_param("he_fan_out"),
    )
    target = "ScaledStdConv2d"
    helper = "scaled_std_conv2d"

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        return (*super().weights(attrs, inputs), Weight("gain", (integer(attrs, "out_channels"), 1, 1, 1)))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        more = keywords(
            ("gamma", number(attrs, "gamma"), 1.0),
            ("eps", number(attrs, "eps"), 1e-6),
            ("gain_init", number(attrs, "gain"), 1.0),
        )
        return self.module(attrs, inputs, True, more)

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        _, inside, height, width = self.weights(attrs, inputs)[0].shape
        scale = number(attrs, "gamma") * (inside * height * width) ** -0.5
        weight = g("Mul", self.onnx_weight(attrs, g), g("Mul", g.weight("gain"), g.number(scale)))
        return self.onnx_conv(attrs, inputs, g, weight)


OPS = (StdConv(), ScaledStdConv())
