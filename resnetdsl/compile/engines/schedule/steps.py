"""What a network is run as: steps, each one call of a kernel. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.ir.graph import Source

Scalar = int | float
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Act:
    """An activation as oneDNN's post-operations have it."""

    name: str
    scalars: tuple[Scalar, ...] = ()
    algorithm: str = ""


@dataclass(frozen=True, slots=True)
class Conv:
    """act(convolution + second operand). `pad` is what stands around the image beyond `padding`, in torch's order.

    With `adds`, the second operand is added; `in_place`, the result takes its memory.
    """

    path: str
    bias: bool
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
    pad: tuple[int, ...] = ()
    act: Act | None = None
    adds: bool = False
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Linear:
    """act(x W + b + second operand, where there is one). `pixels`: a convolution of 1x1, of an image.

    `small`: so few operations that setting up a oneDNN primitive takes longer than they do.
    """

    path: str
    bias: bool
    pixels: bool = False
    small: bool = False
    act: Act | None = None
    adds: bool = False
    stride: Pair = (1, 1)
    """Of pixels: every so many are taken."""


@dataclass(frozen=True, slots=True)
class Affine:
    """A factor and a shift for each channel of an image; the second and third operand."""


@dataclass(frozen=True, slots=True)
class Clamp:
    """Bounds for each channel of an image; the second and third operand. `in_place`, it takes the image's memory."""

    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Unary:
    """A function of one tensor, element by element, by torch's name; `in_place`, it takes the operand's memory."""

    target: str
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Plain:
    """A node as it is."""


What = Conv | Linear | Affine | Clamp | Unary | Plain


@dataclass(frozen=True, slots=True)
class Step:
    """`nodes` are those that it computes, the last of which gives its outputs."""

    what: What
    nodes: tuple[int, ...]
    inputs: tuple[Source, ...]

    @property
    def node(self) -> int:
        return self.nodes[-1]
