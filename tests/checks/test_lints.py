"""The lints of the literature: what each fires on, what is near and is left alone, and the library's own blocks."""

from __future__ import annotations

import pytest

from resnetdsl.api import load
from resnetdsl.checks import LITERATURE
from resnetdsl.paths import specs_dir
from tests.checks.looking import body, codes, found, only, report

CONV = "conv(16, 3x3) -> batch_norm"
PLAIN = f"{CONV} -> relu -> {CONV}"
PRE = "batch_norm -> relu -> conv(16, 3x3) -> batch_norm -> relu -> conv(16, 3x3)"


def net(*lines: str, input: str = "16x16x16") -> list[str]:
    return codes(body(*lines, input=input))


# --- W0901: one weighted layer ---


@pytest.mark.parametrize(
    "lines",
    [
        [f"residual(identity) {{ {CONV} }}"],
        [f"residual(identity) {{ {CONV} -> relu }}"],
        ["residual(projection) { conv(32, 3x3, stride = 2) -> batch_norm }"],
        ["let y = x -> conv(16, 3x3)", "x + y"],
        ["(x -> conv(16, 3x3) -> relu) + x"],
        ["identity + conv(16, 3x3)"],
        ["x + 0.5 * 1 * (x -> conv(16, 3x3))"],
    ],
)
def test_single_layer(lines: list[str]) -> None:
    assert set(net(*lines, "relu")) - {"W0904"} == {"W0901"}


@pytest.mark.parametrize(
    "lines",
    [
        [f"residual(identity) {{ {PLAIN} }}"],
        ["residual(identity) { conv(16, 7x7, groups = 16) -> gelu -> batch_norm }"],  # ConvMixer
        ["residual(identity) { avg_pool(3x3, stride = 1, pad = 1) }"],  # PoolFormer
        ["(x -> conv(16, 3x3)) + (x -> conv(16, 1x1)) + x"],  # RepVGG: one layer, on purpose
        ["(x -> conv(16, 3x3)) + (x -> conv(16, 1x1))"],  # two ways, neither a shortcut
        ["x + (x -> global_avg_pool -> conv(16, 1x1))"],  # a context, spread over the image
        ["residual(identity) { conv(16, 3x3) -> se(4) }"],
        ["param bias[16]", "conv(16, 3x3)", "x + bias"],
    ],
)
def test_no_single_layer(lines: list[str]) -> None:
    assert net(*lines, "relu") in ([], ["W0803"])


def test_a_text_is_reported_once_with_its_count() -> None:
    each = only(body("4 * residual {", f"    {CONV}", "}"), "W0901")
    assert each.primary.span.text == "conv(16, 3x3)"
    assert "in 4 places, first at `0.0`" in each.notes


# --- W0902: activation after addition ---


@pytest.mark.parametrize(
    "lines",
    [
        [f"residual(identity) {{ {PRE} }}", "relu"],
        [f"x + (x -> {PRE})", "relu"],
        [f"3 * {{ residual {{ {PRE} }} -> gelu }}"],
        [
            "{",
            "batch_norm -> relu",
            "residual(projection) { conv(32, 3x3) -> batch_norm -> relu -> conv(32, 3x3) }",
            "relu",
            "}",
        ],
    ],
)
def test_activation_after_addition(lines: list[str]) -> None:
    text = "block late() {\n" + "\n".join(lines[1:-1]) + "\n}\n" + body("late()") if lines[0] == "{" else body(*lines)
    assert codes(text) == ["W0902"]


@pytest.mark.parametrize(
    "lines",
    [
        [f"3 * residual {{ {PRE} }}"],
        [f"3 * residual {{ {PRE} }}", "batch_norm -> relu -> global_avg_pool -> linear(10)"],
        [f"3 * {{ residual {{ {PLAIN} }} -> relu }}"],  # the original order
        [f"2 * residual {{ relu -> {PLAIN} }}", "relu"],  # activation alone in front: figure 4(d)
        ["conv1: conv(16, 3x3) -> batch_norm -> relu", f"2 * {{ residual {{ {PLAIN} }} -> relu }}"],  # the stem's own
    ],
)
def test_no_activation_after_addition(lines: list[str]) -> None:
    assert net(*lines) == []


# --- W0903: the product of the shortcuts ---


def scaled(times: int, shortcut: str) -> list[str]:
    return [f"{times} * {{ residual({shortcut}) {{ {PLAIN} }} -> relu }}"]


