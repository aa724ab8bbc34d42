"""The whole file: header, imports, helpers, classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from resnetdsl.emit.pytorch import helpers, weights
from resnetdsl.emit.pytorch.bodies import Bodies, Unit
from resnetdsl.emit.pytorch.classes import Class, classify
from resnetdsl.emit.pytorch.cuts import HELPER, cuts
from resnetdsl.emit.pytorch.leaves import Leaf, leaf
from resnetdsl.emit.pytorch.naming import class_names
from resnetdsl.emit.pytorch.parts import Printer
from resnetdsl.emit.pytorch.text import class_name as camel
from resnetdsl.emit.pytorch.text import docstring
from resnetdsl.emit.pytorch.writer import Writer
from resnetdsl.ir.graph import CheckedGraph, Graph
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Op
from resnetdsl.ops.registry import OPS
from resnetdsl.version import VERSION

_IMPORTS = {
    "math": "import math",
    "OrderedDict": "from collections import OrderedDict",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "nn": "from torch import nn",
    "Tensor": "from torch import Tensor",
}
# Docstrings may speak of torch without the code using it. Parsing the code would take as long as all else together.
_STRINGS = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
_NAMES = re.compile(rf"(?<![\w.])(?:{'|'.join(_IMPORTS)})\b")
# A full stop that ends a sentence: not those of "et al." and "e.g.", and none in parentheses.
_SENTENCE = re.compile(r"(?<=[^.]{2}[.!?])(?<!al\.)(?<!cf\.)\s+(?=[A-Z`])(?![^()]*\))")
_CLAUSE = re.compile(r"; `[^.]*(?=\.$)")


@dataclass(frozen=True, slots=True)
class Header:
    """Where a network comes from: the spec's name and the SHA-256 of its text."""

    spec: str = ""
    sha256: str = ""
    version: str = VERSION


def class_name(graph: Graph) -> str:
    """The name of the network's class in its emitted source."""
    return camel(graph.name, "Network")


class NothingToCheckpointError(ValueError):
    """A network without blocks has no place to cut."""


def emit(
    graph: CheckedGraph,
    *,
    header: Header | None = None,
    ops: Mapping[str, Op] = OPS,
    checkpoint_blocks: bool = False,
) -> str:
    """A network as PyTorch source that needs torch alone; the same graph always gives the same text.

    The network's class is called `class_name(graph)`. Its `forward` returns the result, or where the spec has
    taps a dictionary of all of them, with the result last, as `output`.

    `checkpoint_blocks` trades time for memory while training (Chen et al., 2016, arXiv:1604.06174): of each block
    only the inputs are kept, and the backward pass computes the rest again. Names, gradients and running statistics
    are those of the source without. NothingToCheckpointError if the network has no blocks.
    """
    leaves, rules = weights.gather([leaf(graph, node, ops[node.op]) for node in graph.nodes()])
    # The result after the taps: what a reader of the dictionary looks for.
    results = sorted(graph.outputs, key=lambda output: output.name == "output")
    bodies = Bodies.of(graph, leaves, [output.source for output in results])
    classes = classify(bodies.units)
    if checkpoint_blocks:
        _checkpoint(graph, classes)
    used = sorted(
        {each.helper for each in leaves if each.helper is not None} | ({HELPER} if checkpoint_blocks else set())
    )
    taken = {name for helper in used for name in helpers.definitions(helper)}
    names = class_names(classes, class_name(graph), taken)
    loop = weights.loop(rules, helpers.bases(used))
    outputs = [output.name for output in results] if len(results) > 1 else []
    printer = Printer(names)
    sections = [helpers.body(helper) for helper in used]
    for cls in classes:
        root = cls is classes[-1]
        doc = _network_doc(graph) if root else _doc(cls.model)
        writer = Writer(cls, printer, outputs if root else (), loop if root else ())
        sections.append("\n".join(writer.lines(doc)))
    code = "\n\n\n".join(sections) + "\n"
    return (
        "\n".join([*docstring(_head(graph, header or Header(), leaves)), "", *_imports(code, used)]) + f"\n\n\n{code}"
    )


def _checkpoint(graph: Graph, classes: list[Class]) -> None:
    """Mark the classes of the blocks."""
    places = cuts(graph)
    for cls in classes[:-1]:
        cls.recomputed = any(unit.path in places for unit in cls.units)
    if not any(cls.recomputed for cls in classes):
        raise NothingToCheckpointError(f"`{graph.name}` has no blocks")


def _imports(code: str, used: list[str]) -> list[str]:
    """Import statements for the names that the code reads, sorted as isort does."""
    read = set(_NAMES.findall(_STRINGS.sub("", code)))
    wanted = {line for name, line in _IMPORTS.items() if name in read} | {
        line for line in helpers.imports(used) if line not in _IMPORTS.values()
    }
    froms: dict[str, list[str]] = {}
    plain = []
    for line in wanted:
        if line.startswith("from "):
            module, _, name = line.removeprefix("from ").partition(" import ")
            froms.setdefault(module, []).append(name)
        else:
            plain.append(line)
    groups: list[list[str]] = [[], [], []]
    for line in sorted(plain):
        groups[2 if line.split()[1].startswith("torch") else 1].append(line)
    for module in sorted(froms):
        line = f"from {module} import {', '.join(sorted(froms[module]))}"
        groups[0 if module == "__future__" else 2 if module.startswith("torch") else 1].append(line)
    lines: list[str] = []
    for group in groups:
        lines += ["", *group] if lines and group else group
    return lines


def _head(graph: Graph, header: Header, leaves: list[Leaf]) -> str:
    source = f", from {header.spec}" if header.spec else ""
    text = f"SHA-256 of the spec: {header.sha256}\n" if header.sha256 else ""
    return (
        f"{graph.name}{source}: {_parameters(graph, leaves):,} parameters.\n\n"
        f"Generated by resnetdsl {header.version}: change the spec rather than this file. Needs torch alone.\n"
        f"{text}"
    )


def _parameters(graph: Graph, leaves: list[Leaf]) -> int:
    counts: dict[str, int] = {}
    for node, each in zip(graph.nodes(), leaves, strict=True):
        for weight in each.weights:
            if weight.trainable:
                counts[f"{node.path}.{weight.name}"] = TensorType(weight.shape, "").numel
    return sum(counts.values())


def _network_doc(graph: Graph) -> str:
    given = next(node.outputs[0] for node in graph.nodes() if node.op == "input")
    ranges = {at: f"{span[0]}..{span[1]}" for at, span in enumerate(graph.input_ranges) if span is not None}
    lines = [f"Input: {_shape(given, ranges)}."]
    at_size = f" of {_shape(given)}" if ranges else ""
    for output in graph.outputs:
        name = "" if len(graph.outputs) == 1 else f" `{output.name}`"
        lines.append(f"Output{name}{at_size}: {_shape(graph.type(output.source))}.")
    if graph.doc:
        return "\n".join([graph.doc, "", *lines])
    return (" " if len(lines) < 3 else "\n").join(lines)


def _shape(kind: TensorType, ranges: Mapping[int, str] | None = None) -> str:
    dims = [(ranges or {}).get(at, str(size)) for at, size in enumerate(kind.shape)]
    return f"({', '.join(['N', *dims])})"


def _doc(unit: Unit) -> str:
    """What the spec says of the block, without what it says of parameters, which the class has not."""
    first, *more = _SENTENCE.split(unit.named.doc.split("\n\n")[0])
    first = _CLAUSE.sub("", first)
    return " ".join(() if first.startswith("`") else (first, *(each for each in more if "`" not in each)))
