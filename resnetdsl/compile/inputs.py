"""Which inputs an artifact takes: a size or a range of sizes for each dimension, the batch first. No torch here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resnetdsl.compile.options import Batch
from resnetdsl.ir.graph import Graph

_AXIS_NAMES = {"c": "channels", "h": "height", "w": "width", "n": "tokens"}

VERIFY_ELEMENTS = 16 * 3 * 224 * 224
"""Sizes with more input elements than this are not verified by running them: a range may reach beyond any memory."""

MOST_SHAPES = 4096
"""More shapes than this are not gone through one by one."""


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
    def middle(self) -> int:
        """A size from the middle; of two, the larger."""
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
        """The shape that the network is traced with. No free size is the lowest: torch would take 1 for a constant."""
        batch, *rest = self.dims
        second = batch.low + (0 if batch.fixed else batch.step)
        return (second, *(dim.middle for dim in rest))

    def to_verify(self) -> list[tuple[int, ...]]:
        """The smallest and the largest shape and one between, as far as they are small enough to be run."""
        lowest = tuple(dim.low for dim in self.dims)
        shapes = [lowest]
        for wanted in (tuple(dim.middle for dim in self.dims), tuple(dim.high for dim in self.dims)):
            shape = self._shrunk(wanted)
            if shape not in shapes:
                shapes.append(shape)
        return shapes

    def grid(self) -> Iterator[tuple[int, ...]]:
        """All shapes that are served if they are few, else the ends and middles of the dimensions with one another."""
        sizes: list[Sequence[int]] = [range(dim.low, dim.high + 1, dim.step) for dim in self.dims]
        if math.prod([len(some) for some in sizes]) > MOST_SHAPES:
            ends = [(dim.low, dim.low + dim.step, dim.middle, dim.high - dim.step, dim.high) for dim in self.dims]
            sizes = [sorted({n for n in some if n in dim}) for some, dim in zip(ends, self.dims, strict=True)]
        return itertools.product(*sizes)

    def _shrunk(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The nearest shape below this one that is small enough to be run: the batch gives way first."""
        found = list(shape)
        for i, dim in enumerate(self.dims):
            if found[i] > dim.low and math.prod(found) > VERIFY_ELEMENTS:
                rest = math.prod(found) // found[i]
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
