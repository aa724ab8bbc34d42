"""What is looked at without being run: names that are unknown, unused or hide others."""

from __future__ import annotations

import pytest

from tests.checks.looking import body, codes, found, only

FINE = "\nnetwork tiny {\n    input 16x8x8\n    relu\n}"


@pytest.mark.parametrize(
    "text",
    [
        body("if false { cnv(16, 3x3) }"),
        body("relu if true else rleu"),
        body("for i in [] { conv(wdth, 3x3) }"),
        body("let f = a => a + q", "f"),
        body("0 * foo"),
        "block unused(w = wdth) { conv(w, 3x3) }" + FINE,
        "block unused() { residual(skip) { relu } }" + FINE,
        "block unused() { out a }" + FINE,
        "network other(n) {\n    input 3x8x8\n    expect params == m\n    conv(n, 3x3)\n}" + FINE,
        "let unused = [i for i in js]" + FINE,
        body("conv(16, 3x3)", "let y = index", "y"),  # a copy's number, where there are no copies
        body("let t = to", "x + t"),  # only a shortcut has `to`
    ],
)
def test_unknown_names(text: str) -> None:
    assert "E0201" in codes(text)
    assert set(codes(text)) <= {"E0201", "W0801", "W0802"}


@pytest.mark.parametrize(
    "text",
    [
        body("3 * conv(16 * (index + 1) if last else 16, 3x3)"),
        body("for i, (a, b) in zip([1, 2], [3, 4]) { conv(16 * (i + a + b), 3x3) }"),
        body("let a, b = [1, 2]", "conv(8 * a * b, 3x3)"),
        "shortcut s() { conv(to.channels, 1x1) }\n" + body("residual(s) { conv(16, 3x3) -> relu -> conv(16, 3x3) }"),
        "block b(w, k = w) { conv(8 * k, 3x3) }\n" + body("b(2)"),
        "block b() {\n    param gamma[x.channels] = 1\n    x * gamma\n}\n" + body("b"),
        "block b() {\n    in p, q\n    p + q\n}\n" + body("(x, x) -> b"),
        "let f = (n) => 1 if n == 0 else n * f(n - 1)\n" + body("conv(f(4), 3x3)", "relu"),
    ],
)
def test_known_names(text: str) -> None:
    assert [code for code in codes(text) if code != "W0909"] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [("batchnorm", "batch_norm"), ("bottelneck", "bottleneck"), ("widht", "width"), ("zzz", None)],
)
def test_suggestions(name: str, meant: str | None) -> None:
    each = only(f"block b(width) {{ conv(width, 3x3, groups = {name}) }}\n" + body("b(16)"), "E0201")
    assert any(f"`{meant}`" in text for text in each.helps) is (meant is not None)


def test_unused() -> None:
    text = """
        let file_level = 3
        block b(width, stride = 1, _later = 2) {
            let half = width / 2
            let _kept, gone = [1, 2]
            for i in 0..2 { relu }
            conv(width, 3x3)
        }
        network tiny {
            input 3x8x8
            b(16)
        }
        """
    assert found(text) == [("W0802", 2), ("W0801", 3), ("W0801", 4)]


@pytest.mark.parametrize(
    "lines",
    [
        ["let y = x", "for i in 0..3 { let y = y + x }", "y"],
        ["let w = 16", "{ conv(w, 3x3) }"],
        ["let w = 16", '"conv{w}": conv(16, 3x3)'],
        ["let w = 16", "expect params == w * 0"],
        ["let w = 16", "residual { conv(w, 3x3) -> relu -> conv(w, 3x3) }"],
        [
            "let k = [i * j for i in 1..3 for j in 1..3]".replace(" for j in 1..3", ""),
            "let j = 2",
            "conv(8 * len(k) * j, 3x3)",
        ],
    ],
)
def test_used(lines: list[str]) -> None:
    assert [code for code in codes(body(*lines)) if code.startswith("W08")] == []


def test_names_that_hide_others() -> None:
    text = """
        let max = 3
        block relu() { conv(8 * max, 3x3) }
        network basic {
            input 8x8x8
            let min = 3
            relu
            conv(8 * min, 3x3)
        }
        """
    assert found(text) == [("W0804", 1), ("W0804", 2), ("W0804", 3)]  # inside a body it is seen at a glance
