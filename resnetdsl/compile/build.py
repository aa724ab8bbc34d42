"""A network with its weights, compiled: what `Network.compile` and the command do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from resnetdsl.compile.compiler import CompileResult, compile_module
from resnetdsl.compile.engines.registry import engine
from resnetdsl.compile.options import (
    Backend,
    Batch,
    Calibration,
    CompileOptions,
    Device,
    Layout,
    Mode,
    Precision,
    Provenance,
)
from resnetdsl.compile.toolchain import find_device
from resnetdsl.compile.weights import load_weights
from resnetdsl.ir.graph import CheckedGraph


def compile_network(
    graph: CheckedGraph,
    make: Callable[[], nn.Module],
    provenance: Provenance,
    output: str | Path,
    *,
    device: str = "auto",
    dtype: str = "float32",
    batch: str | int = 1,
    backend: str | None = None,
    mode: str = "latency",
    without: Sequence[str] = (),
    layout: str | None = None,
    threads: int | None = None,
    cache: bool = True,
    calibration: Calibration | None = None,
    weights: str | Path | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> CompileResult:
    """Compile what `make` gives, made with random weights from `seed`; `weights` is a checkpoint to load into it."""
    options = CompileOptions(
        Path(output),
        device=Device(device),
        precision=Precision(dtype),
        batch=Batch.parse(str(batch)),
        backend=_backend(backend, Device(device), Precision(dtype)),
        mode=Mode(mode),
        without=tuple(without),
        layout=Layout(layout) if layout is not None else None,
        threads=threads,
        cache=cache,
        calibration=calibration or Calibration(),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = make()
    if weights is not None:
        provenance = replace(provenance, weights=load_weights(module, weights, graph.name))
    return compile_module(module, graph, options, provenance=provenance, progress=progress)


def _backend(name: str | None, device: Device, precision: Precision) -> Backend:
    """The engine that is asked for, else the usual one; where that cannot serve, the fastest of the others."""
    if name is not None:
        return Backend(name)
    usual = engine(Backend.INDUCTOR.value)
    return Backend.AUTO if usual.lacking(find_device(device).type, precision) else Backend.INDUCTOR
