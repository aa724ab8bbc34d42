"""ONNX Runtime and OpenVINO behind the seam: what they compute, serve, take and refuse."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import weakref
import zipfile
from collections import Counter
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

import resnetdsl
from resnetdsl.compile.artifact import Artifact, load_artifact
from resnetdsl.compile.engines import onnx_form
from resnetdsl.compile.engines import onnxruntime as onnxruntime_engine
from resnetdsl.compile.engines import openvino as openvino_engine
from resnetdsl.compile.engines.importing import importing
from resnetdsl.compile.engines.openvino import OpenVino
from resnetdsl.compile.engines.registry import engine
from resnetdsl.compile.errors import ArtifactError, CompileError, Problem
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.options import Precision
from resnetdsl.compile.verify import Reference
from resnetdsl.network import Network
from tests.cli.running import ROOT
from tests.emit.interpreter import randomise

SPEC = """network small {
    input 3, 32..64 step 16, 32..64 step 16
    conv(16, 3x3, stride = 2) -> batch_norm -> relu
    stage layer1: 2 * basic(16)
    tap features
    stage layer2: basic(32, stride = 2)
    global_avg_pool
    linear(10)
}
"""
BOTH = ("onnxruntime", "openvino")
NONSENSE = onnx.helper.make_graph(
    [onnx.helper.make_node("NoSuchOperator", ["input"], ["output"])],
    "nonsense",
    [onnx.helper.make_tensor_value_info("input", 1, ["batch", 3, "height", "width"])],
    [onnx.helper.make_tensor_value_info("output", 1, None)],
)


def small() -> Network:
    return resnetdsl.load(SPEC).network("small")


@pytest.fixture(scope="module")
def module() -> nn.Module:
    made = small().module().eval()
    randomise(made)
    return made


@pytest.fixture(scope="module", params=BOTH)
def artifact(request: pytest.FixtureRequest, module: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    path = tmp_path_factory.mktemp(request.param) / "small.rnetc"
    small().compile(path, device="cpu", backend=request.param, batch="1..4", module=module)
    return load_artifact(path)


def expected(module: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    return Reference(module, tuple(output.name for output in small().checked.outputs))(x)


def runs_as_its_module(body: str, backend: str, shape: tuple[int, ...], folder: Path) -> None:
    net = resnetdsl.load(f"network n {{\n    {body}\n}}\n").network("n")
    made = net.module().eval()
    net.compile(folder / "n.rnetc", device="cpu", backend=backend, module=made)
    x = torch.randn(shape)
    found = load_artifact(folder / "n.rnetc")(x)
    assert isinstance(found, torch.Tensor)
    torch.testing.assert_close(found, made(x).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (3, 3, 48, 64), (4, 3, 64, 32)])
def test_every_size_of_the_ranges_is_served(artifact: Artifact, module: nn.Module, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    for one, other in zip(artifact.run(x).values(), expected(module, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


def test_openvino_is_given_no_arithmetic_on_shapes(tmp_path: Path, module: nn.Module) -> None:
    """Of each bias it would be ten operations, for which every process waits that opens the artifact."""
    path = tmp_path / "small.rnetc"
    small().compile(path, device="cpu", backend="openvino", batch="1..4", module=module)
    with zipfile.ZipFile(path) as archive:
        kinds = Counter(re.findall(r' type="(\w+)" version', archive.read("code/model.xml").decode()))
    assert not {"ShapeOf", "Broadcast", "Concat", "Unsqueeze"} & set(kinds)
    assert kinds["Reshape"] == 1  # before the linear layer, of the images
    assert kinds["Add"] == kinds["Convolution"] + kinds["MatMul"] + 3  # the biases, and the shortcuts


@pytest.mark.parametrize("backend", BOTH)
def test_an_input_that_is_reshaped_at_once_keeps_its_shape(backend: str, tmp_path: Path) -> None:
    runs_as_its_module("input 3x4x4\n    flatten -> linear(5)", backend, (1, 3, 4, 4), tmp_path)


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize("shuffle", ["channel_shuffle(2)", "channel_shuffle(4) -> relu", "space_to_depth(2)"])
def test_channels_that_are_dealt_out_meet_their_weights(backend: str, shuffle: str, tmp_path: Path) -> None:
    """As a `Gather` OpenVINO folds them into the next convolution's weights, in the wrong order."""
    runs_as_its_module(f"input 8x8x8\n    {shuffle} -> conv(6, 3x3)", backend, (1, 8, 8, 8), tmp_path)


