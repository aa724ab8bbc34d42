"""The cspnet family is timm's: names, weights, counts, outputs."""

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

COUNTED = ("cspresnext50", "cspdarknet53", "cs3darknet_focus_s", "sedarknet21", "darknetaa53", "cs3sedarknet_xdw")
COMPUTED = ("cs3darknet_focus_s", "cs3sedarknet_xdw")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("cspnet")


@pytest.mark.parametrize(
    "name", [n if n in COUNTED else pytest.param(n, marks=pytest.mark.slow) for n in rows("cspnet")]
)
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("cspnet", name)


@pytest.mark.parametrize("name", names("cspnet", COMPUTED))
def test_outputs(name: str) -> None:
    assert_same_outputs("cspnet", name, (3, 64, 64), (3, 65, 97))


@pytest.mark.slow
def test_gradients() -> None:
    assert_same_gradients("cspnet", "cs3darknet_s", (3, 64, 64))
