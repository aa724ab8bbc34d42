"""A network run as calls of cuDNN and PyTorch on registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from resnetdsl.compile.engines.base import Setting
from resnetdsl.compile.engines.cuda_graphs import kernel_choice
from resnetdsl.compile.engines.cudnn.layers import Layer, Way, as_convolution
from resnetdsl.compile.engines.schedule.fuse import schedule
from resnetdsl.compile.engines.schedule.kernels import ACTS, kernel
from resnetdsl.compile.engines.schedule.steps import Conv, Linear, Step
from resnetdsl.compile.engines.schedule.tape import Kernel, Tape, free_weights
from resnetdsl.compile.options import Layout
from resnetdsl.ir.graph import Graph

Ways = Mapping[int, Way]
"""How each convolution is done, by the node that ends its step; one that is not there is done plainly."""


@dataclass(frozen=True, slots=True)
class Network:
    """The steps of a graph, and the biases that a later convolution adds instead.

    A convolution whose result goes into the sum of another and nowhere else leaves its bias to that one: a bias with
    nothing behind it is a kernel of its own.
    """

    graph: Graph
    steps: tuple[Step, ...]
    lent: Mapping[int, int]
    """From the node that ends a step to that of the step whose bias takes its own."""

    @staticmethod
    def of(graph: Graph) -> Network:
        steps = tuple(map(as_convolution, schedule(graph, 1, blas=False)))
        return Network(graph, steps, dict(_lent(graph, steps)))

    def layers(self, weights: Mapping[str, Tensor], layout: Layout | None) -> Iterator[tuple[Step, Layer]]:
        """The convolutions with their weights, laid out."""
        borrowed = {to: node for node, to in self.lent.items()}
        paths = {step.node: step.what.path for step in self.steps if isinstance(step.what, Conv)}
        for step in self.steps:
            if not isinstance(step.what, Conv):
                continue
            conv = step.what
            bias = weights[_leaf(conv.path, "bias")] if conv.bias else None
            if step.node in self.lent:
                conv, bias = replace(conv, bias=False), None
            elif step.node in borrowed and bias is not None:
                bias = bias + weights[_leaf(paths[borrowed[step.node]], "bias")]
            order = torch.channels_last if layout is Layout.CHANNELS_LAST else torch.contiguous_format
            weight = weights[_leaf(conv.path, "weight")].contiguous(memory_format=order)
            yield step, Layer(conv, weight, bias, order)


class CudnnPlan:
    """Runs a graph."""

    def __init__(self, graph: Graph, weights: Mapping[str, Tensor], setting: Setting, ways: Ways) -> None:
        self._network = Network.of(graph)
        self._layout = setting.layout
        self._ways = ways
        self._kernels = kernel_choice(setting)
        self._tape = Tape(graph, self._network.steps)
        self.swap(weights)

    def swap(self, weights: Mapping[str, Tensor]) -> None:
        graph = self._network.graph
        constants = free_weights(graph, weights)
        layers = {step.node: layer for step, layer in self._network.layers(weights, self._layout)}

        def made(step: Step) -> Kernel:
            match step.what:
                case Conv():
                    return layers[step.node].run(self._ways.get(step.node, Way.PLAIN))
                case Linear() as what:
                    return _linear(what, weights)
                case _:
                    return kernel(step, graph, weights, constants)

        self._loaded = self._tape.lines(made, constants), constants  # at once: other threads may be running

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        (x,) = inputs
        with self._kernels:
            return self._tape.run(*self._loaded, x)


def _linear(what: Linear, weights: Mapping[str, Tensor]) -> Kernel:
    weight = weights[_leaf(what.path, "weight")]
    bias = weights[_leaf(what.path, "bias")] if what.bias else None
    act = None if what.act is None else ACTS[what.act.name](what.act)

    def layer(x: Tensor, *summand: Tensor) -> Tensor:
        made = F.linear(x, weight, bias)
        for other in summand:
            made.add_(other)
        return made if act is None else act(made)

    return layer


def _lent(graph: Graph, steps: tuple[Step, ...]) -> Iterator[tuple[int, int]]:
    by_node = {step.node: step for step in steps}
    results = {output.source.node for output in graph.outputs}
    taken: set[int] = set()
    for step in steps:
        match step.what:
            case Conv(adds=True, bias=True) if (giver := by_node.get(step.inputs[1].node)) is not None:
                readers = [source for each in steps for source in each.inputs if source.node == giver.node]
                alone = len(readers) == 1 and giver.node not in results
                match giver.what:
                    case Conv(bias=True, act=None, adds=False) if alone and giver.node not in taken:
                        taken.add(giver.node)
                        yield giver.node, step.node
            case _:
                pass


def _leaf(path: str, name: str) -> str:
    return f"{path}.{name}".removeprefix(".")