@pytest.mark.parametrize("backend", BOTH)
@pytest.mark.parametrize(
    "pool",
    [
        "max_pool(2, stride = 3, ceil = true)",  # a third window would begin behind the image
        "max_pool(2, stride = 2, pad = 1, ceil = true)",
        "max_pool(1, stride = 2, ceil = true)",
        "avg_pool(3, stride = 2, pad = 1, ceil = true)",  # what hangs over the padding does not count
        "avg_pool(3, stride = 3, pad = 1, ceil = true)",
        "avg_pool(2, stride = 2, ceil = true)",
        "avg_pool(3, stride = 2, pad = 1, ceil = true, count_pad = false)",
    ],
)
def test_windows_that_hang_over_the_border(backend: str, pool: str, tmp_path: Path) -> None:
    for height, width in ((6, 9), (7, 5)):
        net = resnetdsl.load(f"network n {{\n    input 2x{height}x{width}\n    {pool}\n}}\n").network("n")
        net.compile(tmp_path / "n.rnetc", device="cpu", backend=backend, cache=False)
        x = torch.randn(1, 2, height, width)
        found = load_artifact(tmp_path / "n.rnetc")(x)
        assert isinstance(found, torch.Tensor)
        torch.testing.assert_close(found, net.module().eval()(x))


def test_no_thread_spins_when_an_answer_is_given(artifact: Artifact) -> None:
    def busy() -> float:
        """The seconds of processor time that pass while nothing is asked for."""
        before = time.process_time()
        time.sleep(0.02)
        return time.process_time() - before

    for _ in range(20):  # what other tests have left
        if busy() < 0.002:
            break
    found = []
    for _ in range(5):
        artifact(torch.zeros(1, 3, 32, 32))
        found.append(busy())
    assert min(found) < 0.005


def test_another_size_is_refused(artifact: Artifact) -> None:
    with pytest.raises(ArtifactError, match="batch 5, not 1..4"):
        artifact(torch.randn(5, 3, 32, 32))


def test_results_stay_when_it_runs_again(artifact: Artifact) -> None:
    first = artifact.run(torch.randn(2, 3, 32, 32))
    kept = {name: value.clone() for name, value in first.items()}
    artifact.run(torch.randn(2, 3, 32, 32))
    for name, value in first.items():
        assert torch.equal(value, kept[name])


def test_other_weights_are_taken_without_compiling(artifact: Artifact, module: nn.Module) -> None:
    other = small().module().eval()
    randomise(other, seed=5)
    x = torch.randn(2, 3, 48, 48)
    try:
        artifact.load_weights(other.state_dict())
        for one, wanted in zip(artifact.run(x).values(), expected(other, x), strict=True):
            torch.testing.assert_close(one, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
    finally:
        artifact.load_weights(module.state_dict())


def test_several_threads_may_call_it(artifact: Artifact, module: nn.Module) -> None:
    inputs = [torch.randn(1, 3, 32, 32) for _ in range(4)]
    found: dict[int, list[torch.Tensor]] = {}

    def work(at: int) -> None:
        for _ in range(10):
            found[at] = list(artifact.run(inputs[at]).values())

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at, x in enumerate(inputs):
        for one, other in zip(found[at], expected(module, x), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))


@pytest.mark.parametrize("backend", BOTH)
def test_a_fixed_size_and_the_same_text_give_the_same_bytes(backend: str, tmp_path: Path) -> None:
    net = resnetdsl.load(
        "network n {\n    input 3x16x16\n    conv(8, 3x3) -> relu\n    global_avg_pool -> linear(3)\n}\n"
    )
    for name in ("one", "two"):
        net.network("n").compile(tmp_path / f"{name}.rnetc", device="cpu", backend=backend)
    assert (tmp_path / "one.rnetc").read_bytes() == (tmp_path / "two.rnetc").read_bytes()


