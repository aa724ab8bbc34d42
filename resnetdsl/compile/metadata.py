"""What an artifact says of itself: one JSON member of its archive, checked strictly when it is read."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch

from resnetdsl.compile.engines.base import Setting
from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.inputs import Dimension, InputSpec
from resnetdsl.compile.options import Layout, Mode, Precision, Provenance
from resnetdsl.compile.recipes import Recipe, from_json, to_json
from resnetdsl.version import VERSION

FORMAT = "resnetdsl-artifact"
FORMAT_VERSION = 3

T = TypeVar("T")

_ISA = ("sse", "ssse", "avx", "fma", "f16c", "bmi", "amx", "abm", "movbe", "gfni", "vaes", "vpclmul", "popcnt", "adx")
"""Beginnings of the processor flags that a compiler may make use of (of those in /proc/cpuinfo)."""


OWN_WEIGHTS = "own weights"
"""What a measurement says of its weights where they are the artifact's."""

_SWAPPED = "its weights were put in after it was compiled: its code was compared with eager for others"


@dataclass(frozen=True, slots=True)
class Measurement:
    """How far compiled and eager outputs are apart on one random input.

    `relative` is the largest difference over the largest value of the output. `weights` says whether
    the weights were the artifact's own or made up, with norm statistics as a trained network has them.
    """

    shape: tuple[int, ...]
    weights: str
    absolute: float
    relative: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was measured, and the relative difference up to which it passes without further proof."""

    measurements: tuple[Measurement, ...]
    tolerance: float
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        shapes = dict.fromkeys("x".join(map(str, m.shape)) for m in self.measurements)
        weights = dict.fromkeys(m.weights for m in self.measurements)
        return (
            f"to {self.relative:.1e} of the largest output ({self.absolute:.1e} absolute), "
            f"on inputs of {', '.join(shapes)}, with {' and with '.join(weights)}"
        )

    @property
    def absolute(self) -> float:
        return max((m.absolute for m in self.measurements), default=0.0)

    @property
    def relative(self) -> float:
        return max((m.relative for m in self.measurements), default=0.0)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the code in an artifact was compiled for. `flags` are the processor's, `gpu` its compute capability."""

    system: str
    machine: str
    flags: tuple[str, ...] = ()
    gpu: str = ""

    @staticmethod
    def this(device: str) -> Machine:
        gpu = ""
        if device == "cuda" and torch.cuda.is_available():
            gpu = ".".join(map(str, torch.cuda.get_device_capability()))
        return Machine(platform.system(), platform.machine(), _cpu_flags(), gpu)


