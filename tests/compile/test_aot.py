"""A whole graph compiled ahead of time: one real package here, and what of the way to a GPU needs none."""

from __future__ import annotations

import os
import re
import tempfile
import threading
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from resnetdsl.compile.engines import cuda_graphs
from resnetdsl.compile.engines.base import Job, Setting
from resnetdsl.compile.engines.inductor import aot
from resnetdsl.compile.engines.inductor.engine import Inductor
from resnetdsl.compile.engines.inductor.watch import look, watched
from resnetdsl.compile.engines.onednn.malloc import keep_freed
from resnetdsl.compile.errors import ArtifactError, CompileError, Problem
from resnetdsl.compile.inputs import input_spec
from resnetdsl.compile.lower.lowered import Lowered
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.compile.memory import enough_memory
from resnetdsl.compile.options import Batch, Layout, Mode, Precision
from resnetdsl.compile.program import Program
from resnetdsl.compile.progress import counting
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


Heard = tuple[int, int | None, str]
TOLD: list[Heard] = []
"""What was told while the package was made."""


@pytest.fixture(scope="module")
def package(lowered: Lowered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aot")
    (folder / "code").mkdir()
    with counting(lambda *said: TOLD.append(said)):
        Inductor().build(Job(lowered, weights_of(lowered, 0), SETTING, folder), folder / "code")
    return folder / "code"


@pytest.mark.slow
@pytest.mark.usefixtures("package")
def test_it_tells_how_many_of_its_files_are_compiled() -> None:
    assert {total for _, total, _ in TOLD} == {2}
    done = [done for done, _, _ in TOLD]
    assert done == sorted(done)
    assert 0 in done
    assert 1 in done
    for _, _, what in TOLD:
        assert re.fullmatch(r"files of C\+\+, with [1-9]\d* kernels?", what)


def test_what_lies_in_the_folder_is_told(tmp_path: Path) -> None:
    """As AOTInductor fills it on a GPU: kernels one by one, then C++, an object that is begun, one that is there."""
    told: list[Heard] = []

    def tell() -> Heard | None:
        told.clear()
        with counting(lambda *said: told.append(said)):
            look(tmp_path).tell()
        return told[0] if told else None

    assert tell() is None
    for name in ("a", "b"):
        (tmp_path / f"{name}.cubin").write_bytes(b"kernel")
    assert tell() == (2, None, "kernels")
    (tmp_path / "n.wrapper.cpp").write_text('extern "C" {\n}\n')
    (tmp_path / "n.kernel.cpp").write_text('\nextern "C"  void  cpp_fused_relu_0(float* x)\n{}\n')
    assert tell() == (0, 2, "files of C++, with 3 kernels")
    (tmp_path / "n.wrapper.o").touch()
    assert tell() == (0, 2, "files of C++, with 3 kernels")
    (tmp_path / "n.wrapper.o").write_bytes(b"object")
    assert tell() == (1, 2, "files of C++, with 3 kernels")


def test_it_is_told_while_the_compiler_works_and_not_after(tmp_path: Path) -> None:
    heard = threading.Event()
    told: list[Heard] = []

    def listen(*said: Any) -> None:
        told.append(said)
        heard.set()

    before = threading.active_count()
    with counting(listen), watched(tmp_path, every=0.01):
        (tmp_path / "a.kernel.cpp").touch()
        assert heard.wait(10)
    assert set(told) == {(0, 1, "files of C++")}
    assert threading.active_count() == before


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
    """And in both modes PyTorch's own pool of runners, which has the host wait, is left out."""
    made: list[bool] = []

    class Loaded:
        def __init__(self, path: Path, weights: object, setting: Setting, *, cuda: bool) -> None:
            made.append(cuda)

    monkeypatch.setattr(aot, "Package", Loaded)
    monkeypatch.setattr(cuda_graphs, "CudaRecorder", lambda: None)
    runner = aot.open(tmp_path, {}, replace(SETTING, device="cuda", mode=mode))
    assert isinstance(runner, cuda_graphs.CudaGraphs) == recorded
    assert made == [True]


class Loader:
    """PyTorch's loader of a package, with what it was asked for."""

    made: ClassVar[list[tuple[object, ...]]] = []

    def __init__(self, *asked: object) -> None:
        self.made.append(asked)
        self.benchmark: list[bool] = []

    def get_constant_fqns(self) -> list[str]:
        return []

    def load_constants(self, *_: object) -> None:
        pass

    def boxed_run(self, inputs: list[Tensor]) -> list[Tensor]:
        self.benchmark.append(torch.backends.cudnn.benchmark)
        return inputs


@pytest.mark.parametrize("cuda", [True, False])
def test_a_package_is_loaded_and_run_for_its_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuda: bool
) -> None:
    monkeypatch.setattr(aot, "AOTIModelPackageLoader", Loader)
    Loader.made.clear()
    package = aot.Package(tmp_path / "p.pt2", {}, SETTING, cuda=cuda)
    assert Loader.made == [(str(tmp_path / "p.pt2"), "model", cuda, 1, -1)], "the current device"
    contiguous = torch.randn(2, 3, 8, 8)
    last = contiguous.contiguous(memory_format=torch.channels_last)
    assert package.run([contiguous])[0].is_contiguous(memory_format=torch.channels_last)
    assert package.run([last])[0] is last, "no copy of what lies as the code wants it"
    assert package._loader.benchmark == [cuda, cuda]
    assert not torch.backends.cudnn.benchmark


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), RuntimeError("CUDA out of memory")]
)
def test_a_lack_of_memory_is_called_one(
    lowered: Lowered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Not a failure of the compiler to be reported, nor an artifact that is damaged."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch.export, "export", fail)
    job = Job(lowered, weights_of(lowered, 0), SETTING, tmp_path)
    with pytest.raises(CompileError) as caught, enough_memory("compile it"):
        aot.build(job, tmp_path)
    assert caught.value.problem is Problem.NO_MEMORY
    monkeypatch.setattr(aot, "AOTIModelPackageLoader", fail)
    with pytest.raises(CompileError) as caught, enough_memory("open it"):
        aot.Package(tmp_path / "p.pt2", {}, SETTING)
    assert caught.value.problem is Problem.NO_MEMORY
    where = "on the GPU" if isinstance(error, torch.OutOfMemoryError) else "on this machine"
    assert where in caught.value.message


@pytest.mark.slow
def test_what_cannot_be_loaded_leaves_nothing(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's loader unpacks into the folder of temporary files, and leaves that where it fails."""
    broken = tmp_path / "model.pt2"
    with zipfile.ZipFile(package / "model.pt2") as good, zipfile.ZipFile(broken, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, b"no library" if name.endswith(".so") else good.read(name))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    with pytest.raises(ArtifactError, match="PyTorch cannot load the code"):
        aot.Package(broken, {}, SETTING)
    assert not list(temporary.iterdir())
    assert os.environ["TMPDIR"] == str(temporary)


def test_a_lack_of_memory_that_compiled_code_hides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AOTInductor's code prints the reason and raises an error without it; the allocator has counted."""
    refused = 3

    def run(*_: object) -> list[Tensor]:
        raise RuntimeError("run_func_(...) API call failed at model_container_runner.cpp, line 151")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "memory_stats", lambda: {"num_ooms": refused})
    monkeypatch.setattr(aot, "AOTIModelPackageLoader", Loader)
    package = aot.Package(tmp_path / "p.pt2", {}, SETTING, cuda=True)
    monkeypatch.setattr(package._loader, "boxed_run", run)
    with pytest.raises(RuntimeError, match="API call failed"), enough_memory("run it"):
        package.run([torch.zeros(1)])
    refused = 4
    with pytest.raises(CompileError, match="not enough memory on the GPU to run it"), enough_memory("run it"):
        package.run([torch.zeros(1)])
    with pytest.raises(RuntimeError, match="API call failed"), enough_memory("run it"):
        package.run([torch.zeros(1)])


def test_a_gpu_is_tuned_for_the_batch_that_counts(
    lowered: Lowered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batch(device: str, mode: Mode) -> int:
        return len(Job(lowered, {}, replace(SETTING, device=device, mode=mode), tmp_path).example())

    monkeypatch.setattr(Setting, "torch_device", torch.device("meta"))

    assert batch("cpu", Mode.THROUGHPUT) == 2
    assert batch("cuda", Mode.LATENCY) == 2
    assert batch("cuda", Mode.THROUGHPUT) == 4


def test_memory_is_kept_where_the_c_library_can() -> None:
    assert keep_freed() in {True, False}
    assert torch.zeros(2**24).sum() == 0
