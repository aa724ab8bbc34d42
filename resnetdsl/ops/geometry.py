"""The arithmetic of windows that slide over an image: sizes, paddings and strides, exactly as torch has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal, cast

from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import Rate, TensorType
from resnetdsl.ops.attrs import text
from resnetdsl.ops.base import Attrs, Fault
from resnetdsl.ops.onnx import Attribute, Onnx

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]
"""Top, bottom, left, right."""

NO_PADS: Pads = (0, 0, 0, 0)
AXES = ("height", "width")
ONNX_PAD_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
PAD_WORDS = ("same", "valid", "half")
"""`same` as in TensorFlow: as much as makes the output ceil(size / stride), the odd one below and to the right."""


def pair(attrs: Attrs, name: str) -> Pair:
    return cast(Pair, attrs[name])


def compact(value: Pair) -> Value:
    """`3` for (3, 3), as people write it."""
    return value[0] if value[0] == value[1] else value


def per_axis(pads: Pads) -> tuple[Pair, Pair]:
    """(top, bottom) and (left, right)."""
    return (pads[0], pads[1]), (pads[2], pads[3])


def symmetric(pads: Pads) -> Pair | None:
    """Padding as torch's modules take it, or None where the two sides differ."""
    top, bottom, left, right = pads
    return (top, left) if top == bottom and left == right else None


def in_torch_order(pads: Pads) -> Pads:
    """As `F.pad` takes them: the last axis first."""
    top, bottom, left, right = pads
    return left, right, top, bottom


def in_onnx_order(pads: Pads) -> Pads:
    """As ONNX's windows take them: where each axis begins, then where it ends."""
    top, bottom, left, right = pads
    return top, left, bottom, right


def for_onnx_pad(pads: Pads) -> tuple[int, ...]:
    """As ONNX's `Pad` takes them for an image with its batch."""
    top, bottom, left, right = pads
    return 0, 0, top, left, 0, 0, bottom, right


