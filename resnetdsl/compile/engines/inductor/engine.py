"""AOTInductor as an engine: what it serves, and what it needs for that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from resnetdsl.compile.cuda_toolchain import check_cuda
from resnetdsl.compile.engines.base import Built, Job, Layouts, Runner, Setting, Weights
from resnetdsl.compile.engines.inductor import aot
from resnetdsl.compile.errors import CompileError
from resnetdsl.compile.options import Layout, Precision
from resnetdsl.compile.toolchain import find_compiler


class Inductor:
    name = "inductor"
    quick = False
    portable = False
    unpaid: Mapping[str, str] = {}

    def lacking(self, device: str, precision: Precision) -> str | None:
        if precision is Precision.INT8:
            return "it has no int8; use `--backend auto`, openvino or onnxruntime"
        try:
            compiler = find_compiler()
            if device == "cuda":
                check_cuda(compiler, torch.version.cuda)
        except CompileError as error:
            return f"{error.message}; {error.help}"
        return None

    def layouts(self, device: str) -> Layouts:
        why = "which tensor cores read as it is" if device == "cuda" else "in which oneDNN's convolutions are fastest"
        return Layouts((Layout.CHANNELS_LAST, Layout.CONTIGUOUS), why)

    def versions(self) -> Mapping[str, str]:
        return {"torch": torch.__version__}

    def build(self, job: Job, folder: Path) -> Built:
        return aot.build(job, folder)

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Runner:
        return aot.open(folder, weights, setting)
