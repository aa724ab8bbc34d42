"""oneDNN as an engine: the graph is its one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from resnetdsl.compile.engines.base import Built, Job, Layouts, Runner, Setting, Weights
from resnetdsl.compile.engines.graph_file import read_graph, write_graph
from resnetdsl.compile.engines.onednn.plan import Plan, has_kernels
from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.options import Layout, Precision


class OneDnn:
    name = "onednn"
    quick = True
    portable = True
    unpaid: Mapping[str, str] = {}

    def lacking(self, device: str, precision: Precision) -> str | None:
        if device != "cpu":
            return f"it serves the CPU, not {device}; use `--backend cudnn` or `--backend inductor`"
        if precision is Precision.INT8:
            return "it has no int8; use `--backend auto`, openvino or onnxruntime"
        if not has_kernels(precision):
            return f"there are no kernels for {precision.value} on this processor; use float32, or `--backend inductor`"
        return None

    def layouts(self, device: str) -> Layouts:
        return Layouts((Layout.CHANNELS_LAST,), "in which a convolution of 1x1 is a product of the image as it lies")

    def versions(self) -> Mapping[str, str]:
        return {"torch": torch.__version__}

    def build(self, job: Job, folder: Path) -> Built:
        job.progress("planning")
        write_graph(job.lowered.graph, folder)
        return Built()

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Runner:
        if (lack := self.lacking(setting.device, setting.precision)) is not None:
            raise ArtifactError(Problem.OTHER_MACHINE, f"it cannot run here: {lack}")
        return Plan(read_graph(folder), weights, setting)
