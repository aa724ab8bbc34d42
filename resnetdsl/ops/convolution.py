"""Convolutions over images."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Literal

from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import flag, integer, text
from resnetdsl.ops.axes import bad_combination, needs_batch, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Fault, Inference, InitCall, Kind, Module, Op, Param, Types, Weight, Window
from resnetdsl.ops.geometry import (
    NO_PADS,
    ONNX_PAD_MODES,
    PAD_WORDS,
    Pads,
    Pair,
    compact,
    dilated_pad,
    even_kernel,
    extent,
    for_onnx_pad,
    in_torch_order,
    keywords,
    onnx_pads,
    output_size,
    pad_mode,
    pad_mode_faults,
    pair,
    resolve_pads,
    slower,
    symmetric,
    vanished,
)
from resnetdsl.ops.initial import init_param, weight_init
from resnetdsl.ops.onnx import Attribute, NotInOnnxError, Onnx

OUT_CHANNELS = Param("out_channels", Kind.INT, minimum=1, doc="How many channels come out.")
KERNEL = Param("kernel", Kind.SIZE, minimum=1, doc="Height and width of the kernel: `3` and `3x3` are the same.")
STRIDE = Param("stride", Kind.SIZE, (1, 1), minimum=1, doc="How many pixels the kernel moves at a time.")
PAD = Param(
    "pad",
    Kind.PADDING,
    None,
    minimum=0,
    choices=PAD_WORDS,
    doc=(
        "Pixels around the image: a number, `height, width`, `top, bottom, left, right`, `half` (half of the kernel on"
        " each side, the default, for odd kernels only), `valid` (none) or `same` (as TensorFlow: the output is"
        " ceil(size / stride), and the odd pixel goes below and to the right)."
    ),
)
DILATION = Param("dilation", Kind.SIZE, (1, 1), minimum=1, doc="The distance between the pixels that the kernel reads.")
GROUPS = Param(
    "groups", Kind.INT, 1, minimum=1, doc="Into how many independent groups of channels it falls; divides both counts."
)
PAD_MODE = Param(
    "pad_mode",
    Kind.CHOICE,
    "zeros",
    choices=("zeros", "reflect", "replicate", "circular"),
    doc="What the padding holds.",
)


def bias_param(default: bool) -> Param:
    return Param("bias", Kind.BOOL, default, doc="Whether a learned number is added to each output channel.")


def group_faults(channels: int, out_channels: int, groups: int) -> tuple[Fault, ...]:
    """Both counts must fall into equal groups; one message will do where neither does."""
    for which, count in (("input", channels), ("output", out_channels)):
        if count % groups:
            return (Fault("E0303", {"channels": count, "groups": groups, "which": which}, "groups"),)
    return ()


_TOO_LARGE = 16
"""A kernel of this size is more likely a count of channels."""


class Convolution(Op):
    """What plain and standardised convolutions share: everything but the module and how weights start."""

    def pads(self, attrs: Attrs) -> Pads | Literal["same"]:
        return resolve_pads(attrs["pad"], pair(attrs, "kernel"), pair(attrs, "stride"), pair(attrs, "dilation"))

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        kernel, stride, dilation = pair(attrs, "kernel"), pair(attrs, "stride"), pair(attrs, "dilation")
        out_channels = integer(attrs, "out_channels")
        (height, width), misfits = output_size(x, self.pads(attrs), extent(kernel, dilation), stride)
        faults = (
            *needs_batch(self.name, x),
            *group_faults(x.shape[0], out_channels, integer(attrs, "groups")),
            *even_kernel(attrs, kernel, dilation),
            *self.padding_faults(attrs, x),
        )
        if out_channels == x.shape[0] and min(kernel) >= _TOO_LARGE:  # `conv(3, 64, 3)`: torch's order
            hint = (
                f"the channels that come in are not written: `{self.name}({kernel[0]}, ...)` gives {kernel[0]} channels"
            )
            faults = tuple(replace(fault, data={**fault.data, "hint": hint}) for fault in faults)
            misfits = tuple(replace(fault, data={**fault.data, "hint": hint}) for fault in misfits)
        if misfits:
            return Inference(None, faults + misfits)
        return Inference((TensorType.image(out_channels, height, width, slower(x.stride, stride)),), faults)

    def strides(self, attrs: Attrs) -> Pair:
        return pair(attrs, "stride")

    def dilated(self, attrs: Attrs, keep: Pair, by: Pair) -> Attrs:
        stride, dilation, kernel = pair(attrs, "stride"), pair(attrs, "dilation"), pair(attrs, "kernel")
        # One pixel has no distance to another.
        wider = tuple(dilation[i] * by[i] if kernel[i] > 1 else dilation[i] for i in (0, 1))
        return {**attrs, "stride": keep, "dilation": wider, "pad": dilated_pad(attrs, stride, keep, by)}

    def padding_faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        """Paddings that this convolution cannot have."""
        return ()

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        out_channels = integer(attrs, "out_channels")
        weight = Weight(
            "weight", (out_channels, inputs[0].shape[0] // integer(attrs, "groups"), *pair(attrs, "kernel"))
        )
        return (weight, Weight("bias", (out_channels,))) if flag(attrs, "bias") else (weight,)

    def macs(self, attrs: Attrs, inputs: Types, outputs: Types) -> int:
        height, width = pair(attrs, "kernel")
        return outputs[0].numel * (inputs[0].shape[0] // integer(attrs, "groups")) * height * width

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        return Window(pair(attrs, "kernel"), pair(attrs, "stride"), pair(attrs, "dilation"))

    def initialise(self, attrs: Attrs) -> tuple[InitCall, ...]:
        return weight_init(attrs)

    def keywords(self, attrs: Attrs, padding: Value, bias: bool = True) -> tuple[tuple[str, Value], ...]:
        """The arguments that all of the modules take; `bias` is the module's default."""
        return (
            ("kernel_size", compact(pair(attrs, "kernel"))),
            *keywords(
                ("stride", compact(pair(attrs, "stride")), 1),
                ("padding", padding, 0),
                ("dilation", compact(pair(attrs, "dilation")), 1),
                ("groups", integer(attrs, "groups"), 1),
                ("bias", flag(attrs, "bias"), bias),
            ),
        )

    def onnx_conv(self, attrs: Attrs, inputs: Types, g: Onnx, weight: str) -> str:
        """The convolution with this weight. Padding in a mode of its own comes before it."""
        kernel, stride, dilation = pair(attrs, "kernel"), pair(attrs, "stride"), pair(attrs, "dilation")
        pads = self.pads(attrs)
        mode = text(attrs, "pad_mode") if "pad_mode" in attrs else "zeros"
        padding: dict[str, Attribute]
        if mode == "zeros" or pads == "same" or pads == NO_PADS:  # noqa: PLR1714 - mypy does not see through `in`
            x, padding = onnx_pads(g, inputs[0], pads, kernel, stride, dilation)
        else:
            x, padding = g("Pad", g.x, g.ints(*for_onnx_pad(pads)), mode=ONNX_PAD_MODES[mode]), {}
        bias = (g.weight("bias"),) if flag(attrs, "bias") else ()
        groups = integer(attrs, "groups")
        return g(
            "Conv", x, weight, *bias, kernel_shape=kernel, strides=stride, dilations=dilation, group=groups, **padding
        )


