"""What the blocks of the library expand to: names, order, shapes."""

from __future__ import annotations

import pytest

from tests.library.expanding import checked, expand, layers, output

EXPANSIONS = {
    "basic(16)": """
        0.conv1: conv, 0.bn1: batch_norm, 0.2: relu, 0.conv2: conv, 0.bn2: batch_norm, 0.downsample.0: identity,
        0.add: add, 0.6: relu
    """,
    "basic(32, stride = 2)": """
        0.conv1: conv, 0.bn1: batch_norm, 0.2: relu, 0.conv2: conv, 0.bn2: batch_norm, 0.downsample.0: conv,
        0.downsample.1: batch_norm, 0.add: add, 0.6: relu
    """,
    "bottleneck(4)": """
        0.conv1: conv, 0.bn1: batch_norm, 0.2: relu, 0.conv2: conv, 0.bn2: batch_norm, 0.5: relu, 0.conv3: conv,
        0.bn3: batch_norm, 0.downsample.0: identity, 0.add: add, 0.9: relu
    """,
    "plain_basic(32, stride = 2)": """
        0.conv1: conv, 0.bn1: batch_norm, 0.2: relu, 0.conv2: conv, 0.bn2: batch_norm, 0.5: relu
    """,
    "plain_bottleneck(8)": """
        0.conv1: conv, 0.bn1: batch_norm, 0.2: relu, 0.conv2: conv, 0.bn2: batch_norm, 0.5: relu, 0.conv3: conv,
        0.bn3: batch_norm, 0.8: relu
    """,
    "basic(16, attention = se(4), drop = 0.1)": """
        0.conv1: conv, 0.bn1: batch_norm, 0.2: relu, 0.conv2: conv, 0.bn2: batch_norm, 0.se.0: global_avg_pool,
        0.se.fc1: conv, 0.se.2: relu, 0.se.fc2: conv, 0.se.4: sigmoid, 0.se.multiply: multiply, 0.6: drop_path,
        0.downsample.0: identity, 0.add: add, 0.8: relu
    """,
    "preact_basic(16)": """
        0.bn1: batch_norm, 0.1: relu, 0.conv1: conv, 0.bn2: batch_norm, 0.4: relu, 0.conv2: conv,
        0.downsample.0: identity, 0.add: add
    """,
    "preact_bottleneck(4, stride = 2)": """
        0.bn1: batch_norm, 0.1: relu, 0.conv1: conv, 0.bn2: batch_norm, 0.4: relu, 0.conv2: conv, 0.bn3: batch_norm,
        0.7: relu, 0.conv3: conv, 0.downsample.0: conv, 0.add: add
    """,
    "bn_after_addition(16)": """
        0.conv1: conv, 0.bn1: batch_norm, 0.2: relu, 0.conv2: conv, 0.downsample.0: identity, 0.add: add,
        0.bn2: batch_norm, 0.6: relu
    """,
    "relu_before_addition(16)": """
        0.conv1: conv, 0.bn1: batch_norm, 0.2: relu, 0.conv2: conv, 0.bn2: batch_norm, 0.5: relu,
        0.downsample.0: identity, 0.add: add
    """,
    "relu_only_preactivation(16)": """
        0.0: relu, 0.conv1: conv, 0.bn1: batch_norm, 0.3: relu, 0.conv2: conv, 0.bn2: batch_norm,
        0.downsample.0: identity, 0.add: add
    """,
}


@pytest.mark.parametrize("call", EXPANSIONS)
def test_a_block_expands_to_these_layers(call: str) -> None:
    assert layers(expand(call)) == [layer.strip() for layer in EXPANSIONS[call].split(",")]


