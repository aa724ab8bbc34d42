"""The whole way: a module compiled for real, verified, written, loaded again and run."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import resnetdsl
from resnetdsl.compile import toolchain
from resnetdsl.compile.artifact import Artifact, load_artifact
from resnetdsl.compile.compiler import CompileResult, compile_module
from resnetdsl.compile.container import CODE
from resnetdsl.compile.engines.base import Built, Job
from resnetdsl.compile.engines.inductor import aot
from resnetdsl.compile.engines.onednn.engine import OneDnn
from resnetdsl.compile.errors import ArtifactError, CompileError, Problem, WeightsError
from resnetdsl.compile.inputs import input_spec
from resnetdsl.compile.options import Backend, Batch, CompileOptions, Device, Precision, Provenance
from resnetdsl.compile.verify import flatten
from tests import oracles
from tests.compile import tiny
from tests.emit.interpreter import randomise

RANGES = ("32..96 step 32", "32..96 step 32")
PHASES = ["checking the toolchain", "lowering", "planning", "verifying", "writing"]


# The compiler's own cache stays where it is: what it knows of this machine takes 20 seconds to find out.
CACHE = os.environ.get("TORCHINDUCTOR_CACHE_DIR") or str(toolchain.default_cache())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def module() -> nn.Module:
    torch.manual_seed(0)
    return tiny.Tiny().eval()


class Made:
    """One compilation for all tests here, with what it left behind."""

    def __init__(self, module: nn.Module, folder: Path) -> None:
        self.phases: list[str] = []
        self.output, self.temporary = folder / "out" / "tiny.rnetc", folder / "tmp"
        self.output.parent.mkdir()
        self.temporary.mkdir()
        self.output.write_text("an older artifact")
        options = CompileOptions(self.output, device=Device.CPU, batch=Batch(1, 8))
        origin = Provenance((("tiny.rnet", "network tiny {}\n"),), {"classes": 5})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TORCHINDUCTOR_CACHE_DIR", CACHE)
            patch.setattr("tempfile.tempdir", str(self.temporary))
            self.result: CompileResult = compile_module(
                module, tiny.graph(ranges=RANGES), options, provenance=origin, progress=self.phases.append
            )


@pytest.fixture(scope="module")
def made(module: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(module, tmp_path_factory.mktemp("compile"))


@pytest.fixture(scope="module")
def artifact(made: Made) -> Artifact:
    return load_artifact(made.output)


def test_it_says_what_it_did(made: Made) -> None:
    assert made.phases == PHASES == list(made.result.seconds)
    assert 0 <= made.result.agreement.relative < 1e-5
    assert len(made.result.agreement.measurements) == 6
    assert made.result.metadata.provenance.parameters == {"classes": 5}
    said = str(made.result.agreement)
    assert "on inputs of 1x3x32x32, 5x3x64x64, 8x3x96x96, with own weights and with made-up" in said


def test_only_the_artifact_is_left(made: Made) -> None:
    assert names(made.output.parent) == ["tiny.rnetc"]
    assert names(made.temporary) == []


def test_what_was_written_is_what_is_read(made: Made, artifact: Artifact) -> None:
    assert artifact.metadata == made.result.metadata
    assert artifact.metadata.engine == "onednn"
    assert str(artifact.metadata.input) == "batch 1..8 x channels 3 x height 32..96 step 32 x width 32..96 step 32"


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (2, 3, 96, 64), (7, 3, 32, 96), (8, 3, 96, 96)])
def test_it_computes_what_the_module_computes(artifact: Artifact, module: nn.Module, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = module(x)
    found = artifact.run(x)
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-5, atol=1e-5)


def test_other_layouts_in_memory_compute_the_same(artifact: Artifact) -> None:
    x = torch.randn(2, 3, 64, 32)
    expected = artifact.run(x)["output"]
    for same in (
        x.to(memory_format=torch.channels_last),
        x.transpose(2, 3).contiguous().transpose(2, 3),
        x.requires_grad_(),
    ):
        assert torch.equal(artifact.run(same)["output"], expected)


def test_results_stay_when_it_runs_again(artifact: Artifact) -> None:
    x = torch.randn(1, 3, 32, 32)
    first = artifact.run(x)["output"]
    kept = first.clone()
    artifact.run(torch.randn(1, 3, 32, 32))
    assert torch.equal(first, kept)


def test_it_takes_other_weights(made: Made, tmp_path: Path) -> None:
    artifact = load_artifact(made.output)
    x = torch.randn(1, 3, 32, 32)
    torch.manual_seed(3)
    other = tiny.Tiny().eval()
    randomise(other)
    artifact.load_weights(other.state_dict())
    with torch.no_grad():
        expected = other(x)["output"]
    torch.testing.assert_close(artifact.run(x)["output"], expected, rtol=1e-5, atol=1e-5)
    artifact.save(tmp_path / "other.rnetc")
    torch.testing.assert_close(load_artifact(tmp_path / "other.rnetc").run(x)["output"], expected, rtol=1e-5, atol=1e-5)


def test_weights_that_do_not_fit_change_nothing(artifact: Artifact) -> None:
    x = torch.randn(1, 3, 32, 32)
    before = artifact.run(x)["output"].clone()
    with pytest.raises(WeightsError, match="missing in the file"):
        artifact.load_weights({"fc.weight": torch.zeros(5, 16)})
    assert torch.equal(artifact.run(x)["output"], before)


def test_sizes_that_it_was_not_made_for(artifact: Artifact) -> None:
    # Without the check this returns a wrong result, and no error: the code takes sizes on trust.
    with pytest.raises(ArtifactError, match="height 50"):
        artifact(torch.rand(2, 3, 50, 50))


def test_a_damaged_copy_is_refused(made: Made, tmp_path: Path) -> None:
    content = bytearray(made.output.read_bytes())
    copied = tmp_path / "copy.rnetc"
    for place in range(200, len(content), len(content) // 7):
        content[place] ^= 0xFF
        copied.write_bytes(content)
        with pytest.raises(ArtifactError):
            load_artifact(copied)
        content[place] ^= 0xFF


def test_it_runs_in_a_process_that_never_compiled(made: Made) -> None:
    code = f"""
