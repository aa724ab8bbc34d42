"""What the smaller parts of the library expand to, which families far from ResNet share."""

from __future__ import annotations

import pytest

from tests.library.expanding import checked, expand, layers, output

EXPANSIONS = {
    "conv_norm(8, 3x3, stride = 2)": "0.conv: conv, 0.bn: batch_norm, 0.2: relu",
    "conv_norm(8, 1x1, norm = none, act = none)": "0.conv: conv",
    "pooled_conv(8)": "0.0: identity, 0.1: conv",
    "pooled_conv(8, stride = 2, norm = batch_norm)": "0.0: avg_pool, 0.1: conv, 0.2: batch_norm",
    "mlp(64, conv(kernel = 1x1))": "0.fc1: conv, 0.1: gelu, 0.fc2: conv",
    "simple_norm": """
        0.weight: param, 0.0: reduce_var, 0.add_scalar: add_scalar, 0.1: rsqrt, 0.multiply: multiply,
        0.multiply_2: multiply
    """,
    "grn": """
        0.weight: param, 0.bias: param, 0.0: reduce_norm, 0.1: reduce_mean,
        0.add_scalar: add_scalar, 0.divide: divide, 0.multiply: multiply, 0.multiply_2: multiply, 0.add: add,
        0.add_2: add
    """,
    "evo_norm(groups = 4)": """
        0.weight: param, 0.bias: param, 0.v: param, 0.0: reshape, 0.1: reduce_var, 0.add_scalar: add_scalar, 0.2: sqrt,
        0.multiply: multiply, 0.3: sigmoid, 0.multiply_2: multiply, 0.4: reshape, 0.divide: divide,
        0.5: reshape_like, 0.multiply_3: multiply, 0.add: add
    """,
    "filter_response_norm": """
        0.weight: param, 0.bias: param, 0.tau: param, 0.0: square, 0.1: reduce_mean, 0.add_scalar: add_scalar,
        0.2: rsqrt, 0.multiply: multiply, 0.multiply_2: multiply, 0.add: add, 0.3: maximum
    """,
}


@pytest.mark.parametrize("call", EXPANSIONS)
def test_a_part_expands_to_these_layers(call: str) -> None:
    assert layers(expand(call)) == [layer.strip() for layer in EXPANSIONS[call].split(",")]


@pytest.mark.parametrize("size", [8, 9])
def test_a_pooled_convolution_rounds_up_as_a_strided_one_does(size: int) -> None:
    for layer in ("pooled_conv(8, stride = 2)", "conv(8, 1x1, stride = 2)"):
        assert output(expand(layer, size=size)) == (8, (size + 1) // 2, (size + 1) // 2)


def test_channels_last_or_first_a_perceptron_keeps_the_shape() -> None:
    last = expand('permute("hwc") -> mlp(64, middle = (grn: grn)) -> permute("chw")')
    first = expand("mlp(64, conv(kernel = 1x1, bias = true), middle = (grn: grn))")
    assert output(last) == output(first) == (16, 9, 9)
    assert [node.path for node in last.nodes() if node.op == "param"] == ["1.grn.weight", "1.grn.bias"]


def test_the_parts_have_nothing_to_complain_of() -> None:
    for call in EXPANSIONS:
        assert not checked(call).diagnostics, call
