"""The name of what an engine builds: equal for two jobs if and only if the files may stand for one another.

In it: the lowered graph, its recipes and the graph that it came from, but not where in a text that stands; what it is
built for; this machine; the versions of this program and of what the engine leans on; and the surroundings that
compilers read. Not in it: the values of the weights.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch

import resnetdsl
from resnetdsl.compile.engines.base import Engine, Setting
from resnetdsl.compile.lower.lowered import Lowered
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.recipes import to_json
from resnetdsl.ir.graph import Graph

_READ_BY_COMPILERS = ("TORCHINDUCTOR_", "TORCH_", "TRITON_", "OMP_", "KMP_", "MKL_", "ONEDNN_", "DNNL_")
_ALSO = {"CXX", "CC", "CFLAGS", "CXXFLAGS", "LDFLAGS"}
_NEVER = {"TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "TORCH_HOME", "TORCH_LOGS"}


def key(graph: Graph, lowered: Lowered, setting: Setting, engine: Engine) -> str:
    """The name of the files that an engine builds. `graph` is what was lowered."""
    document = {
        "resnetdsl": _program(),
        "engine": engine.name,
        "versions": dict(engine.versions()),
        "checked": structure(graph),
        "lowered": structure(lowered.graph),
        "recipes": _recipes(lowered),
        "setting": repr(setting),
        "machine": repr(Machine.this(setting.device)),
        "gpu": _gpu() if setting.device == "cuda" else [],
        "threads": torch.get_num_threads(),
        "environment": _environment(os.environ),
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _gpu() -> list[object]:
    """What kernels are chosen for, and what they are chosen from."""
    return [torch.cuda.get_device_name(), torch.backends.cudnn.version()]  # type: ignore[no-untyped-call]


def structure(graph: Graph) -> object:
    """All of a graph that code may depend on, as plain data: everything but texts and places in them."""
    return {
        "nodes": [
            [
                node.op,
                node.path,
                node.scope,
                repr(sorted(node.attrs.items())),
                [[source.node, source.output] for source in graph.inputs(node.id)],
                [[list(type.shape), type.axes, str(type.stride), type.batched] for type in node.outputs],
            ]
            for node in graph.nodes()
        ],
        "scopes": [[scope.parent, scope.kind.value, scope.name, scope.path, scope.index] for scope in graph.scopes],
        "outputs": [[output.name, output.source.node, output.source.output] for output in graph.outputs],
        "ranges": [list(each) if each else None for each in graph.input_ranges],
    }


@cache
def _program() -> str:
    """This program's own text: a version under development changes without its number."""
    digest = hashlib.sha256()
    root = Path(resnetdsl.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _recipes(lowered: Lowered) -> object:
    return {name: to_json(recipe) for name, recipe in lowered.recipes.items()}


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in variables.items()
        if (name.startswith(_READ_BY_COMPILERS) or name in _ALSO) and name not in _NEVER
    }
