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
        """Run with these weights from now on; who runs already goes on with those that it began with."""
        packed = _Packed(self._graph, self._tape, weights)
        packed.lines(1 if self._single else self._several)
        self._packed = packed

    @property
    def calls(self) -> int:
        """How many kernels a run calls."""
        return len(self._packed.lines(1 if self._single else self._several))

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        (x,) = inputs
        packed = self._packed
        lines = packed.lines(1 if x.shape[0] == 1 else self._several)
        return self._tape.run(lines, packed.constants, x)


class _Packed:
    """One set of weights, packed for each size of batch for which it was asked."""

    def __init__(self, graph: Graph, tape: Tape, weights: Mapping[str, Tensor]) -> None:
        self._graph, self._tape, self._weights = graph, tape, weights
        self.constants = free_weights(graph, weights)
        self._lines: dict[int, list[Line]] = {}

    def lines(self, batch: int) -> list[Line]:
        """The kernels, with weights packed for this batch."""
        if batch not in self._lines:
            packer = Packer(self._graph, self._weights, batch, self.constants)
            self._lines[batch] = self._tape.lines(packer.kernel, self.constants)
        return self._lines[batch]
