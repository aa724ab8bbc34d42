"""The densenet family is timm's: names, weights, counts, outputs."""

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

QUICK = ("densenet121", "densenetblur121d")


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("densenet")


@pytest.mark.parametrize("name", rows("densenet"))
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("densenet", name)


@pytest.mark.parametrize("name", names("densenet", QUICK))
def test_outputs(name: str) -> None:
    assert_same_outputs("densenet", name, (3, 64, 64), (3, 65, 97))


def test_gradients() -> None:
    assert_same_gradients("densenet", "densenet121", (3, 64, 64))
