"""oneDNN as an engine: the graph is its one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from resnetdsl.compile.engines.base import Built, Job, Runner, Setting, Weights
from resnetdsl.compile.engines.onednn.plan import Plan, has_kernels
from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.files import cannot_write
from resnetdsl.compile.options import Precision
from resnetdsl.ir.dump import dump
from resnetdsl.ir.graph import Graph, ScopeKind
from resnetdsl.ir.load import DumpError, from_document
from resnetdsl.ir.plain_yaml import parse

_PLAN = "graph.json"


class OneDnn:
    name = "onednn"
    quick = True
    portable = True

    def lacking(self, device: str, precision: Precision) -> str | None:
        if device != "cpu":
            return f"it serves the CPU, not {device}; use `--backend inductor`"
        if precision is Precision.INT8:
            return "it has no int8; use `--backend auto`, openvino or onnxruntime"
        if not has_kernels(precision):
            return f"there are no kernels for {precision.value} on this processor; use float32, or `--backend inductor`"
        return None

    def versions(self) -> Mapping[str, str]:
        return {"torch": torch.__version__}

    def build(self, job: Job, folder: Path) -> Built:
        job.progress("planning")
        try:
            (folder / _PLAN).write_text(_text(job.lowered.graph), encoding="utf-8")
        except OSError as error:
            raise cannot_write(folder, error) from error
        return Built()

    def open(self, folder: Path, weights: Weights, setting: Setting) -> Runner:
        if (lack := self.lacking(setting.device, setting.precision)) is not None:
            raise ArtifactError(Problem.OTHER_MACHINE, f"it cannot run here: {lack}")
        try:
            graph = from_document(json.loads((folder / _PLAN).read_text(encoding="utf-8")))
        except (OSError, DumpError, ValueError, RecursionError) as error:
            raise ArtifactError(
                Problem.BAD_ARTIFACT, f"its graph cannot be read: {error}", "compile it again"
            ) from error
        return Plan(graph, weights, setting)


def _text(graph: Graph) -> str:
    """What runs of a graph, as JSON: its dump without scopes, documentation and places in the text."""
    bare = Graph(graph.name, input_ranges=graph.input_ranges, outputs=graph.outputs)
    scope = bare.add_scope(ScopeKind.NETWORK, graph.name, "").id
    for node in graph.nodes():
        bare.add(node.op, node.attrs, graph.inputs(node.id), node.outputs, node.path, scope)
    return json.dumps(parse(dump(bare)), separators=(",", ":"), ensure_ascii=False)
