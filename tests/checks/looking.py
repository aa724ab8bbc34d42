"""How the tests of this folder look at a spec: its findings as codes and lines, its graph as paths and types."""

from __future__ import annotations

from textwrap import dedent

from resnetdsl.api import load
from resnetdsl.diagnostics.model import Diagnostic
from resnetdsl.ir.graph import Graph
from resnetdsl.ops.registry import OPS
from resnetdsl.spec import Report


def report(text: str) -> Report:
    return load(dedent(text).strip() + "\n").check()


def found(text: str) -> list[tuple[str, int]]:
    """The code and line of every finding, in the order of the text."""
    return [(each.code.id, each.primary.span.line) for each in report(text).diagnostics]


def codes(text: str) -> list[str]:
    return [code for code, _ in found(text)]


def only(text: str, code: str) -> Diagnostic:
    """The one finding of a spec."""
    (each,) = report(text).diagnostics
    assert each.code.id == code, each
    return each


def graph(text: str, name: str | None = None) -> Graph:
    """The graph of a spec without errors, of its only network or the one named."""
    return load(dedent(text).strip() + "\n").graph(name)


def body(*lines: str, input: str = "16x16x16") -> str:
    """A network of these lines. Its input stands on line 2, so the first of them is line 3."""
    return "\n".join(["network tiny {", f"    input {input}", *lines, "}"])


def paths(text: str, name: str | None = None) -> list[str]:
    """The module paths of a network in the order of their making, without the input's."""
    return [node.path for node in graph(text, name).nodes() if node.op != "input"]


def weights(text: str, name: str | None = None) -> list[str]:
    """The names of a network's checkpoint, trainable ones only."""
    net = graph(text, name)
    return [
        f"{node.path}.{weight.name}" if weight.name else node.path
        for node in net.nodes()
        for weight in OPS[node.op].weights(node.attrs, net.input_types(node.id))
        if weight.trainable
    ]


def result(text: str, name: str | None = None) -> str:
    """The shape of a network's output."""
    net = graph(text, name)
    return str(next(net.type(output.source) for output in net.outputs if output.name == "output"))
