"""How fast networks run on a GPU: ours beside eager, timm with torch.compile, and ONNX Runtime where it is there.

    python -m benchmarks.gpu [--network resnet50] [--batches 1,32,256] [--minutes 25] [--write]

The most telling comes first, each unit in a process of its own whose contestants are measured in turns: images a
second, the share of the roofline (its two ceilings are measured first), where the time of ours goes, a step of
training, and ours with each choice taken the other way. What is measured is kept in .benchmarks/gpu.json after each
unit: a call that ended, by Ctrl-C or because its minutes were over, is gone on with by the next one. `--write` puts
what was found into docs/performance.md. Where there is no GPU it says what is lacking and measures nothing. `--device
cpu` goes the same way on the CPU, to see that it goes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.compiling.process import result_of
from benchmarks.compiling.store import Store, machine
from benchmarks.on_gpu.plan import Unit, plan
from benchmarks.page import PAGE, ROOT, carry_out, overview, put, say

RESULTS = ROOT / ".benchmarks" / "gpu.json"
HEAD = "## On a GPU\n\n"
COMMAND = (sys.executable, "-m", "benchmarks.on_gpu.unit")
"""A process for one unit, which is its last argument."""

_SLACK = 3.0
"""A unit may take so many times what the plan says before it is given up."""


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


def here(device: str) -> dict[str, str]:
    """What a result depends on."""
    found = machine(ROOT, torch.get_num_threads())
    if device == "cuda":
        found["gpu"] = torch.cuda.get_device_name()
        found["cuda"] = str(torch.version.cuda)
        found["cudnn"] = str(torch.backends.cudnn.version())
    return found


def work(units: Sequence[Unit], store: Store, args: argparse.Namespace) -> list[Unit]:
    """Do what is not done, as long as there is time, and write after each. Returns the units that are left."""
    end = time.monotonic() + 60 * args.minutes
    left: list[Unit] = []
    for unit in units:
        if unit.key in store:
            say(f"{unit.key}: kept")
            continue
        spare = end - time.monotonic()
        if spare < unit.seconds / 2:
            left.append(unit)
            continue
        say(f"{unit.key} ...")
        start = time.monotonic()
        limit = min(_SLACK * unit.seconds, spare)
        found = perform(unit, args, store.results, limit)
        say(f"{unit.key}: {found.get('problem') or 'done'}, {time.monotonic() - start:.0f} s")
        if "problem" in found and limit == spare:
            left.append(unit)  # what was compiled on the way is kept, so that the next call is sooner done
            continue
        store.keep(unit.key, found)
        for line in found.get("lines", ()):  # type: ignore[attr-defined]
            print(line, flush=True)
        if args.write:
            put("gpu", document(store.results, store.here, units), args.page)
    return left


def perform(unit: Unit, args: argparse.Namespace, known: Mapping[str, Any], limit: float) -> dict[str, object]:
    """The result of a unit, or in `problem` why there is none."""
    given = {name: getattr(args, name) for name in ("network", "dtype", "device", "seconds", "product", "size")}
    given |= {"unit": unit.data(), "ceilings": known.get("ceilings", {}).get("data")}
    caches = args.results.parent / "caches"
    environment = {
        "TORCHINDUCTOR_CACHE_DIR": str(caches / "inductor"),
        "RESNETDSL_CACHE_DIR": str(caches / "resnetdsl"),
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))),
    }
    return result_of([*COMMAND, json.dumps(given)], ROOT, environment, limit)


def document(results: Mapping[str, Any], where: Mapping[str, str], units: Sequence[Unit]) -> str:
    """The page's part."""
    versions = ", ".join(
        f"{name} {where[name]}"
        for name in ("torch", "cuda", "cudnn", "timm", "onnxruntime")
        if where.get(name, "none") != "none"
    )
    lines = [
        f"Measured by `benchmarks/gpu.py` on {where.get('gpu') or where['processor']}; {versions}.",
        "The rows of a table were measured in one run and in turns. Times are medians with their quartiles.",
    ]
    for unit in units:
        found = results.get(unit.key)
        if found is not None:
            lines += ["", *found.get("lines", [f"{unit.key} fails: {found.get('problem')}."])]
    if left := [unit.key for unit in units if unit.key not in results]:
        lines += ["", f"Not measured in this run: {', '.join(left)}."]
    return HEAD + "\n".join(lines)


def unmeasured() -> str:
    """What the page says where nothing can be measured."""
    lines = (
        "Unmeasured: no machine that this was run on had what it needs.",
        "`python -m benchmarks.gpu --write` measures, on a machine with a GPU, eager, timm with torch.compile, ONNX",
        "Runtime and ours at batch 1, 32 and 256, with the share of the roofline that each reaches, the kernels that",
        "the time goes into and a step of training, and writes it.",
    )
    return HEAD + "\n".join(lines)


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--batches", type=lambda text: tuple(map(int, text.split(","))), default=(1, 32, 256))
    parser.add_argument("--training-batch", type=int, default=128)
    parser.add_argument("--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16")
    parser.add_argument("--size", type=int, default=0, help="of the images, where it is not the network's own")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=10.0, help="to measure each table for")
    parser.add_argument("--minutes", type=float, default=25.0, help="start nothing that would not end within these")
    parser.add_argument("--product", type=int, default=8192, help="the size of the matrix product of the ceiling")
    parser.add_argument("--only", default="", help="units whose name begins with this: run, run/b1, profile, training")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--list", action="store_true", help="the units and whether they are measured")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE.json")
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE.md")
    parser.add_argument("--write", action="store_true", help="update the page")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    args = arguments(given)
    args.results = args.results.resolve()
    if args.device == "cuda" and (lack := lacking()):
        print("nothing is measured: this needs", *(f"  {each}" for each in lack), sep="\n")
        if args.write:
            put("gpu", unmeasured(), args.page)
        return 0
    units = plan(args.batches, args.training_batch)
    chosen = [unit for unit in units if unit.key.startswith(args.only) or unit.section == "ceilings"]
    where = here(args.device) | {"settings": f"{args.network} {args.dtype} {args.size}"}
    store = Store(args.results, where, fresh=args.fresh)
    if args.list:
        overview(units, store)
        return 0
    if carry_out(lambda: work(chosen, store, args), store) is None:
        return 130
    if args.write:
        put("gpu", document(store.results, where, units), args.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
