"""The tresnet family is timm's: names, weights, counts, outputs."""

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

COUNTED = ("tresnet_m", "tresnet_xl", "tresnet_v2_l")
COMPUTED = ("tresnet_m", "tresnet_v2_l")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("tresnet")


@pytest.mark.parametrize(
    "name", [n if n in COUNTED else pytest.param(n, marks=pytest.mark.slow) for n in rows("tresnet")]
)
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("tresnet", name)


@pytest.mark.parametrize("name", names("tresnet", COMPUTED))
def test_outputs(name: str) -> None:
    assert_same_outputs("tresnet", name, (3, 64, 64), (3, 68, 100))


@pytest.mark.slow
def test_gradients() -> None:
    assert_same_gradients("tresnet", "tresnet_m", (3, 64, 64))
