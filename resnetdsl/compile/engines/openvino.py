"""OpenVINO, on the CPU. The files are its own form of the network, in which every weight is an input.

When they are opened the weights take the inputs' places, where they lie in memory, and OpenVINO compiles for the
processor that it is on.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from resnetdsl.compile.engines.base import Built, Job, Layouts, Setting, Weights
from resnetdsl.compile.engines.importing import importing
from resnetdsl.compile.engines.onnx_form import installed, missing, outside, to_onnx
from resnetdsl.compile.errors import ArtifactError, CompileError, Problem
from resnetdsl.compile.files import no_space
from resnetdsl.compile.inputs import Dimension, InputSpec
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.memory import is_lack_of_memory
from resnetdsl.compile.options import Precision
from resnetdsl.emit.names import ONNX_INPUT

if TYPE_CHECKING:
    import openvino
    from onnx import ModelProto

_MODEL = "model.xml"
_RESHAPING = {"Reshape", "Unsqueeze", "Squeeze"}
_TELEMETRY = "openvino_telemetry"
_FRAME = ("Exception from ", "Check '", "While validating ", "FrontEnd ", "Model wasn't ", "Summary:", "-- ")
"""How the lines of its errors begin that say nothing of the reason."""

_LITTLE = 2**20
"""Bytes: with fewer left a failure to write is for want of space."""

_BF16 = {"avx512_bf16", "amx_bf16"}
"""Instructions without which bfloat16 is slower than float32."""


class OpenVino:
    name = "openvino"
    quick = True
    portable = True
    unpaid: Mapping[str, str] = {"across": "nothing was gained where it was measured"}

    def lacking(self, device: str, precision: Precision) -> str | None:
        if device != "cpu":
            return f"it serves the CPU here, not {device}; use `--backend cudnn` or inductor"
        match precision:
            case Precision.FLOAT32 | Precision.INT8:
                pass
            case Precision.BFLOAT16:
                if not _BF16 & set(Machine.this(device).flags):
                    return "this processor has no instructions for bfloat16 (avx512_bf16, amx_bf16); use float32"
            case _:
                return f"it has no {precision.value} on a CPU; use `--backend inductor`"
        return missing("onnx", "openvino")

    def layouts(self, device: str) -> Layouts:
        return Layouts((), "it lays images out as each of its kernels wants them")

    def versions(self) -> Mapping[str, str]:
        return {"openvino": installed("openvino")}

    def build(self, job: Job, folder: Path) -> Built:
        openvino = load_openvino()
        if job.quantised is None:
            job.progress("writing ONNX")
            source = _with_inputs_for_weights(to_onnx(job))
        else:
            source = job.quantised
        job.progress("converting")
        try:
            converted = openvino.Core().read_model(source, b"")
            converted.reshape({ONNX_INPUT: _shape(job.setting.input)})
            if job.quantised is None:  # else it would make float32 of the weights in int8
                _settle(converted)
            for at, op in enumerate(converted.get_ordered_ops()):
                if op.get_type_name() != "Parameter":  # the others are called by a counter of the process
                    op.set_friendly_name(str(at))
            openvino.save_model(converted, folder / _MODEL, compress_to_fp16=False)
        except RuntimeError as error:
            if shutil.disk_usage(folder).free < _LITTLE:
                raise no_space(folder) from error
            raise CompileError(
                Problem.BACKEND_FAILED,
                f"OpenVINO cannot convert this network: {_reason(error)}",
                "use another `--backend`",
            ) from error
        return Built()

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Compiled:
        return Compiled(folder / _MODEL, weights, setting)


def _with_inputs_for_weights(model: ModelProto) -> bytes:
    """A weight that is an input keeps its name through the conversion and takes no room in the files."""
    names = set(outside(model))
    inner = [tensor for tensor in model.graph.initializer if tensor.name not in names]
    for tensor in model.graph.initializer:
        if tensor.name in names:
            entry = model.graph.input.add(name=tensor.name)
            entry.type.tensor_type.elem_type = tensor.data_type
            entry.type.tensor_type.shape.SetInParent()  # else a single number has no known rank
            for size in tensor.dims:
                entry.type.tensor_type.shape.dim.add(dim_value=size)
    del model.graph.initializer[:]
    model.graph.initializer.extend(inner)
    return bytes(model.SerializeToString())


def _settle(model: openvino.Model) -> None:
    """Compute what follows from shapes alone, and have weights come in the shapes that they are used in.

    Of a convolution with a bias ONNX's frontend makes ten operations, to find the bias's shape from the image's at run
    time; with the shapes known one is left, the sum. To open a network takes as long as it has operations.
    """
    from openvino import opset13
    from openvino.passes import ConstantFolding, Manager

    passes = Manager()
    passes.register_pass(ConstantFolding())
    passes.run_passes(model)
    for parameter in model.get_parameters():
        readers = [each.get_node() for each in parameter.output(0).get_target_inputs()]
        name = parameter.get_friendly_name()
        if name == ONNX_INPUT or len(readers) != 1 or readers[0].get_type_name() not in _RESHAPING:
            continue
        (reader,) = readers
        inputs = [reader.input_value(at).get_node() for at in range(reader.get_input_size())]
        if inputs[0] != parameter or any(each.get_type_name() != "Constant" for each in inputs[1:]):
            continue
        shaped = opset13.parameter(reader.get_output_shape(0), parameter.get_element_type(), name=name)
        reader.output(0).replace(shaped.output(0))
        model.add_parameters([shaped])
        model.remove_parameter(parameter)


def _reason(error: RuntimeError) -> str:
    """The last line of what OpenVINO says that is neither a place in its source nor a summary."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no reason given"]
    return next((line for line in reversed(lines) if not line.startswith(_FRAME)), lines[-1])


