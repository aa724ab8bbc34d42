"""One unit of the plan, in a process of its own: `python -m benchmarks.compiling.unit '{"section": ...}'`.

The last line that it prints is the result, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import resnetdsl
from benchmarks.compiling.plan import BACKENDS, STARTS, Unit
from benchmarks.roofline import product_rate, work
from resnetdsl.bench.cold import cold_compile
from resnetdsl.bench.compete import Row, compete
from resnetdsl.bench.contestants import Contestant, contestants, eager, ours
from resnetdsl.bench.interleave import Plan, measure
from resnetdsl.bench.match import Match, Running, made
from resnetdsl.bench.peers import Absent, peer
from resnetdsl.bench.report import as_data
from resnetdsl.bench.statistics import ratios
from resnetdsl.compile.options import Precision
from resnetdsl.network import Network

_START = """
import json, sys, time
sys.path[:] = {path!r}
begin = time.perf_counter()
import torch
imported = time.perf_counter()
import resnetdsl
artifact = resnetdsl.load_artifact({artifact!r})
loaded = time.perf_counter()
artifact(torch.zeros({shape!r}))
print(json.dumps([imported - begin, loaded - imported, time.perf_counter() - loaded]))
"""


def network(unit: Unit) -> Network:
    spec = resnetdsl.load(unit.net)
    size = None if unit.size is None else (3, unit.size, unit.size)
    return spec.network(unit.net, input=size, **({} if unit.n is None else {"n": unit.n}))


def shape(found: Network) -> tuple[int, ...]:
    return tuple(next(found.checked.nodes()).outputs[0].shape)


def match_of(unit: Unit, folder: Path, precision: Precision = Precision.FLOAT32) -> Match:
    found = network(unit)
    return Match(found, made(found), unit.batch, shape(found), precision, "cpu", folder)


# --- the sections ---


def cold(unit: Unit, _plan: Plan, folder: Path) -> dict[str, object]:
    """From the module to the first result in a new process: with empty caches, and again with what that left."""
    found, threads = network(unit), torch.get_num_threads()
    caches = folder / "caches"
    took = {
        state: cold_compile(found, unit.contestant, unit.batch, "float32", "cpu", threads, caches)
        for state in ("cold", "warm")[: 2 if unit.warm else 1]
    }
    return {"seconds": took}


def start(unit: Unit, _plan: Plan, folder: Path) -> dict[str, object]:
    """Past `import torch`, in fresh processes that alternate: loading an artifact, and its first answer."""
    match = match_of(unit, folder)
    artifacts: dict[str, str] = {}
    problems: dict[str, str] = {}
    for backend in BACKENDS[:-1]:
        path = folder / f"{backend}.rnetc"
        try:
            match.network.compile(path, module=match.module, device="cpu", backend=backend)
            artifacts[backend] = str(path)
        except Exception as error:  # noqa: BLE001 - an engine that is not here is a row that says so
            problems[backend] = f"{type(error).__name__}: {error}".splitlines()[0]
    seconds: dict[str, list[list[float]]] = {backend: [] for backend in artifacts}
    for _ in range(STARTS):
        for backend, path in artifacts.items():
            code = _START.format(path=sys.path, artifact=path, shape=(unit.batch, *match.size))
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            seconds[backend].append(json.loads(done.stdout.splitlines()[-1]))
    return {"seconds": seconds, "problems": problems}


def run(unit: Unit, plan: Plan, folder: Path) -> dict[str, object]:
    """Eager, peers, and ours on each engine, in turns."""
    everybody = contestants("cpu", BACKENDS)
    entered = [each for each in everybody if each.group == "ours" or each.name in {"eager", *unit.peers}]
    result = compete(match_of(unit, folder), entered, plan, torch.get_num_threads(), tell, count)
    needed = work(network(unit).checked, unit.batch, torch.float32.itemsize)
    least = needed.flops / product_rate("cpu", torch.float32, _PRODUCT)
    return {**as_data(result), "least_seconds": least}


_PRODUCT = 2048
"""Rows and columns of the matrix product that says how fast this machine can be."""


def precision(unit: Unit, plan: Plan, folder: Path) -> dict[str, object]:
    """Ours in float32, bfloat16 and int8, on the engine that each is fastest with, in turns with eager."""
    return _types(unit, plan, folder, ("float32", "bfloat16", "int8"))


def int8(unit: Unit, plan: Plan, folder: Path) -> dict[str, object]:
    """The same without bfloat16: for networks of other kinds."""
    return _types(unit, plan, folder, ("float32", "int8"))


def _types(unit: Unit, plan: Plan, folder: Path, dtypes: tuple[str, ...]) -> dict[str, object]:
    entered = [Contestant("eager", "eager", eager)]
    entered += [Contestant(f"resnetdsl {dtype}", "ours", _in(dtype, folder)) for dtype in dtypes]
    result = compete(match_of(unit, folder), entered, plan, torch.get_num_threads(), tell, count)
    return as_data(result)


def _in(dtype: str, folder: Path) -> Callable[[Match], Running]:
    def make(match: Match) -> Running:
        place = folder / dtype
        place.mkdir(exist_ok=True)
        narrow = Match(match.network, match.module, match.batch, match.size, Precision(dtype), match.device, place)
        return ours("auto")(narrow)

    return make


def training(unit: Unit, plan: Plan, _folder: Path) -> dict[str, object]:
    """Forward, backward and a step of SGD: timm's module and ours, eager and under `torch.compile`, in turns."""
    found = network(unit)
    module = found.module()
    makers: dict[str, Callable[[], nn.Module]] = {
        "timm": lambda: peer("timm", unit.net, None, module.state_dict()),
        "ours": found.module,
        "timm, torch.compile": lambda: compiled(peer("timm", unit.net, None, module.state_dict())),
        "ours, torch.compile": lambda: compiled(found.module()),
        "ours, blocks checkpointed": lambda: found.module(checkpoint_blocks=True),
    }
    x = torch.randn(unit.batch, *shape(found), generator=torch.Generator().manual_seed(0))
    calls, rows = {}, {}
    for name, make in makers.items():
        tell(f"making {name}")
        begin = time.perf_counter()
        try:
            step = trainer(make(), module, x)
            step()
            calls[name] = step
            rows[name] = Row(name, "ours" if name.startswith("ours") else "peer", time.perf_counter() - begin)
        except Absent as reason:
            rows[name] = Row(name, "peer", problem=str(reason), absent=True)
        except Exception as error:  # noqa: BLE001 - a row that says so
            rows[name] = Row(name, "peer", problem=f"{type(error).__name__}: {error}".splitlines()[0][:160])
    times = measure(calls, plan)
    pairs = {"ours": "timm", "ours, torch.compile": "timm, torch.compile", "ours, blocks checkpointed": "ours"}
    return {
        "network": unit.net,
        "batch": unit.batch,
        "input": list(x.shape[1:]),
        "rows": {
            name: {
                "problem": row.problem,
                "ready": row.ready,
                "rounds": times[name].rounds if name in times else [],
            }
            for name, row in rows.items()
        },
        "speedups": {
            name: vars_of(ratios(times[name].rounds, times[other].rounds))
            for name, other in pairs.items()
            if name in times and other in times
        },
    }


