"""What the forms of the language come to: the paths, the weights and the shapes of small networks."""

from __future__ import annotations

import pytest

from resnetdsl.api import load
from tests.checks.looking import body, codes, found, graph, paths, result, weights


def outputs(text: str) -> dict[str, str]:
    net = graph(text)
    return {output.name: str(net.type(output.source)) for output in net.outputs}


# --- names of modules ---


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["conv(16, 3x3) -> relu -> conv(16, 3x3)"], ["0", "1", "2"]),
        (["conv(16, 3x3)", "relu", "conv(16, 3x3)"], ["0", "1", "2"]),
        (["a: conv(16, 3x3) -> relu -> b: conv(16, 3x3)"], ["a", "1", "b"]),
        (["a: (conv(16, 3x3) -> relu)", "conv(16, 3x3)"], ["a.0", "a.1", "1"]),
        (["2 * (conv(16, 3x3) -> relu)"], ["0.0", "0.1", "1.0", "1.1"]),
        (["a: 2 * conv(16, 3x3)"], ["a.0", "a.1"]),
        (["for i in 0..2 { conv{i}: conv(16, 3x3) }"], ["conv0", "conv1"]),
        (['for i in 0..2 { "body.{i}.conv": conv(16, 3x3) }'], ["body.0.conv", "body.1.conv"]),
        (["stem { c: conv(16, 3x3) -> relu }", "stage s: 2 * conv(16, 3x3)"], ["c", "1", "s.0", "s.1"]),
        (["none -> conv(16, 3x3) -> none -> relu"], ["0", "1"]),
        (["identity -> conv(16, 3x3)"], ["0", "1"]),
        (["head { global_avg_pool -> fc: linear(10) }"], ["0", "flatten", "fc"]),
    ],
)
def test_paths(lines: list[str], expected: list[str]) -> None:
    assert paths(body(*lines)) == expected


def test_names_of_a_bottleneck() -> None:
    text = body("stage layer1: 2 * bottleneck(8)", input="16x16x16")
    names = weights(text)
    assert "layer1.0.conv1.weight" in names
    assert "layer1.0.downsample.0.weight" in names
    assert "layer1.1.bn3.bias" in names
    assert not any(name.startswith("layer1.1.downsample") for name in names)


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (["a: conv(16, 3x3)", "a: conv(16, 3x3)"], 4),
        (["for i in 0..2 { a: conv(16, 3x3) }"], 3),
        (["a: (conv(16, 3x3) -> relu)", '"a.0": conv(16, 3x3)'], 4),
        (["a: conv(16, 3x3)", '"a.b": conv(16, 3x3)'], 4),
        (['"a.b": conv(16, 3x3)', "a: conv(16, 3x3)"], 4),
        (["stage s: conv(16, 3x3)", "stage s: conv(16, 3x3)"], 4),
        (["param g[16]", "param g[16]", "x * g"], 4),
        (['"1": conv(16, 3x3)', "conv(16, 3x3)"], 4),
    ],
)
def test_paths_that_collide(lines: list[str], line: int) -> None:
    assert ("E0401", line) in found(body(*lines))


@pytest.mark.parametrize(
    "lines",
    [
        ["a: relu", "a: relu"],  # nothing to be kept apart in a checkpoint
        ["a: conv(16, 3x3)", '"ab.c": conv(16, 3x3)'],
        ["a: (conv(16, 3x3) -> relu)", '"a.x": conv(16, 3x3)'],
    ],
)
def test_paths_that_do_not_collide(lines: list[str]) -> None:
    assert codes(body(*lines)) == []


@pytest.mark.parametrize("label", ["forward", '"a..b"', '"a b"', '"class"', '"__x"', '"é"'])
def test_bad_labels(label: str) -> None:
    assert codes(body(f"{label}: relu")) == ["E0402"]


def test_numbers_in_labels_are_whole() -> None:
    assert paths(body("layer{6 / 2}: relu", "layer{2.0}: relu")) == ["layer3", "layer2"]
    assert found(body("layer{1 / 3}: relu")) == [("E0209", 3)]


# --- taps ---


def test_taps() -> None:
    text = body(
        "conv(8, 3x3)", "tap c1", "max_pool(2x2)", "tap c2 = conv(24, 1x1)", "for i in 0..2 { relu", "tap r{i} }"
    )
    assert outputs(text) == {"c1": "8x16x16", "c2": "24x8x8", "r0": "8x8x8", "r1": "8x8x8", "output": "8x8x8"}


def test_taps_that_cannot_be() -> None:
    assert found(body("tap a", "tap a", "tap output", "tap b = 3", "relu")) == [
        ("E0403", 4),
        ("E0403", 5),
        ("E0218", 6),
    ]


# --- several inputs and outputs ---

TWO = """
block swap() {
    in a, b
    out b -> conv(8, 1x1), a
}
"""


