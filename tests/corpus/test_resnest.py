"""The resnest family is timm's: names, weights, counts, outputs."""

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

COUNTED = ("resnest14d", "resnest50d_4s2x40d", "resnest101e")
COMPUTED = ("resnest14d", "resnest50d_1s4x24d")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("resnest")


@pytest.mark.parametrize(
    "name", [n if n in COUNTED else pytest.param(n, marks=pytest.mark.slow) for n in rows("resnest")]
)
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("resnest", name)


@pytest.mark.parametrize("name", names("resnest", COMPUTED))
def test_outputs(name: str) -> None:
    assert_same_outputs("resnest", name, (3, 64, 64), (3, 65, 97))


@pytest.mark.slow
def test_gradients() -> None:
    assert_same_gradients("resnest", "resnest14d", (3, 64, 64))
