"""`--backend auto`: the fastest engine that agrees is taken, and what was measured is said."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

import resnetdsl
from resnetdsl.compile import choose
from resnetdsl.compile.artifact import load_artifact
from resnetdsl.compile.choose import measure, shape_to_time
from resnetdsl.compile.engines.base import Built, Job, Layouts, Runner, Setting, Weights
from resnetdsl.compile.engines.inductor.engine import Inductor
from resnetdsl.compile.engines.onednn.engine import OneDnn
from resnetdsl.compile.engines.registry import ALL
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.inputs import Dimension, InputSpec
from resnetdsl.compile.metadata import Metadata, Trial
from resnetdsl.compile.options import Layout, Mode, Precision
from resnetdsl.network import Network
from tests.cli.running import ROOT

TEXT = "network n {\n    input 3x16x16\n    conv(8, 3x3) -> batch_norm -> relu\n    global_avg_pool -> linear(3)\n}\n"


def net() -> Network:
    return resnetdsl.load(TEXT).network("n")


class Fake:
    """An engine that runs the lowered graph's own program, slowly or wrongly if it is told to."""

    portable = True
    unpaid: Mapping[str, str] = {}

    def __init__(
        self, name: str, wait: float = 0.001, error: float = 0.0, lack: str | None = None, quick: bool = True
    ) -> None:
        self.name, self.wait, self.error, self.lack, self.quick = name, wait, error, lack, quick
        self.job: Job | None = None

    def lacking(self, device: str, precision: Precision) -> str | None:
        return self.lack

    def layouts(self, device: str) -> Layouts:
        return Layouts((), "it has none")

    def versions(self) -> Mapping[str, str]:
        return {}

    def build(self, job: Job, folder: Path) -> Built:
        self.job = job
        (folder / "code").write_text("")
        return Built()

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Runner:
        return Running(self, weights)


class Clock:
    """Time that passes only where an engine says so: what else the machine does is not measured."""

    now = 0.0

    @classmethod
    def perf_counter(cls) -> float:
        return cls.now

    @staticmethod
    def sleep(seconds: float) -> None:
        pass


class Running:
    def __init__(self, engine: Fake, weights: Weights) -> None:
        self.engine = engine
        self.swap(weights)

    def swap(self, weights: Weights) -> None:
        assert self.engine.job is not None
        job = self.engine.job
        self.program = Job(job.lowered, weights, job.setting, job.scratch).program()

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        Clock.now += self.engine.wait
        found = self.program(*inputs)
        return [each + self.engine.error for each in found]


@pytest.fixture
def using(monkeypatch: pytest.MonkeyPatch) -> object:
    def use(*engines: Fake) -> None:
        monkeypatch.setattr(choose.choose, "__defaults__", (engines,))
        monkeypatch.setattr(choose, "_SECONDS", 0.2)
        monkeypatch.setattr(choose, "time", Clock)

    return use


def metadata(tmp_path: Path) -> Metadata:
    return net().compile(tmp_path / "n.rnetc", device="cpu", backend="auto", cache=False).metadata


def test_the_fastest_is_taken(using: object, tmp_path: Path) -> None:
    using(Fake("slow", wait=0.03), Fake("fast"), Fake("middling", wait=0.015))  # type: ignore[operator]
    found = metadata(tmp_path)
    assert found.engine == "fast"
    times = {trial.engine: trial.seconds for trial in found.trials}
    assert times["fast"] < times["middling"] < times["slow"]
    assert {trial.shape for trial in found.trials} == {(1, 3, 16, 16)}


def test_one_that_disagrees_is_never_taken_however_fast(using: object, tmp_path: Path) -> None:
    using(Fake("right", wait=0.01), Fake("wrong", error=0.5))  # type: ignore[operator]
    found = metadata(tmp_path)
    assert found.engine == "right"
    assert "differs from eager" in found.trials[1].failed


def test_one_that_breaks_is_passed_over(using: object, tmp_path: Path) -> None:
    broken = Fake("broken")
    broken.open = lambda *_: {}["no such key\nand more"]  # type: ignore[assignment, index]
    using(broken, Fake("here"))  # type: ignore[operator]
    found = metadata(tmp_path)
    assert found.engine == "here"
    assert found.trials[0].failed == r"it failed: KeyError: 'no such key\nand more'"


def test_a_lack_of_memory_is_no_fault_of_an_engine(using: object, tmp_path: Path) -> None:
    def fail(*_: object) -> Runner:
        raise MemoryError

    greedy = Fake("greedy")
    greedy.open = fail  # type: ignore[method-assign]
    using(greedy, Fake("here"))  # type: ignore[operator]
    with pytest.raises(CompileError) as caught:
        metadata(tmp_path)
    assert caught.value.problem is Problem.NO_MEMORY


def test_what_is_not_here_is_said_and_passed_over(using: object, tmp_path: Path) -> None:
    using(Fake("absent", lack="it is not installed; pip install it"), Fake("here"))  # type: ignore[operator]
    found = metadata(tmp_path)
    assert found.engine == "here"
    assert str(found.trials[0]) == "absent: not taken: it is not installed; pip install it"
    assert str(found.trials[1]).startswith("here: the only one, opens in ")


