"""The cuDNN engine without a card: its two fused calls are made up here, with the schemas that PyTorch gives them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from resnetdsl.compile.engines.base import Job, Setting
from resnetdsl.compile.engines.cudnn import measure
from resnetdsl.compile.engines.cudnn.engine import Cudnn
from resnetdsl.compile.engines.cudnn.layers import Layer, Run, Way
from resnetdsl.compile.engines.cudnn.plan import CudnnPlan, Network
from resnetdsl.compile.engines.registry import engine_for
from resnetdsl.compile.errors import ArtifactError
from resnetdsl.compile.inputs import input_spec
from resnetdsl.compile.lower.lowered import Lowered, weights_of
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.compile.options import Batch, Layout, Mode, Precision
from resnetdsl.compile.program import Program
from tests.compile.lowering import network

BLOCK = """
    conv(8, 7x7, stride=2, pad=3) -> batch_norm -> relu -> max_pool(3x3, stride=2, pad=1)
    let s = here
    let d = s -> conv(8, 1x1) -> batch_norm -> relu -> conv(8, 3x3) -> batch_norm -> relu
    let a = d -> conv(16, 1x1) -> batch_norm
    let b = s -> conv(16, 1x1) -> batch_norm
    (a + b) -> relu
    let t = here
    let c = t -> conv(8, 1x1) -> batch_norm -> relu -> conv(8, 3x3) -> batch_norm -> silu -> conv(16, 1x1) -> batch_norm
    (c + t) -> relu -> global_avg_pool -> flatten -> linear(10)
"""

CALLS: list[str] = []
LAST, FIRST = torch.channels_last, torch.contiguous_format


def relu(x: Tensor, w: Tensor, b: Tensor, *geometry: object) -> Tensor:
    CALLS.append("relu")
    return fits(x, w, b, F.conv2d(x, w, b, *geometry)).relu()


def add_relu(x: Tensor, w: Tensor, z: Tensor, alpha: float, b: Tensor, *geometry: object) -> Tensor:
    CALLS.append("add_relu")
    made = fits(x, w, b, F.conv2d(x, w, b, *geometry))
    assert z.shape == made.shape, "cuDNN stretches nothing"
    assert z.dtype == made.dtype
    assert any(z.is_contiguous(memory_format=order) and x.is_contiguous(memory_format=order) for order in (LAST, FIRST))
    return (made + alpha * z).relu()


def fits(x: Tensor, w: Tensor, b: Tensor, made: Tensor) -> Tensor:
    """What cuDNN takes without a copy: one type, and image and weight in one order, with nothing between."""
    assert x.dtype == w.dtype == b.dtype
    assert b.shape == (made.shape[1],)
    assert any(x.is_contiguous(memory_format=order) and w.is_contiguous(memory_format=order) for order in (LAST, FIRST))
    return made


def test_the_calls_are_those_that_there_are() -> None:
    geometry = "SymInt[] stride, SymInt[] padding, SymInt[] dilation, SymInt groups"
    ops = torch.ops.aten
    relu = f"cudnn_convolution_relu(Tensor self, Tensor weight, Tensor? bias, {geometry}) -> Tensor"
    assert str(ops.cudnn_convolution_relu.default._schema) == f"aten::{relu}"
    operands = "Tensor self, Tensor weight, Tensor z, Scalar? alpha, Tensor? bias"
    add_relu = f"cudnn_convolution_add_relu({operands}, {geometry}) -> Tensor"
    assert str(ops.cudnn_convolution_add_relu.default._schema) == f"aten::{add_relu}"


@pytest.fixture(scope="module", autouse=True)
def library() -> Iterator[None]:
    """cuDNN's two fused convolutions, on the CPU."""
    found = torch.library.Library("aten", "IMPL")
    found.impl("cudnn_convolution_relu", relu, "CPU")
    found.impl("cudnn_convolution_add_relu", add_relu, "CPU")
    yield
    found._destroy()


@pytest.fixture(scope="module")
def lowered() -> Lowered:
    return lower(network(BLOCK, size="3x64x64").checked)


