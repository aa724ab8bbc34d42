"""What the viewer folds and unfolds: the outline of a network with its repeats, layers and shortcuts as items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from resnetdsl.analysis.costs import Cost
from resnetdsl.emit.diagram.captions import caption, input_shape, kernels, line, word
from resnetdsl.emit.diagram.folding import BLOCKS_MOST, continues, fold
from resnetdsl.emit.diagram.model import Tone
from resnetdsl.emit.diagram.residuals import PASSES, Residual, Split, residuals, split_residual
from resnetdsl.emit.outline import Level, Part, contents, holds_blocks, is_open, outline
from resnetdsl.ir.graph import Graph, Node, ScopeKind

_CELL_MOST = 5
_NEVER = len(Level)


class ItemKind(Enum):
    PART = "part"
    """A stage, a block, a group."""
    RUN = "run"
    """Equal parts in a row, each reading the one before; its items are the copies."""
    CELL = "cell"
    """A layer with the norm and activation that follow it."""
    SHORTCUT = "shortcut"
    """What a residual's shortcut computes; an identity has no item, it is a line."""
    MERGE = "merge"
    """The addition at the end of a residual."""
    INPUT = "input"
    OP = "op"


@dataclass(slots=True)
class Item:
    """`opens` is the first level (as its place in `Level`) at which the item is open, `nodes` are all it stands for.

    `split` is given for a part that has one residual and can be drawn closed as branch, shortcut and addition.
    """

    kind: ItemKind
    title: str
    nodes: list[int]
    detail: str = ""
    tone: Tone = Tone.PLAIN
    opens: int = _NEVER
    scope: int | None = None
    items: list[Item] = field(default_factory=list)
    split: Split | None = None


def tree(graph: Graph, costs: dict[int, Cost]) -> tuple[list[Item], dict[int, Residual]]:
    """The items at the top of a network, and its residuals by the node of their addition."""
    maker = _Maker(graph, costs)
    return maker.inside(outline(graph).items, in_block=False), maker.residuals