def test_one_that_compiles_for_long_is_not_tried_unasked(using: object, tmp_path: Path) -> None:
    using(Fake("thorough", wait=0.0001, quick=False), Fake("quick"))  # type: ignore[operator]
    found = metadata(tmp_path)
    assert found.engine == "quick"
    assert "`--backend thorough`" in str(found.trials[0])


def test_one_that_compiles_for_long_is_taken_where_no_other_can_serve(using: object, tmp_path: Path) -> None:
    using(Fake("thorough", quick=False), Fake("quick", lack="no kernels"))  # type: ignore[operator]
    assert metadata(tmp_path).engine == "thorough"


def test_where_none_can_be_used_all_reasons_are_given(using: object, tmp_path: Path) -> None:
    using(Fake("one", lack="no compiler"), Fake("other", lack="no library"))  # type: ignore[operator]
    with pytest.raises(
        CompileError, match=r"no engine can make `n` for cpu in float32\n  one: no compiler\n  other: no"
    ) as caught:
        metadata(tmp_path)
    assert caught.value.problem is Problem.NO_ENGINE
    assert not list(tmp_path.iterdir())


def test_what_was_measured_is_kept_in_the_artifact(tmp_path: Path) -> None:
    written = metadata(tmp_path)
    artifact = load_artifact(tmp_path / "n.rnetc")
    assert artifact.metadata.trials == written.trials
    assert [trial.engine for trial in written.trials] == [each.name for each in ALL]
    assert written.engine == min((t for t in written.trials if t.shape), key=lambda t: t.seconds).engine
    assert artifact(torch.randn(1, 3, 16, 16)).shape == (1, 3)


def test_calls_take_turns() -> None:
    order: list[str] = []
    found = measure({"a": lambda: order.append("a"), "b": lambda: order.append("b")})
    assert set(found) == {"a", "b"}
    assert order[:4] == ["a", "b", "a", "b"]  # the first call of each, and how many rounds there is time for
    assert order[4:8] == ["a", "a", "b", "b"]


def test_those_near_the_fastest_have_as_many_turns_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"fast": 1.0, "near": 1.05, "slow": 1.5}
    timed: Counter[str] = Counter()

    def took(call: Callable[[], object]) -> float:
        timed[name := str(call())] += 1
        return seconds[name]

    monkeypatch.setattr(choose, "_timed", took)
    monkeypatch.setattr(choose, "_PAUSE", 0.0)
    assert measure({name: lambda name=name: name for name in seconds}) == seconds
    assert timed["fast"] == timed["near"] == 2 * timed["slow"] > 0


def test_latency_is_measured_with_the_smallest_and_throughput_with_the_largest() -> None:
    dims = (Dimension("batch", 1, 8), Dimension("channels", 3, 3), Dimension("height", 32, 64, 32))
    for mode, shape in ((Mode.LATENCY, (1, 3, 32)), (Mode.THROUGHPUT, (8, 3, 64))):
        assert shape_to_time(Setting("cpu", Precision.FLOAT32, mode, Layout.CONTIGUOUS, InputSpec(dims))) == shape


def test_where_the_usual_engine_cannot_serve_the_others_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Inductor, "lacking", lambda *_: "there is no C++ compiler; apt install g++")
    monkeypatch.setattr(OneDnn, "lacking", lambda *_: "there are no kernels")
    found = net().compile(tmp_path / "n.rnetc", device="cpu", cache=False).metadata
    assert found.engine in {"onnxruntime", "openvino"}
    assert [trial.failed for trial in found.trials[:3]] == [
        "there are no kernels",
        "it serves CUDA, not the CPU; use `--backend auto`",
        "there is no C++ compiler; apt install g++",
    ]
    assert load_artifact(tmp_path / "n.rnetc")(torch.randn(1, 3, 16, 16)).shape == (1, 3)
    with pytest.raises(CompileError, match="`inductor` cannot be used here: there is no C"):
        net().compile(tmp_path / "n.rnetc", device="cpu", backend="inductor", cache=False)


@pytest.mark.parametrize("backend", [(), ("--backend", "auto")])
def test_without_a_compiler_the_command_ends_with_an_artifact_that_runs(
    backend: tuple[str, ...], tmp_path: Path
) -> None:
    """A slim container: nothing is on the path, and no variable names a compiler."""
    (tmp_path / "n.rnet").write_text(TEXT, encoding="utf-8")
    (tmp_path / "bin").mkdir()
    variables = {key: value for key, value in os.environ.items() if key not in {"CXX", "CC"}}
    variables |= {
        "PATH": str(tmp_path / "bin"),
        "RESNETDSL_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "resnetdsl", "compile", "n.rnet", "--device", "cpu", *backend, "-o", "n.rnetc"]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert load_artifact(tmp_path / "n.rnetc")(torch.randn(1, 3, 16, 16)).shape == (1, 3)


def test_a_trial_says_what_it_measured() -> None:
    assert str(Trial("openvino", (1, 3, 8, 8), 0.00125, "", 0.26)) == "openvino: 1.25 ms on 1x3x8x8, opens in 0.3 s"
