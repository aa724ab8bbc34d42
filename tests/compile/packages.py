"""Metadata and artifacts as the tests need them, without compiling anything."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from resnetdsl.compile.container import METADATA, WEIGHTS
from resnetdsl.compile.engines.base import Setting
from resnetdsl.compile.inputs import Dimension, InputSpec
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.metadata import Agreement, Measurement, Metadata, Shape
from resnetdsl.compile.metadata_json import to_text
from resnetdsl.compile.options import Layout, Mode, Precision, Provenance
from resnetdsl.compile.verify import Reference, flatten
from resnetdsl.version import VERSION

INPUT = InputSpec((Dimension("batch", 1, 8), Dimension("channels", 3, 3), *(Dimension(n, 32, 96, 32) for n in "hw")))
OUTPUTS = ("output", "features")


def setting(**changes: object) -> Setting:
    made = Setting("cpu", Precision.FLOAT32, Mode.LATENCY, Layout.CONTIGUOUS, INPUT)
    return replace(made, **changes)  # type: ignore[arg-type]


def metadata(**changes: object) -> Metadata:
    """Of an artifact of `Tiny` for this machine and this torch."""
    made = Metadata(
        network="tiny",
        setting=setting(),
        outputs=OUTPUTS,
        provenance=Provenance((("tiny.rnet", "network tiny { … }\n"),), {"width": 16, "act": "relu"}, ""),
        engine="onednn",
        versions={"torch": torch.__version__},
        resnetdsl=VERSION,
        machine=Machine.this("cpu"),
        agreement=Agreement((Measurement((1, 3, 32, 32), "own weights", 1e-6, 2e-7),), 1e-4, ("a note",)),
        checkpoint={"fc.bias": Shape((5,), "float32")},
        recipes={},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def package(path: Path, text: str | None = None, weights: bytes | None = None, **more: bytes) -> Path:
    """A whole archive in the form of an artifact, with no code in it. `more` are further members."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(METADATA, to_text(metadata()) if text is None else text)
        archive.writestr(WEIGHTS, save({}) if weights is None else weights)
        for name, content in more.items():
            archive.writestr(name, content)
    return path


class Double:
    """Stands in for a runner: it runs a module and takes that module's weights from outside."""

    def __init__(self, module: nn.Module, outputs: tuple[str, ...] | None = None) -> None:
        self.module = module
        self.outputs = outputs
        self.loaded: list[str] = []

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        if self.outputs is not None:
            return Reference(self.module, self.outputs)(*inputs)
        with torch.no_grad():
            return flatten(self.module(*inputs))

    def swap(self, weights: Mapping[str, Tensor]) -> None:
        self.loaded = sorted(weights)
        self.module.load_state_dict(weights)
