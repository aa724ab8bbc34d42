"""The vgg family is timm's: names, weights, counts, outputs."""

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

QUICK = ("vgg11_bn",)


def test_the_family_is_whole() -> None:
    assert_all_are_here_and_documented("vgg")


@pytest.mark.parametrize("name", rows("vgg"))
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts("vgg", name)


@pytest.mark.parametrize("name", names("vgg", QUICK))
def test_outputs(name: str) -> None:
    assert_same_outputs("vgg", name, (3, 224, 224))


@pytest.mark.slow
def test_gradients() -> None:
    assert_same_gradients("vgg", "vgg11_bn", (3, 224, 224), dropout_rate=0)