@pytest.mark.skipif(
    OpenVino().lacking("cpu", Precision.BFLOAT16) is not None, reason="this processor has no bfloat16 instructions"
)
def test_bfloat16_through_openvino(tmp_path: Path, module: nn.Module) -> None:
    path = tmp_path / "small.rnetc"
    small().compile(path, device="cpu", backend="openvino", dtype="bfloat16", module=module)
    x = torch.randn(1, 3, 32, 32, dtype=torch.bfloat16)
    for one, other in zip(load_artifact(path).run(x).values(), expected(module, x.float()), strict=True):
        assert one.dtype == torch.bfloat16
        assert float((one.float() - other).abs().max()) < 0.1 * float(other.abs().max())


def test_a_processor_without_bfloat16_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "this", staticmethod(lambda device: Machine("Linux", "x86_64", ("avx2",))))
    lack = OpenVino().lacking("cpu", Precision.BFLOAT16)
    assert lack is not None
    assert "avx512_bf16" in lack


@pytest.mark.parametrize("backend", BOTH)
def test_what_an_engine_does_not_serve_is_refused_with_a_way_out(backend: str) -> None:
    for device, precision in (("cuda", Precision.FLOAT32), ("cpu", Precision.FLOAT16)):
        lack = engine(backend).lacking(device, precision)
        assert lack is not None
        assert "inductor" in lack


