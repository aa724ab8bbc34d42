"""The regnet family is timm's: names, weights, counts, outputs."""

from __future__ import annotations

import pytest

from tests.corpus.proving import (
    assert_all_are_here_and_documented,
    assert_same_gradients,
    assert_same_outputs,
    assert_same_state_and_counts,
    names,
    rows,
)
from tests.networks.comparing import graph

QUICK = ("regnetx_002", "regnety_040_sgn", "regnetz_005")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("regnet")


@pytest.mark.parametrize("name", rows("regnet"))
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("regnet", name)


@pytest.mark.parametrize("name", names("regnet", QUICK))
def test_outputs(name: str) -> None:
    assert_same_outputs("regnet", name, (3, 64, 64), (3, 65, 97))


def test_gradients() -> None:
    assert_same_gradients("regnet", "regnety_002", (3, 64, 64))


def test_widths_come_from_the_line_of_the_paper() -> None:
    """Figure 16 prints the widths of RegNetX-3.2GF: 96, 192, 432, 1008."""
    convolutions = [n for n in graph("regnet", "regnetx_032").nodes() if n.path.endswith("b1.conv3.conv")]
    assert [n.outputs[0].shape[0] for n in convolutions] == [96, 192, 432, 1008]