def setting(
    lowered: Lowered, mode: Mode = Mode.THROUGHPUT, layout: Layout = Layout.CHANNELS_LAST, high: int = 4
) -> Setting:
    return Setting("cpu", Precision.FLOAT32, mode, layout, input_spec(lowered.graph, Batch(1, high)))


def weights(lowered: Lowered, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(leaf.shape, generator=generator) / max(1, math.prod(leaf.shape[1:])) ** 0.5
        for name, leaf in weights_of(lowered.graph)
    }


def last_is_fastest() -> Callable[[Run, Sequence[Tensor]], float]:
    """A clock by which each way is faster than the one before, so that the last that computes the layer is taken."""
    left = iter(range(10_000, 0, -1))
    return lambda *_: next(left)


def off(lowered: Lowered, found: Mapping[int, Way], layout: Layout = Layout.CHANNELS_LAST) -> float:
    """How far the plan is from the graph, for two sets of weights."""
    plan = CudnnPlan(lowered.graph, weights(lowered, 7), setting(lowered, layout=layout), found)
    worst = 0.0
    for seed, batch in ((0, 1), (1, 3)):
        plan.swap(weights(lowered, seed))
        x = torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
        (expected,) = Program(lowered, weights(lowered, seed))(x)
        for given in (x, x.contiguous(memory_format=torch.channels_last)):
            before = given.clone()
            (made,) = plan.run([given])
            assert torch.equal(given, before)
            worst = max(worst, float((made - expected).abs().max() / expected.abs().max()))
    return worst


def ways(lowered: Lowered) -> dict[Way, list[int]]:
    """The convolutions that can be done in a way."""
    found: dict[Way, list[int]] = {way: [] for way in Way}
    for step, layer in Network.of(lowered.graph).layers(weights(lowered), Layout.CHANNELS_LAST):
        for way in layer.ways():
            found[way].append(step.node)
    return found


def test_every_way_computes_the_same(lowered: Lowered) -> None:
    assert [len(each) for each in ways(lowered).values()] == [8, 6, 5, 1, 1]
    assert off(lowered, {}) < 1e-5
    for way, nodes in ways(lowered).items():
        CALLS.clear()
        assert off(lowered, dict.fromkeys(nodes, way)) < 1e-5, way
        fused = way in {Way.FUSED, Way.FUSED_WIDE}
        assert bool(CALLS) == fused
    assert off(lowered, dict.fromkeys(ways(lowered)[Way.FUSED], Way.FUSED), Layout.CONTIGUOUS) < 1e-5


def test_a_summand_that_is_a_part_of_an_image_is_copied() -> None:
    found = lower(
        network("conv(8, 3x3) -> relu\nlet a, b = split(here, parts = 2)\n((a -> conv(4, 3x3)) + b) -> relu").checked
    )
    (giver, taker) = ways(found)[Way.FUSED]
    CALLS.clear()
    plan = CudnnPlan(found.graph, weights(found), setting(found), {giver: Way.FUSED, taker: Way.FUSED})
    x = torch.randn(2, 3, 16, 16)
    (expected,) = Program(found, weights(found))(x)
    torch.testing.assert_close(plan.run([x])[0], expected, rtol=1e-4, atol=1e-5)
    assert CALLS == ["relu", "add_relu"]


def test_images_lie_as_they_were_asked_to() -> None:
    """A kernel of 1x1 and one of a single channel lie in both orders at once, which says nothing of images."""
    body = "conv(8, 1x1) -> relu -> conv(8, 3x3, groups = 8) -> relu -> conv(8, 1x1)\nresidual { conv(8, 1x1) }"
    found = lower(network(body).checked)
    x = torch.randn(2, 3, 16, 16)
    for layout, order in ((Layout.CHANNELS_LAST, LAST), (Layout.CONTIGUOUS, FIRST)):
        layers = [layer for _, layer in Network.of(found.graph).layers(weights(found), layout)]
        assert any(Way.PRODUCT in layer.ways() for layer in layers) == (layout is Layout.CHANNELS_LAST)
        for way in (Way.PLAIN, Way.PLAIN_WIDE):
            chosen = dict.fromkeys(ways(found)[way], way)
            (made,) = CudnnPlan(found.graph, weights(found), setting(found, layout=layout), chosen).run([x])
            assert made.is_contiguous(memory_format=order)
            other = LAST if order is FIRST else FIRST
            assert not made.is_contiguous(memory_format=other)