class Conv(Convolution):
    name = "conv"
    doc = (
        "Convolution over an image (`nn.Conv2d`), `half` padding where nothing else is said, so a stride of one keeps"
        " the size. Without bias, since a norm mostly follows. Weights start as He et al. (2015) have them."
    )
    params = (
        OUT_CHANNELS,
        KERNEL,
        STRIDE,
        PAD,
        DILATION,
        GROUPS,
        bias_param(False),
        PAD_MODE,
        init_param("he_fan_out"),
    )

    def padding_faults(self, attrs: Attrs, x: TensorType) -> tuple[Fault, ...]:
        pads = self.pads(attrs)
        mode = pad_mode(attrs, pads)
        if pads == "same":
            reason = f'`pad = "same"` with a stride pads with zeros, not in the mode `{mode}`'
            return () if mode == "zeros" else (bad_combination(reason, "pad_mode"),)
        return pad_mode_faults(x, pads, mode)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        ends = (inputs[0].shape[0], integer(attrs, "out_channels"))
        pads = self.pads(attrs)
        if pads == "same":
            return Module("Conv2dSame", ends, self.keywords(attrs, 0), "conv2d_same")
        mode = keywords(("padding_mode", pad_mode(attrs, pads), "zeros"))
        sides = symmetric(pads)
        if sides is not None:
            return Module("nn.Conv2d", ends, self.keywords(attrs, compact(sides)) + mode)
        pad = (("pad", in_torch_order(pads)),)
        return Module("PaddedConv2d", ends, self.keywords(attrs, 0) + mode + pad, "padded_conv2d")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return self.onnx_conv(attrs, inputs, g, g.weight("weight"))