BLOCKS = ("basic", "bottleneck", "preact_basic", "preact_bottleneck", "bn_after_addition")
BLOCKS += ("relu_before_addition", "relu_only_preactivation")
SHORTCUTS = ("none", "projection", "projection_everywhere", "zero_padded", "zero_padded(centred = true)")
SHORTCUTS += ("avg_pool_projection", "scaled(0.5)", "exclusive_gate", "shortcut_gate", "conv1x1_shortcut")
SHORTCUTS += ("dropout_shortcut", "scaled(0.5, match = projection)", "shortcut_gate(-1, match = avg_pool_projection)")


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_goes_with_every_shortcut_at_every_stride(
    block: str, shortcut: str, stride: int, size: int
) -> None:
    wide = 4 if "bottleneck" in block else 1
    graph = expand(f"{block}(8, stride = {stride}, shortcut = {shortcut})", channels=8, size=size)
    assert output(graph) == (8 * wide, -(-size // stride), -(-size // stride))


@pytest.mark.parametrize("block", BLOCKS)
def test_the_shapes_of_a_block_agree_over_a_range_of_odd_and_even_sizes(block: str) -> None:
    report = checked(f"{block}(8, stride = 2) -> {block}(16, stride = 2)", more="").ok
    assert report
    from resnetdsl.api import load

    ranged = load(
        f"network one {{\n input 8, 5..21 step 4, 6..24 step 3\n {block}(8, stride = 2)\n {block}(8)\n}}"
    ).check()
    assert ranged.ok, str(ranged)


def test_identity_does_not_fit_a_block_that_changes_the_shape() -> None:
    report = checked("basic(32, stride = 2, shortcut = identity)")
    assert [found.code.id for found in report.errors] == ["E0301"]


def test_the_stride_stands_where_it_is_asked_for() -> None:
    def strides(call: str) -> list[object]:
        return [node.attrs["stride"] for node in expand(call).nodes() if node.op == "conv"]

    assert strides("bottleneck(4, stride = 2)") == [(1, 1), (2, 2), (1, 1), (2, 2)]
    assert strides("bottleneck(4, stride = 2, stride_on = 1x1)") == [(2, 2), (1, 1), (1, 1), (2, 2)]
    assert strides("preact_bottleneck(4, stride = 2, stride_on = 1x1)") == [(2, 2), (1, 1), (1, 1), (2, 2)]


def test_groups_and_base_width_make_resnext_and_wide_bottlenecks() -> None:
    def widths(call: str) -> list[tuple[object, object]]:
        nodes = [node for node in expand(call, channels=256).nodes() if node.op == "conv"]
        return [(node.attrs["out_channels"], node.attrs["groups"]) for node in nodes]

    assert widths("bottleneck(64, groups = 32, base_width = 4)") == [(128, 1), (128, 32), (256, 1)]
    assert widths("bottleneck(64, base_width = 128)") == [(128, 1), (128, 1), (256, 1)]


@pytest.mark.parametrize(("call", "norms"), [("basic(16, zero_init = true)", [1.0, 0.0]), ("basic(16)", [1.0, 1.0])])
def test_zero_init_starts_the_last_norm_at_zero(call: str, norms: list[float]) -> None:
    assert [node.attrs["init"] for node in expand(call).nodes() if node.op == "batch_norm"] == norms


def test_norm_and_activation_reach_every_place_the_projection_included() -> None:
    ops = [node.op for node in expand("basic(32, stride = 2, norm = group_norm(4), act = silu)").nodes()]
    assert ops.count("group_norm") == 3
    assert ops.count("silu") == 2
    assert not {"batch_norm", "relu"} & set(ops)


@pytest.mark.parametrize(
    ("stem", "paths", "shape"),
    [
        ("imagenet_stem(64)", ["conv1", "bn1", "2", "3"], (64, 8, 8)),
        ("deep_stem(64)", ["conv1.0", "conv1.1", "conv1.2", "conv1.3", "conv1.4", "conv1.6", "bn1"], (64, 8, 8)),
        ("cifar_stem(16)", ["conv1", "bn1", "2"], (16, 32, 32)),
    ],
)
def test_the_layers_of_a_stem_stand_at_the_top(stem: str, paths: list[str], shape: tuple[int, ...]) -> None:
    graph = expand(stem, channels=3, size=32)
    found = [node.path for node in graph.nodes()]
    assert set(paths) <= set(found)
    assert output(graph) == shape


def test_a_classifier_is_one_linear_layer_behind_the_average() -> None:
    assert layers(expand("classifier(10)")) == ["0: global_avg_pool", "flatten: flatten", "fc: linear"]
    assert layers(expand("dropout_classifier(10, 0.2)")) == [
        "0: global_avg_pool",
        "1: dropout",
        "flatten: flatten",
        "fc: linear",
    ]


def test_the_schedules_of_stochastic_depth() -> None:
    def rates(function: str) -> list[float]:
        graph = expand(f"4 * basic(16, drop = {function}(0.4, index, count))")
        return [round(float(node.attrs["rate"]), 6) for node in graph.nodes() if node.op == "drop_path"]  # type: ignore[arg-type]

    assert rates("linear_decay") == [0.1, 0.2, 0.3, 0.4]
    assert rates("drop_path_decay") == [0.133333, 0.266667, 0.4]


def test_se_wants_whole_channels_or_a_width_of_its_own() -> None:
    assert [found.code.id for found in checked("se(3)").errors] == ["E0209"]
    assert output(expand("se(hidden = 5)")) == (16, 9, 9)
