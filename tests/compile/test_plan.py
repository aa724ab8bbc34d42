"""The engine of oneDNN: a plan of kernel calls, held against eager, and what it fuses and writes over."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor

import resnetdsl
from resnetdsl.compile.engines.base import Job, Setting
from resnetdsl.compile.engines.onednn import engine
from resnetdsl.compile.engines.onednn import plan as plans
from resnetdsl.compile.engines.onednn.engine import OneDnn
from resnetdsl.compile.engines.onednn.plan import Plan
from resnetdsl.compile.engines.schedule.fuse import UNARY, schedule
from resnetdsl.compile.engines.schedule.steps import Conv, Linear, Plain, Step, Unary
from resnetdsl.compile.errors import ArtifactError
from resnetdsl.compile.inputs import input_spec
from resnetdsl.compile.lower.lowered import Lowered, unlowered, weights_of
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.compile.options import Batch, Layout, Mode, Precision
from resnetdsl.compile.program import Program
from resnetdsl.compile.recipes import evaluate_all
from resnetdsl.compile.verify import Reference
from resnetdsl.ir.graph import Graph, Source
from resnetdsl.ops.registry import OPS
from tests.builders import Builder
from tests.compile.lowering import CPU, network
from tests.emit.interpreter import randomise

ONE = Batch(1, 1)


def setting(graph: Graph, batch: Batch = ONE, precision: Precision = Precision.FLOAT32) -> Setting:
    return Setting("cpu", precision, Mode.LATENCY, Layout.CHANNELS_LAST, input_spec(graph, batch))


def random_weights(graph: Graph, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(weight.shape, generator=generator) / max(1, math.prod(weight.shape[1:])) ** 0.5
        for name, weight in weights_of(graph)
    }


def apart(found: list[Tensor], expected: list[Tensor]) -> float:
    assert [t.shape for t in found] == [t.shape for t in expected]
    worst = [float((a - e).abs().max() / e.abs().max().clamp_min(1e-9)) for a, e in zip(found, expected, strict=True)]
    return max(worst)


# --- whole networks ---

SMALL = {
    "resnet18": (3, 64, 64),
    "resnet50": (3, 64, 64),
    "preresnet110": None,
    "densenet121": (3, 64, 64),
    "mobilenetv2_100": (3, 64, 64),
    "efficientnet_b0": (3, 64, 64),
    "tf_efficientnet_b0": (3, 65, 65),
    "resnest14d": (3, 64, 64),
    "res2net50_26w_4s": (3, 64, 64),
    "convnext_atto": (3, 64, 64),
    "repvgg_a0": (3, 64, 64),
}


@pytest.mark.parametrize("name", SMALL)
def test_networks_compute_what_eager_computes(name: str) -> None:
    net = resnetdsl.load(name).network(input=SMALL[name])
    module = net.module().eval()
    randomise(module)
    lowered = lower(net.checked)
    weights = evaluate_all(lowered.recipes, module.state_dict(), torch.float32, CPU)
    plan = Plan(lowered.graph, weights, setting(net.checked, Batch(1, 3)))
    for batch in (1, 3):
        x = torch.randn(batch, *net.checked.node(0).outputs[0].shape)
        given = x.clone()
        assert apart(plan.run([x]), Reference(module, ("output",))(x)) < 1e-4
        assert torch.equal(x, given), "the input is written over"


def test_a_network_of_many_outputs_and_any_size() -> None:
    net = resnetdsl.load("resnet50_fpn").network()
    module = net.module().eval()
    randomise(module)
    lowered = lower(net.checked)
    weights = evaluate_all(lowered.recipes, module.state_dict(), torch.float32, CPU)
    plan = Plan(lowered.graph, weights, setting(net.checked, Batch(1, 4)))
    reference = Reference(module, tuple(output.name for output in net.checked.outputs))
    for shape in ((1, 3, 64, 96), (2, 3, 128, 64)):
        x = torch.randn(shape)
        assert apart(plan.run([x]), reference(x)) < 1e-4


def test_bfloat16() -> None:
    if not plans.has_kernels(Precision.BFLOAT16):
        pytest.skip("this processor has no bfloat16")
    net = resnetdsl.load("resnet18").network(input=(3, 64, 64))
    module = net.module().eval()
    lowered = lower(net.checked)
    weights = evaluate_all(lowered.recipes, module.state_dict(), torch.bfloat16, CPU)
    plan = Plan(lowered.graph, weights, setting(net.checked, precision=Precision.BFLOAT16))
    x = torch.randn(1, 3, 64, 64)
    (found,) = plan.run([x.bfloat16()])
    assert found.dtype is torch.bfloat16
    assert apart([found.float()], Reference(module, ("output",))(x)) < 5e-2


# --- what becomes one call ---


def steps(lowered: Lowered, batch: int = 1) -> tuple[Step, ...]:
    return schedule(lowered.graph, batch)


def test_all_of_resnet50_but_its_pools_is_convolutions() -> None:
    lowered = lower(resnetdsl.load("resnet50").network().checked)
    found = steps(lowered)
    plain = [lowered.graph.node(step.node).op for step in found if isinstance(step.what, Plain)]
    assert plain == ["max_pool", "global_avg_pool", "flatten"]
    assert sum(isinstance(step.what, Conv | Linear) for step in found) == 54 == len(found) - 3
    sums = [step.what for step in found if isinstance(step.what, Conv) and step.what.adds]
    assert len(sums) == 16
    assert all(what.in_place and what.act is not None for what in sums)


def test_where_sizes_are_free_no_packed_weight_depends_on_them() -> None:
    graph = lower(resnetdsl.load("resnet50_backbone").network().checked).graph
    for step in schedule(graph, 1, free=True):
        if isinstance(step.what, Conv):
            (weight, *_) = OPS["conv"].weights(graph.node(step.nodes[0]).attrs, graph.input_types(step.nodes[0]))
            assert weight.shape[2:] != (1, 1)


@pytest.mark.parametrize("body", ["conv(64, 1x1, stride = 2) -> relu", "residual(identity) { conv(3, 1x1) }\n    relu"])
def test_layers_of_images_of_free_size(body: str) -> None:
    lowered = unlowered(network(f"    {body}", size="3, 8..64 step 8, 8..64 step 8").checked)
    graph = lowered.graph
    weights = random_weights(graph)
    plan = Plan(graph, weights, setting(graph, Batch(1, 4)))
    assert any(isinstance(step.what, Linear) for step in plan.steps)
    for shape in ((1, 3, 8, 64), (3, 3, 24, 16)):
        x = torch.randn(shape)
        with torch.no_grad():
            assert apart(plan.run([x]), Program(lowered, weights)(x)) < 1e-4


def test_the_steps_of_a_deep_network_are_those_of_a_shallow_one_more_often() -> None:
    spec = resnetdsl.load("preresnet1001")

    def calls(n: int) -> Counter[tuple[str, ...]]:
        graph = lower(spec.network(n=n).checked).graph
        return Counter(
            (type(step.what).__name__, *(graph.node(id).op for id in step.nodes)) for step in schedule(graph, 1)
        )

    assert calls(3).keys() == calls(20).keys()


@pytest.mark.parametrize("act", ["relu", "relu6", "sigmoid", "tanh", "silu", "hard_swish", "hard_sigmoid", "gelu"])
@pytest.mark.parametrize("kernel", [1, 3])
def test_an_activation_goes_with_its_layer(act: str, kernel: int) -> None:
    net = network(f"    conv(64, {kernel}x{kernel}, bias = true) -> {act} -> conv(64, {kernel}x{kernel}) -> {act}")
    lowered = unlowered(net.checked)
    assert len(steps(lowered)) == 2
    assert_same(lowered)


def assert_same(lowered: Lowered, batch: int = 2, weights: Mapping[str, Tensor] | None = None) -> None:
    """The plan computes what the executor of each op does, twice."""
    graph = lowered.graph
    weights = random_weights(graph) if weights is None else weights
    plan = Plan(graph, weights, setting(graph, Batch(batch, batch)))
    for seed in (0, 1):
        x = torch.randn(batch, *graph.node(0).outputs[0].shape, generator=torch.Generator().manual_seed(seed))
        given = x.clone()
        with torch.no_grad():
            expected = Program(lowered, weights)(x.clone())
        assert apart(plan.run([x]), expected) < 1e-4
        assert torch.equal(x, given)


@pytest.mark.parametrize(
    "body",
    [
        "conv(8, 3x3, pad = [1, 0, 0, 1])",
        'conv(8, 4x4, stride = 2, pad = "same")',
        "conv(9, 3x3, groups = 3, dilation = 2)",
        'conv(8, 3x3, pad_mode = "reflect")',
        "conv(8, 5x3, stride = 2x1, bias = true) -> leaky_relu(0.2)",
        "conv(6, 1x1, stride = 2) -> relu",
        "conv(6, 1x1, groups = 3) -> relu",
        "conv(6, 1x1, pad = 1, bias = true)",
        "flatten -> linear(7, bias = false) -> relu",
        "global_avg_pool -> flatten -> linear(7) -> gelu",
        "conv_transpose(4, 2x2, stride = 2) -> relu",
        'permute("hwc") -> linear(5) -> relu',
        # The activation is that of the sum, which has numbers on both sides of zero.
        'permute("hwc")\nresidual { linear(3) }\nrelu',
        "global_avg_pool -> flatten -> linear(9)\nresidual { linear(9) }\nrelu\nresidual { linear(9) }",
        "residual { conv(3, 1x1) }\nrelu",
    ],
)
def test_layers_of_every_form(body: str) -> None:
    assert_same(unlowered(network(f"    {body}").checked))


# --- what is written over ---


class Net:
    """A graph by hand; `add` makes convolutions whose results are summed."""

    def __init__(self) -> None:
        self.make = Builder("net")
        self.x = self.make.input(8, 10, 10)
        self.count = 0

    def conv(self, x: Source, kernel: int = 3) -> Source:
        self.count += 1
        return self.make("conv", x, at=f"c{self.count}", out_channels=8, kernel=kernel)

    def op(self, name: str, *sources: Source, **given: object) -> Source:
        self.count += 1
        return self.make(name, *sources, at=f"o{self.count}", **given)


def in_place(lowered: Lowered) -> list[bool]:
    return [
        step.what.in_place
        for step in steps(lowered)
        if (isinstance(step.what, Conv) and step.what.adds) or isinstance(step.what, Unary)
    ]


def case_free(net: Net) -> Source:
    return net.op("add", net.conv(net.conv(net.x)), net.conv(net.x))


def case_input(net: Net) -> Source:
    return net.op("add", net.conv(net.x), net.x)


def case_result(net: Net) -> Source:
    y = net.conv(net.x)
    net.make.tap("early", y)
    return net.op("add", net.conv(net.conv(y)), y)


def case_read_later(net: Net) -> Source:
    y = net.conv(net.x)
    z = net.op("add", net.conv(net.conv(y)), y)
    return net.op("concat", z, y)


def case_own_operand(net: Net) -> Source:
    y = net.conv(net.x)
    return net.op("add", net.conv(y), y)


def case_view_read_later(net: Net) -> Source:
    y = net.conv(net.x)
    view = net.op("slice", y, start=0, stop=4)
    z = net.op("add", net.conv(net.conv(y)), y)
    return net.op("concat", z, view)


def case_of_a_view(net: Net) -> Source:
    y = net.op("identity", net.conv(net.x))
    return net.op("add", net.conv(net.conv(net.x)), y)


def case_unary_of_a_sum_read_later(net: Net) -> Source:
    y = net.op("subtract", net.conv(net.x), net.x)
    return net.op("multiply", net.op("sigmoid", y), y)


def case_unary(net: Net) -> Source:
    y = net.conv(net.conv(net.x))
    z = net.op("add", net.conv(net.x), y)
    return net.op("mish", z)


CASES = {
    case_free: [True],
    case_input: [False],
    case_result: [False],
    case_read_later: [False],
    case_own_operand: [False],
    case_view_read_later: [False],
    case_of_a_view: [False],
    case_unary_of_a_sum_read_later: [False],
    case_unary: [True, True],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_is_written_over(case: object) -> None:
    net = Net()
    lowered = unlowered(net.make.done(case(net)))  # type: ignore[operator]
    assert in_place(lowered) == CASES[case]  # type: ignore[index]
    assert_same(lowered)


@pytest.mark.parametrize("seed", range(40))
def test_any_graph(seed: int) -> None:
    """Random graphs of layers, sums, views and activations: no result is written over while it is needed."""
    choose = random.Random(seed)
    net = Net()
    there = [net.x]
    for _ in range(choose.randint(4, 16)):
        x, y = choose.choice(there), choose.choice(there[-4:])
        match choose.randrange(9):
            case 0 | 1:
                made = net.conv(y, choose.choice([1, 3]))
            case 2 | 3:
                made = net.op("add", net.conv(y, choose.choice([1, 3])), x)
            case 4:
                made = net.op("relu", net.op("add", x, net.conv(y)))
            case 5:
                made = net.op(choose.choice(sorted(UNARY)), y)
            case 6:
                made = net.op("identity", x)
            case 7:
                made = net.op("max_pool", y, kernel=3, stride=1, pad=1)
            case _:
                made = net.op("concat", net.op("slice", x, start=0, stop=4), net.op("slice", y, start=4, stop=8))
        there.append(made)
        if choose.random() < 0.15:
            net.make.tap(f"tap{len(there)}", made)
    assert_same(unlowered(net.make.done(there[-1])))


# --- weights ---


def test_weights_are_swapped() -> None:
    lowered = lower(network("    conv(8, 3x3) -> batch_norm -> relu -> conv(8, 1x1) -> relu -> batch_norm").checked)
    first, second = random_weights(lowered.graph, 1), random_weights(lowered.graph, 2)
    plan = Plan(lowered.graph, first, setting(lowered.graph))
    x = torch.randn(1, 3, 16, 16)
    before = plan.run([x])
    plan.swap(second)
    with torch.no_grad():
        assert apart(plan.run([x]), Program(lowered, second)(x)) < 1e-5
    plan.swap(first)
    assert apart(plan.run([x]), before) == 0


def test_one_image_and_several_have_kernels_of_their_own() -> None:
    lowered = lower(network("    conv(64, 3x3) -> relu -> conv(64, 1x1)").checked)
    one, other = random_weights(lowered.graph, 1), random_weights(lowered.graph, 2)
    plan = Plan(lowered.graph, one, setting(lowered.graph, Batch(1, 8)))
    for weights in (one, other):
        plan.swap(weights)
        for batch in (4, 1, 8):
            x = torch.randn(batch, 3, 16, 16)
            with torch.no_grad():
                assert apart(plan.run([x]), Program(lowered, weights)(x)) < 1e-4


def test_free_weights_are_no_calls() -> None:
    net = network("    param gain[x.channels] = 1\n    x * (gain * 2 + 1) -> relu")
    lowered = unlowered(net.checked)
    plan = Plan(lowered.graph, random_weights(lowered.graph), setting(lowered.graph))
    assert len(plan.steps) == 5
    assert plan.calls == 4
    lowered = lower(net.checked)
    plan = Plan(lowered.graph, random_weights(lowered.graph), setting(lowered.graph))
    assert len(plan.steps) == 3
    assert plan.calls == 2
    assert_same(lowered)


def test_several_threads_run_one_plan() -> None:
    lowered = lower(network("    conv(16, 3x3) -> relu\n    residual(identity) { conv(16, 3x3) }\n    relu").checked)
    weights = random_weights(lowered.graph)
    plan = Plan(lowered.graph, weights, setting(lowered.graph, Batch(1, 4)))
    inputs = [torch.randn(1 + n % 4, 3, 16, 16) for n in range(16)]
    with torch.no_grad():
        expected = [Program(lowered, weights)(x) for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: plan.run([x]), inputs * 4))
    assert all(apart(mine, its) < 1e-4 for mine, its in zip(found, expected * 4, strict=True))


# --- its file ---


def test_its_file_is_the_graph_and_holds_nothing_that_does_not_run(tmp_path: Path) -> None:
    net = network("    ## A comment.\n    conv(8, 3x3) -> batch_norm -> relu")
    lowered = lower(net.checked)
    job = Job(lowered, random_weights(lowered.graph), setting(lowered.graph), tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        OneDnn().build(job, tmp_path / name)
    (file,) = (tmp_path / "one").iterdir()
    assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert "span" not in file.read_text()
    runner = OneDnn().open(tmp_path / "one", job.weights, job.setting)
    x = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        assert apart(runner.run([x]), Program(lowered, job.weights)(x)) < 1e-4


@pytest.mark.parametrize("text", ["", "{", "[]", '{"resnetdsl": 99}', '{"resnetdsl": 1, "network": "n"}'])
def test_a_graph_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "graph.json").write_text(text)
    with pytest.raises(ArtifactError, match="graph"):
        OneDnn().open(tmp_path, {}, setting(network("    relu").checked))


def test_a_processor_without_kernels_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "has_kernels", lambda _: False)
    assert "no kernels for float32" in (OneDnn().lacking("cpu", Precision.FLOAT32) or "")
    with pytest.raises(ArtifactError, match="cannot run here: there are no kernels"):
        OneDnn().open(tmp_path, {}, setting(network("    relu").checked))


def test_constants_of_a_module_take_the_network_s_type() -> None:
    """A filter that blurs is no weight: it is made in float32, and read with images of 16 bits."""
    graph = lower(network("conv(4, 3x3) -> blur_pool -> relu").checked).graph
    here = setting(graph, precision=Precision.BFLOAT16)
    weights = {name: leaf.bfloat16() for name, leaf in random_weights(graph).items()}
    (made,) = Plan(graph, weights, here).run([torch.randn(1, 3, 16, 16).bfloat16()])
    assert made.dtype is torch.bfloat16
