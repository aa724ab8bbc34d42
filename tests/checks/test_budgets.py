"""Every spec ends in a moment, with a message that says where it would have gone on for ever."""

from __future__ import annotations

import time

import pytest

from tests.checks.looking import body, codes

DOUBLING = "for i in 0..60 {{ let s = {} }}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["1_000_000 * relu"], "E0501"),
        (["1000 * (1000 * relu)"], "E0501"),
        (["for i in 0..1000 { for j in 0..1000 { relu } }"], "E0501 E0504"),
        (["let s = relu", DOUBLING.format("s -> s"), "s"], "E0501 E0504"),
        (["let s = relu", DOUBLING.format("s + s"), "s"], "E0501 E0504"),
        (["let s = 0 * relu", DOUBLING.format("s -> s"), "s"], "E0504"),
        (["let s = 0 * relu", DOUBLING.format("100 * s"), "s"], "E0504"),
        (["let s = t => t", DOUBLING.format("s -> s"), "s"], "E0504"),
        (["let s = relu", "for i in 0..5000 { let s = s + relu }", "s"], "E0502"),
        (["let s = [1]", DOUBLING.format("s + s"), "relu"], "E0503"),
        (["let s = [1]", DOUBLING.format("[s, s]"), "relu"], "E0503"),
        (["let s = [1]", "for i in 0..200 { let s = [s] }", "relu"], "E0503"),
        (["let s = [1]", "for i in 0..100_000 { let s = s + [i] }", "relu"], "E0503 E0504"),
        (['let s = "aaaaaaaaaa"', DOUBLING.format("s + s"), "relu"], "E0503"),
        (['let s = "aaaaaaaaaa"', DOUBLING.format('"{s}{s}"'), "relu"], "E0503"),
        (["let s = 0..10_000_000", "relu"], "E0503"),
        (["let s = [0] * 10_000_000", "relu"], "E0503"),
        (["let s = 0..100_000", "let t = zip(s, s, s)", "relu"], "E0503"),
        (["let s = [[i for i in 0..1000] for j in 0..1000]", "relu"], "E0503 E0504"),
        (["let s = 2 ^ 1_000_000", "relu"], "E0216"),
        (["let s = 3", "for i in 0..100 { let s = s ^ s }", "relu"], "E0216"),
        (["let s = 1e300 * 1e300", "relu"], "E0216"),
        (["let s = exp(1000)", "relu"], "E0210 E0216"),
        (["for i in 0..100_000 { for j in 0..100_000 { } }", "relu"], "E0504"),
        (["let f = n => f(n + 1)", "f(0)"], "E0201 E0502"),
    ],
)
def test_ends(lines: list[str], expected: str) -> None:
    started = time.monotonic()
    found = {code for code in codes(body(*lines)) if code.startswith("E")}
    assert found
    assert found <= set(expected.split())
    assert time.monotonic() - started < 60  # on a machine that does much else


@pytest.mark.parametrize(
    "text",
    [
        "block a(n) { a(n + 1) }\n" + body("a(0)"),
        "block a() { b }\nblock b() { a }\n" + body("a"),
        "block a(l) { a(l) }\n" + body("a(relu)"),
        "block a(n) {\n    a(n)\n    a(n)\n}\n" + body("a(0)"),
        "block a() { residual { a } }\n" + body("a"),
        "shortcut a() { residual(a) { relu } }\n" + body("residual(a) { relu }"),
        "network other { input 3x8x8\n    other }\n",
        "let f = n => f(n)\n" + body("f(0)"),
        "let f = n => f(n)\nlet v = f(0)\n" + body("conv(v, 3x3)"),
    ],
)
def test_recursion_that_does_not_end(text: str) -> None:
    assert codes(text) == ["E0502"]


def test_the_values_of_a_file_are_bounded_too() -> None:
    text = "let s = [[i + j for j in 0..5000] for i in 0..5000]\nlet t = 1 / 0\n" + body("conv(len(s), t)")
    assert codes(text)[0] in ("E0503", "E0504")


def test_blocks_that_double_and_do_nothing() -> None:
    lines = ["let s = 0 * relu", "for i in 0..60 { let s = twice(s) }", "s"]
    assert codes("block twice(l) { l -> l }\n" + body(*lines)) == ["E0504"]


@pytest.mark.parametrize(
    "lines",
    [
        ["let s = relu", "for i in 0..3000 { let s = s -> relu }", "s"],
        ["let l = [i for i in 0..50_000]", "conv(16 * len(l) // 50_000, 3x3)"],
        ["3000 * relu"],
        ["tower(60)"],
    ],
)
def test_large_is_not_too_large(lines: list[str]) -> None:
    tower = "block tower(depth) {\n    relu\n    if depth > 0 { tower(depth - 1) }\n}\n"
    assert [code for code in codes(tower + body(*lines)) if code.startswith("E")] == []
