"""From a graph to what is drawn of it: which nodes share a box, which copies are folded, what is a shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from resnetdsl.analysis.costs import Cost, costs
from resnetdsl.emit.diagram.captions import caption, input_shape, kernels, line, shape, work
from resnetdsl.emit.diagram.folding import continues, fold
from resnetdsl.emit.diagram.model import Box, BoxKind, Cluster, Tone, View, Wire, WireKind
from resnetdsl.emit.diagram.residuals import PASSES, Residual, residuals, split_residual
from resnetdsl.emit.outline import Level, Part, contents, holds_blocks, is_open, outline
from resnetdsl.emit.words import first_line, printable
from resnetdsl.ir.graph import CheckedGraph, Graph, Node, ScopeKind, Source

_FUSED_MOST = 4
_LONG_NOTE = 300


def view(graph: CheckedGraph, level: Level = Level.STAGE) -> View:
    """What to draw of a graph at a level."""
    maker = _Maker(graph, level)
    maker.inside(outline(graph), None, in_block=False)
    maker.results()
    return View(
        line(graph.name),
        first_line(graph.doc),
        level,
        tuple(maker.boxes),
        tuple(maker.clusters),
        tuple(maker.wires()),
    )


@dataclass(slots=True)
class _Maker:
    """Gives each node a box, or makes it part of a wire (`passing`); then draws the edges between boxes."""

    graph: Graph
    level: Level
    boxes: list[Box] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    home: dict[int, int] = field(default_factory=dict)
    passing: set[int] = field(default_factory=set)
    copied: set[int] = field(default_factory=set)
    """Nodes of the second and later copies, which are drawn as the first."""
    around: dict[int, list[Source]] = field(default_factory=dict)
    """For the addition of a block that is drawn as one box: what the block reads, where its shortcut is drawn from."""
    fused: dict[int, list[str]] = field(default_factory=dict)
    costs: dict[int, Cost] = field(init=False)
    residuals: dict[int, Residual] = field(init=False)
    shortcuts: dict[int, Residual] = field(init=False)
    tapped: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.costs = costs(self.graph)
        self.residuals = residuals(self.graph)
        self.shortcuts = {node: residual for residual in self.residuals.values() for node in residual.nodes}
        self.tapped = {output.source.node for output in self.graph.outputs}

    # --- boxes ---

    def box(
        self,
        kind: BoxKind,
        tone: Tone,
        title: str,
        details: list[str],
        cluster: int | None,
        copies: int = 1,
        note: str = "",
    ) -> int:
        shown = tuple(line(text) for text in details if text)
        self.boxes.append(Box(len(self.boxes), kind, tone, line(title), shown, copies, cluster, note[:_LONG_NOTE]))
        return len(self.boxes) - 1

    def inside(self, part: Part, cluster: int | None, in_block: bool) -> None:
        for run in fold(self.graph, part.items):
            if isinstance(run, Node):
                self.node(run, cluster)
                continue
            self.part(run.first, run.count, cluster, in_block)
            for copy in run.parts[1:]:
                for node, twin in zip(copy.nodes, run.first.nodes, strict=True):
                    self.copied.add(node.id)
                    if twin.id in self.home:
                        self.home[node.id] = self.home[twin.id]
                    else:
                        self.passing.add(node.id)

    def part(self, part: Part, copies: int, cluster: int | None, in_block: bool) -> None:
        scope = part.scope
        nodes = [node.id for node in part.nodes]
        if self.level is not Level.OP and all(node in self.shortcuts for node in nodes):
            self.passing.update(nodes)
        elif is_open(part, self.level, in_block):
            self.clusters.append(Cluster(len(self.clusters), cluster, scope.kind.value, line(scope.name), copies))
            is_block = scope.kind in (ScopeKind.BLOCK, ScopeKind.SHORTCUT) and not holds_blocks(part)
            self.inside(part, len(self.clusters) - 1, in_block or is_block)
        elif self.level is Level.NETWORK or not self.as_residual(part, copies, cluster):
            self.closed(part, part.nodes, copies, cluster)

    def closed(self, part: Part, nodes: Sequence[Node], copies: int, cluster: int | None) -> None:
        """A part as one box."""
        named = part.scope.kind in (ScopeKind.BLOCK, ScopeKind.SHORTCUT)
        inner = [item for item in part.items if isinstance(item, Part)]
        inside = contents(part.items) if not named else kernels(nodes, self.costs) or contents(inner)
        weighted = any(self.costs[node.id].weighted for node in nodes)
        learned = any(self.costs[node.id].params for node in nodes)
        tone = Tone.WEIGHTED if weighted else Tone.LEARNED if learned else Tone.PLAIN
        details = [inside, work(part.nodes, self.costs)]
        note = "\n".join(filter(None, (printable(part.scope.path), first_line(part.scope.doc))))
        made = self.box(BoxKind.PART, tone, part.scope.name, details, cluster, copies=copies, note=note)
        self.home.update((node.id, made) for node in nodes)

    def as_residual(self, part: Part, copies: int, cluster: int | None) -> bool:
        """A block with one residual as its branch and its addition, so that the shortcut shows; else False."""
        split = split_residual(self.graph, part.nodes, self.residuals, self.costs)
        if split is None:
            return False
        residual, branch, after = split.residual, split.branch, split.after
        self.closed(part, branch, copies, cluster)
        self.passing.update(residual.nodes)
        merge = self.merge(self.graph.node(residual.merge), cluster)
        self.home.update((node, merge) for node in after)
        self.around[residual.merge] = list(split.reads)
        return True

    def merge(self, node: Node, cluster: int | None) -> int:
        return self.box(BoxKind.MERGE, Tone.JOINING, "+", [], cluster, note=printable(node.path))

    def node(self, node: Node, cluster: int | None) -> None:
        if self.level is not Level.OP and (node.id in self.shortcuts or node.op == PASSES):
            self.passing.add(node.id)
        elif not self.graph.inputs(node.id) and node.op == "input":
            details = [input_shape(self.graph, node.outputs[0])]
            self.home[node.id] = self.box(BoxKind.INPUT, Tone.PLAIN, node.op, details, cluster)
        elif node.id in self.residuals:
            self.home[node.id] = self.merge(node, cluster)
        elif self.level is Level.OP or not self.fuse(node, cluster):
            note = "\n".join(filter(None, (printable(node.path), work([node], self.costs))))
            self.home[node.id] = self.box(BoxKind.LAYER, self.tone(node), caption(node), [], cluster, note=note)

    def fuse(self, node: Node, cluster: int | None) -> bool:
        """Draw a norm, an activation or the like in the box of the layer before it, if nothing else reads that."""
        before = continues(self.graph, node, self.costs, self.tapped)
        at = None if before is None else self.home.get(before.id)
        if at is None:
            return False
        box = self.boxes[at]
        names = self.fused.setdefault(at, [])
        if box.kind is not BoxKind.LAYER or box.cluster != cluster or len(names) >= _FUSED_MOST:
            return False
        names.append(node.op)
        self.boxes[at] = replace(box, details=(line(" · ".join(names)),))
        self.home[node.id] = at
        return True

    def tone(self, node: Node) -> Tone:
        inputs = self.graph.input_types(node.id)
        if self.costs[node.id].weighted:
            return Tone.WEIGHTED
        if self.costs[node.id].params:
            return Tone.LEARNED
        if len(inputs) > 1:
            return Tone.JOINING
        return Tone.PLAIN if inputs == node.outputs else Tone.RESIZING

    def results(self) -> None:
        """A box for each result, wired in `wires`; they stand outside of all clusters."""
        for output in self.graph.outputs:
            title = output.name if output.name == "output" else f"tap {output.name}"
            self.box(BoxKind.RESULT, Tone.PLAIN, title, [shape(self.graph.type(output.source))], None)

    # --- wires ---

    def wires(self) -> list[Wire]:
        found: dict[tuple[int, int, WireKind, str, int], Wire] = {}
        shaped: set[int] = set()
        received = self.received()

        def draw(source: Source, target: int, kind: WireKind, label: str, port: int = 0) -> None:
            for origin in self.origins(source):
                start = self.home[origin.node]
                key = (start, target, kind, label, port)
                if start == target or key in found:
                    continue
                changed = (
                    kind is WireKind.MAIN
                    and start not in shaped
                    and received.get(start) != shape(self.graph.type(origin))
                )
                if changed:
                    shaped.add(start)
                found[key] = Wire(start, target, kind, label, shape(self.graph.type(origin)) if changed else "")

        for node in self.graph.nodes():
            if node.id in self.copied or node.id not in self.home:
                continue
            target = self.home[node.id]
            residual = self.residuals.get(node.id)
            for port, source in enumerate(self.graph.inputs(node.id)):
                kind, label = self.style(node, port)
                if residual is not None and port == residual.port and node.id in self.around:
                    for outside in self.around[node.id]:
                        draw(outside, target, kind, label)
                else:
                    draw(source, target, kind, label, port if self.level is Level.OP else 0)
        first = len(self.boxes) - len(self.graph.outputs)
        for number, output in enumerate(self.graph.outputs):
            draw(output.source, first + number, WireKind.MAIN, "")
        return list(found.values())

    def style(self, node: Node, port: int) -> tuple[WireKind, str]:
        """How the wire into a port is drawn. Where a shortcut's ops have boxes, all wires on its way are dotted."""
        if self.level is not Level.OP and self.boxes[self.home[node.id]].kind is not BoxKind.MERGE:
            return WireKind.MAIN, ""
        residual = self.residuals.get(node.id)
        if residual is not None and port == residual.port:
            if self.level is Level.OP and residual.label:
                return WireKind.PROJECTION, ""
            return (WireKind.PROJECTION if residual.label else WireKind.IDENTITY), residual.label
        inside = self.shortcuts.get(node.id)
        if inside is not None:
            first = not any(source.node in inside.nodes for source in self.graph.inputs(node.id))
            return (WireKind.PROJECTION, inside.label if first else "") if inside.label else (WireKind.IDENTITY, "")
        return WireKind.MAIN, ""

    def origins(self, source: Source) -> list[Source]:
        """The tensors of boxes that a tensor is passed on from."""
        if source.node in self.home:
            return [source]
        found = [origin for before in self.graph.inputs(source.node) for origin in self.origins(before)]
        return list(dict.fromkeys(found))

    def received(self) -> dict[int, str]:
        """The shape of the first tensor that comes to each box from another; the input's own shape is in its box."""
        found: dict[int, str] = {}
        for node in self.graph.nodes():
            at = self.home.get(node.id)
            if at is None or at in found:
                continue
            if self.boxes[at].kind is BoxKind.INPUT:
                found[at] = shape(node.outputs[0])
                continue
            for source in self.graph.inputs(node.id):
                for origin in self.origins(source):
                    if self.home[origin.node] != at:
                        found.setdefault(at, shape(self.graph.type(origin)))
        return found
