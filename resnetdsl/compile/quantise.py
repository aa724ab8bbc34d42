"""int8: scales for every tensor, measured on samples; weights in int8, a scale for each channel.

Post-training static quantisation by ONNX Runtime's own tool, on the folded graph. What comes out is an ONNX model with
operators that quantise and dequantise, which both engines read. Its weights are in it: the scales of what flows between
the layers belong to them, so they are not swapped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetdsl.compile.calibration import Samples
from resnetdsl.compile.engines.base import Job, Setting
from resnetdsl.compile.engines.onnx_form import missing, to_onnx
from resnetdsl.compile.engines.onnxruntime import refusals
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.files import cannot_write
from resnetdsl.compile.make import Subject
from resnetdsl.compile.options import Keep
from resnetdsl.compile.weights import not_finite

MOST = 2**31 - 2**24
"""Bytes of float32 weights: the tool works on ONNX models in one piece, and such a file ends at 2 GiB."""

_BATCH = 8
_WEIGHTED = {"Conv", "Gemm", "MatMul"}


@dataclass(frozen=True, slots=True)
class Quantisation:
    """A network in int8, to be made by one engine or another. `kept` are the nodes that stay in float32."""

    model: bytes
    kept: tuple[str, ...]


def quantise(subject: Subject, setting: Setting, samples: Samples, keep: frozenset[Keep], work: Path) -> Quantisation:
    """Measure the scales and write the model. A `CompileError` where the tool is not here, or takes no such network."""
    if (lack := missing("onnx", "onnxruntime")) is not None:
        raise CompileError(Problem.NO_ENGINE, f"int8 cannot be made here: {lack}")
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

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
    job = Job(lowered, weights, setting, work)
    model = to_onnx(job, free_batch=True, values=True)
    weighted = [node.name for node in model.graph.node if node.op_type in _WEIGHTED]
    kept = tuple(dict.fromkeys(name for each in sorted(keep, key=lambda k: k.value) for name in each.of(weighted)))
    source, target = work / "float32.onnx", work / "int8.onnx"
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
        source.write_bytes(model.SerializeToString())
        quantize_static(
            source,
            target,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=list(kept),
        )
    except OSError as error:
        raise cannot_write(work, error) from error
    except refused as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CompileError(
            Problem.BACKEND_FAILED,
            f"ONNX Runtime cannot quantise `{subject.graph.name}`: {reason}",
            "use bfloat16 or float32",
        ) from error
    finally:
        log.setLevel(level)
    return Quantisation(target.read_bytes(), kept)
