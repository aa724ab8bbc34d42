"""Larger and smaller images: interpolation, and channels traded for pixels."""

from __future__ import annotations

import math
from fractions import Fraction

from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.attrs import flag, integer, number, text
from resnetdsl.ops.axes import bad_combination, needs_batch, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Expression, Fault, Inference, Kind, Module, Op, Param, Types, Window
from resnetdsl.ops.geometry import AXES, Pair, keywords, pair, resized, slower, vanished
from resnetdsl.ops.onnx import Attribute, NotInOnnxError, Onnx

_MODE = Param(
    "mode",
    Kind.CHOICE,
    "nearest",
    choices=("nearest", "nearest-exact", "bilinear", "bicubic"),
    doc="How a pixel is made from its neighbours.",
)
_ALIGN = Param(
    "align_corners",
    Kind.BOOL,
    False,
    doc="Whether the centres of the corner pixels stay where they are; for `bilinear` and `bicubic`.",
)
_SUPPORT = {"nearest": 1, "nearest-exact": 1, "bilinear": 2, "bicubic": 4}


def _corner_faults(attrs: Attrs) -> tuple[Fault, ...]:
    mode = text(attrs, "mode")
    if not flag(attrs, "align_corners") or _SUPPORT[mode] > 1:
        return ()
    return (bad_combination(f"`align_corners` means nothing in the mode `{mode}`", "align_corners"),)


def _support(attrs: Attrs) -> Window:
    size = _SUPPORT[text(attrs, "mode")]
    return Window((size, size))


