"""Steps run one after the other on registers, each dropped as soon as nobody reads it any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from resnetdsl.compile.engines.schedule.steps import Step
from resnetdsl.ir.graph import Graph, Source

Kernel = Callable[..., Tensor | list[Tensor] | tuple[Tensor, ...]]
Registers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One kernel, the registers that it reads and fills, and those that nobody reads afterwards."""

    kernel: Kernel
    reads: Registers
    writes: Registers
    done: Registers


class Tape:
    """Where the steps of a graph find and leave their tensors. `constants` are operands that are there before all."""

    def __init__(self, graph: Graph, steps: Sequence[Step]) -> None:
        self._graph = graph
        self._steps = steps
        outputs = [Source(step.node, n) for step in steps for n in self._outputs(step)]
        self._number = {source: at for at, source in enumerate([Source(0), *outputs])}
        self._results = [self._number[output.source] for output in graph.outputs]

    def lines(self, kernel: Callable[[Step], Kernel], constants: Mapping[Source, Tensor]) -> list[Line]:
        """The steps with their kernels, but for those that are constants."""
        last = {source: step.node for step in self._steps for source in step.inputs}
        done: dict[int, list[int]] = {}
        for source, reader in last.items():
            if self._number[source] not in self._results and source not in constants:
                done.setdefault(reader, []).append(self._number[source])
        return [
            Line(
                kernel(step),
                tuple(self._number[source] for source in step.inputs),
                tuple(self._number[Source(step.node, n)] for n in self._outputs(step)),
                tuple(done.get(step.node, ())),
            )
            for step in self._steps
            if Source(step.node) not in constants
        ]

    def run(self, lines: Sequence[Line], constants: Mapping[Source, Tensor], x: Tensor) -> list[Tensor]:
        """The graph's outputs for an input."""
        registers: list[Tensor | None] = [None] * len(self._number)
        registers[0] = x
        for source, constant in constants.items():
            registers[self._number[source]] = constant
        with torch.no_grad():
            for line in lines:
                made = line.kernel(*[registers[at] for at in line.reads])
                if isinstance(made, Tensor):
                    registers[line.writes[0]] = made
                else:
                    for at, one in zip(line.writes, made, strict=True):
                        registers[at] = one
                for at in line.done:
                    registers[at] = None
        return [found for at in self._results if (found := registers[at]) is not None]

    def _outputs(self, step: Step) -> range:
        return range(len(self._graph.node(step.node).outputs))


def free_weights(graph: Graph, weights: Mapping[str, Tensor]) -> dict[Source, Tensor]:
    """Weights that are operands of their own."""
    return {Source(node.id): weights[node.path] for node in graph.nodes() if node.op == "param"}
