"""Compiling from nothing: in a new process, with caches of its own that are empty, from the module to the first result.

Importing PyTorch is not counted, since every program that has a network has done it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from resnetdsl.network import Network

if TYPE_CHECKING:
    from resnetdsl.ir.graph import CheckedGraph

PATIENCE = 1800.0
"""Seconds after which a compilation is given up."""

_CHILD = """
import json, sys, time, warnings
sys.path[:] = {path!r}
warnings.simplefilter("ignore")
import torch
from resnetdsl.bench.cold import ready
print(json.dumps(ready({folder!r}, {name!r}, **{settings!r})))
"""


def cold_compile(
    network: Network, name: str, batch: int, dtype: str, device: str, threads: int, caches: Path | None = None
) -> float | str:
    """Seconds that a contestant takes, or why it does not get there. `caches` is a folder that is left full."""
    from resnetdsl.ir.dump import dump

    with tempfile.TemporaryDirectory(prefix="resnetdsl-cold-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "graph.yaml").write_text(dump(network.checked), encoding="utf-8")
        kept = caches or Path(folder) / "caches"
        environment = {
            **os.environ,
            "RESNETDSL_CACHE_DIR": str(kept / "resnetdsl"),
            "TORCHINDUCTOR_CACHE_DIR": str(kept / "inductor"),
            "OMP_NUM_THREADS": str(threads),
        }
        settings = {"batch": batch, "dtype": dtype, "device": device}
        code = _CHILD.format(path=sys.path, folder=folder, name=name, settings=settings)
        try:
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"gave up after {PATIENCE:.0f} s"
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return f"fails: {lines[-1] if lines else done.returncode}"[:160]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return float(found) if isinstance(found, int | float) else str(found)


def ready(folder: str, name: str, *, batch: int, dtype: str, device: str) -> float | str:
    """In the new process: seconds from the module to the first result of one contestant."""
    import time

    from resnetdsl.bench.contestants import OURS, contestants
    from resnetdsl.bench.match import Match, made
    from resnetdsl.bench.peers import Absent
    from resnetdsl.compile.options import Precision
    from resnetdsl.ir.load import load
    from resnetdsl.network import Origin

    # It was checked before it was dumped.
    graph = cast("CheckedGraph", load((Path(folder) / "graph.yaml").read_text(encoding="utf-8")))
    network = Network(graph.name, graph, Origin((("graph.yaml", ""),)))
    size = tuple(next(graph.nodes()).outputs[0].shape)
    match = Match(network, made(network), batch, size, Precision(dtype), device, Path(folder))
    # Ours on an engine that is tried only where it is asked for too.
    engines = (name.removeprefix(OURS),) if name.startswith(OURS) else ()
    contestant = next(each for each in contestants(device, engines) if each.name == name)
    start = time.perf_counter()
    try:
        contestant.make(match).run()
    except Absent as reason:
        return str(reason)
    return time.perf_counter() - start