@dataclass(frozen=True, slots=True)
class Shape:
    """A leaf of the checkpoint: what `load_weights` asks of a file. `dtype` is torch's name."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def is_floating(self) -> bool:
        return "float" in self.dtype

    def __str__(self) -> str:
        return ("x".join(map(str, self.shape)) or "scalar") + ("" if self.is_floating else f" {self.dtype}")


@dataclass(frozen=True, slots=True)
class Trial:
    """How an engine fared where the fastest was looked for: the median seconds on an input of that shape, or why it
    was not measured. Without either it was the only one. `opens` are the seconds until it was ready to run."""

    engine: str
    shape: tuple[int, ...]
    seconds: float
    failed: str = ""
    opens: float = 0.0

    def __str__(self) -> str:
        if self.failed:
            return f"{self.engine}: not taken: {self.failed}"
        if not self.shape:
            return f"{self.engine}: the only one, opens in {self.opens:.1f} s"
        shape = "x".join(map(str, self.shape))
        return f"{self.engine}: {self.seconds * 1000:.2f} ms on {shape}, opens in {self.opens:.1f} s"


_NAMED = 3
"""How many layers are named before the others are counted."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """What is known of a network in int8: what its scales were measured on, and what that cost.

    `top1` is the share of the samples for which it gives float32's answer, None where it is no classifier; `noise` the
    root of the mean square of the difference, over that of the outputs; `kept` the layers that stay in float32;
    `speedup` how many times as fast as float32 it is by the same engine on this machine, 0 where that is unknown.
    """

    source: str
    samples: int
    top1: float | None
    noise: float
    kept: tuple[str, ...] = ()
    speedup: float = 0.0

    def __str__(self) -> str:
        same = "" if self.top1 is None else f"gives float32's answer for {self.top1:.1%} of the samples, "
        more = f" and {len(self.kept) - _NAMED} more layers" if len(self.kept) > _NAMED else ""
        kept = f"; in float32: {', '.join(self.kept[:_NAMED])}{more}" if self.kept else ""
        fast = f", {self.speedup:.1f}x as fast as float32 by the same engine" if self.speedup else ""
        return f"int8, scales of {self.source}: {same}differs by {self.noise:.1%} of the outputs{fast}{kept}"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Everything that is known of an artifact without running it."""

    network: str
    setting: Setting
    outputs: tuple[str, ...]
    provenance: Provenance
    engine: str
    versions: Mapping[str, str]
    """Of what the code was built with and needs: the engine's."""
    resnetdsl: str
    machine: Machine
    agreement: Agreement
    checkpoint: Mapping[str, Shape]
    """The weights of the network as its module has them."""
    recipes: Mapping[str, Recipe]
    """The weights that the code takes, as expressions over the checkpoint's."""
    trials: tuple[Trial, ...] = ()
    """How the engines fared, where the fastest was looked for."""
    quantised: Quantised | None = None
    """Of int8: then the weights are in the code, and there are no recipes."""

    @property
    def input(self) -> InputSpec:
        return self.setting.input

    @property
    def device(self) -> str:
        return self.setting.device

    @property
    def precision(self) -> Precision:
        return self.setting.precision

    def with_weights(self, origin: str) -> Metadata:
        """The metadata where other weights take the place of those that it was compiled with.

        What was measured with those says nothing of these; what was measured with made-up weights holds for the code.
        """
        before = self.agreement
        kept = tuple(each for each in before.measurements if each.weights != OWN_WEIGHTS) or before.measurements
        notes = tuple(dict.fromkeys((*before.notes, _SWAPPED)))
        return replace(
            self,
            agreement=replace(before, measurements=kept, notes=notes),
            provenance=replace(self.provenance, weights=origin),
        )

    @property
    def sha256(self) -> str:
        """Of the spec and its imports: equal texts, equal hash."""
        digest = hashlib.sha256()
        for name, text in self.provenance.files:
            digest.update(f"{name}\0{len(text)}\0{text}".encode())
        return digest.hexdigest()

    def to_json(self) -> str:
        document = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "network": self.network,
            "input": [asdict(dim) for dim in self.input.dims],
            "outputs": self.outputs,
            "device": self.device,
            "precision": self.precision.value,
            "sha256": self.sha256,
            "files": [{"name": name, "text": text} for name, text in self.provenance.files],
            "parameters": dict(self.provenance.parameters),
            "weights": self.provenance.weights,
            "mode": self.setting.mode.value,
            "layout": None if self.setting.layout is None else self.setting.layout.value,
            "engine": self.engine,
            "versions": dict(self.versions),
            "resnetdsl": self.resnetdsl,
            "machine": asdict(self.machine),
            "agreement": asdict(self.agreement),
            "trials": [asdict(trial) for trial in self.trials],
            "quantised": None if self.quantised is None else asdict(self.quantised),
            "checkpoint": {name: [leaf.dtype, *leaf.shape] for name, leaf in self.checkpoint.items()},
            "recipes": {name: to_json(recipe) for name, recipe in self.recipes.items()},
        }
        return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"

    @staticmethod
    def from_json(text: str) -> Metadata:
        """Read it back. Anything missing or of another type than it should be is an `ArtifactError`."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _broken(f"its metadata is no JSON: {error}") from error
        root = _Reader(found)
        if root.text("format") != FORMAT:
            raise _broken("its metadata is of another program")
        if root.integer("version") != FORMAT_VERSION:
            raise ArtifactError(
                Problem.BAD_ARTIFACT,
                f"the artifact has format {root.integer('version')}, this resnetdsl {VERSION} reads {FORMAT_VERSION}",
                f"use resnetdsl {root.text('resnetdsl')}, which made it, or compile it again",
            )
        agreement, machine = root.table("agreement"), root.table("machine")
        metadata = Metadata(
            network=root.text("network"),
            setting=_setting(root),
            outputs=root.texts("outputs"),
            provenance=Provenance(
                tuple((file.text("name"), file.text("text")) for file in root.tables("files")),
                root.table("parameters").found,
                root.text("weights"),
            ),
            engine=root.text("engine"),
            versions={key: _typed(value, str, "versions") for key, value in root.table("versions").found.items()},
            resnetdsl=root.text("resnetdsl"),
            machine=Machine(
                machine.text("system"), machine.text("machine"), machine.texts("flags"), machine.text("gpu")
            ),
            agreement=Agreement(
                tuple(
                    Measurement(m.integers("shape"), m.text("weights"), m.number("absolute"), m.number("relative"))
                    for m in agreement.tables("measurements")
                ),
                agreement.number("tolerance"),
                agreement.texts("notes"),
            ),
            checkpoint={name: _leaf(value) for name, value in root.table("checkpoint").found.items()},
            recipes=_recipes(root.table("recipes").found),
            trials=tuple(
                Trial(
                    trial.text("engine"),
                    trial.integers("shape"),
                    trial.number("seconds"),
                    trial.text("failed"),
                    trial.number("opens"),
                )
                for trial in root.tables("trials")
            ),
            quantised=_quantised(root),
        )
        if any(not 0 < dim.low <= dim.high or dim.step < 1 for dim in metadata.input.dims):
            raise _broken("its metadata has an impossible input")
        if metadata.sha256 != root.text("sha256"):
            raise _broken("the spec inside it is not the one that it was compiled from")
        return metadata


def _setting(root: _Reader) -> Setting:
    dims = tuple(
        Dimension(dim.text("name"), dim.integer("low"), dim.integer("high"), dim.integer("step"))
        for dim in root.tables("input")
    )
    try:
        return Setting(
            root.text("device"),
            Precision(root.text("precision")),
            Mode(root.text("mode")),
            None if root.found.get("layout") is None else Layout(root.text("layout")),
            InputSpec(dims),
        )
    except ValueError as error:
        raise _broken(f"{error}") from error


def _quantised(root: _Reader) -> Quantised | None:
    if root.found.get("quantised") is None:
        return None
    found = root.table("quantised")
    top1 = None if found.found.get("top1") is None else found.number("top1")
    return Quantised(
        found.text("source"),
        found.integer("samples"),
        top1,
        found.number("noise"),
        found.texts("kept"),
        found.number("speedup"),
    )


def _leaf(found: object) -> Shape:
    match found:
        case [str(dtype), *shape]:
            return Shape(tuple(_typed(size, int, "checkpoint") for size in shape), dtype)
        case _:
            raise _broken("its metadata has no proper `checkpoint`")


def _recipes(found: Mapping[str, object]) -> dict[str, Recipe]:
    try:
        return {name: from_json(recipe) for name, recipe in found.items()}
    except (ValueError, RecursionError) as error:
        raise _broken(f"its metadata has {error}") from error


class _Reader:
    """A JSON object whose values are asked for with their types."""

    def __init__(self, found: object) -> None:
        if not isinstance(found, dict):
            raise _broken("its metadata is no table")
        self.found: Mapping[str, object] = found

    def text(self, key: str) -> str:
        return _typed(self.found.get(key), str, key)

    def integer(self, key: str) -> int:
        return _typed(self.found.get(key), int, key)

    def number(self, key: str) -> float:
        value = self.found.get(key)
        return float(value) if type(value) is int else _typed(value, float, key)

    def table(self, key: str) -> _Reader:
        return _Reader(self.found.get(key))

    def tables(self, key: str) -> list[_Reader]:
        return [_Reader(item) for item in _typed(self.found.get(key), list, key)]

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(_typed(item, str, key) for item in _typed(self.found.get(key), list, key))

    def integers(self, key: str) -> tuple[int, ...]:
        return tuple(_typed(item, int, key) for item in _typed(self.found.get(key), list, key))


def _typed(value: object, type: type[T], key: str) -> T:
    if not isinstance(value, type) or (type is int and isinstance(value, bool)):
        raise _broken(f"its metadata has no proper `{key}`")
    return value


def _broken(why: str) -> ArtifactError:
    return ArtifactError(
        Problem.BAD_ARTIFACT,
        f"this is no artifact that can be used: {why}",
        "compile it again with `resnetdsl compile`",
    )


def _cpu_flags() -> tuple[str, ...]:
    """The instruction sets of this processor as Linux names them; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return tuple(sorted(flag for flag in value.split() if flag.startswith(_ISA)))
    return ()