def test_in_and_out() -> None:
    text = TWO + body("let p, q = (x, x -> max_pool(2x2)) -> swap", "p -> upsample(2)", "concat(x, q)")
    assert "W0803" in codes(text)
    text = TWO + body("let p, q = (x, x -> max_pool(2x2)) -> swap", "concat(p -> upsample(2), q)")
    assert codes(text) == []
    assert result(text) == "24x16x16"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["x -> swap", "relu"], "E0224"),
        (["(x, x, x) -> swap"], "E0224"),
        (["let a, b, c = (x, x) -> swap", "a + b + c"], "E0215"),
        (["concat(x)"], None),
        (["matmul(x)"], "E0224"),
        (["(x, 3) -> swap"], "E0218"),
    ],
)
def test_wrong_numbers_of_tensors(lines: list[str], code: str | None) -> None:
    found_codes = [each for each in codes(TWO + body(*lines)) if each.startswith("E")]
    assert found_codes == ([] if code is None else [code])


def test_nothing_comes_after_out() -> None:
    assert codes("block b() {\n    out x -> relu\n    relu\n}\n" + body("b")) == ["E0220"]


# --- shared weights ---


def test_shared() -> None:
    text = body("let s = shared conv(16, 3x3)", "x -> s -> relu -> s")
    assert weights(text) == ["0.weight", "0.weight"]
    assert paths(text) == ["0", "1", "0"]


def test_shared_blocks_keep_their_names() -> None:
    text = body(
        "let tower = shared { conv(16, 3x3) -> batch_norm }",
        "(x -> tower) + (x -> max_pool(2x2) -> tower -> upsample(2))",
    )
    names = weights(text)
    assert sorted(set(names)) == ["0.0.weight", "0.1.bias", "0.1.weight"]
    assert len(names) == 6


def test_shared_weights_need_one_shape() -> None:
    text = body("let s = shared conv(8, 3x3)", "x -> s -> s")
    assert found(text) == [("E0314", 4)]


def test_copies_are_not_shared() -> None:
    assert weights(body("2 * conv(16, 3x3)")) == ["0.weight", "1.weight"]
    assert weights(body("let c = conv(16, 3x3)", "x -> c -> c")) == ["0.weight", "1.weight"]


# --- loops, functions, lists ---


def test_carry() -> None:
    text = body("let y = x", "for i in 1..4 { let y = y -> conv(8 * i, 1x1) }", "y")
    assert result(text) == "24x16x16"


def test_fold_over_chunks() -> None:
    text = body(
        "let chunks = x -> split([4, 4, 4, 4])",
        "let outs = [chunks[0]]",
        "let last_one = chunks[0]",
        "for c in chunks[1..] {",
        "    let last_one = c + last_one -> conv(4, 3x3)",
        "    let outs = outs + [last_one]",
        "}",
        "concat(outs)",
    )
    assert result(text) == "16x16x16"
    assert len(weights(text)) == 3


def test_the_variable_of_a_loop_is_local() -> None:
    text = body("let i = 5", "for i in 0..3 { relu }", "conv(8 * i, 3x3)")
    assert result(text) == "40x16x16"
    assert codes(body("for i in 0..3 { relu }", "conv(8 * i, 3x3)")) == ["E0201"]


@pytest.mark.parametrize(
    ("expression", "channels"),
    [
        ("sum([8 * i for i in 1..4])", 48),
        ("sum([i * v for i, v in [8, 16, 24]])", 64),
        ("sum([v for v in [8, 16, 24] if v > 8])", 40),
        ("sum([a * b for (a, b) in zip([1, 2], [8, 16])])", 40),
        ("sum([i * a * b for i, (a, b) in zip([1, 2], [8, 16])])", 32),
        ("((a, b) => a * b)(2, 8)", 16),
        ("[16, 24][-1]", 24),
        ("sum([8, 16, 24][1..])", 40),
        ("len([1] * 8)", 8),
        ("8 if x.channels > 8 and not false else 16", 8),
        ("divisible(37, 8)", 40),
        ("round(2.5) * 8", 16),
        ("round(3.5) * 8", 32),
        ("17 // 2 * 8", 64),
        ("-(-8)", 8),
        ("2 ^ 3 ^ 1", 8),
        ("max([8, 24, 16])", 24),
        ("min(8, 24, 16)", 8),
        ("trunc(8.9)", 8),
        ("x.channels / 2", 8),
        ("x.shape[0]", 16),
        ("len(unique([8, 8, 16])) * 8", 16),
    ],
)
def test_values(expression: str, channels: int) -> None:
    assert result(body(f"conv({expression}, 3x3)")) == f"{channels}x16x16"


def test_destructuring() -> None:
    text = body("let a, (b, c) = [8, [2, 3]]", "let f = (p, q) => conv(p * q, 3x3)", "f(a, b) -> f(a, c)")
    assert result(text) == "24x16x16"


def test_functions_are_layers() -> None:
    text = body("let double = t => t + t", "double -> (t => t * 2) -> double")
    assert [node.op for node in graph(text).nodes()] == ["input", "add", "multiply_scalar", "add"]


