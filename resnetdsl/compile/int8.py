"""A network in int8, as engines make it: held against float32 on the samples, and kept in the cache.

What an engine builds of it holds the weights, in scales that the samples gave. So the cache knows it by both, and with
the files keeps what was measured: that need not be done again for the same numbers.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resnetdsl.compile.cache import Cache
from resnetdsl.compile.calibration import Samples, fingerprint, samples
from resnetdsl.compile.choose import measure, shape_to_time
from resnetdsl.compile.engines.base import Engine, Job, Progress, Runner, Setting
from resnetdsl.compile.engines.onnx_form import installed
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.int8_verify import BATCH, USELESS, Examples, compare, examples
from resnetdsl.compile.key import key
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.make import Made, Subject, settled
from resnetdsl.compile.metadata import Agreement, Measurement, Quantised
from resnetdsl.compile.options import Calibration, Precision
from resnetdsl.compile.quantise import PLACES, Calibrated, calibrate

ENOUGH = 0.98
"""The share of equal answers below which a network is said to have lost accuracy."""

WORTH = 1.2
"""How many times as fast as float32 int8 must be for anyone to want it."""

_FASTER = 1.03
"""How many times as fast another way must be to be taken: less is within what times differ by."""

_VNNI = {"avx512_vnni", "avx_vnni", "avxvnni", "amx_int8", "asimddp", "i8mm"}


@dataclass(frozen=True, slots=True)
class Record:
    """What the cache keeps with the files. A speedup of 0 has not been measured yet."""

    notes: tuple[str, ...]
    measured: Measurement
    report: Quantised

    @staticmethod
    def read(found: Any) -> Record:
        """From what JSON has kept of it."""
        measured, report = found["measured"], found["report"]
        return Record(
            tuple(found["notes"]),
            Measurement(**{**measured, "shape": tuple(map(int, measured["shape"]))}),
            Quantised(**{**report, "kept": tuple(report["kept"])}),
        )


@dataclass(frozen=True)
class Int8:
    """One network to be made in int8, by one engine or several. The scales are measured once for all."""

    subject: Subject
    setting: Setting
    calibration: Calibration
    work: Path
    cache: Cache
    progress: Progress

    def prepare(self, engines: Sequence[Engine]) -> None:
        """Measure the scales now, unless the cache has what each of these builds. A `CompileError` as of them all."""
        if not all(self.cache.has(self.key(each)) for each in engines):
            _ = self._calibrated

    def key(self, using: Engine) -> str:
        """The name of what an engine builds: of the graph and the setting, the weights, the samples and the tool."""
        parts = (
            key(self.subject.graph, self.subject.lowered(), settled(using, self.setting), using),
            self._numbers,
            *sorted(each.value for each in self.calibration.keep),
            installed("onnx"),
            installed("onnxruntime"),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def make(self, using: Engine, progress: Progress) -> Made:
        """The engine's files, held against eager float32 on the samples; on the first of them if they are found."""
        name = self.key(using)
        code = self.work / using.name / "code"
        code.mkdir(parents=True)
        with self.cache.building(name, lambda: progress("waiting for another compilation of this network")):
            record = self.cache.take(name, code, Record.read)
            if record is None:
                runner, opened, record = self._build(using, code, progress)
                unkept = self.cache.keep(name, code, asdict(record))
                made = self._made(using, code, runner, opened, record)
                return replace(made, notes=(*made.notes, *unkept))
            progress("verifying")
            runner, opened = self._open(using, code)
            compare(self.subject, runner, self.setting, self._few)
        return self._made(using, code, runner, opened, record, cached=True)

    def against_float32(self, using: Engine, made: Made) -> Made:
        """What was made, with how many times as fast as float32 by the same engine it is.

        If that is too little it is made anew with the first half in float32, which is kept if it is faster; what is
        slow all the same is said to be so.
        """
        report = made.quantised
        if report is None:
            return made
        if not report.speedup:
            self.progress("measuring float32 beside it")
            made, record = self._measured(using, made, report)
            report = record.report
            self.cache.keep(self.key(using), made.code, asdict(record))
        if report.speedup >= WORTH:
            return made
        slow = (
            f"WARNING: int8 is {report.speedup:.1f}x as fast as float32 here: bfloat16, or float32 itself, may serve "
            "better"
        )
        return replace(made, notes=(*made.notes, slow))

    def _measured(self, using: Engine, made: Made, report: Quantised) -> tuple[Made, Record]:
        x = torch.randn(shape_to_time(self.setting), generator=torch.Generator().manual_seed(0))
        calls = {"int8": _call(made.runner, x), "float32": _call(self._float32(using), x)}
        times = measure(calls)
        remarks = _remarks(report, made.setting)
        notes = tuple(note for note in made.notes if note not in remarks)
        (measured,) = made.agreement.measurements
        record = Record(notes, measured, replace(report, speedup=_ratio(times, "int8")))
        if record.report.speedup >= WORTH:
            return replace(made, quantised=record.report), record
        self.progress("trying it with the first half in float32")
        code = self.work / "late" / "code"
        code.mkdir(parents=True)
        try:
            runner, opened, late = self._build(using, code, lambda _: None, late=True)
        except CompileError as error:
            if error.problem is not Problem.DISAGREES:
                raise
            return replace(made, quantised=record.report), record
        times = measure({**calls, "late": _call(runner, x)})
        whole, half = _ratio(times, "int8"), _ratio(times, "late")
        if half < _FASTER * whole:
            tried = (
                f"with the first half in float32 it is {half:.1f}x as fast as float32: that was tried, and is not done"
            )
            record = replace(record, notes=(*notes, tried), report=replace(report, speedup=whole))
            return replace(made, notes=(*made.notes, tried), quantised=record.report), record
        done = f"the first half stays in float32: in int8 throughout it would be {whole:.1f}x as fast as float32"
        late = replace(late, notes=(*late.notes, done), report=replace(late.report, speedup=half))
        return self._made(using, code, runner, opened, late), late

    def _build(
        self, using: Engine, code: Path, progress: Progress, *, late: bool = False
    ) -> tuple[Runner, float, Record]:
        """The engine's files, open, the seconds that it took to open them, and what they compute."""
        scratch = code.parent / "scratch"
        scratch.mkdir()
        setting, lowered = settled(using, self.setting), self.subject.lowered()
        quantised = self._calibrated.quantise(PLACES[using.name], late=late)
        notes = using.build(Job(lowered, {}, setting, scratch, progress, quantised.model), code).notes
        progress("verifying")
        runner, opened = self._open(using, code)
        measured, report = compare(self.subject, runner, setting, self._all)
        report = replace(report, source=self._samples.source, kept=quantised.kept)
        return runner, opened, Record((*self._samples.notes, *notes), measured, report)

    def _open(self, using: Engine, code: Path) -> tuple[Runner, float]:
        begin = time.perf_counter()
        runner = using.open(code, {}, settled(using, self.setting))
        return runner, time.perf_counter() - begin

    def _made(
        self, using: Engine, code: Path, runner: Runner, opened: float, record: Record, *, cached: bool = False
    ) -> Made:
        setting = settled(using, self.setting)
        agreement = Agreement((record.measured,), USELESS)
        notes = (*record.notes, *_remarks(record.report, setting))
        return Made(setting, self.subject.lowered(), code, {}, runner, agreement, notes, cached, opened, record.report)

    def _float32(self, using: Engine) -> Runner:
        plain = settled(using, replace(self.setting, precision=Precision.FLOAT32))
        code, scratch = self.work / "float32" / "code", self.work / "float32" / "scratch"
        code.mkdir(parents=True)
        scratch.mkdir()
        lowered = self.subject.lowered(using)
        weights = self.subject.derive(lowered, plain)
        using.build(Job(lowered, weights, plain, scratch), code)
        return using.open(code, weights, plain)

    @cached_property
    def _numbers(self) -> str:
        """Of the weights and the samples."""
        return _digest(self.subject.state) + fingerprint(self.calibration, self.setting.input)

    @cached_property
    def _samples(self) -> Samples:
        return samples(self.calibration, self.setting.input)

    @cached_property
    def _calibrated(self) -> Calibrated:
        self.progress("calibrating")
        return calibrate(self.subject, self.setting, self._samples, self.calibration.keep, self.work)

    @cached_property
    def _all(self) -> Examples:
        return examples(self.subject, self._samples.inputs)

    @cached_property
    def _few(self) -> Examples:
        """Samples of the same kind, enough to see that what was found computes this network."""
        few = replace(self.calibration, samples=min(self.calibration.samples, BATCH))
        return examples(self.subject, samples(few, self.setting.input).inputs)


def _call(runner: Runner, x: Tensor) -> Callable[[], object]:
    return lambda: runner.run([x])


def _ratio(times: Mapping[str, float], name: str) -> float:
    """How many times as fast as float32."""
    return times["float32"] / max(times[name], 1e-9)


def _digest(state: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


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
