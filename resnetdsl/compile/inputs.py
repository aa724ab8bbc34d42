"""Which inputs an artifact takes: a size or a range of sizes for each dimension, the batch first. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resnetdsl.compile.options import Batch
from resnetdsl.ir.graph import Graph

_AXIS_NAMES = {"c": "channels", "h": "height", "w": "width", "n": "tokens"}

VERIFY_ELEMENTS = 16 * 3 * 224 * 224
"""Sizes with more input elements than this are not verified by running them: a range may reach beyond any memory."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """The sizes `low, low + step, ..., high` of one axis; `high` is always one of them."""

    name: str
    low: int
    high: int
    step: int = 1

    @property
    def fixed(self) -> bool:
        return self.low == self.high

    def __contains__(self, size: object) -> bool:
        return isinstance(size, int) and self.low <= size <= self.high and (size - self.low) % self.step == 0

    @property
    def example(self) -> int:
        """A size from the middle. Never the lowest of a range: torch would take a size of 1 for a constant."""
        count = (self.high - self.low) // self.step
        return self.low + self.step * ((count + 1) // 2)

    def __str__(self) -> str:
        if self.fixed:
            return str(self.low)
        return f"{self.low}..{self.high}" + (f" step {self.step}" if self.step != 1 else "")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The one input of a network, its batch included."""

    dims: tuple[Dimension, ...]

    def __str__(self) -> str:
        return " x ".join(f"{dim.name} {dim}" for dim in self.dims)

    def problem(self, shape: Sequence[int]) -> str | None:
        """What is wrong with an input of this shape, in words, or None."""
        given = "x".join(map(str, shape)) or "a scalar"
        if len(shape) == len(self.dims) - 1 and all(n in dim for n, dim in zip(shape, self.dims[1:], strict=True)):
            return f"{given} lacks the batch dimension: use x.unsqueeze(0)"
        if len(shape) != len(self.dims):
            return f"{given} has {len(shape)} dimensions, not {len(self.dims)}"
        for size, dim in zip(shape, self.dims, strict=True):
            if size not in dim:
                return f"{given} has {dim.name} {size}, not {dim}"
        return None

    @property
    def example(self) -> tuple[int, ...]:
        """The shape that the network is traced with."""
        return tuple(dim.example for dim in self.dims)

    def to_verify(self) -> list[tuple[int, ...]]:
        """The smallest and the largest shape and one between, as far as they are small enough to be run."""
        lowest = tuple(dim.low for dim in self.dims)
        shapes = [lowest]
        for wanted in (self.example, tuple(dim.high for dim in self.dims)):
            shape = self._shrunk(wanted)
            if shape not in shapes:
                shapes.append(shape)
        return shapes

    def _shrunk(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The nearest shape below this one that is small enough to be run: the batch gives way first."""
        found = list(shape)
        for i, dim in enumerate(self.dims):
            if found[i] > dim.low and _product(found) > VERIFY_ELEMENTS:
                rest = _product(found) // found[i]
                fitting = max(VERIFY_ELEMENTS // rest, dim.low)
                found[i] = dim.low + (min(fitting, found[i] - 1) - dim.low) // dim.step * dim.step
        return tuple(found)


def input_spec(graph: Graph, batch: Batch) -> InputSpec:
    """The inputs of a network for these batch sizes; dimensions that the spec gives as ranges stay free."""
    type = graph.node(0).outputs[0]
    dims = [Dimension("batch", batch.low, batch.high)]
    for place, (axis, size, sizes) in enumerate(zip(type.axes, type.shape, graph.input_ranges, strict=False)):
        name = _AXIS_NAMES.get(axis, f"axis{place + 1}")
        match sizes:
            case None:
                dims.append(Dimension(name, size, size))
            case (low, high, step):
                reached = low + (high - low) // step * step
                dims.append(Dimension(name, low, reached, step if reached > low else 1))
    return InputSpec(tuple(dims))


def _product(sizes: Sequence[int]) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product
