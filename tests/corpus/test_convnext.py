"""The convnext family is timm's: names, weights, counts, outputs."""

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

QUICK = ("convnext_atto", "convnext_zepto_rms_ols", "convnextv2_atto", "test_convnext3")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("convnext")


@pytest.mark.parametrize("name", rows("convnext"))
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("convnext", name)


@pytest.mark.parametrize("name", names("convnext", QUICK))
def test_outputs(name: str) -> None:
    assert_same_outputs("convnext", name, (3, 64, 64), (3, 65, 97))


def test_gradients() -> None:
    assert_same_gradients("convnext", "convnextv2_atto", (3, 64, 64))
