"""Each pass: what it takes, what it leaves alone and says so, and that the network computes the same."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.compile.lower.lowered import Lowered, unlowered
from resnetdsl.compile.lower.pipeline import PASSES, lower
from tests.compile.lowering import distance, lowered, network, ops

EXACT = 1e-12


def refusals(found: Lowered) -> list[str]:
    return [note.why for note in found.notes if not note.done]


# --- what acts in training, and what nobody reads ---


def test_what_acts_in_training_alone_is_left_out() -> None:
    net = network("conv(4, 3x3) -> dropout(0.5) -> identity -> drop_path(0.3) -> relu\nlet unused = conv(9, 3x3)")
    found = lowered(net)
    assert ops(found) == ["conv", "relu"]
    assert distance(net, found) == 0


def test_an_output_that_is_the_input() -> None:
    net = network("identity -> dropout(1.0)")
    found = lowered(net)
    assert ops(found) == []
    assert distance(net, found) == 0


# --- norms into what stands before ---

LAYERS = [
    "conv(6, 3x3)",
    "conv(6, 3x3, bias = true, stride = 2)",
    "conv(6, 3x3, groups = 3, dilation = 2)",
    "conv(6, 4x4, pad = [1, 2, 2, 1])",
    'conv(6, 3x3, stride = 2, pad = "same")',
    'conv(6, 3x3, pad_mode = "reflect")',
    "conv_transpose(6, 4x4, stride = 2, pad = 1)",
    "conv_transpose(6, 3x3, groups = 3, bias = false)",
    "conv_transpose(6, 3x3, groups = 3, output_pad = 1, stride = 2)",
    "global_avg_pool -> flatten -> linear(6)",
    "global_avg_pool -> flatten -> linear(6, bias = false)",
    "std_conv(6, 3x3)",
    "std_conv(6, 3x3, groups = 3, bias = true)",
    'scaled_std_conv(6, 3x3, stride = 2, pad = "same", gamma = 1.7)',
    "scaled_std_conv(6, 3x3, groups = 3, eps = 1e-3)",
]
NORMS = ["batch_norm", "batch_norm(affine = false, eps = 1e-3)", "scale"]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_becomes_part_of_the_layer_before_it(layer: str, norm: str) -> None:
    net = network(f"{layer} -> {norm} -> relu")
    found = lowered(net)
    assert not {"batch_norm", "scale", "multiply", "std_conv", "scaled_std_conv"} & {*ops(found)}
    assert not refusals(found)
    assert distance(net, found) < EXACT
    assert distance(net, found, torch.float32) < 1e-5


def test_a_chain_of_norms_and_factors() -> None:
    net = network("let y = x -> conv(6, 3x3) -> batch_norm -> scale -> batch_norm\nparam g[6] = 1\ny * 0.5 * g + 2")
    found = lowered(net)
    assert ops(found) == ["conv"]
    assert distance(net, found) < EXACT


def test_a_norm_behind_permuted_axes_and_a_concatenation() -> None:
    net = network("concat(conv(4, 3x3) , conv(2, 5x5, bias = true), conv(6, 1x1)) -> batch_norm")
    found = lowered(net)
    assert ops(found) == ["conv", "conv", "conv", "concat"]
    assert distance(net, found) < EXACT


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            "let y = x -> conv(4, 3x3)\nlet z = y -> relu\n(y -> bn: batch_norm) + z",
            "before it, `relu` reads the `conv` too",
        ),
        ("conv(4, 3x3)\ntap t\nbn: batch_norm", "is an output of the network"),
        ("let y = x -> conv(4, 3x3)\nconcat(y, y) -> batch_norm", "before it, `concat` reads it twice"),
    ],
)
def test_what_others_see_is_left_as_it_is(body: str, why: str) -> None:
    net = network(body)
    found = lowered(net)
    assert "multiply" in ops(found)
    assert any(why in each for each in refusals(found)), found.notes
    assert distance(net, found) < EXACT


def test_shared_weights_are_folded_for_each_use() -> None:
    net = network("let c = shared conv(3, 3x3)\nc -> batch_norm -> relu -> c -> batch_norm -> relu -> c")
    found = lowered(net)
    assert ops(found) == ["conv", "relu", "conv", "relu", "conv"]
    assert distance(net, found) < EXACT


# --- norms into what stands behind ---


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    "layer",
    [
        "conv(6, 1x1)",
        "conv(6, 1x1, stride = 2, bias = true)",
        "conv(6, 3x3, pad = 0, groups = 2)",
        "conv(4, 2x2, pad = 0, groups = 4, bias = true)",
        'conv(6, 3x3, pad_mode = "reflect")',
        'conv(6, 3x3, pad_mode = "circular", groups = 2)',
        "global_avg_pool -> flatten -> relu -> norm -> linear(5)",
    ],
)
def test_a_norm_becomes_part_of_the_layer_behind_it(norm: str, layer: str) -> None:
    body = layer.replace("norm", norm) if "norm" in layer else f"{norm} -> {layer}"
    net = network(f"relu -> {body}", size="4x16x16")
    found = lowered(net)
    assert not {"batch_norm", "scale", "multiply"} & {*ops(found)}
    assert distance(net, found) < EXACT


def test_a_norm_that_several_layers_read() -> None:
    net = network("relu -> bn: batch_norm\nconcat(conv(9, 1x1), conv(9, 1x1, bias = true))")
    found = lowered(net)
    assert ops(found) == ["relu", "conv", "conv", "concat"]
    assert distance(net, found) < EXACT


def test_a_shift_does_not_reach_padded_zeros() -> None:
    net = network("relu -> batch_norm -> conv(4, 3x3)")
    found = lowered(net)
    assert ops(found) == ["relu", "param", "multiply", "param", "add", "conv"]
    before = "before it, its shift and `relu` do not change places"
    behind = "behind it, zeros are padded in front of `conv`, which its shift would have to reach"
    assert refusals(found) == [f"{before}; {behind}"]
    assert distance(net, found) < EXACT


def test_a_factor_alone_does() -> None:
    net = network("relu -> scale -> conv(4, 3x3)")
    found = lowered(net)
    assert ops(found) == ["relu", "conv"]
    assert distance(net, found) < EXACT


def test_a_norm_without_weights_about_it_is_told() -> None:
    found = lowered(network("relu -> norm: batch_norm -> relu"))
    assert refusals(found) == [
        "before it, its shift and `relu` do not change places; behind it, `relu` is an output of the network"
    ]


# --- sums of convolutions ---

SUMS = [
    ("conv(3, 3x3) -> batch_norm", "conv(3, 1x1) -> batch_norm", "batch_norm"),
    ("conv(3, 3x3, groups = 3)", "conv(3, 1x1, groups = 3, bias = true)", "batch_norm", "conv(3, 3x3, groups = 3)"),
    ("conv(6, 3x3, stride = 2)", "conv(6, 1x1, stride = 2)"),
    ("conv(3, 3x3)", "conv(3, 1x3, pad = [0, 0, 1, 1])", "conv(3, 3x1, pad = [1, 1, 0, 0])"),
    ("conv(3, 5x5)", "conv(3, 3x3)", "identity", "scale"),
    ("conv(3, 3x3, dilation = 2)", "conv(3, 1x1)"),
    ("conv(3, 2x2, pad = [0, 1, 0, 1])", "conv(3, 2x2, pad = [0, 1, 0, 1])"),
]


@pytest.mark.parametrize("terms", SUMS)
def test_branches_that_are_summed_become_one_convolution(terms: tuple[str, ...]) -> None:
    net = network("relu -> (" + " + ".join(f"({term})" for term in terms) + ") -> relu")
    found = lowered(net)
    assert ops(found) == ["relu", "conv", "relu"]
    assert distance(net, found) < EXACT
    assert distance(net, found, torch.float32) < 1e-5


def test_other_terms_of_the_sum_stay() -> None:
    net = network("relu -> (conv(3, 3x3) + sigmoid + (conv(3, 1x1) -> batch_norm) + (gelu -> conv(3, 1x1)))")
    found = lowered(net)
    assert ops(found).count("conv") == 2
    assert distance(net, found) < EXACT


@pytest.mark.parametrize(
    "terms",
    [
        ("conv(3, 3x3)", "conv(3, 1x1, groups = 3)"),  # of other groups
        ("conv(3, 3x3, stride = 2)", "max_pool(2x2)"),
        ("conv(3, 3x3)", "tanh -> conv(3, 3x3)"),  # of another tensor
        ('conv(3, 3x3, pad_mode = "reflect")', "conv(3, 1x1)"),
        ('conv(3, 3x3, stride = 2, pad = "same")', "conv(3, 1x1, stride = 2)"),
    ],
)
def test_branches_that_are_no_one_convolution(terms: tuple[str, ...]) -> None:
    net = network("relu -> (" + " + ".join(f"({term})" for term in terms) + ") -> relu")
    found = lowered(net)
    assert "add" in ops(found)
    assert distance(net, found) < EXACT


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        (("conv(3, 1x7, pad = [0, 0, 3, 3])", "conv(3, 7x1, pad = [3, 3, 0, 0])"), "would cost more"),
        (("conv(3, 3x3, dilation = 2)", "conv(3, 3x3)"), "dilations differ"),
        (("conv(3, 3x3, stride = 2)", "conv(3, 3x3, stride = 2, pad = [1, 0, 1, 0])"), "for this input alone"),
    ],
)
def test_branches_that_do_not_pay_are_told(terms: tuple[str, ...], why: str) -> None:
    net = network("relu -> (" + " + ".join(f"({term})" for term in terms) + ") -> relu")
    found = lowered(net)
    assert "add" in ops(found)
    assert any(why in each for each in refusals(found)), found.notes
    assert distance(net, found) < EXACT


# --- layers beside one another ---


def test_layers_that_read_one_tensor() -> None:
    net = network(
        "concat(conv(8, 1x1) -> relu, conv(4, 1x1, bias = true) -> sigmoid, conv(4, 1x1) -> tanh)", size="16x8x8"
    )
    found = lowered(net)
    assert ops(found).count("conv") == 1
    assert ops(found).count("split") == 1
    assert distance(net, found) < EXACT


def test_linear_layers_that_read_one_tensor() -> None:
    net = network("flatten -> concat(linear(4) -> relu, linear(4, bias = false) -> tanh)", size="3x4x4")
    found = lowered(net)
    assert ops(found).count("linear") == 1
    assert distance(net, found) < EXACT


def test_wide_outputs_are_not_merged() -> None:
    found = lowered(network("concat(conv(8, 1x1) -> relu, conv(4, 1x1) -> tanh)"))
    assert ops(found).count("conv") == 2
    assert "more than 2 times" in refusals(found)[0]


def test_shared_layers_are_not_merged() -> None:
    net = network("let c = shared conv(3, 1x1)\nconcat(x -> c -> relu, x -> c -> tanh)", size="16x4x4")
    found = lowered(net)
    assert ops(found).count("split") == 0
    assert distance(net, found) < EXACT


# --- all together ---


def test_each_pass_can_be_left_out() -> None:
    body = (
        "param g[8] = 0.5\n"
        "std_conv(8, 3x3) -> batch_norm -> relu -> dropout -> batch_norm -> conv(8, 1x1) -> relu\n"
        "let y = (conv(8, 3x3) -> batch_norm) + (conv(8, 1x1) -> batch_norm) + batch_norm\n"
        "concat(y -> conv(4, 1x1) -> relu, y -> conv(4, 1x1) -> tanh) -> batch_norm -> relu\n"
        "here * exp(g)\n"
        "relu -> (t => t * 2 * 3) -> tanh -> batch_norm -> relu -> conv(5, 1x1)"
    )
    net = network(body)
    whole = lowered(net)
    for each in PASSES:
        found = lowered(net, each.name)
        assert ops(found) != ops(whole), each.name
        assert distance(net, found) < EXACT
    assert ops(lowered(net, *(each.name for each in PASSES))) == ops(unlowered(net.checked))


def test_the_same_graph_is_lowered_to_the_same() -> None:
    from resnetdsl.ir.dump import dump

    net = network("conv(8, 3x3) -> batch_norm -> relu -> (conv(8, 3x3) + batch_norm)")
    assert dump(lower(net.checked).graph) == dump(lower(net.checked).graph)
    assert lower(net.checked).recipes == lower(net.checked).recipes
