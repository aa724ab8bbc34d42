"""What compiling costs and what it brings, beside eager PyTorch, torch.compile, ONNX Runtime and OpenVINO.

    python -m benchmarks.compile [--write] [--only run,cold] [--nets resnet50] [--batches 1] [--minutes 25]

Needs `pip install -c constraints.txt -e '.[all,bench]'`, and a machine that does nothing else. Each unit runs in a
process of its own, and what is measured is kept in .benchmarks/compile.json: a call that ended, by Ctrl-C or because
its minutes were over, is gone on with by the next one. `--write` puts the tables into docs/performance.md between its
marks. `--quick` runs everything on a network that takes seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.compiling.plan import PLAN, QUICK, SECTIONS, Unit, chosen
from benchmarks.compiling.process import result_of
from benchmarks.compiling.store import Store, machine
from benchmarks.compiling.tables import document
from benchmarks.page import PAGE, ROOT, carry_out, overview, put, say

RESULTS = ROOT / ".benchmarks" / "compile.json"

COMMAND = (sys.executable, "-m", "benchmarks.compiling.unit")
"""A process for one unit, which is its last argument."""

_PATIENCE = 240.0
"""Seconds that any unit may take."""

_SLACK = 3.0
"""A unit may take so many times what the plan says before it is given up."""


def perform(unit: Unit, threads: int, seconds: float, rounds: int, limit: float) -> dict[str, object]:
    """The result of a unit, or in `problem` why there is none."""
    given = json.dumps({"unit": unit.data(), "threads": threads, "seconds": seconds, "rounds": rounds})
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    return result_of([*COMMAND, given], ROOT, environment, limit)


def work(units: list[Unit], store: Store, args: argparse.Namespace) -> list[Unit]:
    """Do what is not done, as long as there is time. Returns the units that are left."""
    end = time.monotonic() + 60 * args.minutes
    left: list[Unit] = []
    for unit in units:
        if unit.key in store:
            say(f"{unit.key}: kept")
            continue
        if time.monotonic() + unit.seconds > end:
            left.append(unit)
            continue
        say(f"{unit.key} ...")
        start = time.monotonic()
        limit = max(_SLACK * unit.seconds, _PATIENCE)
        found = perform(unit, args.threads, args.seconds, args.rounds, limit)
        store.keep(unit.key, found)
        say(f"{unit.key}: {found.get('problem') or 'done'}, {time.monotonic() - start:.0f} s")
    return left


def listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=listed, default=(), help=f"sections: {', '.join(SECTIONS)}")
    parser.add_argument("--nets", type=listed, default=(), help="networks, such as resnet50,preresnet1001")
    parser.add_argument("--batches", type=listed, default=(), help="batch sizes, such as 1,16")
    parser.add_argument("--minutes", type=float, default=25.0, help="start nothing that would not end within these")
    parser.add_argument("--seconds", type=float, default=8.0, help="to measure each table for")
    parser.add_argument("--rounds", type=int, default=5, help="that each table has at least")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser.add_argument("--threads", type=int, default=cores)
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--quick", action="store_true", help="a network that takes seconds: to see that it all runs")
    parser.add_argument("--list", action="store_true", help="the units and whether they are measured")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE.json")
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE.md")
    parser.add_argument("--write", action="store_true", help="update the page")
    args = parser.parse_args(given)
    if unknown := set(args.only) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return args


def main(given: list[str] | None = None) -> int:
    args = arguments(given)
    plan = QUICK if args.quick else PLAN
    units = chosen(plan, args.only, args.nets, tuple(map(int, args.batches)))
    if not units:
        raise SystemExit("nothing of the plan is chosen: see --list")
    here = machine(ROOT, args.threads)
    store = Store(args.results, here, fresh=args.fresh)
    if args.list:
        overview(units, store)
        return 0
    if carry_out(lambda: work(units, store, args), store) is None:
        return 130
    text = document(store.results, here, plan)
    print(text)
    if args.write:
        put("compile", text, args.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
