"""What may be asked for, and which shapes that makes."""

from __future__ import annotations

import pytest

from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.inputs import VERIFY_ELEMENTS, Dimension, InputSpec, input_spec
from resnetdsl.compile.options import Batch
from resnetdsl.ir.graph import Graph, ScopeKind
from resnetdsl.ir.types import TensorType


@pytest.mark.parametrize(
    ("text", "batch"),
    [("8", Batch(8, 8)), ("1..32", Batch(1, 32)), (" 4..4 ", Batch(4, 4)), ("1048576", Batch(2**20, 2**20))],
)
def test_batches_as_the_command_line_has_them(text: str, batch: Batch) -> None:
    assert Batch.parse(text) == batch


@pytest.mark.parametrize("text", ["", "0", "-1", "8..4", "1..", "..8", "1...8", "a", "1048577", "9" * 400, "٣", "1.5"])
def test_nonsense_batches_are_refused(text: str) -> None:
    with pytest.raises(CompileError) as caught:
        Batch.parse(text)
    assert caught.value.problem is Problem.BAD_OPTION
    assert caught.value.help


def ranged(ranges: tuple[tuple[int, int, int] | None, ...]) -> Graph:
    """As much of a graph as its inputs are read from."""
    made = Graph("tiny", input_ranges=ranges)
    scope = made.add_scope(ScopeKind.NETWORK, "tiny", "")
    made.add("input", {}, (), (TensorType.image(3, 64, 64),), "input", scope.id)
    return made


def test_ranges_of_the_spec_and_the_batch_become_dimensions() -> None:
    graph = ranged((None, (64, 512, 32), (30, 100, 16)))
    spec = input_spec(graph, Batch(1, 8))
    assert spec.dims == (
        Dimension("batch", 1, 8),
        Dimension("channels", 3, 3),
        Dimension("height", 64, 512, 32),
        Dimension("width", 30, 94, 16),  # 100 is not reached
    )
    assert str(spec) == "batch 1..8 x channels 3 x height 64..512 step 32 x width 30..94 step 16"


def test_a_range_of_one_size_is_fixed() -> None:
    spec = input_spec(ranged((None, (64, 80, 32), None)), Batch(2, 2))
    assert all(dim.fixed for dim in spec.dims)


SPEC = InputSpec((Dimension("batch", 1, 8), Dimension("channels", 3, 3), Dimension("height", 64, 512, 32)))


@pytest.mark.parametrize("shape", [(1, 3, 64), (8, 3, 512), (5, 3, 96)])
def test_shapes_within_the_ranges_pass(shape: tuple[int, ...]) -> None:
    assert SPEC.problem(shape) is None


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 64), "unsqueeze"),
        ((1, 3, 64, 64), "4 dimensions"),
        ((), "a scalar"),
        ((0, 3, 64), "batch 0"),
        ((9, 3, 64), "batch 9"),
        ((1, 4, 64), "channels 4"),
        ((1, 3, 65), "height 65, not 64..512 step 32"),
        ((1, 3, 544), "height 544"),
    ],
)
def test_shapes_outside_are_named(shape: tuple[int, ...], words: str) -> None:
    problem = SPEC.problem(shape)
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize("high", [1, 2, 3, 16, 1024, 2**20])
@pytest.mark.parametrize("size", [(32, 32, 1), (32, 4096, 32), (7, 70000, 9)])
def test_what_is_traced_and_verified_is_served(high: int, size: tuple[int, int, int]) -> None:
    low, top, step = size
    top = low + (top - low) // step * step
    spec = InputSpec(
        (
            Dimension("batch", 1, high),
            Dimension("channels", 3, 3),
            Dimension("height", low, top, step),
            Dimension("width", low, top, step),
        )
    )
    shapes = [spec.example, *spec.to_verify()]
    assert [spec.problem(shape) for shape in shapes] == [None] * len(shapes)
    assert all(dim.fixed or size > dim.low for dim, size in zip(spec.dims, spec.example, strict=True))
    lowest = tuple(dim.low for dim in spec.dims)
    for shape in spec.to_verify():
        elements = shape[0] * shape[1] * shape[2] * shape[3]
        assert elements <= VERIFY_ELEMENTS or shape == lowest
    assert len(set(spec.to_verify())) == len(spec.to_verify())
