"""`expect` lines, `allow` comments, layers without an effect."""

from __future__ import annotations

import pytest

from tests.checks.looking import body, codes, found, only, report

NET = "conv1: conv(16, 3x3, bias = true) -> max_pool(2x2)"  # 3 x 16 x 9 + 16 = 448 parameters, 442,368 MACs


@pytest.mark.parametrize(
    "promise",
    [
        "params == 448",
        "params != 447",
        "params <= 448",
        "params < 449",
        "params >= 448",
        "params > 447",
        "params == 0.4k",
        "params == 0.45k",
        "params == 7 * 64",
        "params <= 0.4k",
        "params >= 0.5k - 52",
        "macs == 442_368",
        "macs == 442k",
        "macs == 0.44M",
        "macs == 0.4M",
        "depth == 1",
        "output == 16x16x16",
        "output == [16, 16, 16]",
        "output != 16x16x17",
        "receptive_field == 4",
        "activations == 16_384",
        "params == 448, output == 16x16x16, depth >= 1",
    ],
)
def test_kept(promise: str) -> None:
    assert report(body(NET, f"expect {promise}", input="3x32x32")).diagnostics == ()


@pytest.mark.parametrize(
    ("promise", "code"),
    [
        ("params == 447", "E0601"),
        ("params != 448", "E0601"),
        ("params < 448", "E0601"),
        ("params > 448", "E0601"),
        ("params == 0.5k", "E0601"),
        ("params == 0.44k", "E0601"),
        ("params < 0.4k", "E0601"),
        ("output == 16x16x15", "E0601"),
        ("output == 16x16", "E0601"),
        ("output != 16x16x16", "E0601"),
        ("output <= 16x16x16", "E0211"),
        ('output == "large"', "E0207"),
        ('params == "many"', "E0207"),
        ("params == true", "E0207"),
        ("params == 4x4", "E0207"),
        ("parms == 448", "E0225"),
        ("params == nothing", "E0201"),
        ("params == 1 / 0", "E0212"),
    ],
)
def test_broken(promise: str, code: str) -> None:
    assert found(body(NET, f"expect {promise}", input="3x32x32")) == [(code, 4)]


def test_each_of_several_is_told() -> None:
    assert codes(body(NET, "expect params == 1, macs == 2, depth == 1", input="3x32x32")) == ["E0601", "E0601"]


def test_the_message_has_the_difference() -> None:
    each = only(body(NET, "expect params == 500", input="3x32x32"), "E0601")
    assert "448" in each.primary.text
    assert any("52 fewer" in text for text in (*each.helps, *each.notes)), each


def test_an_unknown_metric_has_a_suggestion() -> None:
    assert "`params`" in " ".join(only(body(NET, "expect parms == 448", input="3x32x32"), "E0225").helps)


def test_promises_of_instances_and_of_templates() -> None:
    text = """
        network base(width = 16) {
            input 3x32x32
            conv(width, 3x3)
            expect params == 27 * width
        }
        network small = base(8) { expect params == 216 }
        network large = base(32) { expect params == 216 }
        """
    assert found(text) == [("E0601", 7)]


def test_what_a_network_promises_is_not_asked_of_one_that_holds_it() -> None:
    text = """
        network inner {
            input 16x8x8
            conv(16, 3x3)
            expect params == 2304, output == 16x8x8
        }
        network outer {
            input 16x32x32
            2 * inner
            expect params == 4608
        }
        """
    assert codes(text) == []


def test_overridden_networks_promise_nothing() -> None:
    from resnetdsl.api import load

    spec = load(body(NET, "expect params == 448", input="3x32x32"))
    assert spec.graph("tiny", input=(3, 64, 64)) is not None


# --- layers without effect ---


def test_dead_layers() -> None:
    text = body("let probe = x -> conv(8, 3x3) -> relu", "let other = x -> conv(8, 3x3)", "conv(other.channels, 3x3)")
    assert found(text) == [("W0801", 3), ("W0803", 3), ("W0803", 4)]


@pytest.mark.parametrize(
    "lines",
    [
        ["let probe = x -> conv(8, 3x3)", "tap probe = probe", "relu"],
        ["let a, _b = x -> split([8, 8])", "a -> relu"],
        ["let y = x -> conv(16, 3x3)", "y * (x -> relu)"],
    ],
)
def test_no_dead_layers(lines: list[str]) -> None:
    assert codes(body(*lines)) == []


# --- allow ---

STRIDED = "network {} {{\n    input 16x32x32\n    conv(16, 1x1, stride = 2) -> relu\n}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STRIDED.format("a"), ["W0904"]),
        ("# allow: W0904 as published\n" + STRIDED.format("a"), []),
        ("# allow: W0904\n" + STRIDED.format("a"), []),
        ("# allow: W0904, W0908 both\n" + STRIDED.format("a"), []),
        ("# allow: W0905\n" + STRIDED.format("a"), ["W0904"]),
        ("# allowed: W0904\n" + STRIDED.format("a"), ["W0904"]),
        ("# allow: W0904\n" + STRIDED.format("a") + STRIDED.format("b"), []),  # for the file
        ("let w = 3\n# allow: W0904\n" + STRIDED.format("a") + STRIDED.format("b"), ["W0904"]),
        (STRIDED.format("a") + "# allow: W0904\n" + STRIDED.format("b"), ["W0904"]),
        ("## What it is.\n# allow: W0904\n" + STRIDED.format("a"), []),
        ("# allow: E0303\n" + STRIDED.format("a").replace("stride", "groups = 7, stride"), ["E0303"]),
    ],
)
def test_allow(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_allow_of_a_template_holds_for_its_instances() -> None:
    text = """
        let w = 16
        # allow: W0904
        network base(width) {
            input 16x32x32
            conv(width, 1x1, stride = 2) -> relu
        }
        network small = base(w)
        """
    assert codes(text) == []
