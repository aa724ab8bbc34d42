"""How fast networks run on a GPU: ours beside eager, timm with torch.compile, and ONNX Runtime where it is there.

    python -m benchmarks.gpu [--network resnet50] [--batches 1,32,256] [--write]

One run, all in turns: images a second, the share of the roofline (its two ceilings are measured first), and where the
time of ours goes. Where there is no GPU it says what is lacking and measures nothing. `--write` puts what was found,
or that nothing was, into docs/performance.md. `--device cpu` goes the same way on the CPU, to see that it goes.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from benchmarks.roofline import Ceilings, Work, ceilings, work
from resnetdsl.api import load
from resnetdsl.bench.compete import Result, compete
from resnetdsl.bench.contestants import BASELINE, Contestant, eager, ours
from resnetdsl.bench.interleave import Plan
from resnetdsl.bench.match import Match, Running, made
from resnetdsl.bench.peers import Absent, peer
from resnetdsl.bench.report import markdown, title
from resnetdsl.compile.options import Precision

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- gpu: begin -->", "<!-- gpu: end -->"
BATCHES = (1, 32, 256)
OURS = "resnetdsl inductor"


def lacking() -> list[str]:
    """What a measurement on a GPU needs and is not here, each with what to do."""
    found = []
    if torch.version.cuda is None:
        found.append(f"a PyTorch with CUDA: this is {torch.__version__}; install one from pytorch.org")
    elif not torch.cuda.is_available():
        found.append("a CUDA device: see that `nvidia-smi` lists one and CUDA_VISIBLE_DEVICES does not hide it")
    if importlib.util.find_spec("triton") is None:
        found.append("Triton, with which kernels for CUDA are written: pip install triton")
    return found


def timm_compiled(mode: str | None, autocast: bool, channels_last: bool) -> Callable[[Match], Running]:
    """timm's module under `torch.compile`: weights in half precision, or in float32 and cast as it goes."""

    def make(match: Match) -> Running:
        module = peer("timm", match.network.name, None, match.module.state_dict())
        module = module.eval().requires_grad_(False).to(match.device, torch.float32 if autocast else match.dtype)
        x = match.input().to(next(module.parameters()).dtype)
        if channels_last:
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            x = x.to(memory_format=torch.channels_last)
        torch._dynamo.reset()
        compiled = torch.compile(module, mode=mode)

        def run() -> object:
            with torch.no_grad(), torch.autocast(match.device, match.dtype, enabled=autocast):
                return compiled(x)

        return match.wait(run)

    return make


def onnxruntime(match: Match) -> Running:
    """ONNX Runtime's CUDA provider on what `torch.onnx.export` writes of the module in the match's type."""
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


CONTESTANTS = (
    Contestant(BASELINE, "eager", eager),
    Contestant("timm, torch.compile", "peer", timm_compiled(None, autocast=True, channels_last=False)),
    Contestant(
        "timm, max-autotune, channels last, autocast",
        "peer",
        timm_compiled("max-autotune", autocast=True, channels_last=True),
    ),
    Contestant(
        "timm, max-autotune, channels last, pure half",
        "peer",
        timm_compiled("max-autotune", autocast=False, channels_last=True),
    ),
    Contestant("onnxruntime", "peer", onnxruntime),
    Contestant(OURS, "ours", ours("inductor")),
)


def shares(result: Result, needed: Work, ceiling: Ceilings) -> list[str]:
    """Lines that say how much of the roofline each reached."""
    least = ceiling.seconds(needed)
    bound = "operations" if needed.flops / ceiling.flops >= needed.bytes / ceiling.bytes else "bytes"
    sizes = f"{needed.flops / 1e9:,.1f} GFLOP and {needed.bytes / 1e6:,.1f} MB at least"
    lines = [f"{sizes}: {least * 1e3:.3g} ms at the ceiling of {bound}."]
    reached = [f"{row.name} {least / spread.median:.0%}" for row in result.rows if (spread := row.spread) is not None]
    return [*lines, f"Of that: {', '.join(reached)}."] if reached else lines


