"""A network with its weights in a form that others read: an ONNX model, or torch's own exported program."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.files import check_output, whole_file
from resnetdsl.compile.inputs import Dimension, InputSpec, input_spec
from resnetdsl.compile.lower import across
from resnetdsl.compile.lower.lowered import unlowered
from resnetdsl.compile.lower.pipeline import UNPAID, lower
from resnetdsl.compile.options import MOST_BATCH, Batch
from resnetdsl.compile.recipes import evaluate_all
from resnetdsl.compile.surroundings import usual
from resnetdsl.compile.weights import load_weights
from resnetdsl.ir.graph import CheckedGraph

if TYPE_CHECKING:
    from onnx import ModelProto

_OVERHEAD = 2**20
_MOST_IN_ONE_FILE = 2**31 - 2**24
"""A protobuf ends at 2 GiB; larger models have their weights in a file beside them."""


class Form(Enum):
    """What an exported network is, by the command line's name."""

    ONNX = "onnx"
    EXPORTED_PROGRAM = "exported-program"

    @property
    def suffix(self) -> str:
        return {Form.ONNX: ".onnx", Form.EXPORTED_PROGRAM: ".pt2"}[self]


@usual()
def export_network(
    graph: CheckedGraph,
    make: Callable[[], nn.Module],
    output: str | Path,
    form: Form,
    *,
    batch: str | int | None = None,
    folded: bool = False,
    weights: str | Path | None = None,
    seed: int = 0,
) -> Path:
    """Write the network, whole or not at all. The batch is free unless `batch` gives a size or a range.

    `folded` is the form for inference, with norms in the convolutions; without it an ONNX model has the layers and
    the weights' names of the checkpoint. The weights are those of the checkpoint `weights`, else random from `seed`.
    """
    output = Path(output)
    if form is Form.EXPORTED_PROGRAM and folded:
        raise CompileError(
            Problem.BAD_OPTION,
            "an exported program has the network as it is, never folded",
            "leave out `--folded`, or take `--to onnx`",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = make().eval().requires_grad_(False)
    if weights is not None:
        load_weights(module, weights, graph.name)
    size = sum(tensor.nbytes for tensor in module.state_dict().values())
    check_output(output, form.suffix, size + _OVERHEAD)
    inputs = input_spec(graph, Batch(1, MOST_BATCH) if batch is None else Batch.parse(str(batch)))
    match form:
        case Form.ONNX:
            _onnx(graph, module, inputs, output, folded)
        case Form.EXPORTED_PROGRAM:
            _program(graph, module, inputs, output)
    return output


def _onnx(graph: CheckedGraph, module: nn.Module, inputs: InputSpec, output: Path, folded: bool) -> None:
    import onnx

    from resnetdsl.compile.engines.onnx_form import sizes
    from resnetdsl.emit.onnx import InexpressibleError, onnx_model

    lowered = lower(graph, (*UNPAID, across.PASS.name)) if folded else unlowered(graph)
    values = evaluate_all(lowered.recipes, module.state_dict(), torch.float32, torch.device("cpu"))
    total = sum(tensor.nbytes for tensor in values.values())
    try:
        model = onnx_model(lowered.graph, sizes(inputs), lambda name: values[name].numpy().tobytes())
    except InexpressibleError as problem:
        raise CompileError(
            Problem.EXPORT_FAILED,
            f"`{graph.name}` has no ONNX form: {problem}",
            "`--to exported-program` and `--to pytorch` take every network",
        ) from problem
    if total <= _MOST_IN_ONE_FILE:
        onnx.checker.check_model(model)
        with whole_file(output) as temporary:
            temporary.write_bytes(model.SerializeToString(deterministic=True))
        return
    data = output.with_name(f"{output.name}.data")
    with whole_file(output) as temporary, whole_file(data) as beside:
        _move_out(model, beside, data.name)
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def _move_out(model: ModelProto, file: Path, name: str) -> None:
    """Write the weights to a file, and have the model say that they are in the one of that name beside it."""
    with file.open("wb") as out:
        for tensor in model.graph.initializer:
            offset = out.tell()
            length = out.write(tensor.raw_data)
            if not length:
                continue
            tensor.ClearField("raw_data")
            tensor.data_location = tensor.EXTERNAL
            for key, value in (("location", name), ("offset", str(offset)), ("length", str(length))):
                tensor.external_data.add(key=key, value=value)


def _program(graph: CheckedGraph, module: nn.Module, inputs: InputSpec, output: Path) -> None:
    example = torch.zeros(inputs.example)
    free = {place: _dimension(dim) for place, dim in enumerate(inputs.dims) if not dim.fixed}
    try:
        with torch.no_grad():
            program = torch.export.export(module, (example,), dynamic_shapes=(free,))
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CompileError(
            Problem.EXPORT_FAILED, f"PyTorch cannot export `{graph.name}` for {inputs}: {reason}"
        ) from error
    with whole_file(output) as temporary, temporary.open("wb") as file:
        torch.export.save(program, file)


def _dimension(dim: Dimension) -> object:
    """A free dimension as torch.export wants it: one of a step of 32 is 32 times a free whole number."""
    offset = dim.low % dim.step
    root = torch.export.Dim(dim.name, min=dim.low // dim.step, max=dim.high // dim.step)
    scaled = dim.step * root if dim.step > 1 else root
    return scaled + offset if offset else scaled
