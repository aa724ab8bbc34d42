"""A lowered graph as a module in evaluation mode: a plain executor of each node's own `Call`.

Its state dict has the leaves of the graph by their names. What runs here is what the ops say, as in the emitted
source, so any exporter that traces a module takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from resnetdsl.compile.calls import expression, module
from resnetdsl.compile.lower.lowered import Lowered
from resnetdsl.ir.graph import Graph, Node
from resnetdsl.ops.base import Call, Expression, Module, Parameter
from resnetdsl.ops.registry import OPS


@dataclass(frozen=True, slots=True)
class _Step:
    """One node: what to call with which outputs of which nodes, and the nodes that nobody reads after it."""

    node: int
    call: Callable[..., Any]
    operands: tuple[tuple[int, int], ...]
    several: bool
    done: tuple[int, ...]


class Program(nn.Module):
    """Called with the network's input; returns the outputs in the graph's order."""

    def __init__(self, lowered: Lowered, weights: Mapping[str, Tensor]) -> None:
        """`weights` are the leaves of the lowered graph, which the program then shares."""
        super().__init__()
        graph = lowered.graph
        self._made: dict[str, nn.Module] = {}  # by path: nodes of one path share their weights
        self._results = [(output.source.node, output.source.output) for output in graph.outputs]
        last = {source.node: node.id for node in graph.nodes() for source in graph.inputs(node.id)}
        kept = {node for node, _ in self._results}
        done: dict[int, list[int]] = {}
        for node, reader in last.items():
            if node not in kept:
                done.setdefault(reader, []).append(node)
        self._steps = [
            _Step(
                node.id,
                self._function(graph, node, weights),
                tuple((source.node, source.output) for source in graph.inputs(node.id)),
                len(node.outputs) > 1,
                tuple(done.get(node.id, ())),
            )
            for node in graph.nodes()
            if node.op != "input"
        ]
        self.eval()

    def forward(self, x: Tensor) -> list[Tensor]:
        made: dict[int, tuple[Tensor, ...]] = {0: (x,)}
        for step in self._steps:
            result = step.call(*[made[node][output] for node, output in step.operands])
            made[step.node] = tuple(result) if step.several else (result,)
            for node in step.done:
                del made[node]
        return [made[node][output] for node, output in self._results]

    def _function(self, graph: Graph, node: Node, weights: Mapping[str, Tensor]) -> Callable[..., Any]:
        call: Call = OPS[node.op].call(node.attrs, graph.input_types(node.id))
        match call:
            case Module():
                if node.path not in self._made:
                    self._made[node.path] = module(call, node.path, weights)
                    self._place(node.path, self._made[node.path])
                return self._made[node.path]
            case Expression():
                return expression(call, len(graph.inputs(node.id)))
            case Parameter():
                owner, _, leaf = node.path.rpartition(".")
                holder = self._holder(owner)
                if leaf not in holder._parameters:
                    holder._parameters[leaf] = nn.Parameter(weights[node.path], requires_grad=False)
                return lambda: holder._parameters[leaf]

    def _holder(self, path: str) -> nn.Module:
        """The module at a path, made of empty ones where there is none.

        Into the dictionary, past `add_module`: it refuses names that torch's own attributes have, and a spec does not.
        """
        at: nn.Module = self
        for name in path.split(".") if path else []:
            if name not in at._modules:
                at._modules[name] = nn.Module()
            at = at._modules[name] or at
        return at

    def _place(self, path: str, module: nn.Module) -> None:
        """Put a module at its path; what is there already below that path is below it afterwards."""
        owner, _, name = path.rpartition(".")
        holder = self._holder(owner)
        before = holder._modules.get(name)
        if before is not None:
            module._modules.update(before._modules)
        holder._modules[name] = module


def node_call(graph: Graph, node: Node, weights: Mapping[str, Tensor]) -> Callable[..., Any]:
    """One node alone, as a function of its operands that has its weights."""
    call: Call = OPS[node.op].call(node.attrs, graph.input_types(node.id))
    match call:
        case Module():
            made = module(call, node.path, weights)
            # It may have constants of its own, which were made on the CPU in float32.
            like = next((weight for weight in weights.values() if weight.is_floating_point()), None)
            return made if like is None else made.to(like.device, like.dtype)
        case Expression():
            return expression(call, len(graph.inputs(node.id)))
        case Parameter():
            return lambda: weights[node.path]
