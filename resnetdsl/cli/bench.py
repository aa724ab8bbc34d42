"""Measure a network: eager, compiled on each engine, and whichever peers are installed, all in one run and in turns.

Every contestant has the same weights, is warmed up until its times are steady, and is measured once in each round. The
times are medians with quartiles, and how many times as fast as eager is the median over the rounds. `off eager by` is
the largest difference to eager float32, as a share of the largest output.

`--backend` measures one engine, and all that are here by default; `--batch 1,16` measures two sizes, and a range both
of its ends. With `--dtype int8` the others compute in float32.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from resnetdsl.cli.interrupt import interruptible
from resnetdsl.cli.output import UsageError, put
from resnetdsl.cli.progress import Progress
from resnetdsl.cli.specs import add_spec, network
from resnetdsl.cli.targets import add_target, settle

if TYPE_CHECKING:
    from resnetdsl.bench.compete import Result
    from resnetdsl.network import Network

NAME = "bench"
HELP = "measure a network: eager, compiled, and the peers that are installed"
SCHEMA = 1
"""The version of the JSON. Keys may be added under one version, never renamed or given another meaning."""

_EXTRA = {"torch": "PyTorch", "numpy": "NumPy"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser)
    add_target(parser)
    parser.add_argument(
        "--peers", metavar="NAME,...", help="only these of the others, or `none`; by default all that are installed"
    )
    parser.add_argument("--seconds", type=_seconds, default=10.0, help="how long to measure each batch size")
    parser.add_argument("--cold", action="store_true", help="measure compiling with empty caches too, in new processes")
    parser.add_argument("--json", action="store_true", help="the results for programs, with the times of each round")


def run(args: argparse.Namespace) -> int:
    from resnetdsl.compile.errors import CompileError

    settings = settle(args, backend="auto", mode=None)
    batches = _batches(str(settings["batch"]))
    found = network(args)
    try:
        results = _measure(args, found, settings, batches)
    except CompileError as problem:
        raise UsageError(problem.message, problem.help, kind=problem.problem.value) from problem
    except ModuleNotFoundError as problem:
        if problem.name not in _EXTRA:
            raise
        message = f"measuring needs {_EXTRA[problem.name]}, which is not installed"
        raise UsageError(message, "pip install 'resnetdsl[torch]'", kind="no-torch") from problem
    return results


def _measure(args: argparse.Namespace, found: Network, settings: dict[str, object], batches: list[int]) -> int:
    with interruptible(), Progress.on_stderr(quiet=args.quiet) as progress:
        progress.phase("starting PyTorch")
        from resnetdsl.bench.session import Session

        with Session(found, settings, args.peers, args.seconds) as session:
            results = [session.measure(batch, progress.phase, progress.count) for batch in batches]
            cold = session.cold(batches[0], progress.phase) if args.cold else {}
    _show(args, results, cold)
    failed = [row.name for result in results for row in result.rows if row.group == "ours" and row.problem]
    return 2 if failed and not any(result.fastest("ours") for result in results) else 0


def _show(args: argparse.Namespace, results: list[Result], cold: dict[str, float | str]) -> None:
    from resnetdsl.bench.report import as_data, as_text

    if args.json:
        import json

        from resnetdsl.bench.session import versions

        document = {
            "schema": SCHEMA,
            "versions": versions(),
            "results": [as_data(result) for result in results],
            "cold_compile_seconds": cold,
        }
        put(f"{json.dumps(document, indent=2)}\n")
        return
    put("\n".join(as_text(result) for result in results))
    if cold:
        lines = [f"{name:<28} {f'{took:.1f} s' if isinstance(took, float) else took}" for name, took in cold.items()]
        put("\n".join(["", "compiling, with empty caches in a new process", "", *lines, ""]))


def _batches(text: str) -> list[int]:
    """`1,16`, or both ends of a range, as a target's `1..64`."""
    match = re.fullmatch(r"(\d{1,7})\.\.(\d{1,7})", text, re.ASCII)
    parts = list(match.groups()) if match else text.split(",")
    sizes = [int(part) for part in parts if re.fullmatch(r"[1-9]\d{0,6}", part.strip(), re.ASCII)]
    if len(sizes) != len(parts):
        raise UsageError(
            f"`{text}` is no batch", "write one size, 8, several, 1,16, or a range, of which both ends count"
        )
    return list(dict.fromkeys(sizes))


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of seconds")
    return value
