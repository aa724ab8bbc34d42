"""Steps that PyTorch's own kernels do, on any device."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from resnetdsl.compile.engines.schedule.steps import Act, Affine, Clamp, Plain, Step, Unary
from resnetdsl.compile.engines.schedule.tape import Kernel
from resnetdsl.compile.program import node_call
from resnetdsl.ir.graph import Graph, Source


def kernel(step: Step, graph: Graph, weights: Mapping[str, Tensor], constants: Mapping[Source, Tensor]) -> Kernel:
    """A step as a function of its operands. `constants` has the free weights, which are operands."""
    match step.what:
        case Affine():
            scale, shift = (constants[source][:, None, None] for source in step.inputs[1:])
            return lambda x, *_: torch.addcmul(shift, x, scale)
        case Clamp(in_place):
            low, high = (constants[source][:, None, None] for source in step.inputs[1:])
            return lambda x, *_: x.clamp_(low, high) if in_place else x.clamp(low, high)
        case Unary(target, in_place):
            return _unary(target, in_place)
        case Plain():
            return node_call(graph, graph.node(step.node), weights)
        case what:
            raise TypeError(f"{type(what).__name__} is for a library to do")


ACTS: Mapping[str, Callable[[Act], Callable[[Tensor], Tensor]]] = {
    "relu": lambda _: torch.relu_,
    "sigmoid": lambda _: torch.sigmoid_,
    "tanh": lambda _: torch.tanh_,
    "swish": lambda _: lambda y: F.silu(y, inplace=True),
    "hardswish": lambda _: lambda y: F.hardswish(y, inplace=True),
    "hardsigmoid": lambda _: lambda y: F.hardsigmoid(y, inplace=True),
    "hardtanh": lambda act: lambda y: F.hardtanh(y, act.scalars[0], act.scalars[1], inplace=True),
    "leaky_relu": lambda act: lambda y: F.leaky_relu(y, act.scalars[0], inplace=True),
    "gelu": lambda act: lambda y: F.gelu(y, approximate=act.algorithm),
}
"""What oneDNN's names for activations are in torch, in place."""


def _unary(target: str, in_place: bool) -> Callable[[Tensor], Tensor]:
    if target in {"relu", "sigmoid", "tanh"}:
        found: Callable[[Tensor], Tensor] = getattr(torch, f"{target}_" if in_place else target)
        return found
    function = getattr(F, target)
    return lambda x: function(x, inplace=in_place)
