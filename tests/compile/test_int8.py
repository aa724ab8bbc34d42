"""Artifacts in int8: what their scales are measured on, what they compute, what they say of themselves."""

from __future__ import annotations

import copy
import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import resnetdsl
from resnetdsl.compile import choose, int8, int8_verify, quantise
from resnetdsl.compile.artifact import load_artifact
from resnetdsl.compile.calibration import Samples, fingerprint, samples
from resnetdsl.compile.compiler import CompileResult
from resnetdsl.compile.engines import openvino as openvino_engine
from resnetdsl.compile.engines.registry import engine
from resnetdsl.compile.errors import CompileError, Problem, WeightsError
from resnetdsl.compile.inputs import Dimension, InputSpec
from resnetdsl.compile.make import Subject
from resnetdsl.compile.metadata import Quantised
from resnetdsl.compile.options import Calibration, CompileOptions, Device, Keep, Precision
from resnetdsl.compile.passes import Passes
from resnetdsl.compile.plan import decide
from resnetdsl.compile.verify import Reference
from resnetdsl.emit.names import ONNX_INPUT
from resnetdsl.network import Network
from tests.cli.running import run
from tests.emit.interpreter import randomise

TEXT = """network small {
    input 3x24x24
    conv1: conv(16, 3x3, stride = 2) -> bn1: batch_norm -> relu
    stage layer1: 2 * basic(16)
    global_avg_pool
    fc: linear(10)
}
"""
BOTH = ("onnxruntime", "openvino")
SPEC = InputSpec(
    (Dimension("batch", 1, 4), Dimension("channels", 3, 3), Dimension("height", 24, 24), Dimension("width", 24, 24))
)


def small() -> Network:
    return resnetdsl.load(TEXT).network("small")


@pytest.fixture(autouse=True)
def paying(monkeypatch: pytest.MonkeyPatch) -> None:
    """int8 that is worth it: what is done with networks this small would hang on the moment."""
    monkeypatch.setattr(int8, "measure", lambda _: {"int8": 1.0, "float32": 2.5})


@pytest.fixture(scope="module")
def module() -> nn.Module:
    made = small().module().eval()
    randomise(made)
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "inputs.npy"
    np.save(path, torch.randn(40, 3, 24, 24, generator=torch.Generator().manual_seed(3)).numpy())
    return path


