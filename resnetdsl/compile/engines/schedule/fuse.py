"""A lowered graph as calls of a library's kernels: what is fused with what, and who may write over what. No torch here.

A convolution takes what follows it along: one sum, then an activation. What a kernel takes is what oneDNN's primitives
take as post-operations through torch (`mkldnn::_convolution_pointwise`), which is what Inductor calls where weights are
frozen. Everything else is a call of its own, as the op itself says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from resnetdsl.compile.engines.schedule.memory import Memory
from resnetdsl.compile.engines.schedule.steps import Act, Affine, Clamp, Conv, Linear, Pair, Plain, Step, Unary, What
from resnetdsl.ir.graph import Graph, Node, Source
from resnetdsl.ops.attrs import number, text
from resnetdsl.ops.base import Attrs, Module
from resnetdsl.ops.registry import OPS

SMALL = 1_500_000
SMALL_WEIGHT = 100_000
"""Below as many multiply-accumulates, and with a weight that stays in the cache, a plain matrix product is done before
a oneDNN primitive has started: setting one up takes 13 to 22 microseconds in torch 2.13, a call of the BLAS 4.
"""


def _no_scalars(name: str, algorithm: str = "") -> Callable[[Attrs], Act]:
    return lambda _: Act(name, (), algorithm)


_ACTS: Mapping[str, Callable[[Attrs], Act]] = {
    "relu": _no_scalars("relu"),
    "sigmoid": _no_scalars("sigmoid"),
    "tanh": _no_scalars("tanh"),
    "silu": _no_scalars("swish"),
    "hard_swish": _no_scalars("hardswish"),
    "hard_sigmoid": _no_scalars("hardsigmoid"),
    "relu6": lambda _: Act("hardtanh", (0.0, 6.0)),
    "leaky_relu": lambda attrs: Act("leaky_relu", (number(attrs, "slope"),)),
    "gelu": lambda attrs: Act("gelu", (), text(attrs, "approximate")),
}
"""The ops that a kernel takes along. After a sum, torch's binding takes ReLU alone."""

UNARY = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "silu": "silu",
    "hard_swish": "hardswish",
    "relu6": "relu6",
    "hard_sigmoid": "hardsigmoid",
    "mish": "mish",
}
"""Ops and the functions of torch that can work in place."""


def schedule(graph: Graph, batch: int, blas: bool = True, free: bool = False) -> tuple[Step, ...]:
    """The steps in an order in which they can be run. `batch` is the least that comes, by which sizes are judged;
    `blas` says whether there is a plain matrix product for small ones, `free` whether heights and widths are ranges.
    """
    steps = _Fuser(graph, batch, blas, free).steps()
    memory = Memory(graph, steps)
    return tuple(memory.reuse(at, step) for at, step in enumerate(steps))


