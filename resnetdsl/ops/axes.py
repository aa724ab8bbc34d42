"""What the ops say about axes: their letters, their words and their places in torch."""

from __future__ import annotations

from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Fault

AXIS_WORDS = {"c": "channels", "h": "height", "w": "width", "n": "tokens"}
LAYOUTS = {0: "", 1: "c", 2: "nc", 3: "chw", 4: "?chw"}
"""What the axes of a shape are where nobody says: by the number of dimensions."""


def layout_of(rank: int) -> str:
    """The axes of a shape that was given as plain numbers: a vector, tokens, an image, a stack of images."""
    return LAYOUTS[rank] if rank in LAYOUTS else "?" * (rank - 3) + "chw"


def word(axes: str, place: int) -> str:
    """The name of a dimension in a message: `height`, or `dimension 1` where the axis has no meaning."""
    return AXIS_WORDS.get(axes[place], f"dimension {place + 1}")


def letter(text: str) -> str:
    """`channels` and `c` both mean `c`; what is neither stays as it is and is found to be no axis."""
    return next((short for short, long in AXIS_WORDS.items() if long == text), text)


def dim(of: TensorType, place: int) -> int:
    """torch's number for a dimension of the shape: one more than its place, for the batch comes first."""
    return place + 1 if of.batched else place


def swapped(rank: int, one: int, other: int) -> tuple[int, ...]:
    """The dimensions with two of them in each other's place."""
    order = list(range(rank))
    order[one], order[other] = order[other], order[one]
    return tuple(order)


def no_such_axis(of: TensorType, axis: str, param: str | None) -> Fault:
    return Fault("E0315", {"axis": axis, "axes": of.axes}, param)


def wrong_layout(op: str, wanted: str, got: TensorType) -> Fault:
    return Fault("E0306", {"op": op, "wanted": wanted, "got": got.axes or "a single number"})


def bad_combination(reason: str, param: str | None = None) -> Fault:
    return Fault("E0317", {"reason": reason}, param)


def needs_batch(op: str, of: TensorType) -> tuple[Fault, ...]:
    """For ops whose torch module counts dimensions from the batch: a free weight has none."""
    return () if of.batched else (bad_combination(f"`{op}` works on tensors with a batch, and this is a weight"),)


def any_batched(types: tuple[TensorType, ...]) -> bool:
    return any(each.batched for each in types)