@pytest.mark.parametrize(
    ("lines", "product"),
    [
        (scaled(4, "scaled(0.5)"), "0.062"),
        (scaled(12, "scaled(0.5)"), "0.00024"),
        (scaled(5, "scaled(2)"), "32"),
        (scaled(5, "x => x / 2"), "0.031"),
        (scaled(10, "scale(init = 0.5)"), "about 0.00098"),
        (scaled(8, "shortcut_gate(0)"), "about 0.0039"),
        (scaled(8, "shortcut_gate(-1)"), "about 0.082"),
        (scaled(8, "exclusive_gate(0)"), "about 0.0039"),
        ([f"4 * {{ x * 0.5 + (x -> {PLAIN}) }}"], "0.062"),
        ([f"for i in 0..4 {{ x => 0.5 * x + (x -> {PLAIN}) }}"], "0.062"),
        (scaled(2, "scaled(0)"), "0"),
        ([f"for i in 0..6 {{ residual(scaled(1 - i / 6)) {{ {PLAIN} }} }}"], "0.015"),
        ([f"for i in 0..4 {{ residual(scaled(0.5)) {{ {PLAIN} }} -> residual {{ {PLAIN} }} }}"], "0.062"),
    ],
)
def test_shortcuts_whose_product_leaves_the_range(lines: list[str], product: str) -> None:
    each = only(body(*lines), "W0903")
    assert each.title == f"the shortcuts multiply to {product}"


@pytest.mark.parametrize(
    "lines",
    [
        scaled(1, "scaled(0.01)"),
        scaled(3, "scaled(0.5)"),
        scaled(12, "scaled(1)"),
        scaled(12, "scaled(0.99)"),
        scaled(12, "shortcut_gate(-6)"),
        scaled(12, "exclusive_gate(-6)"),
        scaled(12, "scale"),
        [f"12 * residual {{ {PLAIN} -> multiply_scalar(0.1) }}"],  # the branch, as it should be
        [f"for i in 0..6 {{ 2 * residual(scaled(0.5)) {{ {PLAIN} }}", "conv(16, 3x3) -> batch_norm }"],  # short chains
    ],
)
def test_shortcuts_whose_product_stays_near_one(lines: list[str]) -> None:
    text = "\n".join(lines).replace("multiply_scalar(0.1)", "{ x * 0.1 }")
    assert net(text) == []


def test_the_worst_chain_of_a_text_is_told() -> None:
    block = f"block half() {{ residual(scaled(0.5)) {{ {PLAIN} }} }}\n"
    text = block + body("4 * half", CONV, "7 * half", CONV, "4 * half")
    each = only(text, "W0903")
    assert each.title == "the shortcuts multiply to 0.0078"
    assert each.primary.span.text == "scaled(0.5)"
    assert each.secondary[0].text == "a factor of 0.5 in each of 7 blocks"


# --- W0904: strided 1x1 ---


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("conv(32, 1x1, stride = 2)", "a quarter"),
        ("conv(32, 1, stride = (2, 1))", "half"),
        ("conv(32, 1x1, stride = 3)", "1/9"),
        ("std_conv(32, 1x1, stride = 2)", "a quarter"),
    ],
)
def test_strided_pointwise(line: str, kept: str) -> None:
    assert only(body(line, "relu"), "W0904").primary.text == f"it reads {kept} of the pixels"


@pytest.mark.parametrize(
    "line",
    [
        "conv(32, 1x1)",
        "conv(32, 3x3, stride = 2)",
        "conv(32, 2x2, stride = 2, pad = 0)",
        "avg_pool(2x2) -> conv(32, 1x1)",
        "avg_pool(3x3, stride = 1, pad = 1) -> conv(32, 1x1, stride = 2)",
        "global_avg_pool -> conv(32, 1x1, stride = 2)",
        "conv_transpose(32, 1x1, stride = 2)",
    ],
)
def test_no_strided_pointwise(line: str) -> None:
    assert net(line, "relu") == []


# --- W0905: deep and plain ---


@pytest.mark.parametrize(
    ("lines", "layers"),
    [
        ([f"21 * ({CONV} -> relu)"], 21),
        ([f"20 * ({CONV} -> relu)", "global_avg_pool -> linear(10)"], 21),
        ([f"30 * (conv(16, 3x3, groups = 16) -> {CONV} -> relu)"], 30),
        (["25 * (conv(16, 3x3) -> se(4) -> relu)"], 25),  # a gate is no way around
        ([f"residual {{ {PLAIN} }}", f"40 * ({CONV} -> relu)", f"residual {{ {PLAIN} }}"], 40),
    ],
)
def test_deep_plain(lines: list[str], layers: int) -> None:
    each = only(body(*lines), "W0905")
    assert each.title == f"a plain stack of {layers} layers is hard to train"
    assert each.primary.span.text == "tiny"


