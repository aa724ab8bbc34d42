"""Who takes part: eager PyTorch, what one would do by hand, and ours on each engine.

A contestant is made from a `Match` and gives a function without arguments that runs its input once. What it raises
while it is made is a row of the table that says so, and `Absent` one that does not belong there.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from resnetdsl.bench.match import Match, Running
from resnetdsl.bench.peers import Absent, peer
from resnetdsl.compile.engines.onnxruntime import load_onnxruntime
from resnetdsl.compile.engines.openvino import load_openvino
from resnetdsl.compile.engines.registry import ALL
from resnetdsl.compile.options import Precision

Group = Literal["eager", "peer", "ours"]

Make = Callable[[Match], Running]

BASELINE = "eager"
"""The contestant that the others are compared with: our module, as it is."""


@dataclass(frozen=True, slots=True)
class Contestant:
    name: str
    group: Group
    make: Make


def eager(match: Match) -> Running:
    return _module(match, match.module)


def library(name: str) -> Make:
    def make(match: Match) -> Running:
        return _module(match, _of_library(name, match))

    return make


def torch_compile(*, freezing: bool = False, mode: str | None = None) -> Make:
    """`torch.compile` of timm's module, or where that lacks the network of ours."""

    def make(match: Match) -> Running:
        try:
            module = _of_library("timm", match)
        except Absent:
            module = match.module
        torch._dynamo.reset()
        module = _placed(match, module)
        compiled = torch.compile(module, mode=mode)
        x = _layout(match, match.input())
        with _freezing(freezing), torch.no_grad():
            compiled(x)

        def run() -> object:
            with torch.no_grad():
                return compiled(x)

        return match.wait(run, match.note)

    return make


def onnxruntime(match: Match) -> Running:
    """ONNX Runtime on what `torch.onnx.export` writes, with its own settings."""
    _needs("onnxruntime", "onnxscript")
    _only_float32(match)
    ort = load_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = ort.InferenceSession(str(_onnx(match)), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: match.input().numpy()}
    return Running(lambda: [torch.from_numpy(result) for result in session.run(None, feed)], match.note)


def openvino(match: Match) -> Running:
    """OpenVINO on what `torch.onnx.export` writes: all threads for the one request, in the type that was asked for."""
    _needs("openvino", "onnxscript")
    ov = load_openvino()

    precision = {Precision.FLOAT32: "f32", Precision.BFLOAT16: "bf16"}.get(match.floating)
    if precision is None:
        raise Absent(f"no {match.precision.value} on a CPU")
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    core = ov.Core()
    compiled = core.compile_model(core.read_model(str(_onnx(match))), "CPU", settings)
    request = compiled.create_infer_request()
    x = match.input().float().numpy()
    return Running(lambda: [torch.from_numpy(value) for value in request.infer([x]).to_tuple()], match.note)


def ours(backend: str, **settings: object) -> Make:
    """An artifact, compiled and loaded as a user does it."""

    def make(match: Match) -> Running:
        from resnetdsl.compile.artifact import load_artifact

        path = match.scratch / f"{backend}-{match.batch}.rnetc"
        match.network.compile(
            path,
            module=match.module,
            device=match.device,
            dtype=match.precision.value,
            batch=match.batch,
            backend=backend,
            **{"mode": "latency" if match.batch == 1 else "throughput", **settings},  # type: ignore[arg-type]
        )
        artifact = load_artifact(path)
        x = _layout(match, match.input())
        notes = [artifact.metadata.engine] if backend == "auto" else []
        quantised = artifact.metadata.quantised
        if quantised is not None and quantised.top1 is not None:
            notes.append(f"float32's answer for {quantised.top1:.0%} of {quantised.samples} samples")
        return match.wait(lambda: artifact(x), ", ".join(notes))

    return make


OURS = "resnetdsl "
"""Before the name of an engine: ours on that."""


def contestants(device: str, backends: tuple[str, ...] = (), **settings: object) -> list[Contestant]:
    """All that there are for a device, the baseline first; ours on these engines, or on each that is tried unasked."""
    found = [
        Contestant(BASELINE, "eager", eager),
        Contestant("timm eager", "eager", library("timm")),
        Contestant("torchvision eager", "eager", library("torchvision")),
        Contestant("torch.compile", "peer", torch_compile()),
    ]
    if device == "cpu":
        found += [
            Contestant("torch.compile (freezing)", "peer", torch_compile(freezing=True)),
            Contestant("onnxruntime", "peer", onnxruntime),
            Contestant("openvino", "peer", openvino),
        ]
    else:
        found.append(Contestant("torch.compile (max-autotune)", "peer", torch_compile(mode="max-autotune")))
    names = backends or tuple(engine.name for engine in ALL if engine.quick or device != "cpu")
    return found + [Contestant(f"{OURS}{name}", "ours", ours(name, **settings)) for name in names]


# --- how the others are run ---


def _module(match: Match, module: nn.Module) -> Running:
    module = _placed(match, module)
    x = _layout(match, match.input())

    def run() -> object:
        with torch.inference_mode():
            return module(x)

    return match.wait(run, match.note)


def _placed(match: Match, module: nn.Module) -> nn.Module:
    placed = copy.deepcopy(module).eval().requires_grad_(False).to(match.device, match.dtype)
    if match.device != "cpu":
        placed.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def _layout(match: Match, x: Tensor) -> Tensor:
    """On a GPU everybody gets channels last, which its tensor cores want."""
    return x.to(memory_format=torch.channels_last) if match.device != "cpu" else x


def _of_library(name: str, match: Match) -> nn.Module:
    classes = match.network.overrides.get("classes")
    return peer(name, match.network.name, classes if isinstance(classes, int) else None, match.module.state_dict())


def _onnx(match: Match) -> Path:
    """The model as `torch.onnx.export` writes it, once for both who read it."""
    path = match.scratch / f"peer-{match.batch}.onnx"
    if not path.exists():
        x = torch.zeros((match.batch, *match.size))
        with torch.no_grad():
            torch.onnx.export(copy.deepcopy(match.module), (x,), str(path), verbose=False, external_data=False)
    return path


def _needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise Absent(f"{module} is not installed")


def _only_float32(match: Match) -> None:
    if match.floating is not Precision.FLOAT32:
        raise Absent(f"no {match.precision.value} on a CPU")


@contextmanager
def _freezing(on: bool) -> Iterator[None]:
    """Inductor with the weights as constants, which it can then lay out as it likes."""
    from torch._inductor import config

    before = config.freezing
    config.freezing = on
    try:
        yield
    finally:
        config.freezing = before
