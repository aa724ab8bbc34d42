"""int8: scales for every tensor, measured on samples; weights in int8, a scale for each channel.

Post-training static quantisation by ONNX Runtime's own tool, on the folded graph. What comes out is an ONNX model with
operators that quantise and dequantise, which both engines read. Its weights are in it: the scales of what flows between
the layers belong to them, so they are not swapped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetdsl.compile.calibration import Samples
from resnetdsl.compile.choose import measure, shape_to_time
from resnetdsl.compile.engines.base import Built, Engine, Job, Progress, Runner, Setting
from resnetdsl.compile.engines.onnx_form import missing, to_onnx
from resnetdsl.compile.engines.onnxruntime import refusals
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.files import cannot_write
from resnetdsl.compile.make import Made, Subject, settled
from resnetdsl.compile.metadata import Agreement, Machine, Measurement, Quantised
from resnetdsl.compile.options import Keep, Precision
from resnetdsl.compile.weights import not_finite

WEIGHTS = "own weights, on the samples of the calibration"

ENOUGH = 0.98
"""The share of equal answers below which a network is said to have lost accuracy."""

WORTH = 1.2
"""How many times as fast as float32 int8 must be for anyone to want it."""

USELESS = 1.0
"""A difference from eager beyond the largest output is no rounding."""

MOST_KEPT = 2**26
"""Numbers of float32's outputs that are kept to compare with."""

_VNNI = {"avx512_vnni", "avx_vnni", "avxvnni", "amx_int8", "asimddp", "i8mm"}
_BATCH = 8
_WEIGHTED = {"Conv", "Gemm", "MatMul"}


@dataclass(frozen=True, slots=True)
class Quantisation:
    """A network in int8, to be made by one engine or another."""

    model: bytes
    samples: Samples
    kept: tuple[str, ...]
    """The nodes that stay in float32."""
    expected: list[Tensor]
    """What eager float32 makes of the samples, for each output."""


def quantise(
    subject: Subject, setting: Setting, samples: Samples, keep: frozenset[Keep], work: Path, progress: Progress
) -> Quantisation:
    """Measure the scales and write the model. A `CompileError` where the tool is not here."""
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

    progress("calibrating")
    lowered = subject.lowered()
    weights = subject.derive(lowered, setting)
    if bad := not_finite(weights):
        raise CompileError(Problem.BAD_WEIGHTS, f"int8 has no scale for {bad[0]}", "load weights that are all numbers")
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
    return Quantisation(target.read_bytes(), samples, kept, _expected(subject, samples.inputs))


def make_quantised(
    using: Engine, subject: Subject, setting: Setting, quantised: Quantisation, work: Path, progress: Progress
) -> Made:
    """The engine's files for a network in int8, held against eager float32 on the samples."""
    if (lack := using.lacking(setting.device, setting.precision)) is not None:
        raise CompileError(Problem.NO_ENGINE, f"the engine `{using.name}` cannot be used here: {lack}")
    code, scratch = work / using.name / "code", work / using.name / "scratch"
    code.mkdir(parents=True)
    scratch.mkdir()
    setting, lowered = settled(using, setting), subject.lowered()
    built: Built = using.build(Job(lowered, {}, setting, scratch, progress, quantised.model), code)
    progress("verifying")
    begin = time.perf_counter()
    runner = using.open(code, {}, setting)
    opened = time.perf_counter() - begin
    agreement, report = _compare(subject, runner, setting, quantised)
    notes = (*quantised.samples.notes, *built.notes, *_remarks(report, setting))
    return Made(setting, lowered, code, {}, runner, agreement, notes, False, opened, report)


