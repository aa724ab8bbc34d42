"""What each pass of lowering gains: a network with it and without it, on each engine of the CPU, in turns.

    python -m benchmarks.passes [PASS ...] [--batch N] [--seconds S] [--threads N] [--write]

Wall-clock time, so let the machine be idle: about five minutes. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.compiling.store import machine
from benchmarks.page import PAGE, ROOT, put
from resnetdsl.api import load
from resnetdsl.bench.interleave import Plan, measure
from resnetdsl.bench.statistics import Spread, ratios
from resnetdsl.compile.engines.base import Engine, Job, Setting
from resnetdsl.compile.engines.registry import ENGINES
from resnetdsl.compile.inputs import input_spec
from resnetdsl.compile.lower.pipeline import PASSES, UNPAID, lower
from resnetdsl.compile.options import Batch, Layout, Mode, Precision
from resnetdsl.compile.recipes import evaluate_all
from resnetdsl.network import Network

BACKENDS = ("onednn", "onnxruntime", "openvino")

GOOGLENET = """
block unit(width, kernel = 1x1, stride = 1) {
    conv(width, kernel, stride = stride) -> batch_norm -> relu
}
block inception(a, rb, b, rc, c, d) {
    concat(unit(a), unit(rb) -> unit(b, 3x3), unit(rc) -> unit(c, 3x3), max_pool(3, 1, 1) -> unit(d))
}
network googlenet {
    input 3x224x224
    unit(64, 7x7, 2) -> max_pool(3, 2, 1) -> unit(64) -> unit(192, 3x3) -> max_pool(3, 2, 1)
    inception(64, 96, 128, 16, 32, 32) -> inception(128, 128, 192, 32, 96, 64) -> max_pool(3, 2, 1)
    inception(192, 96, 208, 16, 48, 64) -> inception(160, 112, 224, 24, 64, 64) -> inception(128, 128, 256, 24, 64, 64)
    inception(112, 144, 288, 32, 64, 64) -> inception(256, 160, 320, 32, 128, 128) -> max_pool(3, 2, 1)
    inception(256, 160, 320, 32, 128, 128) -> inception(384, 192, 384, 48, 128, 128)
    global_avg_pool -> flatten -> linear(1000)
}
"""
"""No residual network, and none that is shipped: the one for which layers beside one another are the rule."""

NETWORKS: dict[str, tuple[str, ...]] = {
    "standardised": ("resnetv2_50x1_bit",),
    "fold-after": ("resnet50", "mobilenetv2_100"),
    "fold-before": ("dm_nfnet_f0", "convnextv2_atto"),
    "branches": ("repvgg_a0", "mobileone_s0"),
    "parallel": ("resnet50_v1", "mobilenetv4_hybrid_medium", "preresnet164", "googlenet"),
    "across": ("densenet121", "preresnet164"),
    "chains": ("dm_nfnet_f0", "convnextv2_atto"),
    "norms": ("preresnet110", "efficientnet_cc_b0_4e"),
}
"""Networks in which a pass finds something. No shipped one does arithmetic on weights alone, and what acts in training
alone costs an engine nothing."""

HEAD = """\
## Passes

Measured by `benchmarks/passes.py` on {processor}, {cores} cores, {threads} threads; torch {torch}, onnxruntime
{onnxruntime}, openvino {openvino}; batch {batch}. How many times as fast a network is with a pass as without it, all
others alike: the median of the ratios of rounds in which both take turns, its quartiles in parentheses. ONNX Runtime's
spread is wide because two of its sessions in one process disturb each other: their threads wait by spinning.
"""


def runner(
    network: Network, engine: Engine, without: tuple[str, ...], batch: int, folder: Path
) -> Callable[[], object]:
    """The network on an engine, lowered without these passes, as a call."""
    graph = network.checked
    torch.manual_seed(0)
    lowered = lower(graph, without)
    weights = evaluate_all(lowered.recipes, network.module().state_dict(), torch.float32, torch.device("cpu"))
    inputs = input_spec(graph, Batch(batch, batch))
    setting = Setting("cpu", Precision.FLOAT32, Mode.LATENCY, Layout.CHANNELS_LAST, inputs)
    code, scratch = (Path(tempfile.mkdtemp(dir=folder)) for _ in range(2))
    engine.build(Job(lowered, weights, setting, scratch), code)
    opened = engine.open(code, weights, setting)
    x = torch.randn(inputs.example)
    return lambda: opened.run([x])


def gain(name: str, network: Network, engine: Engine, batch: int, seconds: float) -> Spread:
    """How many times as fast it is with the pass of this name."""
    others = tuple(each for each in UNPAID if each != name)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        on = runner(network, engine, others, batch, Path(folder))
        off = runner(network, engine, (*others, name), batch, Path(folder))
        times = measure({"on": on, "off": off}, Plan(seconds=seconds))
    return ratios(times["on"].rounds, times["off"].rounds)


def found(name: str) -> Network:
    return load(GOOGLENET if name == "googlenet" else name).network(name)


def cell(value: Spread | None) -> str:
    return "-" if value is None else f"{value.median:.2f} ({value.low:.2f} to {value.high:.2f})"


def table(passes: list[str], batch: int, seconds: float) -> str:
    usable = [ENGINES[name] for name in BACKENDS if ENGINES[name].lacking("cpu", Precision.FLOAT32) is None]
    lines = [
        f"| pass | network | {' | '.join(each.name for each in usable)} |",
        f"| --- | --- |{' ---: |' * len(usable)}",
    ]
    for name in passes:
        for title in NETWORKS[name]:
            cells = [cell(gain(name, found(title), each, batch, seconds)) for each in usable]
            lines.append(f"| `{name}` | {title} | {' | '.join(cells)} |")
            print(lines[-1], file=sys.stderr)
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("passes", nargs="*", metavar="PASS", help=f"of {', '.join(NETWORKS)}; all of them by default")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each pair")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE.md")
    parser.add_argument("--write", action="store_true", help="update the page")
    args = parser.parse_args(arguments)
    unknown = [name for name in args.passes if name not in NETWORKS]
    if unknown:
        parser.error(f"no network is known in which `{unknown[0]}` finds something: {', '.join(NETWORKS)}")
    torch.set_num_threads(args.threads)
    here = machine(ROOT, args.threads)
    order = [each.name for each in PASSES if each.name in (args.passes or NETWORKS)]
    text = f"{HEAD.format(**here, batch=args.batch)}\n{table(order, args.batch, args.seconds)}\n"
    if args.write:
        put("passes", text, args.page)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