@pytest.mark.parametrize("backend", BOTH)
def test_a_library_that_is_not_installed_is_named_with_its_pip_line(
    backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(onnx_form, "find_spec", lambda name: None if name == backend else object())
    with pytest.raises(CompileError, match=rf"{backend} is not installed; pip install") as caught:
        small().compile(tmp_path / "small.rnetc", device="cpu", backend=backend)
    assert caught.value.problem is Problem.NO_ENGINE
    assert not list(tmp_path.iterdir())


def test_nobody_is_told_that_openvino_was_loaded(artifact: Artifact) -> None:
    """It would send an event over the network when it is imported."""
    code = f"""
import sys, torch, resnetdsl
artifact = resnetdsl.load_artifact({str(artifact.path)!r})
artifact.run(torch.zeros(1, 3, 32, 32))
print(sorted(name for name in sys.modules if name.startswith("openvino_telemetry")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_nobody_is_told_that_onnxruntime_was_loaded(tmp_path: Path) -> None:
    """It would write an identity of its user beside the temporary files, and send what it does over the network."""
    code = "from resnetdsl.compile.engines.onnxruntime import load_onnxruntime as load; load()"
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    env.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("backend", BOTH)
def test_a_library_that_is_installed_and_broken(backend: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken" / backend
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libfoo.so.7: cannot open shared object file')")
    spec = tmp_path / "a.rnet"
    spec.write_text("network a {\n    input 3x16x16\n    conv(8, 3x3) -> batch_norm -> relu\n}\n")
    env = {**os.environ, "PYTHONPATH": f"{broken.parent}:{ROOT}", "RESNETDSL_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "resnetdsl", "compile", str(spec), "-o", str(tmp_path / "a.rnetc"), "--backend"]
    done = subprocess.run([*command, backend], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 2, done.stderr
    assert f"error[no-engine]: {backend} is installed and cannot be imported: libfoo.so.7" in done.stderr
    assert "pip install --force-reinstall" in done.stderr
    assert not (tmp_path / "a.rnetc").exists()
    done = subprocess.run([*command, "auto"], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{backend}: not taken: {backend} is installed and cannot be imported" in done.stderr


@pytest.mark.parametrize("backend", BOTH)
def test_a_network_without_an_onnx_form_is_refused(backend: str, tmp_path: Path) -> None:
    net = resnetdsl.load("network n {\n    input 3x16x16\n    odd: upsample(scale = 1.5)\n}\n").network("n")
    with pytest.raises(CompileError, match="no ONNX form: `odd`") as caught:
        net.compile(tmp_path / "n.rnetc", device="cpu", backend=backend)
    assert "onednn" in caught.value.help
    assert not list(tmp_path.iterdir())


def test_what_openvino_cannot_convert_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An engine that fails is passed over by `auto`, so whatever it raises must be one kind of error."""
    monkeypatch.setattr(openvino_engine, "to_onnx", lambda job: onnx.helper.make_model(NONSENSE))
    with pytest.raises(CompileError, match="OpenVINO cannot convert this network: ") as caught:
        small().compile(tmp_path / "n.rnetc", device="cpu", backend="openvino", cache=False)
    assert caught.value.problem is Problem.BACKEND_FAILED
    found = small().compile(tmp_path / "n.rnetc", device="cpu", backend="auto", cache=False).metadata
    assert found.engine != "openvino"
    assert "cannot convert" in found.trials[-1].failed


def test_what_onnxruntime_does_not_take_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(onnxruntime_engine, "to_onnx", lambda job: onnx.helper.make_model(NONSENSE))
    with pytest.raises(CompileError, match="ONNX Runtime does not take this model"):
        small().compile(tmp_path / "n.rnetc", device="cpu", backend="onnxruntime", cache=False)


@pytest.mark.parametrize("artifact", ["onnxruntime"], indirect=True)
def test_weights_stay_as_long_as_they_are_run_with(artifact: Artifact) -> None:
    """Other weights may come in from another thread meanwhile: the runtime reads the ones before where they lie."""
    runner = artifact._runner
    assert isinstance(runner, onnxruntime_engine.Session)
    weights = artifact._weights
    runner.swap({name: tensor.clone() for name, tensor in weights.items()})
    session, outputs, held = runner._open
    before = weakref.ref(next(iter(held.values())))
    alive: list[bool] = []

    class Slow:
        def run(self, *given: object) -> list[object]:
            runner.swap(weights)
            alive.append(before() is not None)
            found: list[object] = session.run(*given)
            return found

    runner._open = Slow(), outputs, held
    del held
    runner.run([torch.zeros(1, 3, 32, 32)])
    assert alive == [True]
    assert before() is None


def test_a_lack_of_memory_is_no_broken_library() -> None:
    with pytest.raises(MemoryError, match="Cannot allocate memory"), importing("openvino"):
        raise ImportError("libopenvino.so: failed to map segment: Cannot allocate memory")


def test_what_openvino_lacks_is_told(tmp_path: Path) -> None:
    text = 'network n {\n    input 3x8x8\n    conv(4, 3x3, pad_mode = "circular")\n}\n'
    with pytest.raises(CompileError, match=r"cannot convert this network: Unsupported padding mode: \[wrap\]"):
        resnetdsl.load(text).network("n").compile(tmp_path / "n.rnetc", device="cpu", backend="openvino")


def test_a_lack_of_memory_is_called_one_whoever_lacks_it(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each library has a way of its own: an exception of no known kind, or an output of no size."""
    module = onnxruntime_engine if artifact.metadata.engine == "onnxruntime" else openvino_engine
    loaded = load_artifact(str(artifact.path))
    x = torch.zeros(2, 3, 32, 32)
    if module is onnxruntime_engine:
        fail = onnxruntime_engine.refusals()[0]

        class Lacking:
            def run(self, *_: object) -> None:
                raise fail("Failed to allocate memory for requested buffer of size 77")

        loaded._runner._open = (Lacking(), *loaded._runner._open[1:])  # type: ignore[attr-defined]
    else:
        monkeypatch.setattr(torch, "from_numpy", lambda _: torch.empty(0, 4))
    with pytest.raises(ArtifactError) as caught:
        loaded.run(x)
    assert caught.value.problem is Problem.NO_MEMORY

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module.Session if module is onnxruntime_engine else module.Compiled, "swap", full)  # type: ignore[attr-defined]
    with pytest.raises(ArtifactError) as caught:
        load_artifact(str(artifact.path))
    assert caught.value.problem is Problem.NO_MEMORY