class ConvTranspose(Op):
    name = "conv_transpose"
    doc = (
        "Transposed convolution (`nn.ConvTranspose2d`): makes an image `stride` times as large. The output's size is"
        " (size - 1) * stride - 2 * pad + dilation * (kernel - 1) + output_pad + 1."
    )
    params = (
        OUT_CHANNELS,
        KERNEL,
        Param("stride", Kind.SIZE, (1, 1), minimum=1, doc="How many output pixels lie between two input pixels."),
        Param("pad", Kind.SIZE, (0, 0), minimum=0, doc="How many pixels are cut off on each side of the output."),
        Param("output_pad", Kind.SIZE, (0, 0), minimum=0, doc="Rows and columns that come on top, below and right."),
        DILATION,
        GROUPS,
        bias_param(True),
        init_param("torch"),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        stride, dilation, more = pair(attrs, "stride"), pair(attrs, "dilation"), pair(attrs, "output_pad")
        out_channels = integer(attrs, "out_channels")
        faults = [*needs_batch(self.name, x), *group_faults(x.shape[0], out_channels, integer(attrs, "groups"))]
        if any(more[i] >= max(stride[i], dilation[i]) for i in (0, 1)):
            faults.append(bad_combination("`output_pad` must be less than the stride or the dilation", "output_pad"))
        height, width = self.sizes(attrs, x)
        if height < 1 or width < 1:
            data = {"axis": vanished((height, width)), "shape": (out_channels, height, width)}
            return Inference(None, (*faults, Fault("E0305", data, "pad")))
        faster = slower(x.stride, (Fraction(1, stride[0]), Fraction(1, stride[1])))
        return Inference((TensorType.image(out_channels, height, width, faster),), tuple(faults))

    def sizes(self, attrs: Attrs, x: TensorType) -> Pair:
        stride, pad, more = pair(attrs, "stride"), pair(attrs, "pad"), pair(attrs, "output_pad")
        reach = extent(pair(attrs, "kernel"), pair(attrs, "dilation"))
        height, width = ((x.shape[1 + i] - 1) * stride[i] - 2 * pad[i] + reach[i] + more[i] for i in (0, 1))
        return height, width

    def weights(self, attrs: Attrs, inputs: Types) -> tuple[Weight, ...]:
        out_channels = integer(attrs, "out_channels")
        shape = (inputs[0].shape[0], out_channels // integer(attrs, "groups"), *pair(attrs, "kernel"))
        return (Weight("weight", shape), *((Weight("bias", (out_channels,)),) if flag(attrs, "bias") else ()))

    def macs(self, attrs: Attrs, inputs: Types, outputs: Types) -> int:
        height, width = pair(attrs, "kernel")
        per_pixel = integer(attrs, "out_channels") // integer(attrs, "groups") * height * width
        return inputs[0].numel * per_pixel

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        # Of a kernel's pixels only every stride-th meets one of the input.
        reach, stride = extent(pair(attrs, "kernel"), pair(attrs, "dilation")), pair(attrs, "stride")
        return Window((-(-reach[0] // stride[0]), -(-reach[1] // stride[1])))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        names = (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1))
        ours = ("stride", "pad", "output_pad", "dilation")
        sizes = keywords(*((name, compact(pair(attrs, our)), d) for (name, d), our in zip(names, ours, strict=True)))
        rest = keywords(("groups", integer(attrs, "groups"), 1), ("bias", flag(attrs, "bias"), True))
        kernel = (("kernel_size", compact(pair(attrs, "kernel"))),)
        ends = (inputs[0].shape[0], integer(attrs, "out_channels"))
        return Module("nn.ConvTranspose2d", ends, kernel + sizes + rest)

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        high, wide = pair(attrs, "pad")
        if any(more >= step for more, step in zip(pair(attrs, "output_pad"), pair(attrs, "stride"), strict=True)):
            raise NotInOnnxError("its `output_pad` must be less than the stride")
        return g(
            "ConvTranspose",
            g.x,
            g.weight("weight"),
            *((g.weight("bias"),) if flag(attrs, "bias") else ()),
            kernel_shape=pair(attrs, "kernel"),
            strides=pair(attrs, "stride"),
            pads=(high, wide, high, wide),
            output_padding=pair(attrs, "output_pad"),
            dilations=pair(attrs, "dilation"),
            group=integer(attrs, "groups"),
        )

    def initialise(self, attrs: Attrs) -> tuple[InitCall, ...]:
        return weight_init(attrs)


OPS = (Conv(), ConvTranspose())
