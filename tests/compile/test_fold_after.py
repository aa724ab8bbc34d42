"""Norms behind convolutions and linear layers become part of them, and the network computes the same."""

from __future__ import annotations

import pytest
import torch

from tests.compile.lowering import distance, lowered, network, ops


@pytest.mark.parametrize(
    "layer",
    [
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
    ],
)
@pytest.mark.parametrize("norm", ["batch_norm", "batch_norm(affine = false, eps = 1e-3)", "scale"])
def test_a_norm_becomes_part_of_the_layer_before_it(layer: str, norm: str) -> None:
    net = network(f"{layer} -> {norm} -> relu")
    found = lowered(net)
    assert "batch_norm" not in ops(found)
    assert "scale" not in ops(found)
    assert "multiply" not in ops(found)
    assert distance(net, found) < 1e-12
    assert distance(net, found, torch.float32) < 1e-5
