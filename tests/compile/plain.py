"""An engine without a compiler: it runs the lowered graph as it is. For what is to be tested beside any engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from resnetdsl.compile.engines import registry
from resnetdsl.compile.engines.base import Built, Job, Layouts, Setting, Weights
from resnetdsl.compile.lower.lowered import Lowered
from resnetdsl.compile.options import Layout, Precision
from resnetdsl.compile.program import Program


class Plain:
    """Its one file is a number, by which it finds the graph again in this process."""

    name = "plain"
    quick = True
    portable = True
    unpaid: Mapping[str, str] = {}

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.graphs: list[Lowered] = []
        self.release = "1.0"
        self._lock = threading.Lock()

    def lacking(self, device: str, precision: Precision) -> str | None:
        return None

    def layouts(self, device: str) -> Layouts:
        return Layouts((Layout.CHANNELS_LAST, Layout.CONTIGUOUS), "neither of which matters to it")

    def versions(self) -> Mapping[str, str]:
        return {"plain": self.release}

    def build(self, job: Job, folder: Path) -> Built:
        time.sleep(self.seconds)
        with self._lock:
            self.graphs.append(job.lowered)
            number = len(self.graphs) - 1
        (folder / "sub").mkdir()
        (folder / "sub" / "graph").write_text(str(number), encoding="ascii")
        return Built(notes=("built plainly",))

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Running:
        return Running(self.graphs[int((folder / "sub" / "graph").read_text(encoding="ascii"))], weights)


class Running:
    def __init__(self, lowered: Lowered, weights: Weights) -> None:
        self.lowered = lowered
        self.swap(weights)

    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            found: list[Tensor] = self.program(*inputs)
        return found

    def swap(self, weights: Weights) -> None:
        self.program = Program(self.lowered, weights)


def use(patch: pytest.MonkeyPatch, engine: Plain) -> None:
    """Make it the one that is taken unasked."""
    patch.setattr(registry, "USUAL", (engine,))
    patch.setattr(registry, "ENGINES", {engine.name: engine})
