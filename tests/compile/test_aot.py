"""A whole graph compiled ahead of time: one real package here, and what of the way to a GPU needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from resnetdsl.compile.engines.base import Job, Setting
from resnetdsl.compile.engines.inductor import aot
from resnetdsl.compile.engines.inductor.cuda_graphs import MOST_SHAPES, CudaGraphs
from resnetdsl.compile.engines.inductor.engine import Inductor
from resnetdsl.compile.engines.onednn.malloc import keep_freed
from resnetdsl.compile.inputs import input_spec
from resnetdsl.compile.lower.lowered import Lowered
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.compile.options import Batch, Layout, Mode, Precision
from resnetdsl.compile.program import Program
from resnetdsl.compile.recipes import evaluate_all
from tests.compile import tiny
from tests.compile.lowering import CPU
from tests.emit.interpreter import randomise

GRAPH = tiny.graph(ranges=("32..96 step 32", "64"))
SETTING = Setting("cpu", Precision.FLOAT32, Mode.LATENCY, Layout.CHANNELS_LAST, input_spec(GRAPH, Batch(1, 4)))


def weights_of(lowered: Lowered, seed: int) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    module = tiny.Tiny().eval()
    randomise(module, seed)
    return evaluate_all(lowered.recipes, module.state_dict(), torch.float32, CPU)


@pytest.fixture(scope="module")
def lowered() -> Lowered:
    return lower(GRAPH)


@pytest.fixture(scope="module")
def package(lowered: Lowered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aot")
    (folder / "code").mkdir()
    Inductor().build(Job(lowered, weights_of(lowered, 0), SETTING, folder), folder / "code")
    return folder / "code"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 3, 32, 64), (2, 3, 96, 64), (4, 3, 64, 64)])
def test_a_package_takes_its_weights_from_outside(package: Path, lowered: Lowered, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    runner = Inductor().open(package, weights_of(lowered, 1), SETTING)
    for seed in (1, 2):
        weights = weights_of(lowered, seed)
        runner.swap(weights)
        with torch.no_grad():
            expected = Program(lowered, weights)(x)
        for found, wanted in zip(runner.run([x.clone()]), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


# --- the way to a GPU ---


def test_options_are_ones_that_inductor_has(tmp_path: Path) -> None:
    from torch._inductor import config

    for setting in (SETTING, replace(SETTING, device="cuda"), replace(SETTING, layout=Layout.CONTIGUOUS)):
        for name in aot.options(setting, "g++", tmp_path):
            assert name in config._config, name


def test_a_gpu_has_its_kernels_chosen_by_measuring(tmp_path: Path) -> None:
    gpu = aot.options(replace(SETTING, device="cuda"), "g++", tmp_path)
    assert gpu["max_autotune"]
    assert gpu["force_layout_optimization"]
    assert "max_autotune" not in aot.options(SETTING, "g++", tmp_path)


@pytest.mark.parametrize(("mode", "recorded"), [(Mode.LATENCY, True), (Mode.THROUGHPUT, False)])
def test_latency_on_a_gpu_is_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: Mode, recorded: bool
) -> None:
    made: list[bool] = []

    class Loaded(Adder):
        def __init__(self, path: Path, weights: object, layout: Layout, *, alone: bool) -> None:
            super().__init__()
            made.append(alone)

    monkeypatch.setattr(aot, "Package", Loaded)
    runner = aot.open(tmp_path, {}, replace(SETTING, device="cuda", mode=mode))
    assert isinstance(runner, CudaGraphs) == recorded
    assert made == [recorded]


class Adder:
    """A runner that adds its weight, in memory of its own as a recording does."""

    def __init__(self) -> None:
        self.weight = torch.ones(())
        self.runs = 0

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        self.runs += 1
        return [inputs[0] + self.weight]

    def swap(self, weights: Mapping[str, Tensor]) -> None:
        self.weight = weights["weight"]


class Replayed:
    """Does a function again, into the tensors of its first time."""

    def __init__(self, function: Callable[[], list[Tensor]]) -> None:
        self.function = function
        self.outputs = function()

    def replay(self) -> None:
        for mine, new in zip(self.outputs, self.function(), strict=True):
            mine.copy_(new)


def recorder(function: Callable[[], list[Tensor]]) -> tuple[Replayed, list[Tensor]]:
    made = Replayed(function)
    return made, made.outputs


def test_recordings_are_per_shape_and_results_are_kept() -> None:
    graphs = CudaGraphs(Adder(), recorder)
    (first,) = graphs.run([torch.zeros(2)])
    (second,) = graphs.run([torch.full((2,), 5.0)])
    (other,) = graphs.run([torch.zeros(3)])
    assert first.tolist() == [1, 1]
    assert second.tolist() == [6, 6]
    assert other.tolist() == [1, 1, 1]


def test_other_weights_are_recorded_anew() -> None:
    graphs = CudaGraphs(Adder(), recorder)
    graphs.run([torch.zeros(1)])
    graphs.swap({"weight": torch.full((), 3.0)})
    assert graphs.run([torch.zeros(1)])[0].tolist() == [3]


def test_recordings_do_not_pile_up() -> None:
    adder = Adder()
    graphs = CudaGraphs(adder, recorder)
    for size in range(1, MOST_SHAPES + 3):
        graphs.run([torch.zeros(size)])
        graphs.run([torch.zeros(1)])  # in use all the time, so it stays
    before = adder.runs
    graphs.run([torch.zeros(1)])
    assert adder.runs == before + 1, "replayed, not recorded"
    graphs.run([torch.zeros(2)])
    assert adder.runs == before + 3, "the one longest unused had made room"


def test_memory_is_kept_where_the_c_library_can() -> None:
    assert keep_freed() in {True, False}
    assert torch.zeros(2**24).sum() == 0