@pytest.mark.parametrize(
    "lines",
    [
        [f"20 * ({CONV} -> relu)"],
        [f"15 * {{ residual {{ {PLAIN} }} -> relu }}"],
        [f"residual {{ 30 * ({CONV} -> relu) }}"],  # one shortcut over all of it (VDSR)
        [f"for i in 0..4 {{ 15 * ({CONV} -> relu)", f"residual {{ {PLAIN} }} }}"],
        ["for i in 0..30 { concat(identity, conv(8, 3x3)) -> conv(16, 3x3) }"],  # DenseNet's shortcuts
    ],
)
def test_not_deep_plain(lines: list[str]) -> None:
    assert net(*lines) == []


# --- W0906: bias before norm ---


@pytest.mark.parametrize(
    "line",
    [
        "conv(16, 3x3, bias = true) -> batch_norm",
        "conv(16, 3x3, bias = true) -> instance_norm",
        "conv(16, 3x3, bias = true) -> group_norm(16)",
        "conv(16, 3x3, bias = true) -> identity -> batch_norm",
        "conv_transpose(16, 2x2, stride = 2) -> batch_norm",
        "global_avg_pool -> linear(16) -> batch_norm -> relu -> linear(10)",
    ],
)
def test_bias_before_norm(line: str) -> None:
    assert net(line, "relu") == ["W0906"]


@pytest.mark.parametrize(
    "line",
    [
        "conv(16, 3x3, bias = true) -> relu -> batch_norm",
        "conv(16, 3x3, bias = true) -> layer_norm",
        "conv(16, 3x3, bias = true) -> group_norm(4)",
        "conv(16, 3x3, bias = true) -> rms_norm",
        "conv(16, 3x3) -> batch_norm",
        "let y = x -> conv(16, 3x3, bias = true)\n(y -> batch_norm) + y",
        "conv(16, 3x3, bias = true)\ntap raw\nbatch_norm",
    ],
)
def test_no_bias_before_norm(line: str) -> None:
    assert net(line, "relu") == []


# --- W0907: norm after addition ---


@pytest.mark.parametrize(
    "lines",
    [
        [f"4 * {{ residual {{ {CONV} -> relu -> conv(16, 3x3) }} -> batch_norm -> relu }}"],
        [f"4 * {{ (x + (x -> {PLAIN})) -> layer_norm }}"],
        ["4 * bn_after_addition(16)"],
    ],
)
def test_norm_after_addition(lines: list[str]) -> None:
    assert only(body(*lines), "W0907").notes[0].startswith("in 3 places, first at `0.")


@pytest.mark.parametrize(
    "lines",
    [
        [f"4 * residual {{ {PRE} }}"],  # the norms stand in the branches
        [f"4 * {{ residual {{ {PLAIN} }} -> relu }}", "batch_norm -> relu -> global_avg_pool -> linear(10)"],
        [
            f"3 * residual {{ {PLAIN} }}",
            "batch_norm",
            "conv(32, 2x2, stride = 2, pad = 0)",
            "3 * residual { layer_norm -> conv(64, 1x1) -> conv(32, 1x1) }",
        ],
        [f"3 * residual {{ {PLAIN} }}", "batch_norm -> relu", "conv(32, 3x3)", "2 * preact_basic(32)"],
    ],
)
def test_no_norm_after_addition(lines: list[str]) -> None:
    assert net(*lines) == []


# --- W0908: nothing starts at zero ---


def test_no_zero_init() -> None:
    each = only(body("16 * basic(16)"), "W0908")
    assert each.title == "no residual branch starts at zero in a network of 16 blocks"
    assert each.primary.span.text == "basic(16)"
    assert each.secondary[0].span.file.name == "library/blocks.rnet"


def test_one_message_for_two_kinds_of_block() -> None:
    assert net("10 * basic(16)", "10 * bottleneck(16, expansion = 1)") == ["W0908"]


@pytest.mark.parametrize(
    "lines",
    [
        ["15 * basic(16)"],
        ["16 * basic(16, zero_init = true)"],
        ["40 * preact_basic(16)"],  # no norm ends the branch
        ["40 * residual { batch_norm -> relu -> concat(conv(8, 3x3), conv(8, 3x3)) }"],  # nor here: two layers do
        [f"40 * residual {{ {PLAIN} -> scale(init = 1e-6) }}"],  # LayerScale
        [f"40 * residual {{ {PLAIN} -> {{ param gain", "x * gain } }"],  # SkipInit
        [f"9 * {{ {PLAIN} }}"],  # no residual at all
    ],
)
def test_zero_init_or_none_needed(lines: list[str]) -> None:
    assert net(*lines) == []


