"""What an artifact says of itself as one JSON member of its archive, checked strictly when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TypeVar

from resnetdsl.compile.engines.base import Setting
from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.inputs import Dimension, InputSpec
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.metadata import Agreement, Measurement, Metadata, Quantised, Shape, Trial
from resnetdsl.compile.options import Device, Layout, Mode, Precision, Provenance
from resnetdsl.compile.recipes import Recipe, from_json, to_json
from resnetdsl.version import VERSION

FORMAT = "resnetdsl-artifact"
FORMAT_VERSION = 3

_LARGEST = 2**63 - 1
"""The largest size that a tensor can have."""

T = TypeVar("T")


def to_text(metadata: Metadata) -> str:
    """As JSON, which `from_text` reads."""
    document = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "network": metadata.network,
        "input": [asdict(dim) for dim in metadata.input.dims],
        "outputs": metadata.outputs,
        "device": metadata.device,
        "precision": metadata.precision.value,
        "sha256": metadata.sha256,
        "files": [{"name": name, "text": text} for name, text in metadata.provenance.files],
        "parameters": dict(metadata.provenance.parameters),
        "weights": metadata.provenance.weights,
        "mode": metadata.setting.mode.value,
        "layout": None if metadata.setting.layout is None else metadata.setting.layout.value,
        "engine": metadata.engine,
        "versions": dict(metadata.versions),
        "resnetdsl": metadata.resnetdsl,
        "machine": asdict(metadata.machine),
        "agreement": asdict(metadata.agreement),
        "trials": [asdict(trial) for trial in metadata.trials],
        "quantised": None if metadata.quantised is None else asdict(metadata.quantised),
        "checkpoint": {name: [leaf.dtype, *leaf.shape] for name, leaf in metadata.checkpoint.items()},
        "recipes": {name: to_json(recipe) for name, recipe in metadata.recipes.items()},
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


def from_text(text: str) -> Metadata:
    """Read it back. Anything missing or of another type than it should be is an `ArtifactError`."""
    try:
        found = json.loads(text)
        # Python takes numbers that are none, and half characters, which could not be written again.
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
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
        machine=Machine(machine.text("system"), machine.text("machine"), machine.texts("flags"), machine.text("gpu")),
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
    dims = metadata.input.dims
    if not dims or any(not 0 < dim.low <= dim.high <= _LARGEST or not 0 < dim.step <= _LARGEST for dim in dims):
        raise _broken("its metadata has an impossible input")
    if not metadata.outputs:
        raise _broken("its metadata has no outputs")
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
            Device(root.text("device")).value,
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
