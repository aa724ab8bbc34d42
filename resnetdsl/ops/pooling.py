"""Pooling: over windows, over the whole plane, to a given size, and blurred."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import Rate, TensorType
from resnetdsl.ops.attrs import flag, integer, text
from resnetdsl.ops.axes import bad_combination, needs_batch, wrong_layout
from resnetdsl.ops.base import Attrs, Call, Fault, Inference, Kind, Module, Op, Param, Types, Window
from resnetdsl.ops.convolution import DILATION, KERNEL
from resnetdsl.ops.geometry import (
    NO_PADS,
    PAD_WORDS,
    Pads,
    Pair,
    adaptive_means,
    adaptive_windows,
    compact,
    dilated_pad,
    even_kernel,
    extent,
    for_onnx_pad,
    in_onnx_order,
    keywords,
    onnx_pads,
    output_size,
    pad_mode_faults,
    pair,
    resolve_pads,
    slower,
    symmetric,
)
from resnetdsl.ops.onnx import Attribute, NotInOnnxError, Onnx

_STRIDE = Param(
    "stride", Kind.SIZE, None, minimum=1, doc="How far the window moves; as large as the kernel if not given."
)
_PAD = Param(
    "pad",
    Kind.PADDING,
    NO_PADS,
    minimum=0,
    choices=PAD_WORDS,
    doc="Pixels around the image, at most half of the kernel: a number, `height, width`, `half`, `valid` or `same`.",
)
_CEIL = Param("ceil", Kind.BOOL, False, doc="Whether windows that hang over the lower and right border count too.")


class Pool(Op):
    """What pooling over windows has in common."""

    def stride(self, attrs: Attrs) -> Pair:
        return pair(attrs, "kernel") if attrs["stride"] is None else pair(attrs, "stride")

    def strides(self, attrs: Attrs) -> Pair:
        return self.stride(attrs)

    def dilated(self, attrs: Attrs, keep: Pair, by: Pair) -> Attrs:
        return {**attrs, "stride": keep, "pad": dilated_pad(attrs, self.stride(attrs), keep, by)}

    def dilation(self, attrs: Attrs) -> Pair:
        return (1, 1)

    def pads(self, attrs: Attrs) -> Pads | Literal["same"]:
        """In numbers where torch's own module can do it."""
        kernel = pair(attrs, "kernel")
        pads = resolve_pads(attrs["pad"], kernel, self.stride(attrs), self.dilation(attrs))
        if attrs["pad"] == "same" and pads != "same":
            sides = symmetric(pads)
            return pads if sides is not None and self.fits(sides, kernel) else "same"
        return pads

    @staticmethod
    def fits(sides: Pair, kernel: Pair) -> bool:
        return all(side <= size // 2 for side, size in zip(sides, kernel, strict=True))

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        kernel, dilation, stride, pads = (
            pair(attrs, "kernel"),
            self.dilation(attrs),
            self.stride(attrs),
            self.pads(attrs),
        )
        faults = needs_batch(self.name, x) + even_kernel(attrs, kernel, dilation)
        if pads != "same" and not faults:
            faults = self.padding_faults(pads, kernel)
        (height, width), misfits = output_size(x, pads, extent(kernel, dilation), stride, flag(attrs, "ceil"))
        if misfits:
            return Inference(None, faults + misfits)
        return Inference((TensorType.image(x.shape[0], height, width, slower(x.stride, stride)),), faults)

    def padding_faults(self, pads: Pads, kernel: Pair) -> tuple[Fault, ...]:
        sides = symmetric(pads)
        if sides is None:
            return (bad_combination("pooling pads both sides alike; put `pad(...)` in front of it", "pad"),)
        why = "a window must not lie in the padding alone: half of the kernel is the most"
        if self.fits(sides, kernel):
            return ()
        limit = (kernel[0] // 2, kernel[1] // 2)
        return (Fault("E0309", {"pad": compact(sides), "limit": compact(limit), "why": why}, "pad"),)

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        return Window(pair(attrs, "kernel"), self.stride(attrs), self.dilation(attrs))

    def module(self, attrs: Attrs, target: str, more: tuple[tuple[str, Value], ...], helper: str) -> Module:
        """torch's module, or its `same` variant where the padding depends on the size of the input."""
        kernel, stride, pads = compact(pair(attrs, "kernel")), compact(self.stride(attrs)), self.pads(attrs)
        same = pads == "same"
        padding = 0 if pads == "same" else compact(symmetric(pads) or (0, 0))
        # "same" makes the output ceil(size / stride) already: nothing is left for `ceil` to do.
        ceil = flag(attrs, "ceil") and not same
        words = keywords(("stride", stride, kernel), ("padding", padding, 0), ("ceil_mode", ceil, False))
        arguments = (("kernel_size", kernel), *words, *more)
        return Module(f"{target}Same", (), arguments, helper) if same else Module(f"nn.{target}", (), arguments)

    def onnx_pool(self, attrs: Attrs, inputs: Types, g: Onnx, kind: str, fill: float, **more: Attribute) -> str:
        """The operator of that kind with this window; `fill` is what padding counts as."""
        kernel, stride, pads = pair(attrs, "kernel"), self.stride(attrs), self.pads(attrs)
        x, padding = onnx_pads(g, inputs[0], pads, kernel, stride, self.dilation(attrs), fill)
        ceil = False
        if flag(attrs, "ceil") and pads != "same":  # which makes the output ceil(size / stride) already
            ceil = g.resizable
            padding = {"pads": in_onnx_order(pads if ceil else self.hanging_over(attrs, inputs[0], pads))}
        return g(kind, x, kernel_shape=kernel, strides=stride, ceil_mode=int(ceil), **padding, **more)

    def hanging_over(self, attrs: Attrs, x: TensorType, pads: Pads) -> Pads:
        """The padding with which windows that hang over the border lie within it, for an image of this size.

        With `ceil_mode` OpenVINO 2026.4 has windows that begin in the padding, and torch and ONNX have not.
        """
        reach, stride = extent(pair(attrs, "kernel"), self.dilation(attrs)), self.stride(attrs)
        counts, _ = output_size(x, pads, reach, stride, ceil=True)
        top, bottom, left, right = pads
        ends = [(counts[i] - 1) * stride[i] + reach[i] - x.shape[i + 1] - (top, left)[i] for i in (0, 1)]
        return top, max(bottom, ends[0]), left, max(right, ends[1])


class MaxPool(Pool):
    name = "max_pool"
    doc = "The largest element of each window (`nn.MaxPool2d`). Padding never wins: it counts as minus infinity."
    params = (KERNEL, _STRIDE, _PAD, DILATION, _CEIL)

    def dilation(self, attrs: Attrs) -> Pair:
        return pair(attrs, "dilation")

    def dilated(self, attrs: Attrs, keep: Pair, by: Pair) -> Attrs:
        dilation, kernel = self.dilation(attrs), pair(attrs, "kernel")
        changed = {**super().dilated(attrs, keep, by), "dilation": (dilation[0] * by[0], dilation[1] * by[1])}
        pads = resolve_pads(changed["pad"], kernel, keep, pair(changed, "dilation"))
        sides = None if pads == "same" else symmetric(pads)
        if keep == (1, 1) and sides is not None and not self.fits(sides, kernel):
            changed["pad"] = "same"  # as much on each side, which torch's own module refuses
        return changed

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        more = keywords(("dilation", compact(pair(attrs, "dilation")), 1))
        return self.module(attrs, "MaxPool2d", more, "max_pool2d_same")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return self.onnx_pool(attrs, inputs, g, "MaxPool", -math.inf, dilations=self.dilation(attrs))


class AvgPool(Pool):
    name = "avg_pool"
    doc = "The mean of each window (`nn.AvgPool2d`)."
    params = (
        KERNEL,
        _STRIDE,
        _PAD,
        _CEIL,
        Param(
            "count_pad",
            Kind.BOOL,
            None,
            doc="Whether padding counts as zeros; if not given it does, but not with `same`, as in TensorFlow.",
        ),
        Param(
            "unstrided",
            Kind.CHOICE,
            "drop",
            choices=("drop", "keep"),
            doc=(
                "What is left of it where a network's `output_stride` takes its stride: nothing, or with `keep` means"
                " over the same windows, zeros behind the border counted, as in timm's projections."
            ),
        ),
    )

    def dilated(self, attrs: Attrs, keep: Pair, by: Pair) -> Attrs:
        """Windows are not spread out: torch has no dilation for means, and timm makes none."""
        if keep == self.stride(attrs):
            return attrs
        if attrs["unstrided"] == "keep":
            return {**attrs, "stride": keep, "pad": "same", "count_pad": True}
        return {**attrs, "kernel": keep, "stride": keep, "pad": NO_PADS, "ceil": False}

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        matters = self.pads(attrs) != NO_PADS or flag(attrs, "ceil")
        more = keywords(("count_include_pad", self.counts_pad(attrs) or not matters, True))
        return self.module(attrs, "AvgPool2d", more, "avg_pool2d_same")

    @staticmethod
    def counts_pad(attrs: Attrs) -> bool:
        return attrs["pad"] != "same" if attrs["count_pad"] is None else flag(attrs, "count_pad")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        pads = self.pads(attrs)
        count = self.counts_pad(attrs) and pads != NO_PADS
        gaps = any(step > size for step, size in zip(self.stride(attrs), pair(attrs, "kernel"), strict=True))
        if g.resizable and gaps and not count and pads == "same":
            raise NotInOnnxError("`same` padding of windows with gaps between them needs an image of one size")
        if count and flag(attrs, "ceil") and pads != "same" and not g.resizable:
            return self._counted(attrs, inputs[0], pads, g)
        return self.onnx_pool(attrs, inputs, g, "AveragePool", 0.0, count_include_pad=int(count))

    def _counted(self, attrs: Attrs, x: TensorType, pads: Pads, g: Onnx) -> str:
        """Means that count the padding, and not what hangs over it: runtimes do not agree on that, so it is padded
        before.
        """
        over = self.hanging_over(attrs, x, pads)
        rest = in_onnx_order((0, over[1] - pads[1], 0, over[3] - pads[3]))
        padded = g("Pad", g.x, g.ints(*for_onnx_pad(pads)), g.number(0.0))
        return g("AveragePool", padded, kernel_shape=pair(attrs, "kernel"), strides=self.stride(attrs), pads=rest)


class PlanePool(Op):
    """What pooling to a fixed size has in common; the module's name is all that differs."""

    module: str

    def size(self, attrs: Attrs) -> Pair:
        return (1, 1)

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        height, width = self.size(attrs)
        # A single value belongs to the whole plane, so it keeps the plane's stride.
        by: tuple[Rate, Rate] = (1, 1)
        if (height, width) != (1, 1):
            by = (Fraction(x.shape[1], height), Fraction(x.shape[2], width))
        out = TensorType.image(x.shape[0], height, width, slower(x.stride, by))
        return Inference((out,), needs_batch(self.name, x))

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        size, (_, height, width) = self.size(attrs), inputs[0].shape
        if size == (1, 1):
            return Window(None)
        # torch's windows run from floor(i * in / out) to ceil((i + 1) * in / out): one more where they do not divide.
        sizes = tuple(zip((height, width), size, strict=True))
        kernel = tuple(min(of, -(-of // to) + (1 if of % to else 0)) for of, to in sizes)
        stride = tuple(max(1, of // to) for of, to in sizes)
        return Window((kernel[0], kernel[1]), (stride[0], stride[1]))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        return Module(self.module, (compact(self.size(attrs)),))


class GlobalAvgPool(PlanePool):
    name = "global_avg_pool"
    doc = "The mean of each channel's plane: Cx1x1 (`nn.AdaptiveAvgPool2d(1)`)."
    module = "nn.AdaptiveAvgPool2d"

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return g("GlobalAveragePool", g.x)


class GlobalMaxPool(PlanePool):
    name = "global_max_pool"
    doc = "The largest element of each channel's plane: Cx1x1 (`nn.AdaptiveMaxPool2d(1)`)."
    module = "nn.AdaptiveMaxPool2d"

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        return g("GlobalMaxPool", g.x)


def _plane(size: Pair, x: TensorType, g: Onnx) -> tuple[Pair, Pair]:
    """(height, new height) and (width, new width). ONNX has no operator that finds windows for sizes it is not told."""
    if g.resizable:
        raise NotInOnnxError("its windows depend on the size of the image, which must then be one size")
    return (x.shape[1], size[0]), (x.shape[2], size[1])


_SIZE = Param("size", Kind.SIZE, minimum=1, doc="Height and width of the output.")


class AdaptiveAvgPool(PlanePool):
    name = "adaptive_avg_pool"
    doc = "Means over windows that are as large as the output's size asks (`nn.AdaptiveAvgPool2d`)."
    module = "nn.AdaptiveAvgPool2d"
    params = (_SIZE,)

    def size(self, attrs: Attrs) -> Pair:
        return pair(attrs, "size")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        """Two matrix products, one over the rows and one over the columns: means of windows of unequal sizes."""
        down, across = (adaptive_means(of, to) for of, to in _plane(self.size(attrs), inputs[0], g))
        rows = g("MatMul", g.floats(*down), g.x)
        return g("MatMul", rows, g("Transpose", g.floats(*across), perm=(1, 0)))


class AdaptiveMaxPool(PlanePool):
    name = "adaptive_max_pool"
    doc = "Largest elements of windows that are as large as the output's size asks (`nn.AdaptiveMaxPool2d`)."
    module = "nn.AdaptiveMaxPool2d"
    params = (_SIZE,)

    def size(self, attrs: Attrs) -> Pair:
        return pair(attrs, "size")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        x = g.x
        for axis, (of, to) in zip((2, 3), _plane(self.size(attrs), inputs[0], g), strict=True):
            cuts = [
                g("Slice", x, g.ints(first), g.ints(end), g.ints(axis), g.ints(1))
                for first, end in adaptive_windows(of, to)
            ]
            x = g("Concat", *(g("ReduceMax", cut, g.ints(axis), keepdims=1) for cut in cuts), axis=axis)
        return x


class BlurPool(Op):
    name = "blur_pool"
    doc = (
        "Blurs with a binomial filter and then subsamples, so that little shifts change little (Zhang, 2019). The"
        " filter is a constant and no weight; the padding is (stride - 1 + kernel - 1) // 2 on each side, as in timm."
    )
    params = (
        Param("kernel", Kind.INT, 3, minimum=2, doc="Height and width of the filter."),
        Param("stride", Kind.INT, 2, minimum=1, doc="How far the filter moves."),
        Param("pad_mode", Kind.CHOICE, "reflect", choices=("reflect", "zeros"), doc="What the padding holds."),
    )

    def infer(self, attrs: Attrs, inputs: Types) -> Inference:
        x = inputs[0]
        if not x.is_image:
            return Inference(None, (wrong_layout(self.name, "chw", x),))
        kernel, stride = integer(attrs, "kernel"), integer(attrs, "stride")
        side = (stride - 1 + kernel - 1) // 2
        pads = (side, side, side, side)
        (height, width), misfits = output_size(x, pads, (kernel, kernel), (stride, stride))
        faults = needs_batch(self.name, x) + pad_mode_faults(x, pads, text(attrs, "pad_mode"), "kernel")
        if misfits:
            return Inference(None, faults + misfits)
        return Inference((TensorType.image(x.shape[0], height, width, slower(x.stride, (stride, stride))),), faults)

    def strides(self, attrs: Attrs) -> Pair:
        return (integer(attrs, "stride"), integer(attrs, "stride"))

    def dilated(self, attrs: Attrs, keep: Pair, by: Pair) -> Attrs:
        return {**attrs, "stride": min(keep)}

    def macs(self, attrs: Attrs, inputs: Types, outputs: Types) -> int:
        return outputs[0].numel * integer(attrs, "kernel") ** 2

    def window(self, attrs: Attrs, inputs: Types) -> Window:
        kernel, stride = integer(attrs, "kernel"), integer(attrs, "stride")
        return Window((kernel, kernel), (stride, stride))

    def call(self, attrs: Attrs, inputs: Types) -> Call:
        more = keywords(
            ("kernel_size", integer(attrs, "kernel"), 3),
            ("stride", integer(attrs, "stride"), 2),
            ("padding_mode", text(attrs, "pad_mode"), "reflect"),
        )
        return Module("BlurPool2d", (inputs[0].shape[0],), more, "blur_pool2d")

    def onnx(self, attrs: Attrs, inputs: Types, g: Onnx) -> str:
        kernel, stride, channels = integer(attrs, "kernel"), integer(attrs, "stride"), inputs[0].shape[0]
        side = (stride - 1 + kernel - 1) // 2
        x = g.x
        if text(attrs, "pad_mode") == "reflect":
            x, pads = g("Pad", x, g.ints(*for_onnx_pad((side,) * 4)), mode="reflect"), NO_PADS
        else:
            pads = (side,) * 4
        row = [math.comb(kernel - 1, at) / 2 ** (kernel - 1) for at in range(kernel)]
        plane = [down * across for down in row for across in row]
        weight = g.floats(plane * channels, (channels, 1, kernel, kernel))
        size, step = (kernel, kernel), (stride, stride)
        return g("Conv", x, weight, kernel_shape=size, strides=step, pads=pads, group=channels)


OPS = (
    MaxPool(),
    AvgPool(),
    GlobalAvgPool(),
    GlobalMaxPool(),
    AdaptiveAvgPool(),
    AdaptiveMaxPool(),
    BlurPool(),
)