class _Maker:
    def __init__(self, graph: Graph, costs: dict[int, Cost]) -> None:
        self.graph = graph
        self.costs = costs
        self.residuals = residuals(graph)
        self.shortcuts = {node: residual for residual in self.residuals.values() for node in residual.nodes}
        self.tapped = {output.source.node for output in graph.outputs}

    def inside(self, items: Sequence[Part | Node], in_block: bool, around: Residual | None = None) -> list[Item]:
        """The items of a part; `around` is the residual whose shortcut the part belongs to."""
        found: list[Item] = []
        loose: dict[int, Item] = {}  # the ops of a shortcut that no part holds, by their residual's addition
        for run in fold(self.graph, items):
            residual = self._shortcut([run.id] if isinstance(run, Node) else [node.id for node in run.first.nodes])
            if residual is not None and residual is not around:
                made = self._within_shortcut(run if isinstance(run, Node) else run.parts, in_block, residual)
                nodes = [node for item in made for node in item.nodes]
                if not any(self.graph.node(node).op != PASSES for node in nodes):
                    continue  # an identity is a line
                if residual.merge not in loose:
                    title = line(residual.label)
                    loose[residual.merge] = Item(ItemKind.SHORTCUT, title, [], tone=Tone.WEIGHTED, opens=_OP)
                    found.append(loose[residual.merge])
                loose[residual.merge].items += made
                loose[residual.merge].nodes += nodes
            elif isinstance(run, Node):
                self.node(run, found)
            elif run.count == 1:
                found.append(self.part(run.first, in_block))
            else:
                found.append(self.run([self.part(part, in_block) for part in run.parts]))
        return found

    def _within_shortcut(self, run: Node | Sequence[Part], in_block: bool, around: Residual) -> list[Item]:
        """A shortcut's own part is not shown inside its item: the two would say the same twice."""
        if not isinstance(run, Node) and len(run) == 1:
            return self.inside(run[0].items, in_block, around)
        return self.inside([run] if isinstance(run, Node) else run, in_block, around)

    def _shortcut(self, nodes: list[int]) -> Residual | None:
        """The residual whose shortcut computes all of these."""
        found = {id(self.shortcuts.get(node)): self.shortcuts.get(node) for node in nodes}
        return next(iter(found.values())) if len(found) == 1 else None

    def part(self, part: Part, in_block: bool) -> Item:
        scope = part.scope
        is_block = scope.kind in (ScopeKind.BLOCK, ScopeKind.SHORTCUT)
        inner = [item for item in part.items if isinstance(item, Part)]
        names = contents(inner) if is_block else contents(part.items)
        items = self.inside(part.items, in_block or (is_block and not holds_blocks(part)))
        many = scope.kind is ScopeKind.BLOCK and sum(each.kind in _PARTS for each in items) > BLOCKS_MOST
        levels = (
            at for at, level in enumerate(Level) if is_open(part, level, in_block) and not (many and at <= _STAGE)
        )
        split = split_residual(self.graph, part.nodes, self.residuals, self.costs)
        branch = part.nodes if split is None else split.branch
        return Item(
            ItemKind.PART,
            line(scope.name),
            [node.id for node in part.nodes],
            line((kernels(self.graph, branch, self.costs) if is_block else "") or names),
            self._tone_of(part.nodes),
            next(levels, _OP),
            scope.id,
            items,
            split,
        )

    def run(self, copies: list[Item]) -> Item:
        first = copies[0]
        nodes = [node for copy in copies for node in copy.nodes]
        return Item(
            ItemKind.RUN, first.title, nodes, first.detail, first.tone, first.opens, first.scope, copies, first.split
        )

    def node(self, node: Node, found: list[Item]) -> None:
        """An item for an op, or a place in the one before it."""
        if not self.graph.inputs(node.id) and node.op == "input":
            shown = input_shape(self.graph, node.outputs[0])
            found.append(Item(ItemKind.INPUT, "input", [node.id], shown, scope=node.scope))
            return
        if node.id in self.residuals:
            found.append(Item(ItemKind.MERGE, "+", [node.id], tone=Tone.JOINING, scope=node.scope))
            return
        op = Item(ItemKind.OP, caption(node), [node.id], tone=self._tone(node), scope=node.scope)
        last = found[-1] if found else None
        before = continues(self.graph, node, self.costs, self.tapped)
        if (
            before is None
            or last is None
            or last.kind not in (ItemKind.OP, ItemKind.CELL)
            or last.nodes[-1] != before.id
            or len(last.nodes) >= _CELL_MOST
            or PASSES in (node.op, before.op)
        ):
            found.append(op)
            return
        if last.kind is ItemKind.OP:
            found[-1] = Item(ItemKind.CELL, last.title, last.nodes, "", last.tone, _OP, last.scope, [last])
        cell = found[-1]
        cell.items.append(op)
        cell.nodes = [*cell.nodes, node.id]
        cell.detail = line(" · ".join(word(self.graph.node(each)) for each in cell.nodes[1:]))

    def _tone(self, node: Node) -> Tone:
        inputs = self.graph.input_types(node.id)
        if self.costs[node.id].weighted:
            return Tone.WEIGHTED
        if self.costs[node.id].params:
            return Tone.LEARNED
        if len(inputs) > 1:
            return Tone.JOINING
        return Tone.PLAIN if inputs == node.outputs else Tone.RESIZING

    def _tone_of(self, nodes: Sequence[Node]) -> Tone:
        if any(self.costs[node.id].weighted for node in nodes):
            return Tone.WEIGHTED
        return Tone.LEARNED if any(self.costs[node.id].params for node in nodes) else Tone.PLAIN


_STAGE, _OP = (list(Level).index(level) for level in (Level.STAGE, Level.OP))
_PARTS = (ItemKind.PART, ItemKind.RUN)
