"""Attention: what the gates and the heads of the library that have one expand to."""

from __future__ import annotations

from tests.library.expanding import checked, expand, layers, output


def test_global_context_sums_the_image_up_with_one_map() -> None:
    graph = expand("global_context", channels=16)
    assert output(graph) == (16, 9, 9)
    assert [layer for layer in layers(graph) if not layer.startswith("0.mlp_add")] == [
        "0.conv_attn: conv",
        "0.1: tokens",
        "0.2: softmax",
        "0.3: permute",
        "0.4: tokens",
        "0.5: matmul",
        "0.6: reshape",
        "0.add: add",
    ]
    assert [layer for layer in layers(graph) if layer.startswith("0.mlp_add")] == [
        "0.mlp_add.fc1: conv",
        "0.mlp_add.norm: layer_norm",
        "0.mlp_add.2: relu",
        "0.mlp_add.fc2: conv",
    ]


def test_an_attention_pool_gives_a_vector_and_learns_a_position_for_each_place_and_the_mean() -> None:
    graph = expand("attention_pool(10)", channels=128, size=7)
    assert output(graph) == (10,)
    (positions,) = [node for node in graph.nodes() if node.op == "param"]
    assert positions.path == "0.pos_embed"
    assert positions.outputs[0].shape == (50, 128)


def test_a_classifier_of_two_layers_has_a_norm_before_them() -> None:
    graph = expand("norm_mlp_classifier(10, hidden = 32)")
    assert output(graph) == (10,)
    assert [layer for layer in layers(graph) if "flatten" not in layer] == [
        "0.0: global_avg_pool",
        "0.norm: batch_norm",
        "0.pre_logits.fc: linear",
        "0.pre_logits.1: relu",
        "0.fc: linear",
    ]


def test_a_classifier_without_classes_gives_the_averages() -> None:
    assert output(expand("classifier(0)")) == (16,)


def test_they_have_nothing_to_complain_of() -> None:
    for call in ("global_context", "norm_mlp_classifier(16, hidden = 32)"):
        assert not checked(call, channels=64).diagnostics, call


def test_a_bilinear_transform_keeps_any_shape_that_falls_into_its_blocks() -> None:
    assert output(expand("bilinear_attention", channels=64, size=16)) == (64, 16, 16)
    report = checked("bilinear_attention", channels=64, size=9)
    assert [d.code.id for d in report.errors] == ["E0312"]
