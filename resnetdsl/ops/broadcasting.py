"""How two tensors of different shapes meet: torch's rule, helped by the meaning of the axes."""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.ir.types import Rate, TensorType
from resnetdsl.ops.axes import any_batched, word
from resnetdsl.ops.base import Fault


@dataclass(frozen=True, slots=True)
class Broadcast:
    """The result, the new axes that bring each operand into place, counted from the last, and what is wrong."""

    result: TensorType
    left_axes: tuple[int, ...] = ()
    right_axes: tuple[int, ...] = ()
    fault: Fault | None = None

    @property
    def left(self) -> str:
        """The left operand's subscripts; empty where none are needed."""
        return _subscripts(self.left_axes)

    @property
    def right(self) -> str:
        return _subscripts(self.right_axes)


def broadcast(op: str, left: TensorType, right: TensorType) -> Broadcast:
    """Dimensions are equal, or one of them is 1 and stretches.

    An operand of fewer dimensions stretches over those that it lacks, found by letter: a vector `c` meets the
    channels of an image `chw`, where torch alone would align it with the width.
    """
    small, large = (left, right) if len(left.axes) < len(right.axes) else (right, left)
    equal_rank = len(small.axes) == len(large.axes)
    places = list(range(len(large.axes))) if equal_rank else _places(small, large)
    if places is None:
        return Broadcast(left, fault=_layouts(op, left, right))
    shape, axes = list(large.shape), list(large.axes)
    for at, size, axis in zip(places, small.shape, small.axes, strict=True):
        stretches = 1 in {size, shape[at]}
        if axis != axes[at] and "?" not in {axis, axes[at]} and not stretches:
            return Broadcast(left, fault=_layouts(op, left, right))
        if size != shape[at] and not stretches:
            data = {"op": op, "left": str(left), "right": str(right), "axis": word(large.axes, at)}
            return Broadcast(left, fault=Fault("E0302", data))
        if axes[at] == "?" or (axis != "?" and shape[at] == 1 and size != 1):
            axes[at] = axis
        shape[at] = size if shape[at] == 1 else shape[at]
    result = TensorType(tuple(shape), "".join(axes), _stride(left, right, large), any_batched((left, right)))
    axes_in = () if equal_rank else _new_axes(small, large, places)
    return Broadcast(result, axes_in, ()) if small is left else Broadcast(result, (), axes_in)


def _places(small: TensorType, large: TensorType) -> list[int] | None:
    """Where each axis of the smaller stands in the larger, from the right; None if one of them is not there."""
    places: list[int] = []
    end = len(large.axes)
    for axis in reversed(small.axes):
        end = large.axes.rfind(axis, 0, end)
        if end < 0:
            return None
        places.append(end)
    return places[::-1]


def _new_axes(small: TensorType, large: TensorType, places: list[int]) -> tuple[int, ...]:
    """-2 and -1 for a vector against an image."""
    rank = len(large.axes)
    if not small.batched and places == list(range(rank - len(places), rank)):
        return ()  # Nothing stands before its shape, so torch's own alignment is right.
    return tuple(at - rank for at in range(rank) if at not in places)


def _subscripts(axes: tuple[int, ...]) -> str:
    """`[..., None, None]` for -2 and -1. The ellipsis takes what stands before them."""
    if not axes:
        return ""
    return f"[{', '.join(['...', *('None' if at in axes else ':' for at in range(axes[0], 0))])}]"


def _stride(left: TensorType, right: TensorType, otherwise: TensorType) -> tuple[Rate, Rate]:
    """That of the first operand that is an image of the batch, for a weight's means nothing."""
    return next((each.stride for each in (left, right) if each.is_image and each.batched), otherwise.stride)


def _layouts(op: str, left: TensorType, right: TensorType) -> Fault:
    return Fault("E0306", {"op": op, "wanted": left.axes or "a single number", "got": right.axes or "a single number"})
