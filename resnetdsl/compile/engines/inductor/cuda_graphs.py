"""A runner's launches recorded once for each shape and replayed: at batch 1 a GPU waits for its host otherwise.

Written with care and run on no GPU yet: unmeasured. What needs none, the bookkeeping, is tested with a recorder that
records nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from resnetdsl.compile.engines.base import Runner, Weights

MOST_SHAPES = 8
"""Recordings that are kept. Each holds its own memory; the one longest unused makes room."""

_WARM_UPS = 3


class Replay(Protocol):
    """What was recorded, to be done again."""

    def replay(self) -> None: ...


Recorder = Callable[[Callable[[], list[Tensor]]], tuple[Replay, list[Tensor]]]
"""Runs a function and records what it launches; gives the recording and the tensors that each replay fills."""


@dataclass(frozen=True, slots=True)
class _Recorded:
    graph: Replay
    inputs: list[Tensor]
    outputs: list[Tensor]


def record(function: Callable[[], list[Tensor]]) -> tuple[Replay, list[Tensor]]:
    """Record on the current device. Whatever is chosen or allocated at a first run has happened before."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UPS):
            function()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = function()
    return graph, outputs


class CudaGraphs:
    """A runner whose calls are replayed."""

    def __init__(self, runner: Runner, recorder: Recorder = record) -> None:
        self._runner = runner
        self._recorder = recorder
        self._recorded: OrderedDict[tuple[torch.Size, ...], _Recorded] = OrderedDict()

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        shapes = tuple(x.shape for x in inputs)
        if shapes not in self._recorded:
            if len(self._recorded) >= MOST_SHAPES:
                self._recorded.popitem(last=False)
            self._recorded[shapes] = self._record(inputs)
        self._recorded.move_to_end(shapes)
        found = self._recorded[shapes]
        for own, given in zip(found.inputs, inputs, strict=True):
            own.copy_(given)
        found.graph.replay()
        # The next replay fills the same memory: the caller gets copies.
        return [output.clone() for output in found.outputs]

    def swap(self, weights: Weights) -> None:
        """Recordings hold the addresses of the weights that they were made with: they go."""
        self._recorded.clear()
        self._runner.swap(weights)

    def _record(self, inputs: list[Tensor]) -> _Recorded:
        own = [x.clone() for x in inputs]
        graph, outputs = self._recorder(lambda: self._runner.run([*own]))
        return _Recorded(graph, own, outputs)
