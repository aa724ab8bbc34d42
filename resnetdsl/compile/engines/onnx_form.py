"""A job as an ONNX model without weights, for the engines that take one."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from resnetdsl.compile.engines.base import Job
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.inputs import InputSpec

if TYPE_CHECKING:
    from onnx import ModelProto


def missing(*packages: str) -> str | None:
    """Which of these packages is not installed, in words that end with what to do."""
    absent = [name for name in packages if find_spec(name) is None]
    if not absent:
        return None
    are = "is" if len(absent) == 1 else "are"
    return f"{' and '.join(absent)} {are} not installed; pip install 'resnetdsl[engines]'"


def installed(package: str) -> str:
    """Its version; empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def sizes(inputs: InputSpec) -> tuple[int | str, ...]:
    """The input's dimensions: numbers, or names where they are free."""
    return tuple(dim.low if dim.fixed else dim.name for dim in inputs.dims)


def to_onnx(job: Job, *, free_batch: bool = False, values: bool = False) -> ModelProto:
    """The model, with its weights if `values` are asked for; a `CompileError` for a network that ONNX cannot say."""
    from resnetdsl.emit.onnx import InexpressibleError, onnx_model

    try:
        batch, *rest = sizes(job.setting.input)
        weights = (lambda name: job.weights[name].numpy().tobytes()) if values else None
        return onnx_model(job.lowered.graph, ("batch" if free_batch else batch, *rest), weights)
    except InexpressibleError as problem:
        raise CompileError(
            Problem.EXPORT_FAILED, f"this network has no ONNX form: {problem}", "use `--backend onednn`"
        ) from problem


def outside(model: ModelProto) -> list[str]:
    """The names of the weights that whoever opens it must bring."""
    return [tensor.name for tensor in model.graph.initializer if tensor.external_data]