@pytest.mark.parametrize("backend", BOTH)
def test_it_computes_nearly_what_float32_does(backend: str, module: nn.Module, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "small.rnetc"
    result = small().compile(
        path, device="cpu", backend=backend, dtype="int8", batch="1..4", module=module, calibration=Calibration(data)
    )
    report = result.metadata.quantised
    assert report is not None
    assert (report.samples, report.source, report.kept) == (40, "inputs.npy (40 samples)", ())
    assert report.top1 is not None
    assert report.top1 > 0.9
    assert 0.0005 < report.noise < 0.1  # of 8 bits, not of float32
    assert report.speedup == 2.5
    artifact = load_artifact(path)
    assert artifact.metadata.quantised == report
    x = torch.from_numpy(np.load(data))[:3]
    with torch.no_grad():
        expected = module(x)
    found = artifact(x)
    assert isinstance(found, Tensor)
    assert found.dtype == torch.float32
    assert float((found - expected).norm() / expected.norm()) < 0.1
    # The weights in it are int8: a quarter of their size.
    size = sum(tensor.nbytes for tensor in module.state_dict().values())
    assert path.stat().st_size < 200_000 + size / 2


def test_other_weights_are_refused(module: nn.Module, data: Path, tmp_path: Path) -> None:
    small().compile(tmp_path / "n.rnetc", device="cpu", dtype="int8", module=module, calibration=Calibration(data))
    with pytest.raises(WeightsError, match="keeps its weights") as caught:
        load_artifact(tmp_path / "n.rnetc").load_weights(module.state_dict())
    assert "--dtype int8 --weights" in caught.value.help


def test_first_and_last_may_stay_in_float32(module: nn.Module, data: Path, tmp_path: Path) -> None:
    found = {}
    for name, keep in (("all", frozenset[Keep]()), ("kept", frozenset(Keep))):
        found[name] = (
            small()
            .compile(
                tmp_path / f"{name}.rnetc",
                device="cpu",
                backend="onnxruntime",
                dtype="int8",
                module=module,
                calibration=Calibration(data, keep=keep),
            )
            .metadata.quantised
        )
    assert found["kept"] is not None
    assert found["all"] is not None
    assert len(found["kept"].kept) == 2
    assert found["kept"].noise < found["all"].noise


def test_a_norm_in_front_of_a_relu_leaves_no_infinite_bounds(tmp_path: Path) -> None:
    body = "conv(8, 3x3) -> relu -> batch_norm -> relu -> conv(8, 1x1) -> global_avg_pool -> linear(4)"
    net = resnetdsl.load(f"network n {{ input 3x16x16\n {body} }}").network("n")
    for backend in BOTH:
        result = net.compile(tmp_path / f"{backend}.rnetc", device="cpu", backend=backend, dtype="int8")
        assert result.metadata.quantised is not None


def test_noise_is_warned_of(module: nn.Module, tmp_path: Path) -> None:
    result = small().compile(
        tmp_path / "n.rnetc",
        device="cpu",
        backend="openvino",
        dtype="int8",
        module=module,
        calibration=Calibration(samples=8),
    )
    assert any("measured on noise" in note for note in result.notes)
    assert result.metadata.quantised is not None
    assert result.metadata.quantised.source == "noise (8 samples)"


def test_a_network_that_degrades_says_so(
    module: nn.Module, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "ENOUGH", 1.01)
    result = small().compile(
        tmp_path / "n.rnetc",
        device="cpu",
        backend="openvino",
        dtype="int8",
        module=module,
        calibration=Calibration(data),
    )
    assert any(note.startswith("WARNING: int8 changes the answer") for note in result.notes)


def test_one_that_is_no_faster_says_so(
    module: nn.Module, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "measure", lambda calls: {"int8": 2.0, "late": 1.98, "float32": 2.2})
    result = small().compile(
        tmp_path / "n.rnetc",
        device="cpu",
        backend="openvino",
        dtype="int8",
        module=module,
        cache=False,
        calibration=Calibration(data),
    )
    assert any("int8 is 1.1x as fast as float32 here" in note for note in result.notes)
    assert result.metadata.quantised is not None
    assert "1.1x as fast as float32 by the same engine" in str(result.metadata.quantised)


def test_one_that_is_destroyed_is_refused(module: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8_verify, "USELESS", 1e-9)
    with pytest.raises(CompileError, match="in int8 the network differs from float32") as caught:
        small().compile(tmp_path / "n.rnetc", device="cpu", backend="openvino", dtype="int8", module=module)
    assert caught.value.problem is Problem.DISAGREES
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_measured(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "measure", choose.measure)
    (tmp_path / "small.rnet").write_text(TEXT, encoding="utf-8")
    options = ("--dtype", "int8", "--calibration", data, "--samples", "32", "--keep-float", "last")
    done = run("compile", tmp_path / "small.rnet", "--device", "cpu", *options, "-o", tmp_path / "n.rnetc")
    assert done.code == 0, done.err
    assert "int8, scales of inputs.npy (32 samples): gives float32's answer for" in done.err
    assert "(taken)" in done.err
    assert "inductor: not taken: it has no int8" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--calibration", "somewhere"), "`--calibration` is for int8"),
        (("--dtype", "int8", "--calibration", "nowhere"), "cannot read `nowhere`"),
        (("--dtype", "int8", "--samples", "0"), "0 samples are none"),
        (("--dtype", "int8", "--crop", "2"), "a crop of 2.0"),
        (("--dtype", "int8", "--std", "0"), "must be more than 0"),
        (("--dtype", "int8", "--mean", "0.5"), "`--mean` is for images, and none are given"),
        (("--plan", "--samples", "3"), "`--samples` is for int8"),
        (("--plan", "--dtype", "int8", "--samples", "0"), "0 samples are none"),
        (("--dtype", "int8", "--backend", "inductor"), "it has no int8"),
    ],
)
def test_wrong_use_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "small.rnet").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = run("compile", "small.rnet", "--device", "cpu", "-o", "n.rnetc", *arguments)
    assert done.code == 2
    assert said in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["small.rnet"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backend": "onednn"}, "the engine `onednn` cannot be used here: it has no int8"),
        ({"backend": "auto", "layout": "contiguous"}, "no engine can make `small` for cpu in int8"),
        ({"calibration": Calibration("nowhere")}, "cannot read `nowhere`"),
        ({"output": "n.zip"}, "ends with .rnetc"),
    ],
)
def test_what_is_refused_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], said: str
) -> None:
    net = small()
    monkeypatch.setattr(type(net), "module", lambda *_: pytest.fail("a module is made"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CompileError, match=said):
        net.compile(**{"output": "n.rnetc", "device": "cpu", "dtype": "int8", **options})


@pytest.mark.parametrize("backend", BOTH)
def test_the_engines_of_onnx_have_int8_and_those_of_pytorch_have_not(backend: str) -> None:
    assert engine(backend).lacking("cpu", Precision.INT8) is None
    for name in ("onednn", "inductor"):
        assert engine(name).lacking("cpu", Precision.INT8) is not None


# --- what is in 8 bits ---

GATED = """network gated {
    input 3x24x24
    conv1: conv(16, 3x3, stride = 2) -> bn1: batch_norm -> silu
    residual { conv2: conv(32, 1x1) -> bn2: batch_norm -> silu -> conv3: conv(16, 1x1) -> bn3: batch_norm }
    conv4: conv(32, 1x1) -> bn4: batch_norm -> silu
    global_avg_pool
    fc: linear(10)
}
"""


def gated() -> Network:
    return resnetdsl.load(GATED).network("gated")


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> quantise.Calibrated:
    net = gated()
    made = net.module().eval()
    randomise(made)
    setting = decide(net.checked, CompileOptions(Path("n.rnetc"), device=Device.CPU, precision=Precision.INT8))
    names = tuple(output.name for output in net.checked.outputs)
    subject = Subject(net.checked, Passes(), Reference(made, names), made.state_dict())
    found = Samples(torch.randn(16, 3, 24, 24, generator=torch.Generator().manual_seed(0)), "noise")
    work = tmp_path_factory.mktemp("work")
    return quantise.calibrate(subject, setting, found, frozenset(), work)


def rounded(model: bytes) -> tuple[set[str], onnx.GraphProto]:
    """The tensors between layers that are brought to 8 bits, and the model."""
    graph = onnx.ModelProto.FromString(model).graph
    return {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}, graph


def float32(calibrated: quantise.Calibrated) -> list[onnx.NodeProto]:
    return list(onnx.ModelProto.FromString(calibrated.model).graph.node)


def test_openvino_is_given_in_8_bits_what_layers_read_and_nothing_else(calibrated: quantise.Calibrated) -> None:
    found, _ = rounded(calibrated.quantise(quantise.PLACES["openvino"]).model)
    assert found == {node.input[0] for node in float32(calibrated) if node.op_type in {"Conv", "Gemm", "MatMul"}}


def test_onnxruntime_is_given_all_in_8_bits(calibrated: quantise.Calibrated) -> None:
    found, _ = rounded(calibrated.quantise(quantise.PLACES["onnxruntime"]).model)
    kinds = {"Conv", "Sigmoid", "Mul", "Add", "GlobalAveragePool"}
    assert found >= {name for node in float32(calibrated) if node.op_type in kinds for name in node.output}


def kernels(model: bytes) -> Counter[str]:
    """What OpenVINO runs of a model in kernels of their own, by kind, but for constants and shapes."""
    core = openvino_engine.load_openvino().Core()
    read = core.read_model(model, b"")
    read.reshape({ONNX_INPUT: [1, 3, 24, 24]})
    compiled = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kinds = (str(op.get_rt_info()["layerType"].value) for op in compiled.get_runtime_model().get_ops())
    return Counter(kind for kind in kinds if kind not in {"Const", "Input", "Output", "Reshape"})


def test_openvino_computes_what_follows_a_convolution_as_part_of_it(calibrated: quantise.Calibrated) -> None:
    """Were each step rounded by itself, activations would be kernels of their own."""
    ours = kernels(calibrated.quantise(quantise.Places.LAYERS).model)
    everything = kernels(calibrated.quantise(quantise.Places.ALL).model)
    assert ours["Convolution"] == everything["Convolution"] == 4
    assert ours.total() <= everything.total() - 3  # three activations


@pytest.mark.parametrize("backend", BOTH)
def test_the_first_half_may_stay_in_float32(backend: str, calibrated: quantise.Calibrated) -> None:
    made = calibrated.quantise(quantise.PLACES[backend], late=True)
    nodes = float32(calibrated)
    first = nodes[: len(nodes) // 2]
    assert made.kept == tuple(node.name.partition("/")[0] for node in first if node.op_type == "Conv")
    assert made.kept
    found, graph = rounded(made.model)
    assert found
    later = {name for node in nodes[len(first) :] for name in node.input}
    assert not found & {name for node in first for name in node.output if name not in later}
    floats = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    for node in graph.node:
        if node.op_type == "Conv":
            assert (node.input[1] in floats) is (node.name.partition("/")[0] in made.kept)


def slow(late: float) -> Callable[[object], dict[str, float]]:
    return lambda _: {"int8": 2.0, "late": late, "float32": 1.8}


def test_what_is_slower_than_float32_has_its_first_half_left_in_float32(
    module: nn.Module, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", str(tmp_path / "cache"))
    options = {"backend": "onnxruntime"}
    whole, _ = again(module, tmp_path / "w.rnetc", Calibration(data), cache=False, **options)
    monkeypatch.setattr(int8, "measure", slow(late=1.2))
    made, one = again(module, tmp_path / "n.rnetc", Calibration(data), **options)
    assert whole.metadata.quantised is not None
    report = made.metadata.quantised
    assert report is not None
    assert report.kept[0] == "conv1"
    assert report.speedup == 1.5
    assert 0 < report.noise < whole.metadata.quantised.noise
    assert "the first half stays in float32: in int8 throughout it would be 0.9x as fast as float32" in made.notes
    assert not any(note.startswith("WARNING: int8 is") for note in made.notes)
    x = torch.from_numpy(np.load(data))[:1]
    with torch.no_grad():
        torch.testing.assert_close(load_artifact(tmp_path / "n.rnetc")(x), module(x), atol=0.2, rtol=0.2)
    monkeypatch.setattr(int8, "calibrate", lambda *_: pytest.fail("it is known already"))
    second, other = again(module, tmp_path / "n.rnetc", Calibration(data), **options)
    assert (second.cached, second.notes, one) == (True, made.notes, other)


def test_what_gains_nothing_by_that_stays_in_int8_and_says_so(
    module: nn.Module, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "measure", slow(late=1.99))
    made, _ = again(module, tmp_path / "n.rnetc", Calibration(data), cache=False)
    assert made.metadata.quantised is not None
    assert made.metadata.quantised.kept == ()
    said = "with the first half in float32 it is 0.9x as fast as float32: that was tried, and is not done"
    assert said in made.notes
    assert any("int8 is 0.9x as fast as float32 here" in note for note in made.notes)


def test_many_layers_in_float32_are_counted() -> None:
    report = Quantised("noise", 8, None, 0.01, tuple("abcde"))
    assert str(report).endswith("; in float32: a, b, c and 2 more layers")
    assert str(replace(report, kept=("a",))).endswith("; in float32: a")


# --- the second time ---


def again(module: nn.Module, path: Path, calibration: Calibration, **options: object) -> tuple[CompileResult, bytes]:
    result = small().compile(
        path, device="cpu", dtype="int8", module=module, calibration=calibration, **{"backend": "openvino", **options}
    )  # type: ignore[arg-type]
    return result, path.read_bytes()


@pytest.fixture
def nothing_measured_anew(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, calibrating and measuring fail."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("it is known already")

    def start() -> None:
        monkeypatch.setattr(int8, "calibrate", fail)
        monkeypatch.setattr(int8, "measure", fail)

    return start


@pytest.mark.parametrize("backend", BOTH)
def test_the_second_time_all_comes_from_the_cache(
    backend: str, module: nn.Module, data: Path, tmp_path: Path, nothing_measured_anew: Callable[[], None]
) -> None:
    first, one = again(module, tmp_path / "n.rnetc", Calibration(data), backend=backend)
    nothing_measured_anew()
    second, other = again(module, tmp_path / "n.rnetc", Calibration(data), backend=backend)
    assert second.cached
    assert second.metadata == first.metadata
    assert second.notes == first.notes
    assert one == other


def test_other_weights_samples_and_options_are_calibrated_anew(module: nn.Module, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "n.rnetc"
    again(module, path, Calibration(data))
    other = copy.deepcopy(module)
    with torch.no_grad():
        other.fc.bias[0] += 0.5  # type: ignore[operator,union-attr,index]
    samples_of_another = tmp_path / data.name
    np.save(samples_of_another, np.load(data)[::-1])
    for made, calibration in (
        (other, Calibration(data)),
        (module, Calibration(samples_of_another)),
        (module, Calibration(data, samples=20)),
        (module, Calibration(data, keep=frozenset({Keep.LAST}))),
    ):
        assert not again(made, path, calibration)[0].cached
    assert again(module, path, Calibration(data))[0].cached


def test_images_are_known_by_what_is_in_them(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        picture(tmp_path / name, (30, 30), (255, 0, 51))
    before = fingerprint(Calibration(tmp_path), SPEC)
    (tmp_path / "a.png").touch()
    (tmp_path / "notes.txt").write_text("no image")
    assert fingerprint(Calibration(tmp_path), SPEC) == before
    assert fingerprint(Calibration(tmp_path, crop=0.9), SPEC) != before
    picture(tmp_path / "b.png", (30, 30), (255, 0, 52))
    assert fingerprint(Calibration(tmp_path), SPEC) != before


def test_a_damaged_entry_is_calibrated_anew(
    module: nn.Module, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "n.rnetc"
    first, _ = again(module, path, Calibration(data))
    (entry,) = (tmp_path / "cache").rglob("entry.json")
    entry.write_text(entry.read_text("utf-8").replace('"noise"', '"nois"'), encoding="utf-8")
    second, _ = again(module, path, Calibration(data))
    assert not second.cached
    assert second.metadata.agreement == first.metadata.agreement


def test_what_comes_from_the_cache_is_held_against_eager(
    module: nn.Module, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again(module, tmp_path / "n.rnetc", Calibration(data))
    monkeypatch.setattr(int8_verify, "USELESS", 1e-9)
    with pytest.raises(CompileError, match="in int8 the network differs from float32"):
        again(module, tmp_path / "n.rnetc", Calibration(data))


def test_networks_too_large_for_the_tool_are_refused(
    module: nn.Module, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise, "MOST", 1000)
    with pytest.raises(CompileError, match=r"int8 is made of networks up to 2 GiB") as caught:
        again(module, tmp_path / "n.rnetc", Calibration(data, samples=39))
    assert caught.value.problem is Problem.EXPORT_FAILED
    assert list(tmp_path.iterdir()) == []


# --- what it is measured on ---


def picture(path: Path, size: tuple[int, int], colour: tuple[int, int, int]) -> None:
    from PIL import Image

    Image.new("RGB", size, colour).save(path)


def test_images_are_resized_cropped_and_normalised(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    picture(tmp_path / "class" / "wide.png", (90, 40), (255, 0, 51))
    picture(tmp_path / "tall.jpg", (24, 60), (255, 0, 51))
    (tmp_path / "notes.txt").write_text("no image")
    found = samples(Calibration(tmp_path, mean=(0.5,), std=(0.25,)), SPEC)
    assert found.inputs.shape == (2, 3, 24, 24)
    for at, value in enumerate((2.0, -2.0, -1.2)):
        torch.testing.assert_close(found.inputs[:, at], torch.full((2, 24, 24), value), atol=0.1, rtol=0)
    assert found.notes  # two are few


def test_the_crop_is_the_middle(tmp_path: Path) -> None:
    from PIL import Image

    array = np.zeros((48, 96, 3), dtype=np.uint8)
    array[:, 24:72] = 255  # the middle half is white
    Image.fromarray(array).save(tmp_path / "half.png")
    found = samples(Calibration(tmp_path, mean=(0.0,), std=(1.0,), crop=1.0), SPEC).inputs
    assert float(found.mean()) > 0.97


def test_samples_come_from_all_of_a_folder(tmp_path: Path) -> None:
    for at in range(10):
        torch.save(torch.full((3, 24, 24), float(at)), tmp_path / f"{at}.pt")
    found = samples(Calibration(tmp_path, samples=5), SPEC).inputs
    assert found[:, 0, 0, 0].tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("suffix", ["npy", "pt", "safetensors"])
def test_tensors_of_each_kind(tmp_path: Path, suffix: str) -> None:
    from safetensors.torch import save_file

    x = torch.randn(6, 3, 24, 24)
    path = tmp_path / f"x.{suffix}"
    match suffix:
        case "npy":
            np.save(path, x.numpy())
        case "pt":
            torch.save({"images": x}, path)
        case _:
            save_file({"images": x}, path)
    torch.testing.assert_close(samples(Calibration(str(path)), SPEC).inputs, x)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: (folder / "a.txt").write_text("x"), "neither images nor tensors"),
        (lambda folder: (folder / "a.png").write_bytes(b"no image"), "is no image that can be read"),
        (lambda folder: (folder / "a.npy").write_bytes(b"no array"), "is no array that can be read"),
        (lambda folder: (folder / "a.pt").write_bytes(b"no tensors"), "holds no tensors"),
        (lambda folder: np.save(folder / "a.npy", np.zeros((2, 3, 8, 8), np.float32)), "2x3x8x8 of float32"),
        (lambda folder: np.save(folder / "a.npy", np.zeros((2, 3, 24, 24), np.uint8)), "2x3x24x24 of uint8"),
        (lambda folder: np.save(folder / "a.npy", np.zeros((0, 3, 24, 24), np.float32)), "holds no samples"),
        (lambda folder: np.save(folder / "a.npy", np.full((1, 3, 24, 24), np.nan, np.float32)), "infinite or none"),
        (lambda folder: np.save(folder / "a.npy", np.array([{}], dtype=object), allow_pickle=True), "is no array"),
    ],
)
def test_what_cannot_be_calibrated_with_is_said(tmp_path: Path, make: object, said: str) -> None:
    make(tmp_path)  # type: ignore[operator]
    with pytest.raises(CompileError, match=said) as caught:
        samples(Calibration(tmp_path), SPEC)
    assert caught.value.problem is Problem.BAD_CALIBRATION


def test_images_are_refused_for_networks_that_take_none(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", (8, 8), (0, 0, 0))
    dims = (Dimension("batch", 1, 1), Dimension("channels", 7, 7), *SPEC.dims[2:])
    with pytest.raises(CompileError, match="images have 1 or 3 channels"):
        samples(Calibration(tmp_path), InputSpec(dims))


# --- real images ---

FASHION = Path("/usr/share/datasets/fashion-mnist")
"""Debian's package dataset-fashion-mnist."""


def fashion(name: str) -> Iterator[Tensor]:
    for kind, offset in (("images-idx3", 16), ("labels-idx1", 8)):
        with gzip.open(next(FASHION.rglob(f"{name}-{kind}-ubyte.gz"))) as file:
            raw = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)[offset:]
        yield raw.reshape(-1, 1, 28, 28).float().div(255).sub(0.286).div(0.353) if offset == 16 else raw.long()


@pytest.mark.slow
@pytest.mark.skipif(not FASHION.exists(), reason="Debian's dataset-fashion-mnist is not installed")
def test_a_trained_network_keeps_its_accuracy(tmp_path: Path) -> None:
    text = TEXT.replace("3x24x24", "1x28x28").replace(
        "    global_avg_pool", "    stage layer2: basic(32, stride = 2)\n    global_avg_pool"
    )
    net = resnetdsl.load(text).network("small")
    torch.manual_seed(0)
    module = net.module().train()
    images, labels = fashion("train")
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    steps = 250
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.2, total_steps=steps)
    for _ in range(steps):
        at = torch.randint(len(images), (128,))
        loss = F.cross_entropy(module(images[at]), labels[at])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    module.eval()
    torch.save(images[:256].clone(), tmp_path / "some.pt")
    result = net.compile(
        tmp_path / "n.rnetc",
        device="cpu",
        dtype="int8",
        batch="1..512",
        module=module,
        calibration=Calibration(tmp_path / "some.pt"),
    )
    assert result.metadata.quantised is not None
    assert (result.metadata.quantised.top1 or 0) > 0.97
    artifact = load_artifact(tmp_path / "n.rnetc")
    images, labels = fashion("t10k")
    right = {"float32": 0, "int8": 0}
    with torch.no_grad():
        for x, wanted in zip(images.split(500), labels.split(500), strict=True):
            right["float32"] += int((module(x).argmax(1) == wanted).sum())
            right["int8"] += int((artifact(x).argmax(1) == wanted).sum())  # type: ignore[union-attr]
    assert right["float32"] > 8000
    assert right["int8"] > right["float32"] - 100


def test_weights_that_are_no_numbers_have_no_scale(module: nn.Module, data: Path, tmp_path: Path) -> None:
    broken = copy.deepcopy(module)
    with torch.no_grad():
        broken.fc.bias[0] = float("nan")  # type: ignore[operator,union-attr,index]
    with pytest.raises(CompileError, match=r"int8 has no scale for weights .*`fc.bias` \(1\)") as caught:
        small().compile(tmp_path / "a.rnetc", dtype="int8", device="cpu", module=broken, calibration=Calibration(data))
    assert caught.value.problem is Problem.BAD_WEIGHTS
    assert list(tmp_path.iterdir()) == []