def against_float32(using: Engine, subject: Subject, setting: Setting, made: Made, work: Path) -> Made:
    """What was made, with how many times as fast as float32 by the same engine it is; said aloud if that is little."""
    plain = replace(setting, precision=Precision.FLOAT32)
    code, scratch = work / "float32" / "code", work / "float32" / "scratch"
    code.mkdir(parents=True)
    scratch.mkdir()
    lowered = subject.lowered(using)
    weights = subject.derive(lowered, plain)
    using.build(Job(lowered, weights, plain, scratch), code)
    other = using.open(code, weights, plain)
    x = torch.randn(shape_to_time(setting), generator=torch.Generator().manual_seed(0))
    times = measure({"int8": lambda: made.runner.run([x]), "float32": lambda: other.run([x])})
    speedup = times["float32"] / max(times["int8"], 1e-9)
    slow = f"WARNING: int8 is {speedup:.1f}x as fast as float32 here: bfloat16, or float32 itself, may serve better"
    notes = (*made.notes, slow) if speedup < WORTH else made.notes
    report = None if made.quantised is None else replace(made.quantised, speedup=speedup)
    return replace(made, quantised=report, notes=notes)


def _expected(subject: Subject, inputs: Tensor) -> list[Tensor]:
    """What eager float32 makes of the samples, or of as many of them as can be kept."""
    each = sum(subject.graph.type(output.source).numel for output in subject.graph.outputs)
    count = min(len(inputs), max(_BATCH, MOST_KEPT // max(each, 1)))
    with torch.no_grad():
        parts = [subject.reference(part) for part in torch.split(inputs[:count], _BATCH)]
    return [torch.cat(output) for output in zip(*parts, strict=True)]


def _compare(
    subject: Subject, runner: Runner, setting: Setting, quantised: Quantisation
) -> tuple[Agreement, Quantised]:
    batch, inputs = setting.input.dims[0], quantised.samples.inputs
    size = max(batch.low, min(batch.high, _BATCH))
    actual: list[list[Tensor]] = []
    for part in torch.split(inputs[: len(quantised.expected[0])], size):
        # The last part is filled up where a batch has one size.
        missing_samples = max(batch.low - len(part), 0)
        full = torch.cat([part, part[:1].expand(missing_samples, *part.shape[1:])]) if missing_samples else part
        with torch.no_grad():
            actual.append([output[: len(part)].clone() for output in runner.run([full.contiguous()])])
    found = [torch.cat(output) for output in zip(*actual, strict=True)]
    worst = max(float((one - other).abs().max()) for one, other in zip(found, quantised.expected, strict=True))
    largest = max(float(other.abs().max()) for other in quantised.expected)
    if not worst <= USELESS * largest:
        raise CompileError(
            Problem.DISAGREES,
            f"in int8 the network differs from float32 by {worst:.2g}, its largest output is {largest:.2g}",
            "calibrate with real inputs, `--calibration FOLDER`, or stay with bfloat16 or float32",
        )
    pairs = [*zip(found, quantised.expected, strict=True)]
    noise = sum(float((one - other).double().square().sum()) for one, other in pairs)
    power = sum(float(other.double().square().sum()) for _, other in pairs)
    top1 = None
    if (answers := _answers(subject)) is not None:
        one, other = pairs[answers]
        top1 = float((one.argmax(1) == other.argmax(1)).double().mean())
    report = Quantised(
        quantised.samples.source, len(inputs), top1, (noise / power) ** 0.5 if power else 0.0, quantised.kept
    )
    measured = Measurement((size, *inputs.shape[1:]), WEIGHTS, worst, worst / largest if largest else 0.0)
    return Agreement((measured,), USELESS), report


def _answers(subject: Subject) -> int | None:
    """Which output is a classifier's: the last that is a vector of classes."""
    outputs = subject.graph.outputs
    places = [at for at, each in enumerate(outputs) if subject.graph.type(each.source).axes == "c"]
    return places[-1] if places else None


def _remarks(report: Quantised, setting: Setting) -> tuple[str, ...]:
    found = []
    if report.top1 is not None and report.top1 < ENOUGH:
        found.append(
            f"WARNING: int8 changes the answer for {1 - report.top1:.1%} of the samples; `--keep-float last`, more or "
            "better samples, or bfloat16 may keep them"
        )
    if not _VNNI & set(Machine.this(setting.device).flags):
        found.append("this processor has no instructions for int8 (VNNI): expect less speed than it is made for")
    return tuple(found)
