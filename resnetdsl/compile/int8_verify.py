"""How far a network in int8 is from eager float32, on samples: what `verify.py` is for the floating types."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from resnetdsl.compile.engines.base import Runner, Setting
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.make import Subject
from resnetdsl.compile.metadata import Measurement, Quantised

WEIGHTS = "own weights, on the samples of the calibration"

USELESS = 1.0
"""A difference from eager beyond the largest output is no rounding."""

MOST_KEPT = 2**26
"""Numbers of float32's outputs that are kept to compare with."""

BATCH = 8
"""Samples that eager is given together."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs, and what eager float32 makes of them or of the first of them, for each output."""

    inputs: Tensor
    expected: list[Tensor]


def examples(subject: Subject, inputs: Tensor) -> Examples:
    each = sum(subject.graph.type(output.source).numel for output in subject.graph.outputs)
    count = min(len(inputs), max(BATCH, MOST_KEPT // max(each, 1)))
    with torch.no_grad():
        parts = [subject.reference(part) for part in torch.split(inputs[:count], BATCH)]
    return Examples(inputs, [torch.cat(output) for output in zip(*parts, strict=True)])


def compare(subject: Subject, runner: Runner, setting: Setting, examples: Examples) -> tuple[Measurement, Quantised]:
    """How far int8 is from float32, or a `CompileError` where it is another network."""
    batch, inputs, expected = setting.input.dims[0], examples.inputs, examples.expected
    size = max(batch.low, min(batch.high, BATCH))
    actual: list[list[Tensor]] = []
    for part in torch.split(inputs[: len(expected[0])], size):
        # The last part is filled up where a batch has one size.
        missing_samples = max(batch.low - len(part), 0)
        full = torch.cat([part, part[:1].expand(missing_samples, *part.shape[1:])]) if missing_samples else part
        with torch.no_grad():
            actual.append([output[: len(part)].clone() for output in runner.run([full.contiguous()])])
    pairs = [(torch.cat(output), other) for output, other in zip(zip(*actual, strict=True), expected, strict=True)]
    worst = max(float((one - other).abs().max()) for one, other in pairs)
    largest = max(float(other.abs().max()) for _, other in pairs)
    if not worst <= USELESS * largest:
        raise CompileError(
            Problem.DISAGREES,
            f"in int8 the network differs from float32 by {worst:.2g}, its largest output is {largest:.2g}",
            "calibrate with real inputs, `--calibration FOLDER`, or stay with bfloat16 or float32",
        )
    noise = sum(float((one - other).double().square().sum()) for one, other in pairs)
    power = sum(float(other.double().square().sum()) for _, other in pairs)
    top1 = None
    if (answers := _answers(subject)) is not None:
        one, other = pairs[answers]
        top1 = float((one.argmax(1) == other.argmax(1)).double().mean())
    measured = Measurement((size, *inputs.shape[1:]), WEIGHTS, worst, worst / largest if largest else 0.0)
    return measured, Quantised("", len(inputs), top1, (noise / power) ** 0.5 if power else 0.0)


def _answers(subject: Subject) -> int | None:
    """Which output is a classifier's: the last that is a vector of classes."""
    outputs = subject.graph.outputs
    places = [at for at, each in enumerate(outputs) if subject.graph.type(each.source).axes == "c"]
    return places[-1] if places else None
