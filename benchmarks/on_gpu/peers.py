"""Who takes part on a GPU. `--device cpu` has the same go their way on the CPU, to see that they go."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping

import torch

from benchmarks.on_gpu.plan import BEST_PEER, EAGER, OURS
from resnetdsl.bench.contestants import Contestant, Make, eager, ours
from resnetdsl.bench.match import Match, Running, made
from resnetdsl.bench.peers import Absent, peer
from resnetdsl.compile.engines.registry import engine
from resnetdsl.compile.options import Layout

OUR_ENGINE: Mapping[str, str] = {"cuda": "cudnn", "cpu": "onednn"}
_OTHER_MODE = {"latency": "throughput", "throughput": "latency"}


def contestants() -> dict[str, Contestant]:
    """All of them by name."""
    found = [
        Contestant(EAGER, "eager", eager),
        _timm("timm, torch.compile, autocast", None, autocast=True, channels_last=False),
        _timm("timm, torch.compile, channels last, pure half", None, autocast=False, channels_last=True),
        _timm("timm, max-autotune, channels last, autocast", "max-autotune", autocast=True, channels_last=True),
        _timm(BEST_PEER, "max-autotune", autocast=False, channels_last=True),
        Contestant("onnxruntime", "peer", onnxruntime),
        Contestant(OURS, "ours", _ours()),
        Contestant("resnetdsl, the other mode", "ours", _ours(other_mode=True)),
        Contestant("resnetdsl, contiguous", "ours", _ours(layout=Layout.CONTIGUOUS)),
        Contestant("resnetdsl, nothing folded", "ours", _ours(without=("fold-after", "fold-before"))),
        Contestant("resnetdsl inductor", "ours", ours("inductor")),
    ]
    return {each.name: each for each in found}


def _ours(*, other_mode: bool = False, layout: Layout | None = None, **settings: object) -> Make:
    def make(match: Match) -> Running:
        if layout is not None:
            if layout not in engine(OUR_ENGINE[match.device]).layouts(match.device).choices:
                raise Absent(f"the engine {OUR_ENGINE[match.device]} has no {layout.value} images")
            settings["layout"] = layout.value
        usual = "latency" if match.batch == 1 else "throughput"
        mode = _OTHER_MODE[usual] if other_mode else usual
        return ours(OUR_ENGINE[match.device], mode=mode, **settings)(match)

    return make


def _timm(name: str, mode: str | None, *, autocast: bool, channels_last: bool) -> Contestant:
    """timm's module under `torch.compile`: weights in half precision, or in float32 and cast as it goes."""

    def make(match: Match) -> Running:
        module = peer("timm", match.network.name, None, match.module.state_dict())
        module = module.eval().requires_grad_(False).to(match.device, torch.float32 if autocast else match.dtype)
        x = match.input().to(next(module.parameters()).dtype)
        if channels_last:
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            x = x.to(memory_format=torch.channels_last)
        # No `torch._dynamo.reset()`: what is compiled already would be compiled again when it is measured.
        compiled = torch.compile(module, mode=mode)

        def run() -> object:
            with torch.no_grad(), torch.autocast(match.device, match.dtype, enabled=autocast):
                return compiled(x)

        return match.wait(run)

    return Contestant(name, "peer", make)


def onnxruntime(match: Match) -> Running:
    """ONNX Runtime's CUDA provider on what `torch.onnx.export` writes of the module in half precision."""
    for name in ("onnxruntime", "onnxscript"):
        if importlib.util.find_spec(name) is None:
            raise Absent(f"{name} is not installed")
    import onnxruntime as ort

    provider = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}[match.device]
    if provider not in ort.get_available_providers():
        raise Absent("onnxruntime is there without CUDA: pip install onnxruntime-gpu")
    path = match.scratch / f"gpu-{match.batch}.onnx"
    dtype = torch.float16 if match.device == "cuda" else torch.float32  # its kernels know no bfloat16 everywhere
    x = match.input().to(dtype)
    with torch.no_grad():
        module = made(match.network).to(match.device, dtype)
        module.load_state_dict(match.module.state_dict())
        torch.onnx.export(module, (x,), str(path), verbose=False, external_data=False)
    session = ort.InferenceSession(str(path), providers=[provider])
    binding = session.io_binding()
    binding.bind_ortvalue_input(session.get_inputs()[0].name, ort.OrtValue.from_dlpack(x))
    output = session.get_outputs()[0].name
    binding.bind_output(output, match.device)

    def run() -> object:
        session.run_with_iobinding(binding)
        return [torch.from_dlpack(value) for value in binding.get_outputs()]

    return match.wait(run)


def profiled(match: Match) -> Callable[[], object]:
    """Ours, kernel by kernel: without a CUDA graph, in which a profiler may see one launch."""
    return ours(OUR_ENGINE[match.device], mode="throughput")(match).run
