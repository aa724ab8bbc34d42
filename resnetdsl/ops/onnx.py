"""How ONNX does an op, as data: nodes and constants by name. onnx itself is never imported here.

Operators and their attributes are ONNX's, of the version `OPSET`. Batch and, where the op allows, height and width are
never written as constants: one model serves every size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

OPSET = 20
"""The version of ONNX's operators: the first with `Gelu`, and old enough for every runtime of the last years."""

TO_THE_END = 2**63 - 1
ONNX_FLOAT = 1
"""float32, as `Cast` has it."""

Attribute = int | float | str | tuple[int, ...]


class NotInOnnxError(Exception):
    """Why an op cannot be written as ONNX operators, in words."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator of ONNX. An operand that is left out is an empty name."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: tuple[tuple[str, Attribute], ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """Numbers that the op itself knows: all of them floats, or all whole. Without a shape, a single number."""

    name: str
    values: tuple[int, ...] | tuple[float, ...]
    shape: tuple[int, ...]
    whole: bool


@dataclass(slots=True)
class Onnx:
    """Writes one node of a graph. Calling it records an operator of ONNX and gives the name of its result.

    `path` is the node's, where its weights are; `stem` begins the names of what it makes; `operands` are the names of
    its operands. `resizable` says that heights and widths are not known.
    """

    path: str
    stem: str
    operands: tuple[str, ...]
    resizable: bool = False
    steps: list[Step] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)

    @property
    def x(self) -> str:
        """The first operand."""
        return self.operands[0]

    def __call__(self, kind: str, *inputs: str, **attrs: Attribute) -> str:
        return self.several(kind, 1, *inputs, **attrs)[0]

    def several(self, kind: str, count: int, *inputs: str, **attrs: Attribute) -> tuple[str, ...]:
        """An operator with so many results."""
        name = f"{self.stem}/{kind}_{len(self.steps)}"
        outputs = (name,) if count == 1 else tuple(f"{name}_{at}" for at in range(count))
        self.steps.append(Step(kind, inputs, outputs, tuple(attrs.items())))
        return outputs

    def weight(self, name: str) -> str:
        """A leaf of the checkpoint."""
        return f"{self.path}.{name}".removesuffix(".")

    def ints(self, *values: int) -> str:
        """A vector of whole numbers: axes, sizes, indices."""
        return self._constant(values, (len(values),), True)

    def number(self, value: float) -> str:
        """A single float."""
        return self._constant((float(value),), (), False)

    def floats(self, values: Sequence[float], shape: tuple[int, ...] | None = None) -> str:
        """Floats in a shape, a vector unless said otherwise."""
        return self._constant(tuple(map(float, values)), (len(values),) if shape is None else shape, False)

    def _constant(self, values: tuple[int, ...] | tuple[float, ...], shape: tuple[int, ...], whole: bool) -> str:
        name = f"{self.stem}/constant_{len(self.constants)}"
        self.constants.append(Constant(name, values, shape, whole))
        return name

    # --- what several ops need ---

    def reshape(self, x: str, *sizes: int) -> str:
        """0 keeps the operand's size at that place, -1 is what is left."""
        return self("Reshape", x, self.ints(*sizes))

    def insert(self, x: str, axes: Iterable[int]) -> str:
        """New axes of size 1, counted in the result."""
        places = tuple(axes)
        return self("Unsqueeze", x, self.ints(*places)) if places else x

    def shape(self, x: str, start: int = 0, end: int | None = None) -> str:
        """The sizes of the axes from `start` up to `end`."""
        return self("Shape", x, start=start) if end is None else self("Shape", x, start=start, end=end)

    def shuffle(self, x: str, groups: int, each: int) -> str:
        """An image's channels, in groups of so many each, taken from the groups in turn.

        A `Gather` of the channels would do. OpenVINO 2026.4 folds one into the weights of the convolution behind it, in
        the order of the permutation where its inverse is needed.
        """
        turned = self("Transpose", self.reshape(x, 0, groups, each, -1), perm=(0, 2, 1, 3))
        return self("Reshape", turned, self.shape(x))

    def repeat(self, weight: str, rank: int, like: str) -> str:
        """A weight of that rank with the batch of another tensor before it."""
        shape = self("Concat", self.shape(like, 0, 1), self.shape(weight), axis=0) if rank else self.shape(like, 0, 1)
        return self("Expand", weight, shape)
