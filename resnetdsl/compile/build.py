"""A network with its weights, compiled: what `Network.compile` and the command do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from resnetdsl.collector import seldom
from resnetdsl.compile.compiler import CompileResult, check_options, compile_module
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.options import (
    MOST_THREADS,
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
from resnetdsl.compile.passes import Passes
from resnetdsl.compile.surroundings import usual
from resnetdsl.compile.weights import Weights, load_weights
from resnetdsl.ir.graph import CheckedGraph

E = TypeVar("E", bound=Enum)


@seldom
@usual()
def compile_network(
    graph: CheckedGraph,
    make: Callable[[], nn.Module],
    provenance: Provenance,
    options: CompileOptions,
    *,
    weights: Weights | None = None,
    module: nn.Module | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> CompileResult:
    """Compile what `make` gives, made with random weights from `seed`; `weights` are loaded into it. Where a `module`
    is given its weights are taken, and it is compared with.

    What `make` gives is used up.
    """
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise CompileError(Problem.BAD_OPTION, f"`{seed}` is no seed", "a whole number from 0 to 9223372036854775807")
    check_options(graph, options)
    if module is not None:
        if weights is not None:
            raise CompileError(Problem.BAD_OPTION, "weights come with `module` or as `weights`, not as both")
        return compile_module(module, graph, options, provenance=provenance, progress=progress)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = make()
    if weights is not None:
        provenance = replace(provenance, weights=load_weights(module, weights, graph.name))
    return compile_module(module, graph, options, provenance=provenance, progress=progress, own=True)


def chosen(
    output: str | Path = "",
    *,
    device: str = "auto",
    dtype: str = "float32",
    batch: str | int = 1,
    backend: str | None = None,
    mode: str = "latency",
    without: Sequence[str] = (),
    also: Sequence[str] = (),
    layout: str | None = None,
    threads: int | None = None,
    cache: bool = True,
    calibration: Calibration | None = None,
) -> CompileOptions:
    """The options by their words, as Python and the command line have them. A `CompileError` where one is none."""
    if threads is not None and not (type(threads) is int and 1 <= threads <= MOST_THREADS):
        raise CompileError(
            Problem.BAD_OPTION, f"`{threads}` is no number of threads", f"a whole number from 1 to {MOST_THREADS}"
        )
    passes = Passes(tuple(dict.fromkeys(without)), tuple(dict.fromkeys(also)))
    return CompileOptions(
        Path(output),
        device=_one_of(Device, device, "device"),
        precision=_one_of(Precision, dtype, "dtype"),
        batch=Batch.parse(str(batch)),
        backend=None if backend is None else _one_of(Backend, backend, "backend"),
        mode=_one_of(Mode, mode, "mode"),
        without=passes.without,
        also=passes.also,
        layout=None if layout is None else _one_of(Layout, layout, "layout"),
        threads=threads,
        cache=cache,
        calibration=calibration or Calibration(),
    )


def _one_of(kind: type[E], word: str, name: str) -> E:
    try:
        return kind(word)
    except ValueError as error:
        known = ", ".join(f"`{each.value}`" for each in kind)
        raise CompileError(Problem.BAD_OPTION, f"`{word}` is no {name}", f"one of {known}") from error
