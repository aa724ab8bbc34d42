"""All independent mistakes in one run, in the order of the text, and no echo of one."""

from __future__ import annotations

import pytest

from tests.checks.looking import found

BLOCK = "block unit(width) { conv(width, 3x3, foo = 1) -> batch_norm(epz = 1) }\n"

CASES: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "names": (
        """
        network a {
            input 3x32x32
            conv(wdth, 3x3)
            cnv(16, 3x3)
            relu(inplace = true)
        }
        """,
        [("E0201", 3), ("E0201", 4), ("E0203", 5)],
    ),
    "a name used again": (
        """
        network a {
            input 3x32x32
            let w = wdth * 2
            conv(w, 3x3) -> conv(w + 1, w)
            linear(w)
            conv(16, 3x3, groups = "two")
        }
        """,
        [("E0201", 3), ("E0207", 6)],
    ),
    "behind an unknown layer": (
        """
        block unit(width) {
            conv(width, 3x3, foo = 1) -> relu
            batch_norm(epz = 1)
        }
        network a {
            input 3x32x32
            stem { conv1: cnv(16, 3x3) -> relu }
            stage s: 2 * unit(16)
            head { fc: linear(10, bia = true) }
        }
        """,
        [("E0203", 2), ("E0203", 3), ("E0201", 7), ("E0203", 9)],
    ),
    "a block that many use": (
        """
        block unit(width) { conv(width, 3x3, foo = 1) }
        network a {
            input 3x32x32
            3 * unit(16)
        }
        network b {
            input 3x32x32
            unit(32)
            bar
        }
        """,
        [("E0203", 1), ("E0201", 9)],
    ),
    "shapes": (
        """
        network a {
            input 3x32x32
            conv(16, 3x3)
            residual(identity) { conv(32, 3x3) -> relu -> conv(32, 3x3) }
            conv(30, 3x3, groups = 7)
            linear(10)
        }
        """,
        [("E0301", 4), ("E0303", 5), ("E0307", 6)],
    ),
    "shapes behind a doubt": (
        """
        network a {
            input 3x32x32
            conv(16, 3x3, strde = 2)
            residual(identity) { conv(32, 3x3) }
            conv(16, 3x3, groups = 5)
            linear(10)
        }
        """,
        [("E0203", 3)],
    ),
    "missing arguments": (
        """
        block unit(width, kernel) { conv(width, kernel, foo = 1) }
        network a {
            input 3x32x32
            conv(16)
            conv(kernel = 3x3)
            unit(16)
            unit(kernel = 3)
        }
        """,
        [("E0203", 1), ("E0204", 4), ("E0204", 5), ("E0204", 6), ("E0204", 7)],
    ),
    "calls": (
        """
        block unit(width, stride = 1) { conv(width, 3x3, stride = stride) }
        network a {
            input 3x32x32
            unit
            unit(16, 2, 3)
            unit(16, width = 3)
            unit(q = 3)
            3
            "x"
        }
        """,
        [("E0204", 4), ("E0205", 5), ("E0206", 6), ("E0203", 7), ("E0218", 8), ("E0218", 9)],
    ),
    "numbers": (
        """
        network a {
            input 3x32x32
            let w = 17 / 2
            conv(w, 3x3)
            conv(10 / 0, 3x3)
            conv(16, 3x3, stride = 0)
            conv(2 ^ 64, 3x3)
        }
        """,
        [("E0209", 3), ("E0212", 5), ("E0210", 6), ("E0216", 7)],
    ),
    "attributes and lists": (
        """
        network a {
            input 3x32x32
            conv(x.chanels, 3x3)
            let l = [1, 2][5]
            conv(l, 3x3)
            let m = max([])
            conv(m, 3x3)
            let p, q = [1, 2, 3]
            conv(p + q, 3x3)
        }
        """,
        [("E0214", 3), ("E0213", 4), ("E0226", 6), ("E0215", 8)],
    ),
    "loops over what is unknown": (
        """
        network a {
            input 3x32x32
            for i, n in depths { stage layer{i}: n * conv(16 * 2 ^ i, 3x3, foo = i) }
            for i, (a, b) in zip(p, q) { conv(a + b, 3x3, bar = i) }
            let l = [conv(w, 3x3, baz = 1) for w in widths]
            concat(l)
            for i in 4 { relu(1) }
        }
        """,
        [
            *(("E0201", 3), ("E0203", 3)),
            *(("E0201", 4), ("E0201", 4), ("E0203", 4)),
            *(("E0201", 5), ("E0203", 5), ("E0207", 7), ("E0205", 7)),
        ],
    ),
    "shortcuts": (
        """
        shortcut skip(k) { conv(to.chanels, 1x1, k = k) }
        network a {
            input 16x32x32
            residual(projction) { conv(16, 3x3, foo = 1) }
            residual(skip) { conv(16, 3x3) }
            skip(1)
        }
        """,
        [("E0214", 1), ("E0203", 1), ("E0201", 4), ("E0203", 4), ("E0204", 5), ("E0204", 6)],
    ),
    "tensors taken apart": (
        """
        network a {
            input 16x32x32
            let a, b = x -> splt([8, 8])
            let c, d = x -> split([8, 9])
            concat(a, b) -> conv(8, 3x3, zz = 1)
            matmul(c, d, e)
        }
        """,
        [("E0201", 3), ("E0310", 4), ("E0203", 5), ("E0201", 6)],
    ),
    "labels": (
        """
        network a {
            input 3x32x32
            conv1: conv(16, 3x3)
            conv1: conv(16, 3x3)
            forward: conv(16, 3x3)
            "a..b": relu
            stage s: conv(16, 3x3)
            stage s: conv(16, 3x3)
        }
        """,
        [("E0401", 4), ("E0402", 5), ("E0402", 6), ("E0401", 8)],
    ),
    "no input": (
        """
        network a {
            conv(16, 3x3, q = 1)
            relu
            conv(wd, 3x3)
        }
        network b {
            input 3x0x32
            conv(16, 3x3, groups = 2)
            conv(16, 3x3, r = 1)
        }
        """,
        [("E0221", 2), ("E0203", 2), ("E0201", 4), ("E0210", 7), ("E0203", 9)],
    ),
    "definitions": (
        """
        block a { relu }
        block a { relu }
        block unused(x1, x1) { conv(x1, 3x3) -> foo }
        network n {
            input 3x32x32
            input 3x32x32
            a
        }
        network m = f(3)
        network k = conv(16, 3x3)
        """,
        [("E0202", 2), ("E0202", 3), ("E0201", 3), ("E0222", 6), ("E0201", 9), ("E0223", 10)],
    ),
    "functions": (
        """
        network a {
            input 3x32x32
            let f = (a, b) => conv(a, b, foo = 1)
            f(16)
            f(16, 3x3)
            let g = t => t + qq
            g
            round("x") -> relu
        }
        """,
        [("E0203", 3), ("E0224", 4), ("E0201", 6), ("E0207", 8)],
    ),
    "weights": (
        """
        network a {
            input 16x32x32
            param g[x.channels, 0]
            param h[x.chanels]
            param k[7]
            x * g
            x * h
            x * k
        }
        """,
        [("E0210", 3), ("E0214", 4), ("E0302", 8)],
    ),
    "promises of what has mistakes": (
        """
        network a {
            input 3x32x32
            conv(16, 3x3, groups = 2)
            expect params == 3, parms == 4
            expect macs == foo
        }
        """,
        [("E0303", 3), ("E0225", 4), ("E0201", 5)],
    ),
    "recursion": (
        """
        block endless(n) { endless(n + 1) }
        block unit(n) {
            conv(16, 3x3, q = n)
            if n > 0 { unit(n - 1) }
        }
        network a {
            input 16x32x32
            unit(4)
            endless(0)
        }
        """,
        [("E0502", 1), ("E0203", 3)],
    ),
    "values of the file": (
        """
        let w = 17 / 0
        let v = [1, 2][7]
        let self = self + 1
        network n {
            input 3x32x32
            conv(w, 3x3) -> conv(v, 3x3, q = 1) -> conv(self, 3x3)
        }
        """,
        [("E0212", 1), ("E0213", 2), ("E0229", 3), ("E0203", 6)],
    ),
    "a text that cannot be read in full": (
        """
        block unit(w) { conv(w, 3x3 -> relu }
        network a {
            input 3x32x32
            let w = = 16
            conv(w, 3x3)
            unit(3)
            conv(16, 3x3, q = 1)
            conv(wdth, 3x3, groups = 7)
        }
        """,
        [("E0102", 1), ("E0101", 4), ("E0203", 7), ("E0201", 8)],
    ),
    "a file that is not there": (
        """
        import nope
        from "gone.rnet" import unit
        network a = foo(3)
        network b {
            input 3x32x32
            bar(3) -> unit(16) -> conv(16, 3x3, q = 1)
        }
        """,
        [("E0701", 1), ("E0705", 2), ("E0203", 6)],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_mistakes(text: str, expected: list[tuple[str, int]]) -> None:
    mistakes = [(code, line) for code, line in found(text) if code.startswith("E")]
    assert sorted(mistakes, key=lambda each: (each[1], each[0])) == sorted(
        expected, key=lambda each: (each[1], each[0])
    )
