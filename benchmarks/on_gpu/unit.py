"""One unit, in a process of its own: `python -m benchmarks.on_gpu.unit '{"section": ...}'`.

The last line that it prints is the result, as JSON: lines for the page, and the numbers.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.on_gpu import training
from benchmarks.on_gpu.peers import contestants, profiled
from benchmarks.on_gpu.plan import BEST_PEER, OURS, Unit
from benchmarks.on_gpu.profile import kernels, table
from benchmarks.roofline import Ceilings, Work, ceilings, work
from resnetdsl.api import load
from resnetdsl.bench.compete import Result, compete
from resnetdsl.bench.interleave import Plan
from resnetdsl.bench.match import Match, made
from resnetdsl.bench.report import as_data, markdown, title, verdict
from resnetdsl.bench.statistics import Spread
from resnetdsl.compile.options import Precision

Settings = Mapping[str, Any]


def measure(unit: Unit, given: Settings, folder: Path) -> dict[str, Any]:
    """What a unit finds: `lines` for the page, and data beside them."""
    if unit.section == "ceilings":
        dtype = getattr(torch, Precision(given["dtype"]).tensors)
        found = ceilings(given["device"], dtype, given["product"], 1024 if given["device"] == "cuda" else 64)
        what = f"{found.flops / 1e12:.2f} TFLOP/s in a matrix product of {given['product']}"
        lines = [f"The ceilings, measured too: {what}, {found.bytes / 1e9:,.0f} GB/s in a copy."]
        return {"lines": lines, "data": asdict(found)}
    size = (3, given["size"], given["size"]) if given["size"] else None
    network = load(given["network"]).network(given["network"], input=size)
    shape = tuple(network.checked.node(0).outputs[0].shape)
    match = Match(network, made(network), unit.batch, shape, Precision(given["dtype"]), given["device"], folder)
    plan = Plan(seconds=given["seconds"], warmup_seconds=min(3.0, given["seconds"] + 0.1))
    match unit.section:
        case "run":
            return run(unit, match, plan, given)
        case "profile":
            found = kernels(profiled(match), match.device)
            head = f"### Where the time of ours goes, batch {unit.batch}"
            return {"lines": [head, "", *table(found)], "data": [asdict(each) for each in found]}
        case "training":
            data = training.compare(match, plan, tell)
            head = f"### A step of training, batch {unit.batch} of {'x'.join(map(str, shape))}"
            return {"lines": [head, "", *training.table(data)], "data": data}


def run(unit: Unit, match: Match, plan: Plan, given: Settings) -> dict[str, Any]:
    known = contestants()
    result = compete(match, [known[name] for name in unit.contestants], plan, torch.get_num_threads(), tell)
    absent = [f"Not compared: {row.name} ({row.problem})." for row in result.rows if row.absent]
    roof = Ceilings(**given["ceilings"]) if given.get("ceilings") else None
    needed = work(match.network.checked, match.batch, match.dtype.itemsize)
    told = [*(shares(result, needed, roof) if roof else []), *targets(result), *verdict(result), *absent]
    lines = [f"### {title(result)}: {unit.title}", "", markdown(result), ""]
    return {"lines": [*lines, *(f"- {each}" for each in told)], "data": as_data(result)}


def targets(result: Result) -> list[str]:
    """The target of this batch size, and whether it is met."""
    wanted = {1: 2.0, 256: 1.5}.get(result.batch)
    ours = result.row(OURS)
    won = result.ratio(ours, BEST_PEER) if ours is not None else None
    if won is None or wanted is None:
        return []
    return [f"Target: at least {wanted} times {BEST_PEER}: {judged(won, wanted)}."]


def judged(won: Spread, wanted: float) -> str:
    word = "met" if won.median >= wanted else "missed"
    return f"{word}, {won.median:.2f} ({won.low:.2f} to {won.high:.2f})"


def shares(result: Result, needed: Work, ceiling: Ceilings) -> list[str]:
    """Lines that say how much of the roofline each reached."""
    least = ceiling.seconds(needed)
    bound = "operations" if needed.flops / ceiling.flops >= needed.bytes / ceiling.bytes else "bytes"
    sizes = f"{needed.flops / 1e9:,.1f} GFLOP and {needed.bytes / 1e6:,.1f} MB at least"
    lines = [f"{sizes}: {least * 1e3:.3g} ms at the ceiling of {bound}."]
    reached = [f"{row.name} {least / spread.median:.0%}" for row in result.rows if (spread := row.spread) is not None]
    return [*lines, f"Of that: {'; '.join(reached)}."] if reached else lines


def tell(text: str) -> None:
    print(f"    {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    given = json.loads((sys.argv[1:] if arguments is None else arguments)[0])
    unit = Unit(**{**given["unit"], "contestants": tuple(given["unit"]["contestants"])})
    warnings.simplefilter("ignore")  # of compilers and exporters, about their own insides
    # For everybody, as timm's own benchmark has it: else cuDNN takes what it guesses to be fastest.
    torch.backends.cudnn.benchmark = True
    with tempfile.TemporaryDirectory(prefix="resnetdsl-gpu-", ignore_cleanup_errors=True) as folder:
        found = measure(unit, given, Path(folder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
