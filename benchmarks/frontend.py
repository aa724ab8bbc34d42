"""What `check` costs: beside the import of networkx, against the number of layers, and in memory.

    python -m benchmarks.frontend [--write] [--runs N]

Everything is processor time (user and system) of whole processes or of one call, so that a busy machine does not
show. Ratios are of medians of runs that alternate, within one call of this program. `--write` puts the tables
into docs/performance.md between its marks.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.page import ROOT, put
from resnetdsl.api import load, shipped_files
from resnetdsl.diagnostics.model import Sink
from resnetdsl.paths import specs_dir
from resnetdsl.source import SourceFile
from resnetdsl.spec import Spec, parse_spec
from resnetdsl.syntax import ast

IMPORT = ("-c", "import networkx")
CHECK = ("-m", "resnetdsl", "check", "resnet50")
SHIPPED = (
    *(f"resnet{n}" for n in (20, 32, 44, 56, 110, 1202)),
    "preresnet1001",
)
FAMILIES = (
    ("timm_resnet", "resnet26"),
    ("timm_resnet", "seresnext101d_32x8d"),
    ("efficientnet", "efficientnet_b0"),
    ("regnet", "regnety_016"),
)
_MOST = 4
CHAINS = (1_000, 3_000, 10_000, 30_000, 100_000)


_MEASURE = """
import os, sys
pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
"""Forked from a small process, since the memory of the parent counts as the child's."""


def process(arguments: tuple[str, ...], environment: Mapping[str, str]) -> tuple[float, float]:
    """A Python process of its own: its processor time in seconds and the most memory it held, in MB."""
    measure = [sys.executable, "-I", "-S", "-c", _MEASURE, sys.executable, *arguments]
    done = subprocess.run(measure, env=dict(environment), capture_output=True, text=True, check=True)
    code, seconds, held = done.stdout.split()
    if code not in {"0", "1"}:
        raise SystemExit(f"{' '.join(arguments)} ended with {code}")
    return float(seconds), float(held) / (2**20 if sys.platform == "darwin" else 2**10)