def _onnx_mode(attrs: Attrs) -> dict[str, Attribute]:
    """torch's ways to interpolate, in ONNX's words."""
    corners = "align_corners" if flag(attrs, "align_corners") else "half_pixel"
    match text(attrs, "mode"):
        case "nearest":
            return {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        case "nearest-exact":
            words: dict[str, Attribute] = {"coordinate_transformation_mode": "half_pixel"}
            return words | {"mode": "nearest", "nearest_mode": "round_prefer_ceil"}
        case "bilinear":
            return {"mode": "linear", "coordinate_transformation_mode": corners}
        case _:
            return {"mode": "cubic", "coordinate_transformation_mode": corners, "cubic_coeff_a": -0.75}


class Upsample(Op):
    name = "upsample"
    doc = "An image of another size, by a factor or to a size (`nn.Upsample`). A factor rounds down."
    params = (
        Param("scale", Kind.FLOAT, None, minimum=0, maximum=1024, doc="By how much height and width grow."),
        Param("size", Kind.SIZE, None, minimum=1, doc="Height and width of the output; the spec then has one size."),
        _MODE,
        _ALIGN,
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        faults = needs_batch(self.name, x) + _corner_faults(attrs)
        if (attrs["scale"] is None) == (attrs["size"] is None):
            return Inference(None, (*faults, bad_combination("`upsample` takes either `scale` or `size`")))
        height, width = self.size(attrs, x)
        if height < 1 or width < 1:
            data = {"axis": vanished((height, width)), "shape": (x.shape[0], height, width)}
            return Inference(None, (*faults, Fault("E0305", data, "scale")))
        if attrs["scale"] is None:
            stride = resized(x, height, width)
        else:
            by = 1 / Fraction(repr(number(attrs, "scale")))  # exactly what was written
            stride = slower(x.stride, (by, by))
        return Inference((TensorType.image(x.shape[0], height, width, stride),), faults)

    def size(self, attrs: Attrs, x: TensorType) -> Pair:
        if attrs["scale"] is None:
            return pair(attrs, "size")
        scale = number(attrs, "scale")
        return math.floor(x.shape[1] * scale), math.floor(x.shape[2] * scale)  # floats, as torch computes it

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        return _support(attrs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        target: tuple[tuple[str, Value], ...]
        if attrs["scale"] is None:
            target = (("size", pair(attrs, "size")),)
        else:
            scale = number(attrs, "scale")
            target = (("scale_factor", int(scale) if scale.is_integer() else scale),)
        # torch warns where `align_corners` is given for a mode that has none.
        corners = keywords(("align_corners", flag(attrs, "align_corners"), False))
        return Module("nn.Upsample", (), (*target, ("mode", text(attrs, "mode")), *corners))

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        if attrs["scale"] is not None:
            scales = g.floats((1.0, 1.0, *self._onnx_scales(attrs, inputs[0], g)))
            return g("Resize", g.x, "", scales, **_onnx_mode(attrs))
        sizes = g("Concat", g.shape(g.x, 0, 2), g.ints(*pair(attrs, "size")), axis=0)
        return g("Resize", g.x, "", "", sizes, **_onnx_mode(attrs))

    @staticmethod
    def _onnx_scales(attrs: Attrs, x: TensorType, g: Onnx) -> tuple[float, ...]:
        """For height and width. Where a bilinear result is as large as its operand, torch copies it."""
        scale = number(attrs, "scale")
        if scale.is_integer():
            return scale, scale
        if _SUPPORT[text(attrs, "mode")] == 1:
            raise NotInOnnxError("which pixel is nearest is rounded as each runtime likes if `scale` is not whole")
        if g.resizable:
            raise NotInOnnxError("a `scale` that is not whole needs an image of one size")
        copies = text(attrs, "mode") == "bilinear"
        return tuple(1.0 if copies and math.floor(size * scale) == size else scale for size in x.shape[1:])


class ResizeTo(Op):
    name = "resize_to"
    doc = "The first operand at the height and width of the second (`F.interpolate`): `resize_to(a, b)`."
    params = (_MODE, _ALIGN)
    arity = 2

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x, like = inputs
        strangers = tuple(wrong_layout(self.name, "chw", each) for each in inputs if not each.is_image)
        if strangers:
            return Inference(None, strangers)
        faults = needs_batch(self.name, x) + _corner_faults(attrs)
        return Inference((TensorType.image(x.shape[0], like.shape[1], like.shape[2], like.stride),), faults)

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        return _support(attrs)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        mode = text(attrs, "mode")
        corners = ", align_corners=True" if flag(attrs, "align_corners") else ""
        return Expression(f'F.interpolate({{0}}, size={{1}}.shape[-2:], mode="{mode}"{corners})')

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        sizes = g("Concat", g.shape(g.x, 0, 2), g.shape(g.operands[1], 2), axis=0)
        return g("Resize", g.x, "", "", sizes, **_onnx_mode(attrs))


_ORDER = Param(
    "order",
    Kind.CHOICE,
    "channels_first",
    choices=("channels_first", "block_first"),
    doc=(
        "Which counts slowest in the many channels: the few channels (torch's order), or the place in the block"
        " (TensorFlow's and TResNet's order)."
    ),
)


class PixelShuffle(Op):
    name = "pixel_shuffle"
    doc = "Turns channels into pixels: C x H x W becomes C / factor^2 x H * factor x W * factor (`nn.PixelShuffle`)."
    params = (Param("factor", Kind.INT, minimum=1, doc="By how much height and width grow."), _ORDER)

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        factor = integer(attrs, "factor")
        channels, height, width = x.shape
        faults = needs_batch(self.name, x)
        if channels % factor**2:
            faults += (Fault("E0316", {"what": "the channels", "value": channels, "by": factor**2}, "factor"),)
        if channels < factor**2:
            return Inference(None, faults)
        stride = slower(x.stride, (Fraction(1, factor), Fraction(1, factor)))
        return Inference((TensorType.image(channels // factor**2, height * factor, width * factor, stride),), faults)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        factor = integer(attrs, "factor")
        if text(attrs, "order") == "channels_first":
            return Module("nn.PixelShuffle", (factor,))
        blocks = f"{{0}}.unflatten(1, ({factor}, {factor}, -1))"
        return Expression(f"{blocks}.permute(0, 3, 4, 1, 5, 2).flatten(4, 5).flatten(2, 3)")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        mode = "CRD" if text(attrs, "order") == "channels_first" else "DCR"
        return g("DepthToSpace", g.x, blocksize=integer(attrs, "factor"), mode=mode)


class SpaceToDepth(Op):
    name = "space_to_depth"
    doc = "Turns each block of pixels into channels: C x H x W becomes C * block^2 x H / block x W / block."
    params = (Param("block", Kind.INT, minimum=1, doc="Height and width of a block."), _ORDER)

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        block = integer(attrs, "block")
        faults = needs_batch(self.name, x)
        for axis, size in zip(AXES, x.shape[1:], strict=True):
            if size % block and not faults:
                faults = (Fault("E0316", {"what": f"the {axis}", "value": size, "by": block}, "block"),)
        channels, height, width = x.shape[0] * block**2, x.shape[1] // block, x.shape[2] // block
        if height < 1 or width < 1:
            return Inference(None, faults)
        return Inference((TensorType.image(channels, height, width, slower(x.stride, (block, block))),), faults)

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        block = integer(attrs, "block")
        return Window((block, block), (block, block))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        block = integer(attrs, "block")
        if text(attrs, "order") == "channels_first":
            return Module("nn.PixelUnshuffle", (block,))
        blocks = f"{{0}}.unflatten(3, (-1, {block})).unflatten(2, (-1, {block}))"
        return Expression(f"{blocks}.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        block, channels = integer(attrs, "block"), inputs[0].shape[0]
        many = g("SpaceToDepth", g.x, blocksize=block)
        if text(attrs, "order") == "block_first":
            return many
        return g.shuffle(many, block**2, channels)


class ChannelShuffle(Op):
    name = "channel_shuffle"
    doc = "Deals the channels of each group out over all groups (Zhang et al., 2018, ShuffleNet)."
    params = (Param("groups", Kind.INT, minimum=1, doc="Into how many groups the channels fall now."),)

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.axes.startswith("c"):
            return Inference(None, (wrong_layout(self.name, "c first", x),))
        groups = integer(attrs, "groups")
        faults = needs_batch(self.name, x)
        if x.shape[0] % groups:
            faults += (Fault("E0303", {"channels": x.shape[0], "groups": groups, "which": "input"}, "groups"),)
        return Inference(inputs, faults)

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Expression(f"{{0}}.unflatten(1, ({integer(attrs, 'groups')}, -1)).transpose(1, 2).flatten(1, 2)")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        groups = integer(attrs, "groups")
        return g.shuffle(g.x, groups, inputs[0].shape[0] // groups)


OPS = (Upsample(), ResizeTo(), PixelShuffle(), SpaceToDepth(), ChannelShuffle())
