"""A lowered graph as a file of an artifact, for engines that run it as calls of a library."""

from __future__ import annotations

import json
from pathlib import Path

from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.files import cannot_write
from resnetdsl.ir.dump import document
from resnetdsl.ir.graph import Graph, ScopeKind
from resnetdsl.ir.load import DumpError, from_document

_FILE = "graph.json"


def write_graph(graph: Graph, folder: Path) -> None:
    try:
        (folder / _FILE).write_text(_text(graph), encoding="utf-8")
    except OSError as error:
        raise cannot_write(folder, error) from error


def read_graph(folder: Path) -> Graph:
    """The graph of an artifact's folder, or an `ArtifactError`."""
    try:
        return from_document(json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except (OSError, DumpError, ValueError, RecursionError) as error:
        raise ArtifactError(Problem.BAD_ARTIFACT, f"its graph cannot be read: {error}", "compile it again") from error


def _text(graph: Graph) -> str:
    """What runs of a graph, as JSON: its dump without scopes, documentation and places in the text."""
    bare = Graph(graph.name, input_ranges=graph.input_ranges, outputs=graph.outputs)
    scope = bare.add_scope(ScopeKind.NETWORK, graph.name, "").id
    for node in graph.nodes():
        bare.add(node.op, node.attrs, graph.inputs(node.id), node.outputs, node.path, scope)
    return json.dumps(document(bare), separators=(",", ":"), ensure_ascii=False)
