"""One engine's try at a network: its files, from the cache or built, opened and held against eager."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from resnetdsl.compile.cache import Cache
from resnetdsl.compile.engines.base import Built, Engine, Job, Progress, Runner, Setting
from resnetdsl.compile.key import key
from resnetdsl.compile.lower.lowered import Lowered
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.compile.metadata import Agreement, Measurement, Quantised
from resnetdsl.compile.passes import Passes
from resnetdsl.compile.recipes import evaluate_all
from resnetdsl.compile.verify import MADE_UP_WEIGHTS, Reference, verify
from resnetdsl.compile.weights import not_finite
from resnetdsl.ir.graph import CheckedGraph


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compiled: the graph, how it is lowered, and its module with its weights, as it is and as asked."""

    graph: CheckedGraph
    passes: Passes
    reference: Reference
    """The module, evaluated in the precision and on the device that are asked for."""
    state: Mapping[str, Tensor]
    """The module's own weights, of its own precision: what is derived from them is rounded once."""
    _known: dict[frozenset[str], Lowered] = field(default_factory=dict)

    def lowered(self, using: Engine | None = None) -> Lowered:
        """The graph as an engine is given it, or as any is."""
        without = frozenset(self.passes.left_out(using))
        if without not in self._known:
            self._known[without] = lower(self.graph, without)
        return self._known[without]

    def derive(
        self, lowered: Lowered, setting: Setting, state: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """The weights of a lowered graph, of the module or of another state dict."""
        given = self.state if state is None else state
        return evaluate_all(lowered.recipes, given, setting.dtype, setting.torch_device)


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it, for which setting and of which graph. `code` is the folder of the files; the runner holds the
    weights.
    """

    setting: Setting
    lowered: Lowered
    code: Path
    weights: dict[str, Tensor]
    runner: Runner
    agreement: Agreement
    notes: tuple[str, ...]
    cached: bool
    opened: float
    """Seconds that it took to open, which whoever loads the artifact waits for."""
    quantised: Quantised | None = None


def settled(using: Engine, setting: Setting) -> Setting:
    """The setting with the engine's usual layout, where none is asked for."""
    return setting if setting.layout else replace(setting, layout=using.layouts(setting.device).usual)


def make(using: Engine, subject: Subject, setting: Setting, work: Path, cache: Cache, progress: Progress) -> Made:
    """Build a network with an engine and verify it, or raise the `CompileError` that says why that cannot be.

    From the cache come the files and what was measured of them with made-up weights, on all shapes: that depends on
    no weights that anyone has. What is measured again is that they compute what this module does with its own.
    """
    code, scratch = work / using.name / "code", work / using.name / "scratch"
    code.mkdir(parents=True)
    scratch.mkdir()
    setting = settled(using, setting)
    lowered = subject.lowered(using)
    weights = subject.derive(lowered, setting)
    job = Job(lowered, weights, setting, scratch, progress)
    name = key(subject.graph, lowered, setting, using)
    with cache.building(name, lambda: progress("waiting for another compilation of this network")):
        unkept: tuple[str, ...] = ()
        record = cache.take(name, code, Record.read)
        built = using.build(job, code) if record is None else record.built
        progress("verifying")
        begin = time.perf_counter()
        runner = using.open(code, weights, setting)
        opened = time.perf_counter() - begin
        agreement = verify(
            subject.reference,
            runner,
            lambda state: subject.derive(lowered, setting, state),
            setting.input,
            setting.precision,
            built.doubtful,
            measured=None if record is None else record.measured,
        )
        if record is None:
            made_up = tuple(each for each in agreement.measurements if each.weights == MADE_UP_WEIGHTS)
            unkept = cache.keep(name, code, asdict(Record(built, made_up)))
    if record is None:
        runner.swap(weights)  # it holds those of the verification
    notes = (*not_finite(weights), *built.notes, *unkept)
    return Made(setting, lowered, code, weights, runner, agreement, notes, record is not None, opened)


@dataclass(frozen=True, slots=True)
class Record:
    """What the cache keeps with the files."""

    built: Built
    measured: tuple[Measurement, ...]

    @staticmethod
    def read(found: Any) -> Record:
        """From what JSON has kept of it."""
        built = Built([tuple(map(int, shape)) for shape in found["built"]["doubtful"]], tuple(found["built"]["notes"]))
        return Record(
            built, tuple(Measurement(**{**each, "shape": tuple(each["shape"])}) for each in found["measured"])
        )
