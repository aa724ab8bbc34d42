"""Norms and factors that reach a layer past what stands between, and those that nothing takes: each says why."""

from __future__ import annotations

import pytest
import torch

import resnetdsl
from resnetdsl.api import shipped_networks
from resnetdsl.compile.lower.affine import affine
from resnetdsl.compile.lower.lowered import Lowered, missed
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.compile.lower.rewrite import Rewriter
from tests.compile.lowering import distance, lowered, network, ops
from tests.compile.test_lower_shipped import QUICK

EXACT = 1e-12
NORM = "batch_norm"
NORMS = {"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"}
POINTWISE = {"batch_norm", "scale", "multiply", "divide", "add", "subtract", "add_scalar", "multiply_scalar"}


def reasons(found: Lowered) -> str:
    return "\n".join(f"{note.what}: {note.why}" for note in missed(found.notes))


# --- past what changes places with them ---

BETWEEN = [
    "avg_pool(2)",
    "avg_pool(3, stride = 2, pad = 1, count_pad = false)",
    "avg_pool(3, stride = 2, ceil = true)",
    'avg_pool(3, stride = 2, pad = "same")',
    "global_avg_pool",
    "adaptive_avg_pool(3)",
    "blur_pool",
    "upsample(2)",
    'upsample(2, mode = "bilinear")',
    'upsample(2, mode = "bilinear", align_corners = true)',
    'pad(1, mode = "reflect")',
    'permute("hwc")',
    "tokens",
    "global_avg_pool -> flatten",
]


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("norm", [NORM, "scale", "(t => t * 2 + 1)"])
def test_a_norm_reaches_the_layer_before(between: str, norm: str) -> None:
    if between in {"tokens", 'permute("hwc")'}:  # a batch norm takes no such axes
        norm = "scale" if norm == NORM else norm
    net = network(f"relu -> conv(6, 3x3) -> {between} -> {norm} -> relu")
    found = lowered(net)
    assert not POINTWISE & {*ops(found)}
    assert distance(net, found) < EXACT


@pytest.mark.parametrize("between", [each for each in BETWEEN if "tokens" not in each and "hwc" not in each])
def test_a_norm_reaches_the_layer_behind(between: str) -> None:
    layer = "linear(5)" if "flatten" in between else "conv(5, 1x1)"
    net = network(f"relu -> {NORM} -> {between} -> {layer} -> relu")
    found = lowered(net)
    assert not POINTWISE & {*ops(found)}
    assert distance(net, found) < EXACT


@pytest.mark.parametrize(
    "between", ["avg_pool(3, 2, 1)", 'blur_pool(pad_mode = "zeros")', "pad(1)", "max_pool(3, 2, 1)", "relu", "prelu"]
)
def test_a_positive_number_passes_where_a_shift_does_not(between: str) -> None:
    for body in (
        f"relu -> conv(6, 3x3) -> {between} -> (t => t * 0.5) -> tanh",
        f"(t => t * 0.5) -> {between} -> conv(6, 1x1)",
    ):
        net = network(body)
        found = lowered(net)
        assert not POINTWISE & {*ops(found)}, body
        assert distance(net, found) < EXACT


@pytest.mark.parametrize(
    "between", ["avg_pool(3, 2, 1)", 'blur_pool(pad_mode = "zeros")', "pad(1)", "max_pool(3, 2, 1)", "relu"]
)
def test_a_norm_does_not(between: str) -> None:
    net = network(f"conv(6, 3x3) -> {between} -> {NORM} -> tanh")
    found = lowered(net)
    assert {"multiply", "add"} <= {*ops(found)}
    assert "change" in reasons(found)
    assert distance(net, found) < EXACT


@pytest.mark.parametrize("factor", ["-0.5", "g"])
@pytest.mark.parametrize("between", ["max_pool(2)", "relu"])
def test_a_factor_that_may_be_negative_does_not_pass_a_maximum(between: str, factor: str) -> None:
    net = network(f'param g[6] = "normal"\nconv(6, 3x3) -> {between} -> (t => t * {factor}) -> tanh')
    found = lowered(net)
    assert {"multiply", "multiply_scalar"} & {*ops(found)}
    assert "positive factors alone" in reasons(found)
    assert distance(net, found) < EXACT