class _Fuser:
    """Goes through the nodes once; a node that went into an earlier one's step makes none of its own."""

    def __init__(self, graph: Graph, batch: int, blas: bool, free: bool) -> None:
        self.graph = graph
        self.batch = batch
        self.blas = blas
        self.free = free
        self.results = {output.source for output in graph.outputs}
        self.taken: set[int] = set()

    def steps(self) -> list[Step]:
        found: list[Step] = []
        for node in self.graph.nodes():
            if node.op != "input" and node.id not in self.taken:
                step = self._step(node)
                self.taken |= set(step.nodes)
                found.append(step)
        # A step reads what its last node reads, so it stands where that stood.
        return sorted(found, key=lambda step: step.node)

    def _step(self, node: Node) -> Step:
        inputs = self.graph.inputs(node.id)
        call = OPS[node.op].call(node.attrs, self.graph.input_types(node.id))
        match node.op, call:
            case "conv", Module() if (conv := _conv(node.path, call)) is not None:
                return self._with_followers(node, conv, inputs)
            case "linear", Module("nn.Linear"):
                bias = dict(call.kwargs).get("bias", True) is True
                return self._with_followers(node, Linear(node.path, bias, small=self._small(node)), inputs)
            case "multiply", _:
                return self._by_channel(node, inputs, "add", Affine()) or Step(Plain(), (node.id,), inputs)
            case "maximum", _:
                return self._by_channel(node, inputs, "minimum", Clamp()) or Step(Plain(), (node.id,), inputs)
            case name, _ if name in UNARY:
                return Step(Unary(UNARY[name]), (node.id,), inputs)
            case _:
                return Step(Plain(), (node.id,), inputs)

    def _with_followers(self, node: Node, what: Conv | Linear, inputs: tuple[Source, ...]) -> Step:
        """The step of a layer with the sum and the activation that follow it."""
        nodes = [node.id]
        reader = self._only_reader(node.id)
        act = self._act(reader)
        if act is None and reader is not None and (other := self._summand(node, reader)) is not None:
            nodes.append(reader.id)
            inputs = (*inputs, other)
            what = replace(what, adds=True)
            reader = self._only_reader(reader.id)
            act = found if (found := self._act(reader)) is not None and found.name == "relu" else None
        if act is not None and reader is not None:
            nodes.append(reader.id)
            what = replace(what, act=act)
        whole = self._by_matrix(node, what) if isinstance(what, Conv) and self._pixelwise(node, what) else what
        return Step(whole, tuple(nodes), inputs)

    def _pixelwise(self, node: Node, conv: Conv) -> bool:
        weight = OPS[node.op].weights(node.attrs, self.graph.input_types(node.id))[0]
        plain = conv.groups == 1 and not any(conv.padding) and not conv.pad
        return plain and (self.free or conv.stride == (1, 1)) and weight.shape[2:] == (1, 1)

    def _by_matrix(self, node: Node, conv: Conv) -> What:
        """A convolution of 1x1 as a matrix product, which starts sooner.

        With a sum only where it is small, or where sizes are free: the order in which oneDNN wants the weight of such a
        convolution depends on the size of its image, that of a product does not, and to reorder takes far longer.
        """
        small = self._small(node)
        if conv.adds and not small and not self.free:
            return conv
        return Linear(conv.path, conv.bias, True, small, conv.act, conv.adds, conv.stride)

    def _by_channel(self, node: Node, inputs: tuple[Source, ...], then: str, what: What) -> Step | None:
        """An op with a weight vector, and the next with another: a factor and a shift, or two bounds."""
        reader = self._only_reader(node.id)
        first = next((at for at in inputs if self._vector(at)), None)
        x = next((at for at in inputs if self.graph.type(at).is_image and self.graph.type(at).batched), None)
        if first is None or x is None or reader is None or reader.op != then:
            return None
        second = next((at for at in self.graph.inputs(reader.id) if self._vector(at)), None)
        if second is None or self.graph.type(second).shape != self.graph.type(first).shape:
            return None
        if self.graph.type(x).shape[0] != self.graph.type(first).shape[0]:
            return None
        return Step(what, (node.id, reader.id), (x, first, second))

    def _vector(self, source: Source) -> bool:
        type = self.graph.type(source)
        return type.axes == "c" and not type.batched

    def _act(self, node: Node | None) -> Act | None:
        return _ACTS[node.op](node.attrs) if node is not None and node.op in _ACTS else None

    def _summand(self, node: Node, reader: Node) -> Source | None:
        """What a reader adds to a layer's result, if it is as large and can be there before."""
        sources = self.graph.inputs(reader.id)
        if reader.op != "add" or len(sources) != 2:
            return None
        other = next(source for source in sources if source.node != node.id)
        same = self.graph.type(other) == self.graph.type(Source(node.id))
        return other if same and self.graph.type(other).batched else None

    def _only_reader(self, id: int) -> Node | None:
        """The one node that reads another, once, where that is no result and the reader is not taken."""
        readers = self.graph.users(id)
        if len(readers) != 1 or Source(id) in self.results or readers[0] in self.taken:
            return None
        uses = sum(source.node == id for source in self.graph.inputs(readers[0]))
        return self.graph.node(readers[0]) if uses == 1 else None

    def _small(self, node: Node) -> bool:
        op, inputs = OPS[node.op], self.graph.input_types(node.id)
        macs = self.batch * op.macs(node.attrs, inputs, node.outputs)
        weight = math.prod(op.weights(node.attrs, inputs)[0].shape)
        return self.blas and macs < SMALL and weight < SMALL_WEIGHT


def _conv(path: str, call: Module) -> Conv | None:
    """A convolution whose padding is zeros, if that is known."""
    given = dict(call.kwargs)
    if call.target not in {"nn.Conv2d", "PaddedConv2d"} or given.get("padding_mode", "zeros") != "zeros":
        return None
    groups, pad = given.get("groups", 1), given.get("pad", ())
    if not isinstance(groups, int) or not isinstance(pad, tuple):
        return None
    sizes = (_pair(given.get(name, default)) for name, default in (("stride", 1), ("padding", 0), ("dilation", 1)))
    stride, padding, dilation = sizes
    around = tuple(int(each) for each in pad if isinstance(each, int))
    return Conv(path, given.get("bias", True) is True, stride, padding, dilation, groups, around)


def _pair(value: object) -> Pair:
    match value:
        case int():
            return (value, value)
        case (int(down), int(across)):
            return (down, across)
        case _:
            raise ValueError(f"no size: {value!r}")
