"""What there is to know of a box: where it comes from and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from resnetdsl.analysis.costs import Cost, Totals
from resnetdsl.analysis.memory import memory
from resnetdsl.analysis.receptive_field import Field, receptive_fields
from resnetdsl.emit.diagram.captions import shape
from resnetdsl.emit.diagram.model import About, Step
from resnetdsl.emit.outline import Run
from resnetdsl.emit.words import first_line
from resnetdsl.ir.graph import Graph, Node, Source
from resnetdsl.source import Span


@dataclass(slots=True)
class Facts:
    """Looks things up in a graph whose costs are known."""

    graph: Graph
    costs: dict[int, Cost]
    written: tuple[int, ...] = field(init=False)
    fields: dict[int, Field] = field(init=False)

    def __post_init__(self) -> None:
        self.written = memory(self.graph).written
        self.fields = receptive_fields(self.graph)

    def part(self, run: Run) -> About:
        """Of a part and its copies."""
        first, copies = run.first.scope, tuple(part.scope.path for part in run.parts)
        found = self._about(first.path, copies, first.id, first.call or first.definition, first.doc, run.first.nodes)
        return replace(found, field=str(self.fields[run.parts[-1].nodes[-1].id]))

    def layer(self, nodes: Sequence[Node]) -> About:
        """Of nodes that are drawn as one, in order; the first gives its name."""
        first = nodes[0]
        return self._about(first.path, (first.path,), first.scope, first.span, "", nodes)

    def result(self, name: str, source: Source) -> About:
        """Of an output or tap."""
        node = self.graph.node(source.node)
        kind = shape(self.graph.type(source))
        field = str(self.fields[node.id])
        return About(name, (name,), self._trail(node.scope), node.span, "", (kind,), (kind,), Totals(), 0, field)

    def _about(
        self, path: str, copies: tuple[str, ...], scope: int, span: Span | None, doc: str, nodes: Sequence[Node]
    ) -> About:
        ids = {node.id for node in nodes}
        sums = Totals()
        sources: dict[Source, None] = {}
        for node in nodes:
            sums = sums.plus(self.costs[node.id])
            sources |= dict.fromkeys(source for source in self.graph.inputs(node.id) if source.node not in ids)
        last = nodes[-1]
        return About(
            path,
            copies,
            self._trail(scope),
            span,
            first_line(doc),
            tuple(shape(self.graph.type(source)) for source in sources),
            tuple(map(shape, last.outputs)),
            sums,
            sum(self.written[node.id] for node in nodes),
            str(self.fields[last.id]),
        )

    def _trail(self, scope: int) -> tuple[Step, ...]:
        return (
            tuple(Step(step.kind, step.name, step.path, step.call, step.definition) for step in self.graph.trail(scope))
            if self.graph.scopes
            else ()
        )
