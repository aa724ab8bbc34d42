"""The res2net family is timm's: names, weights, counts, outputs."""

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

COUNTED = ("res2net50_26w_4s", "res2next50", "res2net50d")
COMPUTED = ("res2net50_48w_2s", "res2next50")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("res2net")


@pytest.mark.parametrize(
    "name", [n if n in COUNTED else pytest.param(n, marks=pytest.mark.slow) for n in rows("res2net")]
)
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("res2net", name)


@pytest.mark.parametrize("name", names("res2net", COMPUTED))
def test_outputs(name: str) -> None:
    assert_same_outputs("res2net", name, (3, 64, 64), (3, 65, 97))


@pytest.mark.slow
def test_gradients() -> None:
    assert_same_gradients("res2net", "res2net50_48w_2s", (3, 64, 64))