def test_copies_know_their_number() -> None:
    text = body("3 * conv(8 * (index + 1) if not last else 8 * count, 3x3)")
    assert [node.outputs[0].shape[0] for node in graph(text).nodes()] == [16, 8, 16, 24]


def test_the_number_of_a_copy_in_a_product() -> None:
    """The right side of `8 * (index + 1)` is no layer: the index is that of the repeat around it."""
    text = body(
        "let f = (index, count) => 8 * index / count", "2 * (2 * conv(8 * (index + 1), 3x3))", "conv(f(6, 2), 1x1)"
    )
    assert [node.outputs[0].shape[0] for node in graph(text).nodes()] == [16, 8, 16, 8, 16, 24]
    assert codes(body("conv(8 * (index + 1), 3x3)")) == ["E0201"]
    assert codes(body("3 * conv(8 * (16 / index), 3x3)")) == ["E0212"]


def test_decisions() -> None:
    text = body("if x.channels == 16 { conv(8, 3x3) } else if x.channels == 8 { relu } else { gelu }")
    assert [node.op for node in graph(text).nodes()] == ["input", "conv"]


# --- weights of one's own ---


def test_param() -> None:
    text = """
        block gain() {
            param gamma[x.channels] = 1e-6
            param "scale.bias" = 2
            x * gamma + bias
        }
        """ + body("gain", "g: gain")
    assert weights(text) == ["0.gamma", "0.scale.bias", "g.gamma", "g.scale.bias"]
    assert [node.attrs["value"] for node in graph(text).nodes() if node.op == "param"] == [1e-6, 2.0, 1e-6, 2.0]


# --- recursion, networks in networks, overrides ---


def test_recursion_over_static_arguments() -> None:
    text = """
        block tree(depth, width) {
            if depth == 0 { conv(width, 3x3) }
            else {
                left: tree(depth - 1, width)
                right: tree(depth - 1, width)
            }
        }
        """ + body("tree(2, 16)")
    assert weights(text) == [
        "0.left.left.0.weight",
        "0.left.right.0.weight",
        "0.right.left.0.weight",
        "0.right.right.0.weight",
    ]


NETS = """
network base(depths = [1, 1], width = 16, classes = 10) {
    input 3x16x16
    stem { conv1: conv(width, 3x3) }
    for i, n in depths { stage layer{i + 1}: n * relu }
    head { global_avg_pool -> fc: linear(classes) }
}
network one = base([2, 1])
network two = one(classes = 5)
network three = two(width = 24, depths = [1])
"""


@pytest.mark.parametrize(
    ("name", "nodes", "width", "classes"),
    [("base", 7, 16, 10), ("one", 8, 16, 10), ("two", 8, 16, 5), ("three", 6, 24, 5)],
)
def test_overrides(name: str, nodes: int, width: int, classes: int) -> None:
    net = graph(NETS, name)
    assert (len(net), net.node(1).outputs[0].shape[0]) == (nodes, width)
    assert result(NETS, name) == str(classes)
    assert load(NETS).networks == ("base", "one", "two", "three")


def test_overrides_from_outside() -> None:
    net = load(NETS).graph("two", overrides={"width": 8, "classes": 7}, input=(3, 32, 32))
    assert net.node(0).outputs[0].shape == (3, 32, 32)
    assert net.node(1).outputs[0].shape == (8, 32, 32)


def test_a_network_is_a_layer() -> None:
    text = """
        network inner(k = 3) {
            input 16x8x8
            stem { conv1: conv(16, k) }
            stage s: relu
        }
        network outer {
            input 16x32x32
            body: inner
            inner(k = 5)
        }
        """
    assert weights(text, "outer") == ["body.conv1.weight", "1.conv1.weight"]
    assert result(text, "outer") == "16x32x32"


def test_a_network_as_a_layer_says_how_many_channels_it_takes() -> None:
    text = "network inner {\n    input 16x8x8\n    conv(16, 3x3)\n}\n" + body("inner", input="3x8x8")
    (code,) = codes(text)
    assert code.startswith("E")


def test_instances_of_blocks() -> None:
    text = "block wide = basic(width = 32)\nblock wider = wide(width = 64)\n" + body("wider")
    assert result(text) == "64x16x16"


def test_definitions_stand_in_any_order() -> None:
    assert (
        codes("network a = b(8 * k)\nlet k = two\nlet two = 2\nnetwork b(w) {\n    input 3x8x8\n    conv(w, 3x3)\n}\n")
        == []
    )


def test_shortcuts_see_both_ends() -> None:
    text = "shortcut s() { conv(to.channels, 3x3, stride = to.stride / x.stride) -> batch_norm }\n" + body(
        "residual(s) { conv(32, 3x3, stride = 2) -> relu -> conv(32, 3x3) }"
    )
    assert codes(text) == []
    assert result(text) == "32x8x8"


def test_no_addition_without_a_shortcut() -> None:
    assert [node.op for node in graph(body("residual(none) { conv(8, 3x3) }")).nodes()] == ["input", "conv"]
