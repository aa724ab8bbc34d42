"""Generated specs, and those that were written to break things: lowered, they compute what their modules compute."""

from __future__ import annotations

import pytest

import resnetdsl
from resnetdsl.compile.lower.pipeline import lower
from tests.compile.lowering import distance
from tests.soundness.generator import generate
from tests.soundness.test_red_team import _CASES, _spec

LARGEST = 2**22
"""Elements of the largest tensor of a graph that is worth running."""


def agrees(text: str) -> bool:
    """Whether the text is a network, which then must agree."""
    try:
        net = resnetdsl.load(f"{text}\n").network()
    except resnetdsl.SpecError:
        return False
    if max(type.numel for node in net.checked.nodes() for type in node.outputs) > LARGEST:
        return False
    assert distance(net, lower(net.checked)) < 1e-8
    return True


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_generated_specs(start: int) -> None:
    assert sum(agrees(generate(seed)) for seed in range(start, start + 100)) > 20


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 9000, 500))
def test_many_generated_specs(start: int) -> None:
    assert sum(agrees(generate(seed)) for seed in range(start, start + 500)) > 100


@pytest.mark.parametrize("text", [pytest.param(_spec(case[2]), id=case[0]) for case in _CASES if case[1] == "holds"])
def test_specs_written_to_break_things(text: str) -> None:
    agrees(text)
