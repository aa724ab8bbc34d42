"""Inputs that are ranges: what is promised for all sizes must hold for all."""

from __future__ import annotations

import pytest

from tests.checks.looking import body, codes, graph, only, report, result

RANGE = "3, 32..64 step 16, 32..64 step 16"


def test_the_default_is_the_largest_and_both_ends_are_in() -> None:
    net = graph(body("conv(16, 3x3)", input=RANGE))
    assert net.input_ranges == (None, (32, 64, 16), (32, 64, 16))
    assert result(body("conv(16, 3x3)", input=RANGE)) == "16x64x64"


@pytest.mark.parametrize(
    "lines",
    [
        ["conv(16, 3x3, stride = 2) -> max_pool(2x2) -> global_avg_pool -> linear(10)"],
        ["conv(16, 7x7, stride = 2)", "2 * basic(16)", "basic(32, stride = 2)", "global_avg_pool -> linear(10)"],
        ["conv(16, 3x3, stride = 2)", "2 * preact_basic(16)", "preact_basic(32, stride = 2, shortcut = zero_padded)"],
        ["adaptive_avg_pool(7) -> flatten -> linear(10)"],
        ["let y = x -> conv(16, 3x3, stride = 2)", "(y -> upsample(2)) + (x -> conv(16, 3x3))"],
        ['conv(16, 3x3, stride = 2, pad = "same")'],
        ["conv(16 if x.height > 16 else 8, 3x3)"],  # reads the size, and decides the same for all
    ],
)
def test_holds(lines: list[str]) -> None:
    assert [code for code in codes(body("# allow: W0904", *lines, input=RANGE)) if code[0] == "E"] == []


@pytest.mark.parametrize(
    ("lines", "input", "code", "size"),
    [
        (["conv(8, 40x40, pad = 0)"], RANGE, "E0602", "3x32x64"),
        (["let y = x -> max_pool(2x2)", "(y -> upsample(2)) + x"], "3, 31..32, 32", "E0602", "3x31x32"),
        (["flatten -> linear(10)"], RANGE, "E0603", "3x32x64"),
        (["param bias[1, x.height, 1]", "x + bias"], "3, 32..34, 32", "E0606", "3x32x32"),
        (["if x.height > 40 { relu } else { gelu }"], RANGE, "E0606", "3x32x64"),
        (["conv(9, 3x3, groups = 3 if x.width > 40 else 2)"], RANGE, "E0602", "3x64x32"),
    ],
)
def test_breaks(lines: list[str], input: str, code: str, size: str) -> None:
    found = report(body(*lines, input=input)).errors
    assert [each.code.id for each in found] == [code]
    words = (found[0].title, found[0].primary.text, *found[0].notes, *found[0].helps)
    assert any(size in text for text in words), words


@pytest.mark.parametrize(
    "input",
    [
        "3, 64..32, 64",
        "3, 0..64, 64",
        "3, 32..64 step 0, 64",
        "3, 32..64 step 5, 64",
        "3..4, 64, 64",
        "3, 32..x2, 64",
    ],
)
def test_bad_ranges(input: str) -> None:
    expected = "E0201" if "x2" in input else "E0605"
    assert codes(body("relu", input=input)) == [expected]


def test_too_many_sizes() -> None:
    each = only(body("20 * relu", input="3, 1..1_000_000, 1..1_000_000"), "E0604")
    assert each.primary.span.line == 2


def test_a_range_that_is_overridden_is_not_tried() -> None:
    from resnetdsl.api import load

    assert load(body("flatten -> linear(10)", input=RANGE)).graph("tiny", input=(3, 32, 32)) is not None