def environment(caches: Path) -> dict[str, str]:
    """With caches of compiled modules and parse tables in a folder of their own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(caches / "pyc"),
        "RESNETDSL_CACHE_DIR": str(caches / "resnetdsl"),
    }


def startup(runs: int) -> tuple[list[str], dict[str, float]]:
    """`check` of ResNet-50 beside the import of networkx, with empty caches and with full ones."""
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(runs):
        for name, arguments in (("import", IMPORT), ("check", CHECK)):
            with tempfile.TemporaryDirectory() as folder:
                for state in ("first use", "warm"):
                    used, _ = process(arguments, environment(Path(folder)))
                    seconds.setdefault((state, name), []).append(used)
    rows, ratios = [], {}
    for state in ("first use", "warm"):
        beside, check = seconds[state, "import"], seconds[state, "check"]
        ratio = statistics.median(check) / statistics.median(beside)
        ratios[state] = ratio
        rows.append(f"| {state} | {spread(check)} | {spread(beside)} | {ratio:.2f} |")
    return [
        "| caches | `check resnet50` | `import networkx` | ratio |",
        "| --- | --- | --- | --- |",
        *rows,
    ], ratios


def spread(values: list[float]) -> str:
    """The median, and the least and the most."""
    return f"{statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})"


def growth(runs: int) -> list[str]:
    """The time of elaborating and checking against the number of ops, in this process."""
    load("resnet18").check("resnet18")  # the library is parsed once
    return [
        "| network | ops | processor time | per op |",
        "| --- | --- | --- | --- |",
        *(_row(name, partial(load, name), name, runs) for name in SHIPPED),
        *(_row(f"a chain of {n:,}", partial(chain, n), "chain", min(runs, 3)) for n in CHAINS),
    ]


def chain(length: int) -> Spec:
    text = f"network chain {{\n    input 8x16x16\n    {length} * conv(8, 1x1)\n}}\n"
    return parse_spec(SourceFile("chain.rnet", text), None, Sink())


def _row(title: str, make: Callable[[], Spec], name: str, runs: int) -> str:
    times, nodes = [], 0
    for _ in range(runs):
        spec = make()
        start = time.process_time()
        graph = spec.check(name).graphs[name]
        times.append(time.process_time() - start)
        nodes = len(graph) if graph is not None else 0
    each = statistics.median(times) / nodes * 1e6
    return f"| {title} | {nodes:,} | {spread(times)} | {each:.0f} µs |"


def families(runs: int) -> list[str]:
    """One network out of the file of its family, beside a file that holds it alone: `check`, and in this process."""
    rows = [
        "| network | its file | whole process | ratio | in a process | ratio |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        where = environment(Path(folder))
        for file, name in FAMILIES:
            whole, one = specs_dir() / f"{file}.rnet", Path(folder, f"{name}.rnet")
            one.write_text(alone(file, name), encoding="utf-8")
            outside: dict[Path, list[float]] = {whole: [], one: []}
            inside: dict[Path, list[float]] = {whole: [], one: []}
            for run in range(runs + 1):
                for path in (whole, one):
                    used, _ = process(("-m", "resnetdsl", "check", str(path), "--net", name), where)
                    start = time.process_time()
                    load(path).check(name)
                    if run:  # the first fills the caches
                        outside[path].append(used)
                        inside[path].append(time.process_time() - start)
            ratios = [statistics.median(each[whole]) / statistics.median(each[one]) for each in (outside, inside)]
            rows.append(
                f"| {name} | `{file}.rnet`, {len(load(whole).networks)} networks | {spread(outside[whole])} |"
                f" {ratios[0]:.2f} | {spread(inside[whole])} | {ratios[1]:.2f} |"
            )
    start, count = time.process_time(), 0
    for path in shipped_files():
        spec = load(path)
        count += len(spec.check().graphs)
    rows += [
        "",
        f"All {count} shipped networks, loaded and checked in one process: {time.process_time() - start:.1f} s.",
    ]
    return rows


def alone(file: str, name: str) -> str:
    """What a network of a shipped file needs of it, as a text of its own."""
    items = {}
    tree = load(specs_dir() / f"{file}.rnet").module.tree
    for item in tree.items:
        match item:
            case ast.Definition() | ast.Instance():
                items[item.name] = item
            case ast.Let():
                items.update({target.name: item for target in item.targets if target.name is not None})
            case _:
                pass
    needed, waiting = set(), [name]
    while waiting:
        word = waiting.pop()
        if word in items and word not in needed:
            needed.add(word)
            waiting += re.findall(r"[A-Za-z_]\w*", items[word].span.text)
    kept = {items[word].span.start for word in needed}
    return "\n\n".join(i.span.text for i in tree.items if i.span.start in kept or isinstance(i, ast.Import)) + "\n"


def memory() -> list[str]:
    """The most memory that a whole `check` holds."""
    rows = ["| command | peak memory |", "| --- | --- |"]
    with tempfile.TemporaryDirectory() as folder:
        where = environment(Path(folder))
        for arguments in (IMPORT, CHECK, (*CHECK[:-1], "resnet1202"), (*CHECK[:-1], "preresnet1001")):
            _, held = process(arguments, where)
            said = "import networkx" if arguments is IMPORT else f"resnetdsl {' '.join(arguments[2:])}"
            rows.append(f"| `{said}` | {held:.0f} MB |")
    return rows


def machine() -> str:
    """What it was measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{model}, {cores} cores, {platform.system()}; Python {platform.python_version()}, "
        f"networkx {version('networkx')}, lark {version('lark')}"
    )


_MEASURED = """\
Measured by `benchmarks/frontend.py` on {machine}. Processor time, user and system: the median of {runs} runs that
alternate (the least to the most); of the chains, three."""
_SHELL = """\
The whole process, beside one that only imports networkx. At first use nothing is cached: Python compiles every module,
and the parse tables are made from the grammar. The promise is a ratio of at most 4, and less when warm."""
_GROWTH = """\
Elaborating and checking inside a running process, where the promise is 2 seconds for 1001 layers. What an op takes
does not grow with the number of ops."""
_FAMILIES = """\
One network of a family's file, beside a file with that network alone: nothing of the others is elaborated. The promise
is a ratio of at most 1.5, for `check` as it is typed; inside a running process reading the whole file shows more. All
shipped networks together have 60 seconds."""
_MEMORY = """\
The most that is held at one time, Python itself included. The promise is 300 MB for 1202 layers."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="of each measurement")
    parser.add_argument("--write", action="store_true", help="update docs/performance.md")
    args = parser.parse_args()
    started, ratios = startup(args.runs)
    sections = ["## Checking", _MEASURED.format(machine=machine(), runs=args.runs)]
    sections += ["### From the shell", _SHELL, "\n".join(started)]
    sections += ["### Against the size of the network", _GROWTH, "\n".join(growth(args.runs))]
    sections += ["### Families", _FAMILIES, "\n".join(families(args.runs))]
    sections += ["### Memory", _MEMORY, "\n".join(memory())]
    text = "\n\n".join(sections)
    print(text)
    if args.write:
        put("frontend", text)
    if max(ratios.values()) > _MOST:
        raise SystemExit(f"slower than promised: {ratios}")


if __name__ == "__main__":
    main()