def test_a_shift_passes_a_maximum() -> None:
    net = network('param g[6] = "normal"\nconv(6, 3x3) -> max_pool(3, 2, 1) -> (t => t + g) -> tanh')
    found = lowered(net)
    assert ops(found) == ["conv", "max_pool", "tanh"]
    assert distance(net, found) < EXACT


def test_who_asks_for_a_size_alone_gets_it_elsewhere() -> None:
    body = f"relu -> bn: {NORM}\nlet like = here\nconv(4, 1x1) -> avg_pool(2)\nresize_to(here, like)"
    net = network(body)
    found = lowered(net)
    assert not POINTWISE & {*ops(found)}
    assert distance(net, found) < EXACT


# --- sums, products, concatenations ---


@pytest.mark.parametrize("norm", [NORM, "scale", "(t => t * -3)", "(t => 1 - t)"])
@pytest.mark.parametrize("sign", "+-")
def test_a_norm_behind_a_sum_of_layers(sign: str, norm: str) -> None:
    terms = "let a = x -> relu -> conv(6, 3x3)\nlet b = x -> tanh -> conv(6, 1x1) -> avg_pool(3, 1, 1)"
    net = network(f"{terms}\n(a {sign} b) -> {norm}")
    found = lowered(net)
    assert not {"batch_norm", "scale", "multiply", "multiply_scalar", "rsub_scalar", "param"} & {*ops(found)}
    assert distance(net, found) < EXACT


@pytest.mark.parametrize("sign", "+-")
@pytest.mark.parametrize("other", ["a {} b", "b {} a"])
def test_a_shift_alone_goes_into_either_term(other: str, sign: str) -> None:
    net = network(f"let a = x -> relu\nlet b = x -> tanh -> conv(3, 1x1)\n({other.format(sign)}) + 0.7\nrelu")
    found = lowered(net)
    assert "add_scalar" not in ops(found)
    assert distance(net, found) < EXACT


def test_a_norm_behind_a_sum_with_another_tensor_stays() -> None:
    net = network(f"let a = x -> relu -> conv(3, 3x3)\n(a + x) -> {NORM} -> relu")
    found = lowered(net)
    assert "before it, `input` has no weights" in reasons(found)
    assert distance(net, found) < EXACT


def test_a_norm_behind_concatenated_rows() -> None:
    net = network(f'concat(conv(6, 3x3), conv(6, 1x1), axis = "h") -> {NORM} -> relu')
    found = lowered(net)
    assert not POINTWISE & {*ops(found)}
    assert distance(net, found) < EXACT


def test_a_norm_behind_pooled_and_concatenated_layers() -> None:
    net = network(f"concat(conv(6, 3x3) -> avg_pool(2), conv(4, 2x2, stride = 2, pad = 0)) -> {NORM} -> relu")
    found = lowered(net)
    assert not POINTWISE & {*ops(found)}
    assert distance(net, found) < EXACT


def test_a_factor_behind_a_gate_goes_into_the_layer() -> None:
    net = network("let g = x -> sigmoid\nlet v = x -> conv(3, 3x3)\n(v * g) -> scale -> relu")
    found = lowered(net)
    assert "scale" not in ops(found)
    assert distance(net, found) < EXACT


def test_factors_behind_a_gated_image_go_to_the_gate() -> None:
    body = "param s = 0.3\nrelu\nlet v = here\nlet g = v -> global_avg_pool -> sigmoid\n(v * g) * 2 * s * 0.2 + x"
    net = network(body)
    found = lowered(net)
    assert distance(net, found) < EXACT
    graph = found.graph
    large = [node for node in graph.nodes() if node.op == "multiply" and node.outputs[0].numel > 3]
    assert len(large) == 1  # the gating itself
    assert not missed(found.notes)


def test_a_chain_between_activations_becomes_one() -> None:
    net = network(f"relu -> {NORM} -> scale -> (t => t * 3 - 1) -> {NORM} -> relu")
    found = lowered(net)
    assert ops(found) == ["relu", "param", "multiply", "param", "add", "relu"]
    assert distance(net, found) < EXACT


def test_numbers_in_a_chain_stay_numbers() -> None:
    net = network("relu -> (t => t * 3 / 2 * 5) -> relu")
    assert ops(lowered(net)) == ["relu", "multiply_scalar", "relu"]
    assert distance(net, lowered(net)) < EXACT