import sys, torch
from resnetdsl.compile.artifact import load_artifact
found = load_artifact({str(made.output)!r}).run(torch.zeros(1, 3, 32, 32))
print(*found["output"].shape, "torch._inductor" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 5 False"


def test_the_module_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tiny.Tiny().train()
    before = copy.deepcopy(module.state_dict())

    def stop(*_: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(OneDnn, "build", stop)
    options = CompileOptions(tmp_path / "a.rnetc", precision=Precision.BFLOAT16)
    with pytest.raises(KeyboardInterrupt):
        compile_module(module, tiny.graph(), options)
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


# --- what goes wrong ---


class Failure:
    """A compilation that is made to fail, in an empty folder with an old artifact."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.temporary, self.output = folder / "tmp", folder / "out" / "a.rnetc"
        self.temporary.mkdir()
        self.output.parent.mkdir()
        self.output.write_text("old")
        patch.setenv("RESNETDSL_CACHE_DIR", str(folder / "cache"))
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", CACHE)
        patch.setattr("tempfile.tempdir", str(self.temporary))

    def nothing_changed(self) -> bool:
        return (
            names(self.temporary) == []
            and names(self.output.parent) == ["a.rnetc"]
            and self.output.read_text() == "old"
        )


@pytest.fixture
def failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Failure:
    return Failure(tmp_path, monkeypatch)


@pytest.fixture
def prebuilt(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the wait: the engine writes the files that there are."""

    def build(self: object, job: Job, folder: Path) -> Built:
        job.progress("planning")
        with zipfile.ZipFile(made.output) as source:
            for name in source.namelist():
                if name.startswith(CODE):
                    (folder / name.removeprefix(CODE)).write_bytes(source.read(name))
        return Built()

    monkeypatch.setattr(OneDnn, "build", build)


@pytest.mark.usefixtures("prebuilt")
@pytest.mark.parametrize("phase", PHASES)
def test_an_interruption_in_any_phase(failure: Failure, module: nn.Module, phase: str) -> None:
    def progress(now: str) -> None:
        if now == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_module(
            module, tiny.graph(ranges=RANGES), CompileOptions(failure.output, batch=Batch(1, 8)), progress=progress
        )
    assert failure.nothing_changed()


@pytest.mark.usefixtures("prebuilt")
def test_a_disk_that_fills_up_while_writing(
    failure: Failure, module: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CompileError) as caught:
        compile_module(module, tiny.graph(ranges=RANGES), CompileOptions(failure.output, batch=Batch(1, 8)))
    assert caught.value.problem is Problem.NO_SPACE
    assert failure.nothing_changed()


@pytest.mark.usefixtures("prebuilt")
def test_code_that_computes_something_else(failure: Failure, module: nn.Module) -> None:
    other = tiny.graph(("output",), RANGES)  # without the tap, whose place its output then has
    with pytest.raises(CompileError) as caught:
        compile_module(Untapped(module), other, CompileOptions(failure.output, batch=Batch(1, 8)))
    assert caught.value.problem is Problem.DISAGREES
    assert failure.nothing_changed()


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)


@pytest.mark.usefixtures("no_compiler")
def test_a_plan_needs_no_compiler(tmp_path: Path, module: nn.Module) -> None:
    output = tmp_path / "a.rnetc"
    compile_module(module, tiny.graph(), CompileOptions(output, device=Device.CPU))
    x = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(load_artifact(output).run(x)["output"], flatten(module(x))[0])


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (tiny.Tiny(8), "conv1.weight      8x3x3x3, the network has 16x3x3x3"),
        (nn.ReLU(), "missing in the file"),
        (tiny.Tiny().to("meta"), "without values"),
        ("tiny", "not with a `str`"),
        (torch.jit.trace(nn.ReLU(), torch.zeros(1)), "the module that it was made of"),
    ],
)
def test_a_module_of_another_network(failure: Failure, module: nn.Module, words: str) -> None:
    with pytest.raises(WeightsError) as caught:
        compile_module(module, tiny.graph(), CompileOptions(failure.output, device=Device.CPU))
    assert words in str(caught.value)
    assert failure.nothing_changed()


