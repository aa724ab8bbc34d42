"""One network: from its definition and arguments to its graph."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate import budget
from resnetdsl.elaborate.application import Applier
from resnetdsl.elaborate.backbones import prune, run_network
from resnetdsl.elaborate.blame import Blame
from resnetdsl.elaborate.builder import Builder
from resnetdsl.elaborate.expressions import Evaluator
from resnetdsl.elaborate.run import Context, Counter, Place, Promise, Run
from resnetdsl.elaborate.statements import Executor
from resnetdsl.elaborate.values import DefinedLayer, Value, contains_poison, tensors_in
from resnetdsl.ir.graph import Graph, Output, ScopeKind
from resnetdsl.source import Span
from resnetdsl.syntax import ast


@dataclass(frozen=True, slots=True)
class Elaborated:
    """A network's graph as far as it could be built, and what the spec promises of it."""

    graph: Graph
    promises: tuple[Promise, ...]
    run: Run
    complete: bool
    """Whether the graph reaches its output by what was written, and not by a guess after a mistake."""


def new_run(sink: Sink, graph: Graph) -> Run:
    run = Run(sink, graph)
    run.blame = Blame(graph)
    run.builder = Builder(run)
    run.applier = Applier(run)
    run.evaluator = Evaluator(run)
    run.executor = Executor(run)
    return run


def elaborate(
    name: str,
    layer: DefinedLayer,
    sink: Sink,
    *,
    doc: str = "",
    call: Span | None = None,
    expects: tuple[ast.Expect, ...] = (),
    input_shape: tuple[int, int, int] | None = None,
) -> Elaborated:
    """Build the graph of a network. Mistakes go to the sink; nothing is raised.

    `input_shape` (channels, height, width) takes the place of the spec's own.
    """
    syntax = layer.definition.syntax
    graph = Graph(name, doc)
    root = graph.add_scope(
        ScopeKind.NETWORK, name, "", call=call or syntax.name_span, definition=syntax.name_span, doc=doc
    )
    run = new_run(sink, graph)
    run.input_shape = input_shape
    place = Place(root.id, "", Counter())
    complete = False
    with suppress(budget.OverBudget), budget.roomy():
        result, names = run_network(run, layer, None, place, lambda at: run.applier.enter(layer, None, at))
        complete = _finish(run, result, names, syntax)
        if complete and run.partial:
            prune(run)
        top = Context(layer.definition.env, place)
        run.promises.extend(Promise(expectation, top) for expect in expects for expectation in expect.expectations)
    return Elaborated(graph, tuple(run.promises), run, complete)


def _finish(run: Run, result: Value, names: tuple[str, ...], syntax: ast.Definition) -> bool:
    """Record the network's result as its output, or its features under their names; False after a mistake."""
    if run.input_span is None:
        if not run.refused and all(fact.code != "E0221" for fact in run.sink.facts):
            run.report("E0221", syntax.name_span, name=run.graph.name, where="in its body")
        return False
    if contains_poison(result):
        return False
    results = tensors_in(result)
    if results is None:
        return False
    for number, tensor in enumerate(results):
        name = names[number] if names else "output" if len(results) == 1 else f"output{number}"
        if name in run.taps:
            run.report("E0403", run.taps[name], None, (("first", tensor.span),), name=name)
        elif run.builder.depends_on_input(tensor, tensor.span, Place(0, "", Counter())):
            run.graph.outputs.append(Output(name, tensor.source))
    return not any(tensor.doubtful for tensor in results)