def profile(match: Match, most: int = 15) -> list[str]:
    """Where the time of ours goes: its kernels, the largest first, as a table in Markdown."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiling

    run = ours("inductor")(match).run
    run()
    gpu = match.device == "cuda"
    with profiling(activities=[ProfilerActivity.CUDA] if gpu else [ProfilerActivity.CPU]) as found:
        for _ in range(5):
            run()
    events = [(_self_time(event, gpu), event) for event in found.key_averages()]
    events = sorted(((spent, event) for spent, event in events if spent > 0), key=lambda pair: -pair[0])
    whole = sum(spent for spent, _ in events) or 1.0
    rows = [
        f"| `{event.key[:90]}` | {event.count // 5} | {spent / 5e3:.3f} ms | {spent / whole:.1%} |"
        for spent, event in events[:most]
    ]
    return ["| kernel | calls | time a run | share |", "| --- | ---: | ---: | ---: |", *rows]


def _self_time(event: object, gpu: bool) -> float:
    """Microseconds in an event itself."""
    found: float = getattr(event, "self_device_time_total" if gpu else "self_cpu_time_total", 0.0)
    return found


def report(name: str, batches: tuple[int, ...], dtype: str, device: str, seconds: float, size: int) -> Iterator[str]:
    """The page's lines, as they are found."""
    network = load(name).network()
    precision = Precision(dtype)
    module = made(network)
    shape = tuple(network.checked.node(0).outputs[0].shape)
    type = getattr(torch, precision.tensors)
    what = torch.cuda.get_device_name() if device == "cuda" else f"{platform.processor() or platform.machine()} (CPU)"
    ceiling = ceilings(device, type, size, 1024 if device == "cuda" else 256)
    yield f"Measured by `benchmarks/gpu.py` on {what}; torch {torch.__version__}, {dtype}. The ceilings, measured too:"
    product, copy = f"{ceiling.flops / 1e12:.2f} TFLOP/s", f"{ceiling.bytes / 1e9:,.0f} GB/s"
    yield f"{product} in a matrix product of {size}, {copy} in a copy."
    with tempfile.TemporaryDirectory(prefix="resnetdsl-gpu-") as folder:
        for batch in batches:
            match = Match(network, module, batch, shape, precision, device, Path(folder))
            result = compete(match, CONTESTANTS, Plan(seconds=seconds), torch.get_num_threads(), phase=_tell)
            absent = [f"Not compared: {row.name} ({row.problem})." for row in result.rows if row.absent]
            needed = work(network.checked, batch, type.itemsize)
            yield from ("", f"### {title(result)}", "", markdown(result, [*shares(result, needed, ceiling), *absent]))
        largest = Match(network, module, max(batches), shape, precision, device, Path(folder))
        yield from ("", f"### Where the time of ours goes, batch {max(batches)}", "", *profile(largest))


def unmeasured() -> list[str]:
    """What the page says where nothing can be measured."""
    return [
        "Unmeasured: no machine that this was run on had what it needs.",
        "`python -m benchmarks.gpu --write` measures, on a machine with a GPU, eager, timm with torch.compile, ONNX",
        "Runtime and ours at batch 1, 32 and 256, with the share of the roofline that each reaches, and writes it.",
    ]


def write(lines: list[str]) -> None:
    """Put lines between the page's marks, which are appended where there are none."""
    text = PAGE.read_text(encoding="utf-8")
    part = "\n".join([BEGIN, "## On a GPU", "", *lines, END])
    if BEGIN in text:
        before, _, rest = text.partition(BEGIN)
        text = before + part + rest.partition(END)[2]
    else:
        text = f"{text.rstrip()}\n\n{part}\n"
    PAGE.write_text(text, encoding="utf-8")


def _tell(phase: str) -> None:
    print(f"  {phase} ...", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--batches", type=lambda text: tuple(map(int, text.split(","))), default=BATCHES)
    parser.add_argument("--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=20.0, help="to measure for, a batch size")
    parser.add_argument("--product", type=int, default=8192, help="the size of the matrix product of the ceiling")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    args = parser.parse_args(arguments)
    lack = lacking() if args.device == "cuda" else []
    lines: list[str] = []
    if lack:
        print("nothing is measured: this needs", *(f"  {each}" for each in lack), sep="\n")
        lines = unmeasured()
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of compilers and exporters, about their own insides
            for line in report(args.network, args.batches, args.dtype, args.device, args.seconds, args.product):
                print(line, flush=True)
                lines.append(line)
    if args.write:
        write(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
