"""cuDNN as an engine: its files are the graph, and how each convolution is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from resnetdsl.compile.engines.base import Built, Job, Layouts, Runner, Setting, Weights
from resnetdsl.compile.engines.cuda_graphs import CudaGraphs
from resnetdsl.compile.engines.cudnn.layers import Way
from resnetdsl.compile.engines.cudnn.measure import fastest_ways, summary
from resnetdsl.compile.engines.cudnn.plan import CudnnPlan, Network, Ways
from resnetdsl.compile.engines.graph_file import read_graph, write_graph
from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.files import cannot_write
from resnetdsl.compile.options import Layout, Mode, Precision

_WAYS = "ways.json"


class Cudnn:
    name = "cudnn"
    quick = True
    portable = True
    unpaid: Mapping[str, str] = {}

    def lacking(self, device: str, precision: Precision) -> str | None:
        if device != "cuda":
            return f"it serves CUDA, not the {device.upper()}; use `--backend auto`"
        if precision is Precision.INT8:
            return "it has no int8; use bfloat16 or float16"
        if not torch.backends.cudnn.is_available():  # type: ignore[no-untyped-call]
            return f"this PyTorch, {torch.__version__}, is built without cuDNN; use `--backend inductor`"
        return None

    def layouts(self, device: str) -> Layouts:
        return Layouts((Layout.CHANNELS_LAST, Layout.CONTIGUOUS), "which tensor cores read as it is")

    def versions(self) -> Mapping[str, str]:
        return {"torch": torch.__version__}

    def build(self, job: Job, folder: Path) -> Built:
        write_graph(job.lowered.graph, folder)
        job.progress("measuring kernels")
        ways = fastest_ways(Network.of(job.lowered.graph), job.weights, job.setting)
        try:
            text = json.dumps({str(node): way.value for node, way in ways.items()})
            (folder / _WAYS).write_text(text, encoding="utf-8")
        except OSError as error:
            raise cannot_write(folder, error) from error
        return Built(notes=(summary(ways),) if ways else ())

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Runner:
        plan = CudnnPlan(read_graph(folder), weights, setting, _read(folder / _WAYS))
        if setting.device == "cuda" and setting.mode is Mode.LATENCY:
            return CudaGraphs(plan, channels_last=setting.layout is Layout.CHANNELS_LAST)
        return plan


def _read(file: Path) -> Ways:
    try:
        return {int(node): Way(way) for node, way in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise ArtifactError(
            Problem.BAD_ARTIFACT, f"what it says of its kernels cannot be read: {error}", "compile it again"
        ) from error