# --- W0909: slow widths ---


def test_slow_channels() -> None:
    text = body("conv(60, 3x3) -> batch_norm -> relu", "conv(60, 3x3) -> relu", "conv(64, 3x3)")
    each = only(text, "W0909")
    assert (each.title, each.primary.span.line) == ("60 channels are slow at half precision", 3)


@pytest.mark.parametrize(
    "lines",
    [
        ["conv(64, 3x3) -> global_avg_pool -> linear(10)"],  # the classes
        ["conv(64, 3x3) -> conv(21, 1x1)"],  # a segmentation's classes
        ["conv(64, 3x3) -> upsample(2) -> conv(21, 1x1) -> softmax"],
        ["conv(64, 3x3) -> se(16) -> conv(64, 3x3)"],  # the inside of a gate
        ["conv(64, 3x3)", "x * sigmoid(here -> conv(1, 1x1)) -> conv(64, 3x3)"],  # a map of attention
        ["conv(64, 3x3)", "tap boxes = x -> conv(4, 1x1)", "relu"],
    ],
)
def test_no_slow_channels(lines: list[str]) -> None:
    assert net(*lines, input="3x16x16") == []


def test_a_depthwise_layer_keeps_the_width_it_is_given() -> None:
    assert found(body("conv(12, 1x1)", "conv(12, 3x3, groups = 12)", "conv(64, 1x1)")) == [("W0909", 3)]


# --- together ---


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("basic(16)", []),
        ("basic(32, stride = 2)", ["W0904"]),
        ("bottleneck(16)", []),
        ("bottleneck(16, stride = 2)", ["W0904"]),
        ("bottleneck(16, stride = 2, shortcut = avg_pool_projection)", []),
        ("bottleneck(16, stride = 2, shortcut = avg_pool_projection, stride_on = 1x1)", ["W0904"]),
        ("basic(32, stride = 2, shortcut = zero_padded)", []),
        ("basic(32, shortcut = projection_everywhere)", []),
        ("preact_basic(16)", []),
        ("preact_basic(32, stride = 2)", ["W0904"]),
        ("preact_bottleneck(16)", []),
        ("bn_after_addition(16)", []),  # one alone is the last
        ("relu_before_addition(16)", []),
        ("relu_only_preactivation(16)", []),
        ("basic(16, attention = se(4))", []),
        ("plain_basic(16)", []),
        ("plain_bottleneck(16)", []),
    ],
)
def test_library_blocks(block: str, expected: list[str]) -> None:
    assert net(block) == expected


def test_a_file_of_many_networks_is_not_flooded() -> None:
    """Four texts of the library are at fault, however many networks use them."""
    text = (specs_dir() / "resnet.rnet").read_text(encoding="utf-8").replace("# allow:", "# allowed:")
    diagnostics = load(text).check().diagnostics
    assert len(load(text).networks) > 10
    plain = [each for each in diagnostics if each.code.id == "W0905"]
    assert len(plain) == 1
    others = {(each.code.id, str(each.primary.span)) for each in diagnostics if each.code.id != "W0905"}
    assert len(others) == len(diagnostics) - len(plain) <= 4


def test_a_thousand_layers_and_no_more_work_than_that() -> None:
    assert net("333 * basic(16, zero_init = true)", "global_avg_pool -> linear(10)") == []


@pytest.mark.slow
def test_a_hundred_thousand_nodes() -> None:
    """Deep spines, far forks and long runs of activations: whatever is walked, is walked once."""
    assert net("66000 * relu", "let y = x", "for i in 0..30000 { let y = y + x", "y }") == ["W0803"]
    many = ["let b = x -> 20000 * conv(16, 1x1)", "sum([x + (b -> conv(16, 1x1)) for i in 0..20000])"]
    assert net(*many) == []


def test_lints_are_silent_where_a_network_has_errors() -> None:
    assert net("conv(60, 1x1, stride = 2)", "conv(64, 3x3, groups = 7)") == ["E0303"]


def test_every_lint_is_registered() -> None:
    assert len(set(LITERATURE)) == 9


def test_allowed_lints_are_silent() -> None:
    text = "# allow: W0904 as published\n" + body("conv(32, 1x1, stride = 2)", "relu")
    assert report(text).diagnostics == ()
