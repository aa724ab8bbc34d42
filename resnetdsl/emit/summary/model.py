"""The summary as data: a tree of lines, one a part or layer, and the totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from resnetdsl.analysis.costs import Cost, Totals, costs, depth
from resnetdsl.analysis.memory import Memory, memory
from resnetdsl.analysis.receptive_field import Field, network_field, receptive_fields
from resnetdsl.emit.outline import Level, Part, Run, contents, holds_blocks, is_open, outline, runs, signature
from resnetdsl.ir.graph import CheckedGraph, Graph, Node, ScopeKind
from resnetdsl.ir.types import TensorType

_BLOCKS = (ScopeKind.BLOCK, ScopeKind.SHORTCUT)


@dataclass(frozen=True, slots=True)
class Line:
    """A part or a layer. Its numbers are one copy's where `copies` of equal structure are folded into it.

    `name` is relative to the line around it (`0`, or `1..3` for copies), `path` the whole path of the first.
    `what` says what it is: an op, a block's name, or for a closed part the blocks inside.
    `outputs` and `field` are those of the last copy's last op, `bytes` what it writes at the summary's element size.
    """

    name: str
    path: str
    kind: str
    what: str
    copies: int
    outputs: tuple[TensorType, ...]
    field: Field
    sums: Totals
    bytes: int
    children: tuple[Line, ...] = ()

    def walk(self, level: int = 0, times: int = 1) -> Iterator[tuple[Line, int, int]]:
        """This line and those inside it, each with its level and how often its numbers count in the totals."""
        yield self, level, times * self.copies
        for child in self.children:
            yield from child.walk(level + 1, times * self.copies)


@dataclass(frozen=True, slots=True)
class Summary:
    """The table of a network and what is true of it as a whole."""

    network: str
    doc: str
    level: Level
    lines: tuple[Line, ...]
    totals: Totals
    depth: int
    memory: Memory
    peak_at: str
    field: Field
    outputs: tuple[tuple[str, TensorType], ...]
    element_bytes: int

    def __str__(self) -> str:
        from resnetdsl.emit.summary.render import as_text

        return as_text(self)

    def __repr__(self) -> str:
        return f"<Summary of {self.network}: {self.totals.params:,} parameters, {self.totals.macs:,} MACs>"

    def walk(self) -> Iterator[tuple[Line, int, int]]:
        """All lines in the order of the table, with level and multiplicity."""
        for line in self.lines:
            yield from line.walk()


def summarise(graph: CheckedGraph, level: Level = Level.STAGE, element_bytes: int = 4, fold: bool = True) -> Summary:
    """The summary of a graph, opened as far as `level` says. `fold` joins equal neighbours into one line."""
    found = memory(graph, element_bytes)
    maker = _Maker(graph, level, found, fold)
    root = outline(graph)
    return Summary(
        graph.name,
        graph.doc,
        level,
        maker.lines(root, in_block=False),
        _sum(maker.costs, root.nodes),
        depth(graph, maker.costs),
        found,
        graph.node(found.peak_node).path if len(graph) else "",
        network_field(graph, maker.fields),
        tuple((output.name, graph.type(output.source)) for output in graph.outputs),
        element_bytes,
    )


class _Maker:
    """Makes lines, with what is known of each node at hand."""

    def __init__(self, graph: Graph, level: Level, found: Memory, fold: bool) -> None:
        self.graph = graph
        self.level = level
        self.written = found.written
        self.fold = fold
        self.costs: Mapping[int, Cost] = costs(graph)
        self.fields: Mapping[int, Field] = receptive_fields(graph)

    def lines(self, part: Part, in_block: bool) -> tuple[Line, ...]:
        items = runs(part.items, self.key if self.fold else None)
        return tuple(
            self.node(part, item) if isinstance(item, Node) else self.part(part, item, in_block) for item in items
        )

    def key(self, item: Part) -> object:
        """Equal for what may share a line: the structure, and the cost, which shared weights make unequal."""
        return signature(self.graph, item, taps=False), tuple(self.costs[node.id] for node in item.nodes)

    def part(self, around: Part, run: Run, in_block: bool) -> Line:
        first, last, copies = run.first, run.parts[-1], run.count
        opened = is_open(first, self.level, in_block)
        now_in_block = in_block or (first.scope.kind in _BLOCKS and not holds_blocks(first))
        end = last.nodes[-1]
        name = _relative(first.scope.path, around.scope.path) or first.scope.name
        if copies > 1:
            name = f"{name}..{last.scope.path.rpartition('.')[2]}"
        sums = _sum(self.costs, first.nodes)
        return Line(
            name,
            first.scope.path,
            first.scope.kind.value,
            _what(first, opened),
            copies,
            end.outputs,
            self.fields[end.id],
            sums,
            sum(self.written[node.id] for node in first.nodes),
            self.lines(last, now_in_block) if opened else (),
        )

    def node(self, around: Part, node: Node) -> Line:
        sums = Totals().plus(self.costs[node.id])
        name = _relative(node.path, around.scope.path) or node.op
        field, written = self.fields[node.id], self.written[node.id]
        return Line(name, node.path, "op", node.op, 1, node.outputs, field, sums, written)


def _what(part: Part, opened: bool) -> str:
    """A block's name; for what has only a label, the things inside it unless they are shown."""
    if part.scope.kind in _BLOCKS:
        passes = part.scope.kind is ScopeKind.SHORTCUT and all(node.op == "identity" for node in part.nodes)
        return "identity" if passes else part.scope.name
    return "" if opened else contents(part.items)


def _relative(path: str, around: str) -> str:
    if path == around:
        return ""
    return path.removeprefix(f"{around}.") if around else path


def _sum(found: Mapping[int, Cost], nodes: list[Node]) -> Totals:
    result = Totals()
    for node in nodes:
        result = result.plus(found[node.id])
    return result