@pytest.mark.parametrize(
    "reader", ["(y + y) -> conv(3, 1x1)", "(y + (y -> avg_pool(3, 1, 1))) -> conv(3, 1x1)", "y - y"]
)
def test_a_shift_that_arrives_twice_stays(reader: str) -> None:
    net = network(f"relu\nlet y = here + 0.7\n{reader}")
    found = lowered(net)
    assert "add_scalar" in ops(found)
    assert distance(net, found) < EXACT


def test_a_chain_that_is_read_in_the_middle_stays() -> None:
    net = network(f"relu -> {NORM}\nlet y = here\n(y -> scale -> tanh) + (y -> sigmoid)")
    found = lowered(net)
    assert ops(found).count("multiply") == 1
    assert distance(net, found) < EXACT


def test_an_outlet_in_the_middle_of_a_chain_stays() -> None:
    net = network(f"relu -> {NORM}\ntap t\nscale -> relu")
    found = lowered(net)
    assert len(found.graph.outputs) == 2
    assert distance(net, found) < EXACT


# --- weights of every shape ---


@pytest.mark.parametrize("shape", ["[6]", "", "[1]", "[6, 1, 1]", "[1, 1, 1]"])
@pytest.mark.parametrize("form", ["t * w", "w * t", "t + w", "t - w", "w - t", "t / w", "w + t"])
def test_arithmetic_with_a_weight(form: str, shape: str) -> None:
    net = network(f"param w{shape} = 1.5\nconv(6, 3x3, bias = true) -> (t => {form}) -> relu")
    found = lowered(net)
    assert ops(found) == ["conv", "relu"]
    assert distance(net, found) < EXACT


@pytest.mark.parametrize(
    "body",
    [
        'param w[16, 16] = "normal"\nconv(6, 3x3) -> (t => t * (w -> reshape([1, 16, 16]))) -> relu',  # of pixels
        'param w[6, 16, 16] = "normal"\nconv(6, 3x3) -> (t => t + w) -> relu',
        'param w[6] = "normal"\nconv(1, 3x3) -> (t => t * w) -> relu',  # that stretches the channels
        "param w[6] = 1\nconv(6, 3x3) -> (t => w / t) -> relu",
    ],
)
def test_a_weight_that_is_none_of_the_channels(body: str) -> None:
    net = network(body)
    found = lowered(net)
    assert "param" in ops(found)
    assert distance(net, found) < EXACT


# --- every norm and factor that is left has a reason ---


def unexplained(found: Lowered) -> list[str]:
    """The norms and factors of the graph that no note tells of."""
    told = {place for note in found.notes for place in note.where.split(", ")}
    rewriter = Rewriter(found, "test")
    left = [node for node in rewriter.nodes.values() if node.op in NORMS or affine(rewriter, node) is not None]
    return [
        node.path for node in left if not any(node.path == each or node.path.startswith(f"{each}.") for each in told)
    ]


def whole(name: str) -> Lowered | None:
    try:
        return lower(resnetdsl.load(name).network(name).checked)
    except resnetdsl.SpecError:
        return None  # it needs arguments


@pytest.mark.parametrize(
    "name", [*QUICK, "dm_nfnet_f0", "convnextv2_atto", "mobilenetv4_hybrid_medium", "poolformer_s12"]
)
def test_what_is_left_of_a_shipped_network_is_told(name: str) -> None:
    found = whole(name)
    assert found is not None
    assert unexplained(found) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(12))
def test_what_is_left_of_every_shipped_network_is_told(part: int) -> None:
    names = sorted(shipped_networks())[part::12]
    silent = {name: left for name in names if (found := whole(name)) and (left := unexplained(found))}
    assert silent == {}


def test_without_a_pass_its_folds_are_told_of() -> None:
    net = network(f"conv(6, 3x3) -> {NORM} -> relu")
    found = lowered(net, "fold-after")
    assert "a layer could take it, and `fold-after` was left out" in reasons(found)
    assert distance(net, found, torch.float64) < EXACT


def test_norms_of_each_input_are_told_of() -> None:
    found = lowered(network("conv(8, 3x3) -> group_norm(4) -> relu -> layer_norm"))
    assert reasons(found).count("its statistics are those of each input") == 2
