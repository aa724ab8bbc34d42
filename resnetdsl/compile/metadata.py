"""What an artifact says of itself. How that is written and read: `metadata_json.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from resnetdsl.compile.engines.base import Setting
from resnetdsl.compile.inputs import InputSpec
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.options import Precision, Provenance
from resnetdsl.compile.recipes import Recipe

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
