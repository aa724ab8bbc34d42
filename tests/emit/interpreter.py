"""A graph run node by node, each by its own `Call`: what the emitted source must agree with.

It shares nothing with the emitter but the ops, so that what both get wrong alike is only what the ops say.
"""

from __future__ import annotations

import math
import re
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnetdsl.emit.pytorch.helpers import source
from resnetdsl.ir.graph import Graph
from resnetdsl.ops.base import Expression, Module, Parameter
from resnetdsl.ops.registry import OPS


def namespace(helper: str | None) -> dict[str, Any]:
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "math": math, "Tensor": Tensor}
    if helper is not None:
        exec(compile(source(helper), helper, "exec"), names)
    return names


def keys(graph: Graph) -> list[str]:
    """The names of the checkpoint, in the order of the nodes."""
    found: dict[str, None] = {}
    for node in graph.nodes():
        for weight in OPS[node.op].weights(node.attrs, graph.input_types(node.id)):
            found.setdefault(f"{node.path}.{weight.name}".removesuffix("."))
    return list(found)


class Interpreter:
    """`state` gives the weights. Modules are in evaluation mode."""

    def __init__(self, graph: Graph, state: dict[str, Tensor]) -> None:
        self.graph = graph
        self.state = state

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        made: dict[int, tuple[Tensor, ...]] = {}
        for node in self.graph.nodes():
            operands = [made[source.node][source.output] for source in self.graph.inputs(node.id)]
            if node.op == "input":
                made[node.id] = (x,)
                continue
            result = self.run(node.id, operands)
            made[node.id] = tuple(result) if len(node.outputs) > 1 else (result,)
        return {output.name: made[output.source.node][output.source.output] for output in self.graph.outputs}

    def run(self, id: int, operands: list[Tensor]) -> Any:
        node = self.graph.node(id)
        call = OPS[node.op].call(node.attrs, self.graph.input_types(id))
        match call:
            case Module(target, args, kwargs, helper):
                module = eval(target, namespace(helper))(*args, **dict(kwargs)).eval()
                prefix = f"{node.path}."
                inside = module.state_dict().keys()
                module.load_state_dict({key: self.state[prefix + key] for key in inside})
                return module(*operands)
            case Expression(template, helper):
                names = {f"operand{at}": operand for at, operand in enumerate(operands)}
                text = re.sub(r"\{(\d+)\}", r"operand\1", template).replace("{all}", ", ".join(names))
                return eval(text, namespace(helper) | names)
            case Parameter():
                return self.state[node.path]


def randomise(module: nn.Module, seed: int = 0) -> None:
    """Weights and statistics at which no layer is an identity: errors hide behind zeros and ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, leaf in module.state_dict().items():
            if not leaf.is_floating_point():
                continue
            if name.endswith("running_var"):
                leaf.copy_(torch.rand(leaf.shape, generator=generator) + 0.5)
            else:
                fan = max(leaf[0].numel(), 1) if leaf.dim() > 1 else 4
                leaf.copy_(torch.randn(leaf.shape, generator=generator) / fan**0.5)
                if leaf.dim() == 1 and name.endswith("weight"):
                    leaf.add_(1)