@pytest.mark.usefixtures("no_compiler")
def test_no_compiler(failure: Failure, module: nn.Module) -> None:
    with pytest.raises(CompileError) as caught:
        compile_module(module, tiny.graph(), CompileOptions(failure.output, backend=Backend.INDUCTOR))
    assert caught.value.problem is Problem.NO_ENGINE
    assert "there is no C++ compiler" in caught.value.message
    assert failure.nothing_changed()


class Untapped(nn.Module):
    """Tiny without its tap."""

    def __init__(self, tiny: nn.Module) -> None:
        super().__init__()
        self.tiny = tiny

    def forward(self, x: Tensor) -> Tensor:
        return flatten(self.tiny(x)["output"])[0]

    def state_dict(self, **_: object) -> dict[str, object]:  # type: ignore[override]
        return {**self.tiny.state_dict()}


class Sized(nn.Module):
    """Its path depends on the size of its input. The exporter follows one path and promises nothing for others."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.shape[2] > 64 else -x


def test_sizes_that_the_exporter_promises_nothing_for() -> None:
    spec = input_spec(tiny.graph(ranges=("32..256 step 32", "32..64 step 32")), Batch(1, 2))
    exported = torch.export.export(Sized(), (torch.zeros(spec.example),), dynamic_shapes=(aot._dynamic(spec),))
    found = aot._doubtful(exported, spec)
    assert found
    above = spec.example[2] > 64
    assert all((shape[2] > 64) != above for shape in found)


def test_a_graph_that_cannot_be_exported(failure: Failure, module: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> object:
        raise RuntimeError("Could not guard on data-dependent expression\n" + "more\n" * 500)

    monkeypatch.setattr(torch.export, "export", fail)
    with pytest.raises(CompileError) as caught:
        compile_module(module, tiny.graph(ranges=RANGES), CompileOptions(failure.output, backend=Backend.INDUCTOR))
    assert caught.value.problem is Problem.EXPORT_FAILED
    assert "tiny" in caught.value.message
    assert len(caught.value.message) < 500
    assert failure.nothing_changed()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("g++: error\nfatal error: error writing to /tmp/x.s: No space left on device", Problem.NO_SPACE),
        ("CppCompileError: C++ compile error\n\nCommand:\ng++ -x error.c\n\nOutput:\n", Problem.BROKEN_COMPILER),
        ("CppCompileError: C++ compile error\n\nOutput:\nIn file a:\na.h:1: error: b\n", Problem.BROKEN_COMPILER),
        ("", Problem.BACKEND_FAILED),
    ],
)
def test_what_the_backend_says_becomes_a_line(text: str, problem: Problem) -> None:
    with pytest.raises(CompileError) as caught, aot._backend(Problem.BACKEND_FAILED, "PyTorch cannot compile `a`"):
        raise RuntimeError(text)
    assert caught.value.problem is problem
    assert "\n" not in caught.value.message
    if problem is Problem.BROKEN_COMPILER:
        assert caught.value.message.endswith(("failed: without a word", "failed: a.h:1: error: b"))


# --- slow: more real compilations ---


@pytest.mark.slow
@pytest.mark.parametrize("precision", [Precision.BFLOAT16, Precision.FLOAT16])
def test_half_precision(tmp_path: Path, module: nn.Module, precision: Precision) -> None:
    options = CompileOptions(tmp_path / "a.rnetc", device=Device.CPU, precision=precision, batch=Batch(3, 3))
    compile_module(module, tiny.graph(), options)
    dtype = getattr(torch, precision.value)
    x = torch.randn(3, 3, 64, 64)
    found = load_artifact(options.output).run(x.to(dtype))["output"]
    with torch.no_grad():
        torch.testing.assert_close(found.float(), module(x)["output"], rtol=0.05, atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("backend", [Backend.ONEDNN, Backend.INDUCTOR])
def test_a_step_that_does_not_start_at_its_multiple(tmp_path: Path, module: nn.Module, backend: Backend) -> None:
    options = CompileOptions(tmp_path / "a.rnetc", device=Device.CPU, backend=backend)
    compile_module(module, tiny.graph(ranges=("33..97 step 16", "64")), options)
    x = torch.randn(1, 3, 81, 64)
    with torch.no_grad():
        torch.testing.assert_close(load_artifact(options.output).run(x)["output"], module(x)["output"])


@pytest.mark.slow
def test_resnet18_with_the_weights_of_torchvision(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = oracles.torchvision().models.resnet18().eval()
    graph = resnetdsl.load("resnet18").network("resnet18").checked
    options = CompileOptions(tmp_path / "resnet18.rnetc", device=Device.CPU, batch=Batch(1, 4))
    result = compile_module(net, graph, options)
    assert result.agreement.relative < 1e-5
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(load_artifact(options.output)(x), flatten(net(x))[0], rtol=1e-4, atol=1e-4)


INTERRUPTED = """
import sys
from pathlib import Path
from resnetdsl.compile.compiler import compile_module
from resnetdsl.compile.options import Backend, CompileOptions
from tests.compile import tiny
options = CompileOptions(Path(sys.argv[1]), backend=Backend.INDUCTOR)
compile_module(tiny.Tiny(), tiny.graph(), options, progress=lambda phase: print(phase, flush=True))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_ctrl_c_while_the_compiler_runs(failure: Failure) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(failure.output)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(failure.temporary), "TORCHINDUCTOR_CACHE_DIR": CACHE},
        start_new_session=True,
    )
    assert process.stdout is not None
    while "compiling" not in process.stdout.readline():
        pass
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the compiler's processes too
    assert process.wait(timeout=60) != 0
    process.stdout.close()
    assert failure.nothing_changed()