def test_sums_go_into_the_convolution(lowered: Lowered) -> None:
    CALLS.clear()
    plan = CudnnPlan(
        lowered.graph, weights(lowered), setting(lowered), dict.fromkeys(ways(lowered)[Way.FUSED], Way.FUSED)
    )
    plan.run([torch.zeros(1, 3, 64, 64)])
    assert ["relu", "relu", "relu", "add_relu", "relu", "add_relu"][: len(CALLS)] == CALLS
    assert CALLS.count("add_relu") == 2


def test_a_bias_before_a_sum_is_lent(lowered: Lowered) -> None:
    """The projection of the shortcut has nothing behind it but the sum, which adds a bias anyway."""
    found = Network.of(lowered.graph)
    assert len(found.lent) == 1
    (giver,) = found.lent
    layers = {step.node: layer for step, layer in found.layers(weights(lowered), Layout.CHANNELS_LAST)}
    assert layers[giver].bias is None
    assert all(layer.bias is not None for node, layer in layers.items() if node != giver)


@pytest.mark.parametrize(
    "body",
    [
        # The summand is read again, is an output's own, and has an activation before the sum.
        "let a = x -> conv(4, 3x3)\nlet b = a -> conv(4, 3x3)\n(a + b) -> relu",
        "let a = x -> conv(4, 3x3)\nlet b = x -> conv(4, 1x1)\n(a + b) -> relu -> conv(4, 1x1)\nhere + a",
        "let a = x -> conv(4, 3x3) -> relu\nlet b = x -> conv(4, 1x1)\nb + a",
    ],
)
def test_no_bias_is_lent_that_others_see(body: str) -> None:
    assert_same(body)


@pytest.mark.parametrize(
    "body",
    [
        'permute("hwc")\nresidual { linear(3) }\nrelu',
        "global_avg_pool -> flatten -> linear(9)\nresidual { linear(9) }\nrelu\nresidual { linear(9) }",
        "conv(8, 3x3)\nresidual { conv(8, 1x1) -> batch_norm }\nrelu",
    ],
)
def test_the_activation_behind_a_sum_is_of_the_sum(body: str) -> None:
    assert_same(body)


def assert_same(body: str) -> None:
    """The plan computes what the executor of each op does, with every convolution done plainly."""
    found = lower(network(body).checked)
    x = torch.randn(2, 3, 16, 16)
    (expected,) = Program(found, weights(found))(x)
    (made,) = CudnnPlan(found.graph, weights(found), setting(found), {}).run([x])
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)


# --- measuring ---


def test_the_fastest_that_agrees_is_taken(lowered: Lowered) -> None:
    network = Network.of(lowered.graph)
    found = measure.fastest_ways(network, weights(lowered), setting(lowered), last_is_fastest())
    assert list(found.values()).count(Way.FUSED_WIDE) == 1
    assert off(lowered, found) < 1e-5
    slowest = measure.fastest_ways(network, weights(lowered), setting(lowered), lambda *_: 1.0)
    assert set(slowest.values()) == {Way.PLAIN}
    assert measure.summary(slowest) == "8 convolutions: 8 plain"


def test_layers_of_a_kind_are_measured_once() -> None:
    body = "    conv(4, 3x3) -> relu\n" + "    conv(4, 3x3) -> relu\n" * 5
    found = lower(network(body).checked)
    timed: list[Sequence[Tensor]] = []

    def timer(_: Run, inputs: Sequence[Tensor]) -> float:
        timed.append(inputs)
        return 1.0

    measure.fastest_ways(Network.of(found.graph), weights(found), setting(found), timer)
    assert len(timed) == 2 * 4, "plain and fused, with the channels that there are and with more, of two kinds"


