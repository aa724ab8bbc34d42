"""ONNX Runtime, on the CPU. The files are an ONNX model without weights and the names of those that it takes.

The session is made anew in every process: that takes a tenth of a second for ResNet-50 and a third for a thousand
layers, and lets the runtime choose layouts and kernels for the processor that it is on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetdsl.compile.engines.base import Built, Job, Layouts, Setting, Weights
from resnetdsl.compile.engines.importing import importing
from resnetdsl.compile.engines.onnx_form import installed, missing, outside, to_onnx
from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.files import cannot_write
from resnetdsl.compile.memory import is_lack_of_memory
from resnetdsl.compile.options import Precision
from resnetdsl.emit.names import ONNX_INPUT

_MODEL = "model.onnx"
_WEIGHTS = "weights.json"


class OnnxRuntime:
    name = "onnxruntime"
    quick = True
    portable = True
    unpaid: Mapping[str, str] = {
        "across": "0.6 to 1.1 times as fast was measured",
        "norms": "it runs a batch norm as one op, and a factor and a shift as two",
    }

    def lacking(self, device: str, precision: Precision) -> str | None:
        if device != "cpu":
            return f"it serves the CPU here, not {device}; use `--backend cudnn` or inductor"
        if precision not in {Precision.FLOAT32, Precision.INT8}:
            return f"it has no {precision.value} on a CPU; use `--backend onednn` or inductor"
        return missing("onnx", "onnxruntime")

    def layouts(self, device: str) -> Layouts:
        return Layouts((), "it lays images out anew for its kernels, in blocks of channels")

    def versions(self) -> Mapping[str, str]:
        return {"onnxruntime": installed("onnxruntime")}

    def build(self, job: Job, folder: Path) -> Built:
        names: list[str] = []
        if job.quantised is None:
            job.progress("writing ONNX")
            made = to_onnx(job)
            model, names = made.SerializeToString(deterministic=True), outside(made)
        else:
            model = job.quantised
        try:
            (folder / _MODEL).write_bytes(model)
            (folder / _WEIGHTS).write_text(json.dumps(names), encoding="utf-8")
        except OSError as error:
            raise cannot_write(folder, error) from error
        return Built()

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Session:
        return Session((folder / _MODEL).read_bytes(), json.loads((folder / _WEIGHTS).read_text("utf-8")), weights)


class Session:
    """An open model. It is made again when the weights change, for they are packed into it."""

    def __init__(self, model: bytes, names: list[str], weights: Weights) -> None:
        self._model = model
        self._names = names
        self.swap(weights)

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        (x,) = inputs
        # Results are copied once here. Handing them over as they are takes longer, by what Python does for each call.
        session, outputs, _ = self._open
        try:
            results = session.run(outputs, {ONNX_INPUT: x.numpy()})
        except refusals() as error:  # of kinds of its own, which nobody else knows
            raise RuntimeError(str(error)) from error
        return [torch.from_numpy(result) for result in results]

    def swap(self, weights: Weights) -> None:
        onnxruntime = load_onnxruntime()
        value = onnxruntime.OrtValue.ortvalue_from_numpy
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # what goes wrong is raised
        # Else its threads spin for tens of milliseconds behind each call, and take a core from whatever runs next.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        # The runtime reads the tensors where they are, so they must stay as long as anybody runs the session.
        held = {name: weights[name].contiguous() for name in self._names}
        options.add_external_initializers(self._names, [value(held[name].numpy()) for name in self._names])
        with _refusals():
            session = onnxruntime.InferenceSession(self._model, options, providers=["CPUExecutionProvider"])
        self._open = session, [output.name for output in session.get_outputs()], held


def load_onnxruntime() -> Any:
    """ONNX Runtime without its telemetry: it would tell its maker what it runs, and write an identity of this user into
    the folder of temporary files, from its import on.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    with importing("onnxruntime"):
        import onnxruntime
    onnxruntime.disable_telemetry_events()  # on Windows, or where somebody else has imported it
    return onnxruntime


def refusals() -> tuple[type[Exception], ...]:
    """The kinds of what the runtime raises for a model that it does not take."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (state.Fail, state.InvalidGraph, state.InvalidArgument, state.NotImplemented, state.RuntimeException)


@contextmanager
def _refusals() -> Iterator[None]:
    """Those, as an `ArtifactError`."""
    try:
        yield
    except refusals() as error:
        if is_lack_of_memory(error):
            raise MemoryError(str(error)) from error
        raise ArtifactError(
            Problem.BAD_ARTIFACT,
            f"ONNX Runtime does not take this model: {str(error).splitlines()[0]}",
            "compile it again with `--backend onednn`",
        ) from error