def compiled(module: nn.Module) -> nn.Module:
    torch._dynamo.reset()
    return torch.compile(module)


def trainer(module: nn.Module, like: nn.Module, x: torch.Tensor) -> Callable[[], object]:
    """A step of training with the weights of `like`."""
    plain = getattr(module, "_orig_mod", module)
    plain.load_state_dict(like.state_dict(), strict=True)
    module.train()
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3, momentum=0.9)
    labels = torch.arange(len(x)) % 10

    def step() -> object:
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(module(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


_MEMORY = """
import json, resource, sys
sys.path[:] = {path!r}
import torch
import resnetdsl
from benchmarks.compiling.unit import trainer
torch.set_num_threads({threads})
found = resnetdsl.load({net!r}).network({net!r}, input={size!r})
module = found.module(checkpoint_blocks={lean!r})
x = torch.randn({batch}, *{size!r})
def held():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
step = trainer(module, found.module(), x[:1])
step()
before = held()
step = trainer(module, module, x)
for _ in range(2):
    step()
print(json.dumps(held() - before))
"""


def memory(unit: Unit, _plan: Plan, _folder: Path) -> dict[str, object]:
    """The most memory that a step of training takes beyond what one of a single image does, in new processes."""
    held: dict[str, list[float]] = {"as it is": [], "blocks checkpointed": []}
    size = shape(network(unit))
    for _ in range(3):
        for name, lean in (("as it is", False), ("blocks checkpointed", True)):
            code = _MEMORY.format(
                path=sys.path, threads=torch.get_num_threads(), net=unit.net, size=size, lean=lean, batch=unit.batch
            )
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            held[name].append(float(done.stdout.splitlines()[-1]))
    return {"network": unit.net, "batch": unit.batch, "input": list(size), "bytes": held}


# --- the process ---


def tell(text: str) -> None:
    print(f"    {text}", file=sys.stderr, flush=True)


def count(*_: object) -> None:
    """Rounds are not worth a line each."""


def vars_of(found: object) -> dict[str, float]:
    return {name: getattr(found, name) for name in ("median", "low", "high", "least", "count")}


SECTIONS = {
    "cold": cold,
    "start": start,
    "run": run,
    "precision": precision,
    "int8": int8,
    "training": training,
    "memory": memory,
}


def main() -> None:
    given = json.loads(sys.argv[1])
    unit = Unit(**{**given["unit"], "peers": tuple(given["unit"]["peers"])})
    torch.set_num_threads(given["threads"])
    warnings.simplefilter("ignore")
    plan = Plan(seconds=given["seconds"], warmup_seconds=min(3.0, given["seconds"] + 0.2), least=given["rounds"])
    with tempfile.TemporaryDirectory(prefix="resnetdsl-bench-", ignore_cleanup_errors=True) as folder:
        found = SECTIONS[unit.section](unit, plan, Path(folder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
