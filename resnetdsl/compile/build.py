"""A network with its weights, compiled: what `Network.compile` and the command do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from resnetdsl.compile.compiler import CompileResult, compile_module
from resnetdsl.compile.options import Batch, CompileOptions, Device, Precision, Provenance
from resnetdsl.compile.weights import load_weights

if TYPE_CHECKING:
    from resnetdsl.api import Network


def compile_network(
    network: Network,
    output: str | Path,
    *,
    device: str = "auto",
    dtype: str = "float32",
    batch: str | int = 1,
    weights: str | Path | None = None,
    module: nn.Module | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> CompileResult:
    """Compile with the weights of `module`, else of the checkpoint `weights`, else random ones from `seed`."""
    options = CompileOptions(Path(output), Device(device), Precision(dtype), Batch.parse(str(batch)))
    loaded = ""
    if module is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = network.module()
        if weights is not None:
            loaded = load_weights(module, weights, network.name)
    given = {key: repr(value) for key, value in network.overrides.items()}
    origin = Provenance(network.spec.files, given, loaded)
    return compile_module(module, network.checked, options, provenance=origin, progress=progress)
