"""timm's MobileNetV4: names, weights, counts, outputs."""

from __future__ import annotations

import pytest

from tests.corpus.proving import (
    assert_same_outputs,
    assert_same_state_and_counts,
    rows,
)
from tests.networks.comparing import spec

FAMILY = "mobilenetv3"
FILE = "mobilenetv4"
HERE = [name for name in rows(FAMILY) if name.startswith("mobilenetv4")]
COUNTED = ("mobilenetv4_conv_small_050", "mobilenetv4_hybrid_medium_075")
COMPUTED = ("mobilenetv4_conv_small_035",)


def sampled(quick: tuple[str, ...]) -> list[object]:
    """All networks for a test; those outside of a sample are slow."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in HERE]


def test_the_family_is_here_and_documented() -> None:
    found = spec(FILE)
    assert set(rows(FAMILY)) & set(found.networks) == set(HERE)
    assert found.module is not None
    assert all(found.module.networks[name].doc for name in HERE)


@pytest.mark.slow
def test_the_file_has_no_mistakes() -> None:
    report = spec(FILE).check()
    assert not report.diagnostics, str(report)


@pytest.mark.parametrize("name", sampled(COUNTED))
def test_state_and_counts(name: str) -> None:
    assert_same_state_and_counts(FAMILY, name, FILE)


@pytest.mark.parametrize("name", sampled(COMPUTED))
def test_outputs(name: str) -> None:
    assert_same_outputs(FAMILY, name, (3, 64, 64), (3, 65, 97), file=FILE)
