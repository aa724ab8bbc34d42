"""A graph as an ONNX model: what each op says of itself, put together. The one door to onnx of `emit`.

Weights keep their names of the checkpoint. A model is made with their values or without: then each is marked as lying
outside, and whoever opens the model brings them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from resnetdsl.emit.names import ONNX_INPUT as INPUT
from resnetdsl.ir.graph import Graph, Node, Source
from resnetdsl.ops.base import Weight
from resnetdsl.ops.onnx import OPSET, Constant, NotInOnnxError, Onnx, Step
from resnetdsl.ops.registry import OPS
from resnetdsl.version import VERSION

IR_VERSION = 9
"""Of the file format: what goes with the version of the operators."""

OUTSIDE = "weights"
"""Where a model says that its weights are, if they are not in it."""

Size = int | str
"""A number, or the name of a dimension that is free."""


class Bytes(Protocol):
    """A weight's value: its numbers in float32, little-endian and in order."""

    def __call__(self, name: str, /) -> bytes: ...


class InexpressibleError(Exception):
    """A network that cannot be written in ONNX: `path` is the node, `reason` says why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"`{path}`: {reason}")
        self.path = path
        self.reason = reason


def onnx_model(graph: Graph, sizes: Sequence[Size], values: Bytes | None = None) -> ModelProto:
    """The model of a graph whose input has these sizes, the batch first. Weights are float32.

    Raises InexpressibleError for what ONNX has no operator for.
    """
    writer = _Writer(graph, resizable=any(isinstance(size, str) for size in sizes[1:]))
    weights = writer.weights()
    made = GraphProto(
        name=graph.name,
        doc_string=graph.doc,
        node=writer.steps,
        initializer=[
            *(_weight(name, weight, values) for name, weight in weights.items()),
            *map(_constant, writer.constants),
        ],
        input=[helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, list(sizes))],
    )
    batch = sizes[0]
    for name, source in writer.outputs.items():
        type = graph.type(source)
        # With free sizes the others follow from them, which a runtime knows better than to be told.
        shape = [
            None if writer.resizable and axis in "hwn?" else size
            for axis, size in zip(type.axes, type.shape, strict=True)
        ]
        made.output.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shape] if type.batched else shape)
        )
    return helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="resnetdsl",
        producer_version=VERSION,
    )


class _Writer:
    """The steps of all nodes in order, with names that are each used once."""

    def __init__(self, graph: Graph, resizable: bool) -> None:
        self.graph = graph
        self.resizable = resizable
        self.steps: list[NodeProto] = []
        self.constants: list[Constant] = []
        self.outputs: dict[str, Source] = {}
        self._leaves = dict(_leaves(graph))
        self._read: set[str] = set()
        steps: list[Step] = []
        values: dict[Source, str] = {Source(0): INPUT}
        paths: set[str] = set()
        for node in graph.nodes():
            if node.id == 0:
                continue
            stem = f"{node.path}@{node.id}" if node.path in paths else node.path
            paths.add(node.path)
            operands = tuple(values[source] for source in graph.inputs(node.id))
            g = Onnx(node.path, stem, operands, self.resizable)
            found = self._write(node, g)
            steps += g.steps
            self.constants += g.constants
            values |= {Source(node.id, at): name for at, name in enumerate(found)}
        self._finish(steps, values)

    def weights(self) -> Mapping[str, Weight]:
        """The leaves that are read, by name: a counter of training steps is not."""
        return {name: weight for name, weight in self._leaves.items() if name in self._read}

    def _write(self, node: Node, g: Onnx) -> tuple[str, ...]:
        try:
            found = OPS[node.op].onnx(node.attrs, self.graph.input_types(node.id), g)
        except NotInOnnxError as problem:
            raise InexpressibleError(node.path, f"ONNX has no `{node.op}` like this: {problem}") from problem
        return (found,) if isinstance(found, str) else found

    def _finish(self, steps: list[Step], values: Mapping[Source, str]) -> None:
        """Give the results the names of the network's outputs."""
        made = {name for step in steps for name in step.outputs}
        new: dict[str, str] = {}
        for output in self.graph.outputs:
            value = values[output.source]
            name = output.name
            while name in self._leaves or name == INPUT or name in self.outputs:
                name += "_"
            self.outputs[name] = output.source
            if value in made and value not in new:
                new[value] = name
            else:  # the input, a weight, or what is an output already
                steps.append(Step("Identity", (value,), (name,), ()))
        for step in steps:
            self._read.update(step.inputs)
            self.steps.append(_step(step, new))


def _step(step: Step, new: Mapping[str, str]) -> NodeProto:
    attrs: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in step.attrs}
    return helper.make_node(
        step.kind,
        [new.get(name, name) for name in step.inputs],
        [new.get(name, name) for name in step.outputs],
        name=step.outputs[0],
        **attrs,
    )


def _leaves(graph: Graph) -> Iterator[tuple[str, Weight]]:
    for node in graph.nodes():
        for weight in OPS[node.op].weights(node.attrs, graph.input_types(node.id)):
            yield f"{node.path}.{weight.name}".removesuffix("."), weight


def _weight(name: str, weight: Weight, values: Bytes | None) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=weight.shape)
    if values is None:
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=OUTSIDE)
    else:
        tensor.raw_data = values(name)
    return tensor


def _constant(constant: Constant) -> TensorProto:
    kind = TensorProto.INT64 if constant.whole else TensorProto.FLOAT
    return helper.make_tensor(constant.name, kind, constant.shape, constant.values)
