"""int8: scales for every tensor, measured on samples; weights in int8, a scale for each channel.

Post-training static quantisation by ONNX Runtime's own tool, on the folded graph. What comes out is an ONNX model with
operators that quantise and dequantise, which both engines read, but in other places each: see `PLACES`. Its weights are
in it: the scales of what flows between the layers belong to them, so they are not swapped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetdsl.compile.calibration import Samples
from resnetdsl.compile.engines.base import Job, Setting
from resnetdsl.compile.engines.onnx_form import missing, to_onnx
from resnetdsl.compile.engines.onnxruntime import load_onnxruntime, refusals
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.files import cannot_write
from resnetdsl.compile.make import Subject
from resnetdsl.compile.options import Keep
from resnetdsl.compile.weights import not_finite

MOST = 2**31 - 2**24
"""Bytes of float32 weights: the tool works on ONNX models in one piece, and such a file ends at 2 GiB."""

_BATCH = 8
_WEIGHTED = ("Conv", "Gemm", "MatMul")


class Places(Enum):
    """Which tensors are in 8 bits."""

    ALL = "all that there are operators for"
    LAYERS = "those that layers with weights read"


PLACES: Mapping[str, Places] = {"onnxruntime": Places.ALL, "openvino": Places.LAYERS}
"""As each engine runs them fastest.

ONNX Runtime has an operator in 8 bits for each step, and between steps in float32 it converts: twice the time for
EfficientNet-B0. OpenVINO computes what stands behind a convolution (sums, activations, rounding for the next one) in
float32 as part of it, unless each step is rounded by itself: 0.55 of the time for EfficientNet-B0, half for
DenseNet-121, and fewer roundings.
"""


@dataclass(frozen=True, slots=True)
class Quantisation:
    """A network in int8 for one engine. `kept` are the layers with weights that stay in float32."""

    model: bytes
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A network in float32 as ONNX, and the ranges of the numbers that flow through it."""

    name: str
    model: bytes
    ranges: Any
    keep: frozenset[Keep]
    work: Path

    def quantise(self, places: Places, *, late: bool = False) -> Quantisation:
        """The model in int8; with `late` the first half of its nodes stay in float32. A `CompileError` if the tool
        takes no such network.

        Images are large there and have few channels, so that steps which gain nothing by 8 bits take most of the time.
        """
        from onnx import ModelProto
        from onnxruntime.quantization import QDQQuantizer, QuantType

        model = ModelProto.FromString(self.model)
        names = [node.name for node in model.graph.node]
        weighted = [node.name for node in model.graph.node if node.op_type in _WEIGHTED]
        left = {name for each in self.keep for name in each.of(weighted)}
        if late:
            left |= set(names[: len(names) // 2])
        layers = places is Places.LAYERS
        with _refusals(self.name, self.work):
            quantizer = QDQQuantizer(
                model,
                per_channel=True,
                reduce_range=False,
                weight_qType=QuantType.QInt8,
                activation_qType=QuantType.QUInt8,
                tensors_range=self.ranges,
                nodes_to_quantize=[],
                nodes_to_exclude=[name for name in names if name in left],
                op_types_to_quantize=list(_WEIGHTED) if layers else _operators(),
                extra_options={"OpTypesToExcludeOutputQuantization": list(_WEIGHTED)} if layers else {},
            )
            quantizer.quantize_model()
            made = quantizer.model.model.SerializeToString()
        kept = [name.partition("/")[0] for name in weighted if name in left]  # of `conv1/Conv_0` the layer
        return Quantisation(made, tuple(kept))


def calibrate(subject: Subject, setting: Setting, samples: Samples, keep: frozenset[Keep], work: Path) -> Calibrated:
    """Measure the ranges. A `CompileError` where the tool is not here, or takes no such network."""
    if (lack := missing("onnx", "onnxruntime")) is not None:
        raise CompileError(Problem.NO_ENGINE, f"int8 cannot be made here: {lack}")
    load_onnxruntime()
    from onnxruntime.quantization import CalibrationDataReader, create_calibrator

    from resnetdsl.emit.names import ONNX_INPUT

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches: Iterator[Tensor] = iter(torch.split(samples.inputs, _BATCH))

        def get_next(self) -> Any:
            batch = next(self.batches, None)
            return None if batch is None else {ONNX_INPUT: batch.numpy()}

    lowered = subject.lowered()
    weights = subject.derive(lowered, setting)
    if bad := not_finite(weights):
        raise CompileError(Problem.BAD_WEIGHTS, f"int8 has no scale for {bad[0]}", "load weights that are all numbers")
    if (size := sum(tensor.nbytes for tensor in weights.values())) > MOST:
        raise CompileError(
            Problem.EXPORT_FAILED,
            f"`{subject.graph.name}` has weights of {size / 2**30:.1f} GiB: int8 is made of networks up to 2 GiB",
            "use bfloat16 or float32",
        )
    model = to_onnx(Job(lowered, weights, setting, work), free_batch=True, values=True).SerializeToString()
    source = work / "float32.onnx"
    with _refusals(subject.graph.name, work):
        source.write_bytes(model)
        calibrator = create_calibrator(source, _operators(), augmented_model_path=str(work / "augmented.onnx"))
        calibrator.collect_data(Reader())
        return Calibrated(subject.graph.name, model, calibrator.compute_data(), keep, work)


def _operators() -> list[str]:
    """All that the tool knows to quantise."""
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    return sorted({*QDQRegistry, *QLinearOpsRegistry})


@contextmanager
def _refusals(name: str, work: Path) -> Iterator[None]:
    """What the tool raises as a `CompileError`; its advice is kept from the user."""
    refused: tuple[type[Exception], ...] = (
        RuntimeError,
        ValueError,
        TypeError,
        LookupError,
        AssertionError,
        *refusals(),
    )
    log = logging.getLogger()
    level = log.level
    log.setLevel(logging.ERROR)  # it advises a preparation that lowering has done
    try:
        yield
    except OSError as error:
        raise cannot_write(work, error) from error
    except refused as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CompileError(
            Problem.BACKEND_FAILED,
            f"ONNX Runtime cannot quantise `{name}`: {reason}",
            "use bfloat16 or float32",
        ) from error
    finally:
        log.setLevel(level)