def same_pads(sizes: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Pads:
    """What `same` comes to for an image of these sizes; nothing where windows with gaps between them reach the end."""
    totals = [max(dilation[i] * (kernel[i] - 1) - (sizes[i] - 1) % stride[i], 0) for i in (0, 1)]
    (top, bottom), (left, right) = ((total // 2, total - total // 2) for total in totals)
    return top, bottom, left, right


def onnx_pads(
    g: Onnx, x: TensorType, pads: Pads | Literal["same"], kernel: Pair, stride: Pair, dilation: Pair, fill: float = 0.0
) -> tuple[str, dict[str, Attribute]]:
    """The operand of a window that slides, and how its padding is said.

    `SAME_UPPER` is `same` at every size. Runtimes refuse it for dilated windows and for windows with gaps between
    them; those are padded before.
    """
    if pads == "same" and not g.resizable:
        pads = same_pads((x.shape[1], x.shape[2]), kernel, stride, dilation)
    if pads != "same":
        return g.x, {"pads": in_onnx_order(pads)}
    if dilation == (1, 1) and kernel[0] >= stride[0] and kernel[1] >= stride[1]:
        return g.x, {"auto_pad": "SAME_UPPER"}
    reach = g.ints(*(dilation[i] * (kernel[i] - 1) for i in (0, 1)))
    over = g("Mod", g("Sub", g.shape(g.x, 2), g.ints(1)), g.ints(*stride))
    total = g("Max", g("Sub", reach, over), g.ints(0))
    before = g("Div", total, g.ints(2))
    amounts = g("Concat", g.ints(0, 0), before, g.ints(0, 0), g("Sub", total, before), axis=0)
    return g("Pad", g.x, amounts, g.number(fill)), {"pads": NO_PADS}


def extent(kernel: Pair, dilation: Pair) -> Pair:
    """From the first to the last pixel that a kernel reads."""
    return (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1


def resolve_pads(pad: Value, kernel: Pair, stride: Pair, dilation: Pair) -> Pads | Literal["same"]:
    """The padding in numbers. It stays a word only where it depends on the size of the input."""
    reach = (dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1))
    match pad:
        case "valid":
            return NO_PADS
        case None | "half":
            return reach[0] // 2, reach[0] // 2, reach[1] // 2, reach[1] // 2
        case "same":
            # A kernel of one pixel never reaches beyond the image, whatever its stride.
            if any(step > 1 and kernel[i] > 1 for i, step in enumerate(stride)):
                return "same"
            top, left = reach[0] // 2, reach[1] // 2
            return top, reach[0] - top, left, reach[1] - left
        case _:
            return cast(Pads, pad)


def dilated_pad(attrs: Mapping[str, Value], stride: Pair, keep: Pair, by: Pair) -> Value:
    """The padding of a window whose input has pixels that lie `by` apart, and of whose stride `keep` stays.

    Without its stride a window keeps the size of the image, which needs half of what it spans on each side; where that
    is no whole number of pixels, `same` has the odd one below and to the right.
    """
    pad = attrs["pad"]
    kernel, dilation = pair(attrs, "kernel"), cast(Pair, attrs.get("dilation", (1, 1)))
    pads = resolve_pads(pad, kernel, stride, dilation)
    if pads == "same" or pad in {None, "half"}:
        return pad
    reach = [dilation[i] * (kernel[i] - 1) for i in (0, 1)]
    centred = all(2 * side == reach[i] for i, sides in enumerate(per_axis(pads)) for side in sides)
    if keep != stride and not centred:
        return "same"
    top, bottom, left, right = pads
    return pad if pad == "valid" else (top * by[0], bottom * by[0], left * by[1], right * by[1])


def vanished(sizes: Sequence[int]) -> str:
    """The axes of which nothing is left, in words."""
    return " and ".join(axis for axis, size in zip(AXES, sizes, strict=True) if size < 1)


def window_size(size: int, extent: int, stride: int, pads: Pair, ceil: bool = False) -> int:
    """How many windows fit along an axis; zero or less where none does."""
    spare = size + sum(pads) - extent
    count = (spare + (stride - 1 if ceil else 0)) // stride + 1
    # The last window must start inside the image or the padding before it: torch drops one that starts after it.
    if ceil and (count - 1) * stride >= size + pads[0]:
        count -= 1
    return count


def output_size(
    x: TensorType, pads: Pads | Literal["same"], reach: Pair, stride: Pair, ceil: bool = False
) -> tuple[Pair, tuple[Fault, ...]]:
    """Height and width after a sliding window of that extent; a fault where none fits."""
    sizes = (x.shape[1], x.shape[2])
    if pads == "same":
        return (-(-sizes[0] // stride[0]), -(-sizes[1] // stride[1])), ()
    sides = per_axis(pads)
    counts = [window_size(sizes[i], reach[i], stride[i], sides[i], ceil) for i in (0, 1)]
    if min(counts) > 0:
        return (counts[0], counts[1]), ()
    padded = (sizes[0] + sum(sides[0]), sizes[1] + sum(sides[1]))
    fault = Fault("E0304", {"kernel": reach, "size": padded, "axis": vanished(counts)}, "kernel")
    return (counts[0], counts[1]), (fault,)


def adaptive_windows(of: int, to: int) -> list[Pair]:
    """Beginnings and ends of the windows that make `to` out of `of`: torch's, which may overlap."""
    return [(at * of // to, -(-(at + 1) * of // to)) for at in range(to)]


def adaptive_means(of: int, to: int) -> tuple[list[float], Pair]:
    """The matrix that takes these windows' means, and its shape."""
    rows = [
        [1 / (end - first) if first <= at < end else 0.0 for at in range(of)] for first, end in adaptive_windows(of, to)
    ]
    return [share for row in rows for share in row], (to, of)


def even_kernel(attrs: Attrs, kernel: Pair, dilation: Pair) -> tuple[Fault, ...]:
    """Half a kernel on each side is no whole number of pixels if the kernel spans an even number of them."""
    if attrs["pad"] not in {None, "half"} or all(span % 2 for span in extent(kernel, dilation)):
        return ()
    param = "kernel" if attrs["pad"] is None else "pad"
    return (Fault("E0308", {"kernel": f"{kernel[0]}x{kernel[1]}"}, param),)


def pad_mode_faults(x: TensorType, pads: Pads, mode: str, param: str = "pad") -> tuple[Fault, ...]:
    """A border can be mirrored or wrapped around only as far as there is image."""
    why = {"reflect": "a reflection has one pixel less than the image", "circular": "it would wrap around twice"}
    if mode not in why:
        return ()
    for i, sides in enumerate(per_axis(pads)):
        limit = x.shape[1 + i] - (1 if mode == "reflect" else 0)
        if max(sides) > limit:
            return (Fault("E0309", {"pad": max(sides), "limit": limit, "why": f"{why[mode]} ({AXES[i]})"}, param),)
    return ()


def rate(value: Rate) -> Rate:
    """Whole where it is whole."""
    return int(value) if value == int(value) else value


def slower(stride: tuple[Rate, Rate], by: tuple[Rate, Rate]) -> tuple[Rate, Rate]:
    """The stride after a layer with stride `by`."""
    return rate(stride[0] * by[0]), rate(stride[1] * by[1])


def resized(x: TensorType, height: int, width: int) -> tuple[Rate, Rate]:
    """The stride after a change to a given size."""
    return slower(x.stride, (Fraction(x.shape[1], height), Fraction(x.shape[2], width)))


def keywords(*items: tuple[str, Value, Value]) -> tuple[tuple[str, Value], ...]:
    """(name, value, torch's default): the keyword arguments that differ from their defaults."""
    return tuple((name, value) for name, value, default in items if value != default)


def pad_mode(attrs: Attrs, pads: Pads | Literal["same"]) -> str:
    """The mode, which is plain where nothing is padded."""
    return "zeros" if pads == NO_PADS else text(attrs, "pad_mode")
