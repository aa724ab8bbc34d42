"""A norm in front of a ReLU goes into the layers behind it, whatever the signs of its factors, and leaves a clamp."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from resnetdsl.compile.engines.onednn.plan import Plan
from resnetdsl.compile.engines.registry import ENGINES
from resnetdsl.compile.engines.schedule.fuse import schedule
from resnetdsl.compile.engines.schedule.steps import Clamp
from resnetdsl.compile.lower.lowered import missed, weights_of
from resnetdsl.compile.options import Precision
from resnetdsl.compile.passes import Passes
from resnetdsl.compile.program import Program
from resnetdsl.compile.recipes import evaluate_all, from_json, to_json
from tests.compile.lowering import CPU, distance, lowered, network, ops
from tests.compile.test_plan import apart, setting

EXACT = 1e-12
NORMS = ["batch_norm", "scale -> (t => t + 0.5)", "(t => 1 - t)", "batch_norm(affine = false)"]
BEHIND = [
    "conv(5, 1x1)",
    "conv(5, 1x1, stride = 2, bias = true)",
    "conv(6, 3x3, groups = 3, pad = 0)",
    'conv(5, 3x3, pad_mode = "reflect")',
    "avg_pool(2) -> conv(5, 1x1)",
    "global_avg_pool -> linear(5)",
]


@pytest.mark.parametrize("act", ["relu", "relu6"])
@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("norm", NORMS)
def test_it_computes_the_same(norm: str, behind: str, act: str) -> None:
    net = network(f"tanh -> conv(6, 3x3) -> sigmoid -> {norm} -> {act} -> {behind} -> tanh")
    found = lowered(net)
    assert {"maximum", "minimum"} <= {*ops(found)}
    assert not {"batch_norm", "scale", "multiply", "add", "relu", "relu6"} & {*ops(found)}
    assert distance(net, found) < EXACT
    assert distance(net, found, torch.float32) < 1e-5


@pytest.mark.parametrize("act", ["relu", "relu6"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_factors_of_any_sign_and_none(act: str, dtype: torch.dtype) -> None:
    net = network(f"bn: batch_norm -> {act} -> conv(4, 1x1)", size="8x6x6")
    module = net.module().eval().to(dtype)
    with torch.no_grad():
        module.bn.weight.copy_(torch.tensor([2.0, -2.0, 0.0, 0.0, 1e-36, -1e-36, 1e-12, -3.0]))
        module.bn.bias.copy_(torch.tensor([0.3, 0.3, 0.7, -0.7, 0.5, -0.5, 7.0, -9.0]))
    found = lowered(net)
    program = Program(found, evaluate_all(found.recipes, module.state_dict(), dtype, CPU)).to(dtype)
    x = 3 * torch.randn(2, 8, 6, 6, dtype=dtype, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, (actual,) = module(x), program(x)
    assert apart([actual], [expected]) < (EXACT if dtype is torch.float64 else 1e-6)


def test_layers_that_read_one_rectifier_all_take_it() -> None:
    net = network(
        "batch_norm -> relu\nlet a = here\n(a -> conv(4, 1x1)) + (a -> avg_pool(2) -> conv(4, 1x1) -> upsample(2))"
    )
    found = lowered(net)
    assert not {"relu", "multiply"} & {*ops(found)}
    assert distance(net, found) < EXACT


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("batch_norm -> relu -> conv(4, 3x3)", "zeros are padded in front of `conv`"),
        ("batch_norm -> relu -> max_pool(2) -> conv(4, 1x1)", "`max_pool` changes places with positive factors alone"),
        ("batch_norm -> relu\nlet a = here\n(a -> conv(3, 1x1)) + (a -> sigmoid)", "`sigmoid`"),
        ("batch_norm -> leaky_relu -> conv(4, 1x1)", "its shift and `leaky_relu` do not change places"),
        ("batch_norm -> relu", "`relu` is an output of the network"),
        ("batch_norm\nlet a = here\na -> relu -> conv(3, 1x1)\nhere + a", "its shift and `relu` do not change places"),
    ],
)
def test_where_it_cannot_go_is_told(body: str, why: str) -> None:
    net = network(body)
    found = lowered(net)
    assert "maximum" not in ops(found)
    assert why in "\n".join(note.why for note in missed(found.notes))
    assert distance(net, found) < EXACT


def test_left_out_where_it_does_not_pay_or_is_not_exact() -> None:
    assert "across" not in Passes().left_out(ENGINES["onednn"])
    assert "across" in Passes().left_out(ENGINES["onnxruntime"])
    assert "across" in Passes().left_out(ENGINES["openvino"])
    assert "across" in Passes(precision=Precision.FLOAT16).left_out(ENGINES["cudnn"])
    assert "across" in Passes(precision=Precision.INT8).left_out()
    assert "across" not in Passes(precision=Precision.BFLOAT16).left_out(ENGINES["cudnn"])
    assert "across" not in Passes(also=("across",)).left_out(ENGINES["onnxruntime"])


def test_its_recipes_are_data() -> None:
    for recipe in lowered(network("batch_norm -> relu6 -> conv(4, 1x1)")).recipes.values():
        assert from_json(to_json(recipe)) == recipe


@pytest.mark.parametrize(("after", "in_place"), [("", True), (" + a", False)])
def test_one_call_that_writes_over_what_nobody_reads(after: str, in_place: bool) -> None:
    body = f"let a = x -> conv(6, 3x3) -> sigmoid\n(a -> batch_norm -> relu -> conv(6, 1x1)){after}"
    graph = (found := lowered(network(body))).graph
    assert [step.what for step in schedule(graph, 1) if isinstance(step.what, Clamp)] == [Clamp(in_place)]
    generator = torch.Generator().manual_seed(0)
    weights = {name: torch.randn(leaf.shape, generator=generator) for name, leaf in weights_of(graph)}
    for name in [name for name in weights if name.endswith(".low")]:
        weights[name.replace(".low", ".high")] = weights[name] + 0.5
    x = torch.randn(1, 3, 16, 16, generator=generator)
    with torch.no_grad():
        expected: list[Tensor] = Program(found, weights)(x)
    assert apart(Plan(graph, weights, setting(graph)).run([x]), expected) < 1e-5