@pytest.mark.parametrize(("mode", "batch"), [(Mode.LATENCY, 1), (Mode.THROUGHPUT, 4)])
def test_it_is_measured_on_what_counts(lowered: Lowered, mode: Mode, batch: int) -> None:
    seen: set[int] = set()

    def timer(_: Run, inputs: Sequence[Tensor]) -> float:
        seen.update(len(x) for x in inputs)
        return 1.0

    measure.fastest_ways(Network.of(lowered.graph), weights(lowered), setting(lowered, mode), timer)
    assert seen == {batch}


def test_a_way_that_is_wrong_or_fails_is_none(lowered: Lowered, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Layer.run

    def faulty(layer: Layer, way: Way) -> Run:
        run = real(layer, way)
        match way:
            case Way.FUSED:
                return lambda *x: run(*x) * 1.2
            case Way.PRODUCT:
                return lambda *x: run(*x) * float("nan")
            case Way.FUSED_WIDE | Way.PLAIN_WIDE:
                return fail
            case _:
                return run

    def fail(*_: Tensor) -> Tensor:
        raise RuntimeError("GET was unable to find an engine to execute this computation")

    monkeypatch.setattr(Layer, "run", faulty)
    found = measure.fastest_ways(Network.of(lowered.graph), weights(lowered), setting(lowered), last_is_fastest())
    assert set(found.values()) == {Way.PLAIN}


def test_less_memory_means_a_smaller_batch(lowered: Lowered) -> None:
    seen: list[int] = []

    def timer(_: Run, inputs: Sequence[Tensor]) -> float:
        seen.append(len(inputs[0]))
        if len(inputs[0]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 1.0

    found = measure.fastest_ways(Network.of(lowered.graph), weights(lowered), setting(lowered), timer)
    assert len(found) == 8
    assert set(seen) == {4, 2}
    with pytest.raises(torch.OutOfMemoryError):
        measure.fastest_ways(
            Network.of(lowered.graph),
            weights(lowered),
            setting(lowered),
            lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory")),
        )


# --- the engine ---


def test_build_and_open(lowered: Lowered, tmp_path: Path) -> None:
    here = setting(lowered)
    built = Cudnn().build(Job(lowered, weights(lowered), here, tmp_path), tmp_path)
    assert built.notes[0].startswith("8 convolutions: ")
    assert set(json.loads((tmp_path / "ways.json").read_text()).values()) <= {way.value for way in Way}
    x = torch.randn(2, 3, 64, 64)
    (expected,) = Program(lowered, weights(lowered))(x)
    (made,) = Cudnn().open(tmp_path, weights(lowered), here).run([x])
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-4)
    for damage in ("[]", '{"1": "magic"}', "{", '{"x": "plain"}'):
        (tmp_path / "ways.json").write_text(damage)
        with pytest.raises(ArtifactError, match="kernels cannot be read"):
            Cudnn().open(tmp_path, weights(lowered), here)


def test_what_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "serves CUDA" in (Cudnn().lacking("cpu", Precision.FLOAT32) or "")
    assert "int8" in (Cudnn().lacking("cuda", Precision.INT8) or "")
    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: False)
    assert "without cuDNN" in (Cudnn().lacking("cuda", Precision.BFLOAT16) or "")
    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: True)
    assert Cudnn().lacking("cuda", Precision.BFLOAT16) is None
    usual = engine_for(None, "cuda", Precision.BFLOAT16)
    assert usual is not None
    assert usual.name == "cudnn"


@pytest.mark.parametrize(
    ("mode", "high", "tried"),
    [(Mode.LATENCY, 4, True), (Mode.THROUGHPUT, 1, True), (Mode.THROUGHPUT, 4, False)],
)
def test_kernels_are_tried_where_sizes_are_few(lowered: Lowered, mode: Mode, high: int, tried: bool) -> None:
    before = torch.backends.cudnn.benchmark
    seen: list[bool] = []

    def run(*_: object) -> list[Tensor]:
        seen.append(torch.backends.cudnn.benchmark)
        return []

    plan = CudnnPlan(lowered.graph, weights(lowered), setting(lowered, mode, high=high), {})
    plan._tape.run = run  # type: ignore[method-assign]
    plan.run([torch.zeros(1)])
    assert seen == [tried]
    assert torch.backends.cudnn.benchmark == before
