"""Metadata and packages as the tests need them, without compiling anything."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from resnetdsl.compile.artifact import MEMBER
from resnetdsl.compile.inputs import Dimension, InputSpec
from resnetdsl.compile.metadata import Agreement, Machine, Measurement, Metadata
from resnetdsl.compile.options import Precision, Provenance
from resnetdsl.compile.verify import flatten
from resnetdsl.version import VERSION

INPUT = InputSpec((Dimension("batch", 1, 8), Dimension("channels", 3, 3), *(Dimension(n, 32, 96, 32) for n in "hw")))


def metadata(**changes: object) -> Metadata:
    """Of an artifact of `Tiny` for this machine and this torch."""
    made = Metadata(
        network="tiny",
        input=INPUT,
        outputs=("output", "features"),
        device="cpu",
        precision=Precision.FLOAT32,
        provenance=Provenance((("tiny.rnet", "network tiny { … }\n"),), {"width": 16, "act": "relu"}, ""),
        torch=torch.__version__,
        resnetdsl=VERSION,
        machine=Machine.this("cpu"),
        agreement=Agreement((Measurement((1, 3, 32, 32), "own weights", 1e-6, 2e-7),), 1e-4, ("a note",)),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def package(path: Path, text: str | None = None, **more: bytes) -> Path:
    """A whole archive in the form of an artifact, with no code in it. `more` are further members below its root."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/archive_format", "pt2")
        archive.writestr(f"model/{MEMBER}", metadata().to_json() if text is None else text)
        for name, content in more.items():
            archive.writestr(f"model/{name}", content)
    return path


class Double:
    """Stands in for a loaded package: it runs a module and takes its weights from outside, as a package does."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.loaded: list[str] = []

    def boxed_run(self, inputs: list[Tensor], /) -> list[Tensor]:
        with torch.no_grad():
            return flatten(self.module(*inputs))

    def get_constant_fqns(self) -> list[str]:
        return [name for name, tensor in self.module.state_dict().items() if tensor.is_floating_point()]

    def load_constants(self, constants_map: dict[str, Tensor], use_inactive: bool, check_full_update: bool, /) -> None:
        self.loaded = sorted(constants_map)
        self.module.load_state_dict(constants_map, strict=False)
