"""A network run as a list of kernels on registers. Opening it needs neither a compiler nor torch's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from resnetdsl.compile.engines.base import Setting
from resnetdsl.compile.engines.onednn.fuse import schedule
from resnetdsl.compile.engines.onednn.kernels import Kernel, Packer
from resnetdsl.compile.engines.onednn.malloc import LARGE, keep_freed
from resnetdsl.compile.engines.onednn.steps import Step
from resnetdsl.compile.options import Precision
from resnetdsl.ir.graph import Graph, Source

Registers = tuple[int, ...]


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


@dataclass(frozen=True, slots=True)
class _Line:
    """One kernel, the registers that it reads and fills, and those that nobody reads afterwards."""

    kernel: Kernel
    reads: Registers
    writes: Registers
    done: Registers


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
        outputs = [Source(step.node, n) for step in self.steps for n in self._outputs(step)]
        self._number = {source: at for at, source in enumerate([Source(0), *outputs])}
        self._results = [self._number[output.source] for output in graph.outputs]
        self.swap(weights)

    def swap(self, weights: Mapping[str, Tensor]) -> None:
        """Run with these weights from now on."""
        self._weights = weights
        free = (node for node in self._graph.nodes() if node.op == "param")
        self._constants = {Source(node.id): weights[node.path] for node in free}
        self._packed: dict[int, list[_Line]] = {}
        self._lines(1 if self._single else self._several)

    @property
    def calls(self) -> int:
        """How many kernels a run calls."""
        return len(next(iter(self._packed.values())))

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        (x,) = inputs
        registers: list[Tensor | None] = [None] * len(self._number)
        registers[0] = x
        for source, constant in self._constants.items():
            registers[self._number[source]] = constant
        with torch.no_grad():
            for line in self._lines(1 if x.shape[0] == 1 else self._several):
                made = line.kernel(*[registers[at] for at in line.reads])
                if isinstance(made, Tensor):
                    registers[line.writes[0]] = made
                else:
                    for at, one in zip(line.writes, made, strict=True):
                        registers[at] = one
                for at in line.done:
                    registers[at] = None
        return [found for at in self._results if (found := registers[at]) is not None]

    def _lines(self, batch: int) -> list[_Line]:
        """The kernels, with weights packed for this batch."""
        if (found := self._packed.get(batch)) is not None:
            return found
        packer = Packer(self._graph, self._weights, batch, self._constants)
        last = {source: step.node for step in self.steps for source in step.inputs}
        done: dict[int, list[int]] = {}
        for source, reader in last.items():
            if self._number[source] not in self._results and source not in self._constants:
                done.setdefault(reader, []).append(self._number[source])
        self._packed[batch] = [
            self._line(step, packer.kernel(step), done.get(step.node, []))
            for step in self.steps
            if Source(step.node) not in self._constants
        ]
        return self._packed[batch]

    def _outputs(self, step: Step) -> range:
        return range(len(self._graph.node(step.node).outputs))

    def _line(self, step: Step, kernel: Kernel, done: list[int]) -> _Line:
        return _Line(
            kernel,
            tuple(self._number[source] for source in step.inputs),
            tuple(self._number[Source(step.node, n)] for n in self._outputs(step)),
            tuple(done),
        )
