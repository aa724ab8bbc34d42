"""A network run as a list of kernels on registers. Opening it needs neither a compiler nor torch's own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from resnetdsl.compile.engines.base import Setting
from resnetdsl.compile.engines.onednn.kernels import Packer
from resnetdsl.compile.engines.onednn.malloc import LARGE, keep_freed
from resnetdsl.compile.engines.schedule.fuse import schedule
from resnetdsl.compile.engines.schedule.tape import Line, Tape, free_weights
from resnetdsl.compile.options import Precision
from resnetdsl.ir.graph import Graph


def has_kernels(precision: Precision) -> bool:
    """Whether this PyTorch and this processor have oneDNN's kernels for a type."""
    if not torch._C._has_mkldnn:
        return False
    match precision:
        case Precision.BFLOAT16:
            return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        case Precision.FLOAT16:
            return bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())
        case _:
            return True


class Plan:
    """Runs a lowered graph on the CPU.

    oneDNN wants a weight in another order for one image than for several, and reorders it at each call where it is
    not: so there are kernels for both, where both may come. The second are packed when they are first needed.
    """

    def __init__(self, graph: Graph, weights: Mapping[str, Tensor], setting: Setting) -> None:
        self._graph = graph
        batch = setting.input.dims[0]
        self._single = 1 in batch
        self._several = max(batch.middle, min(2, batch.high))
        free = any(not dim.fixed for dim in setting.input.dims[1:])
        self.steps = schedule(graph, batch.low, blas=setting.precision is Precision.FLOAT32, free=free)
        largest = max(type.numel for node in graph.nodes() for type in node.outputs)
        if largest * batch.high * setting.dtype.itemsize >= LARGE:
            keep_freed()
        self._tape = Tape(graph, self.steps)
        self.swap(weights)

    def swap(self, weights: Mapping[str, Tensor]) -> None:
        """Run with these weights from now on."""
        self._weights = weights
        self._constants = free_weights(self._graph, weights)
        self._packed: dict[int, list[Line]] = {}
        self._lines(1 if self._single else self._several)

    @property
    def calls(self) -> int:
        """How many kernels a run calls."""
        return len(next(iter(self._packed.values())))

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        (x,) = inputs
        lines = self._lines(1 if x.shape[0] == 1 else self._several)
        return self._tape.run(lines, self._constants, x)

    def _lines(self, batch: int) -> list[Line]:
        """The kernels, with weights packed for this batch."""
        if batch not in self._packed:
            packer = Packer(self._graph, self._weights, batch, self._constants)
            self._packed[batch] = self._tape.lines(packer.kernel, self._constants)
        return self._packed[batch]