def load_openvino() -> Any:
    """OpenVINO without its telemetry: it would tell its maker, over the network, each time that it is imported."""
    known = "openvino" in sys.modules or _TELEMETRY in sys.modules
    if not known:
        # It cannot be imported now, and a stub takes its place.
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        with importing("openvino"):
            import openvino
    finally:
        if not known:
            del sys.modules[_TELEMETRY]
    return openvino


def _shape(inputs: InputSpec) -> openvino.PartialShape:
    loaded = load_openvino()

    def dimension(dim: Dimension) -> openvino.Dimension:
        return loaded.Dimension(dim.low) if dim.fixed else loaded.Dimension(dim.low, dim.high)

    return loaded.PartialShape([dimension(dim) for dim in inputs.dims])


@dataclass(frozen=True, slots=True)
class _Opened:
    """A model with one set of weights: its outputs' shapes where they are known, and requests that nobody is using."""

    model: Any
    shapes: list[tuple[int, ...] | None]
    idle: list[Any]
    held: Weights
    """Which the model reads where they lie."""


class Compiled:
    """An open model. It is compiled again when the weights change, for they are packed into it."""

    def __init__(self, path: Path, weights: Weights, setting: Setting) -> None:
        self._path = path
        self._precision = setting.precision
        self.swap(weights)

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        (x,) = inputs
        given = x.float()  # OpenVINO reads it where it lies and holds no reference
        opened = self._opened  # others may come while it runs
        try:
            request = opened.idle.pop()
        except IndexError:  # another thread has it
            request = opened.model.create_infer_request()
        request.set_input_tensor(self._tensor(given.numpy(), shared_memory=True))
        results = []
        for at, shape in enumerate(opened.shapes):
            if shape is not None:
                results.append(torch.empty(shape, dtype=torch.float32, device="cpu"))
                request.set_output_tensor(at, self._tensor(results[-1].numpy(), shared_memory=True))
        request.infer()
        if not results:  # their sizes follow from the input's
            results = [torch.from_numpy(request.get_output_tensor(at).data).clone() for at in range(len(opened.shapes))]
            if not all(result.numel() for result in results):  # where memory lacks it ends so, and says nothing
                raise MemoryError("OpenVINO gave an empty result")
        opened.idle.append(request)
        return [result.to(x.dtype) for result in results]

    def swap(self, weights: Weights) -> None:
        openvino = load_openvino()
        from openvino import opset13

        self._tensor = openvino.Tensor
        core = openvino.Core()
        held = {name: tensor.float().contiguous() for name, tensor in weights.items()}
        settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if self._precision is Precision.BFLOAT16 else "f32",
        }
        try:
            model = core.read_model(self._path)
            for parameter in model.get_parameters():
                name = parameter.get_friendly_name()
                if name in held:
                    shaped = held[name].reshape(tuple(parameter.get_output_shape(0)))
                    constant = opset13.constant(shaped.numpy(), shared_memory=True)
                    parameter.output(0).replace(constant.output(0))
                    model.remove_parameter(parameter)
            model.validate_nodes_and_infer_types()
            compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            if is_lack_of_memory(error):
                raise
            raise ArtifactError(
                Problem.BAD_ARTIFACT,
                f"OpenVINO does not take this model: {_reason(error)}",
                "compile it again with `--backend onednn`",
            ) from error
        shapes = [output.get_partial_shape() for output in compiled.outputs]
        static = all(shape.is_static for shape in shapes)
        known = [tuple(shape.to_shape()) if static else None for shape in shapes]
        self._opened = _Opened(compiled, known, [compiled.create_infer_request()], held)
