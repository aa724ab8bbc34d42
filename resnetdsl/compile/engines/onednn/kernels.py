"""Steps as functions of tensors, with their weights packed as the kernels want them.

Images lie with their channels last from end to end. Weights are reordered once, when they come in; where an input has
another size than that they were reordered for, oneDNN sees to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from resnetdsl.compile.engines.schedule.kernels import ACTS, kernel
from resnetdsl.compile.engines.schedule.steps import Act, Conv, Linear, Step
from resnetdsl.compile.engines.schedule.tape import Kernel
from resnetdsl.ir.graph import Graph, Source

_LAST = torch.channels_last
_NONE = Act("none")


@dataclass(frozen=True, slots=True)
class Packer:
    """Makes kernels of a graph's steps. `batch` is the size to pack for.

    `constants` has the free weights, which are operands.
    """

    graph: Graph
    weights: Mapping[str, Tensor]
    batch: int
    constants: Mapping[Source, Tensor]

    def kernel(self, step: Step) -> Kernel:
        match step.what:
            case Conv() as what:
                return self._conv(what, step)
            case Linear() as what:
                return self._linear(what, step)
            case _:
                return kernel(step, self.graph, self.weights, self.constants)

    def _conv(self, what: Conv, step: Step) -> Kernel:
        weight, bias = self._leaf(what.path, "weight"), self._bias(what.path, what.bias)
        channels, height, width = self.graph.type(step.inputs[0]).shape
        left, right, top, bottom = what.pad or (0, 0, 0, 0)
        size = [self.batch, channels, height + top + bottom, width + left + right]
        geometry = ([*what.padding], [*what.stride], [*what.dilation], what.groups)
        packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *geometry, size)
        act = what.act or _NONE
        pad = list(what.pad)

        def image(x: Tensor) -> Tensor:
            return (F.pad(x, pad) if pad else x).contiguous(memory_format=_LAST)

        if not what.adds:
            run = torch.ops.mkldnn._convolution_pointwise.default
            after = (act.name, [*act.scalars], act.algorithm)
            return lambda x: run(image(x), packed, bias, *geometry, *after)
        fused: tuple[object, ...] = ("add", 1.0, what.act.name if what.act else None, [], None)
        if what.in_place:
            into = torch.ops.mkldnn._convolution_pointwise_.binary
            return lambda x, y: into(y.contiguous(memory_format=_LAST), image(x), packed, bias, *geometry, *fused)
        beside = torch.ops.mkldnn._convolution_pointwise.binary
        return lambda x, y: beside(image(x), y.contiguous(memory_format=_LAST), packed, bias, *geometry, *fused)

    def _linear(self, what: Linear, step: Step) -> Kernel:
        weight, bias = self._leaf(what.path, "weight").flatten(1), self._bias(what.path, what.bias)
        type = self.graph.type(step.inputs[0])
        rows = self.batch * type.numel // weight.shape[1]
        act = None if what.adds else what.act
        product = _small(weight, bias, act) if what.small else _packed(weight, bias, act, rows)
        down, across = what.stride

        def pixels(x: Tensor) -> Tensor:
            some = x if what.stride == (1, 1) else x[:, :, ::down, ::across]
            return product(some.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

        layer = pixels if what.pixels else product
        if not what.adds:
            return layer
        if what.act is None:
            return lambda x, y: layer(x).add_(y)
        then = ACTS[what.act.name](what.act)
        return lambda x, y: then(layer(x).add_(y))

    def _leaf(self, path: str, name: str) -> Tensor:
        return self.weights[f"{path}.{name}".removeprefix(".")]

    def _bias(self, path: str, there: bool) -> Tensor | None:
        return self._leaf(path, "bias") if there else None


def _packed(weight: Tensor, bias: Tensor | None, act: Act | None, rows: int) -> Callable[[Tensor], Tensor]:
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    run = torch.ops.mkldnn._linear_pointwise.default
    act = act or _NONE
    after = (act.name, [*act.scalars], act.algorithm)
    return lambda x: run(x, packed, bias, *after)


def _small(weight: Tensor, bias: Tensor | None, act: Act | None) -> Callable[[Tensor], Tensor]:
    columns, turned = weight.shape[1], weight.t().contiguous()  # a third quicker than with the transposed view
    then = ACTS[act.name](act) if act is not None else None

    def product(x: Tensor) -> Tensor:
        rows = x.reshape(-1, columns)
        y = torch.mm(rows, turned) if bias is None else torch.addmm(bias, rows, turned)
        return (y if then is None else then(y)).view(*x.shape[:-1], -1)

    return product
