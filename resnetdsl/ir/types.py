"""The type of a tensor: its shape without the batch, and what each axis means."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

Rate = int | Fraction
"""How many input pixels one step along an axis spans: 4 after two strided layers, 1/2 after upsampling."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """`shape` leaves out the batch, which is always free.

    `axes` names each dimension with a letter: `c` channels, `h` height, `w` width, `n` tokens, `?`
    anything else. Images are `chw`; `permute` may make `hwc`; `flatten` makes `c`.

    `stride` is the reduction of height and width since the network's input (`output_stride` in the
    detection literature). It says how two tensors of one network relate whatever the size of the
    input, so library shortcuts decide by it. It is not part of equality.

    `dilation` is the part of the stride that dilation stands for where a network is asked for a smaller output stride:
    the tensor is larger than its stride says by so much, while the spec is elaborated. In a finished graph it is 1
    and the stride is what it is.

    `batched` is False for a free weight and for what is computed from weights alone: no batch dimension stands
    before its shape, which the source of an op must know and nobody else. It is not part of equality.
    """

    shape: tuple[int, ...]
    axes: str
    stride: tuple[Rate, Rate] = field(default=(1, 1), compare=False)
    batched: bool = field(default=True, compare=False)
    dilation: tuple[int, int] = field(default=(1, 1), compare=False)

    @staticmethod
    def image(channels: int, height: int, width: int, stride: tuple[Rate, Rate] = (1, 1)) -> TensorType:
        return TensorType((channels, height, width), "chw", stride)

    @property
    def is_image(self) -> bool:
        return self.axes == "chw"

    def size(self, axis: str) -> int | None:
        """The length of the axis with this letter, or None where there is no such axis."""
        place = self.axes.find(axis)
        return None if place < 0 else self.shape[place]

    @property
    def numel(self) -> int:
        count = 1
        for dim in self.shape:
            count *= dim
        return count

    def __str__(self) -> str:
        return "x".join(map(str, self.shape)) or "scalar"
