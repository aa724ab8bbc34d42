"""From a graph to what is drawn of it: which nodes share a box, which copies are folded, what is a shortcut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from resnetdsl.analysis.costs import Cost, costs
from resnetdsl.emit.diagram.about import Facts
from resnetdsl.emit.diagram.captions import caption, input_shape, kernels, line, scaling, word, work
from resnetdsl.emit.diagram.folding import BLOCKS_MOST, continues, fold, weights_of
from resnetdsl.emit.diagram.model import About, Box, BoxKind, Cluster, Mark, Skip, Tone, View, WireKind
from resnetdsl.emit.diagram.opening import Opening, opening
from resnetdsl.emit.diagram.residuals import PASSES, Residual, residuals, split_residual
from resnetdsl.emit.diagram.wires import Wiring
from resnetdsl.emit.outline import Level, Part, Run, contents, holds_blocks, outline
from resnetdsl.emit.words import first_sentence
from resnetdsl.ir.graph import CheckedGraph, Graph, Node, ScopeKind, Source

_FUSED_MOST = 4
_BLOCKS = (ScopeKind.BLOCK, ScopeKind.SHORTCUT)


def view(
    graph: CheckedGraph,
    level: Level = Level.STAGE,
    opened: Iterable[str] = (),
    folded: bool = True,
    marks: Mapping[int, Mark] | None = None,
) -> View:
    """What to draw of a graph at a level.

    `opened` are keys of parts (`layer2`, `layer2.0`, `stem`) to be opened beyond that, with all around them; raises
    UnknownPart. Without `folded` every copy of a repeat is drawn, and opened as the first is. `marks` are those of
    nodes, for one side of a diff.
    """
    root = outline(graph)
    maker = _Maker(graph, opening(graph, root, level, opened, marks or {}), folded)
    maker.inside(root, None, in_block=False)
    maker.results()
    kept = (maker.boxes, maker.home, maker.copied, maker.residuals, maker.around, maker.explicit)
    wires = Wiring(graph, *kept, ports=level is Level.OP).wires()
    return View(
        line(graph.name),
        first_sentence(graph.doc),
        level,
        tuple(maker.boxes),
        tuple(maker.clusters),
        tuple(wires),
        marks is not None,
        folded,
    )


@dataclass(slots=True)
class _Maker:
    """Gives each node a box, or makes it part of a wire by giving it none."""

    graph: Graph
    opening: Opening
    folded: bool
    boxes: list[Box] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    home: dict[int, int] = field(default_factory=dict)
    copied: set[int] = field(default_factory=set)
    """Nodes of the second and later copies, which are drawn as the first."""
    around: dict[int, list[Source]] = field(default_factory=dict)
    """For the addition of a block that is drawn as one box: what the block reads, where its shortcut is drawn from."""
    explicit: set[int] = field(default_factory=set)
    """Additions whose shortcut's ops have boxes."""
    fused: dict[int, list[Node]] = field(default_factory=dict)
    keys: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    """The long blocks of which one was drawn open."""
    costs: dict[int, Cost] = field(init=False)
    facts: Facts = field(init=False)
    residuals: dict[int, Residual] = field(init=False)
    shortcuts: dict[int, Residual] = field(init=False)
    tapped: set[int] = field(init=False)
    weights: dict[int, list[Node]] = field(init=False)
    """The free weights that are drawn as a part of the node that reads them."""
    unboxed: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.costs = costs(self.graph)
        self.facts = Facts(self.graph, self.costs)
        self.residuals = residuals(self.graph)
        self.shortcuts = {node: residual for residual in self.residuals.values() for node in residual.nodes}
        self.tapped = {output.source.node for output in self.graph.outputs}
        self.weights = {} if self.level is Level.OP else weights_of(self.graph)
        self.unboxed = {weight.id for those in self.weights.values() for weight in those}
        if self.level is Level.OP:
            # Shortcuts that compute something; one that passes its tensor on is an arc and no box.
            self.explicit = {merge for merge, residual in self.residuals.items() if residual.label}

    @property
    def level(self) -> Level:
        return self.opening.level

    # --- parts ---

    def inside(self, part: Part, cluster: int | None, in_block: bool) -> None:
        seen: set[str] = set()
        for run in self.runs(part.items):
            if isinstance(run, Node):
                self.node(run, cluster)
                continue
            self.part(run, cluster, in_block, not self.folded or run.first.scope.name not in seen)
            seen.add(run.first.scope.name)
            for copy in run.parts[1:]:
                for node, twin in zip(copy.nodes, run.first.nodes, strict=True):
                    self.copied.add(node.id)
                    if twin.id in self.home:
                        self.home[node.id] = self.home[twin.id]

    def runs(self, items: Sequence[Part | Node]) -> list[Run | Node]:
        """Items with equal ones folded; a copy that was asked for, or holds what was, stands for itself."""
        if not self.folded:
            return [item if isinstance(item, Node) else Run((item,)) for item in items]
        found: list[Run | Node] = []
        for run in fold(self.graph, items, self.opening.marks):
            if isinstance(run, Node) or not any(map(self.opening.touches, run.parts)):
                found.append(run)
                continue
            alone = True
            for part in run.parts:
                before = found[-1] if found else None
                if not alone and isinstance(before, Run) and not self.opening.touches(part):
                    found[-1] = Run((*before.parts, part))
                else:
                    found.append(Run((part,)))
                    alone = self.opening.touches(part)
        return found

    def part(self, run: Run, cluster: int | None, in_block: bool, first: bool) -> None:
        part, scope = run.first, run.first.scope
        nodes = [node.id for node in part.nodes]
        asked = self.opening.touches(part)
        hidden = all(node in self.shortcuts and self.shortcuts[node].merge not in self.explicit for node in nodes)
        if hidden and not asked:
            return
        if self.opening.of(part, in_block, first) and (asked or not self.is_long(part)):
            if hidden:
                self.explicit.update(self.shortcuts[node].merge for node in nodes)
            self.clusters.append(
                Cluster(
                    len(self.clusters),
                    self.opening.keys[scope.id],
                    cluster,
                    scope.kind.value,
                    line(scope.name),
                    run.count,
                    self.facts.part(run),
                    self.mark(part.nodes),
                )
            )
            is_block = scope.kind in _BLOCKS and not holds_blocks(part)
            self.inside(part, len(self.clusters) - 1, in_block or is_block)
        elif (self.level is Level.NETWORK and cluster is None) or not self.as_residual(run, cluster):
            self.closed(run, part.nodes, cluster, self.skips(part))

    def is_long(self, part: Part) -> bool:
        """Whether a block has many unequal blocks in it, as a dense block has: one of a kind is enough to see."""
        if part.scope.kind is not ScopeKind.BLOCK or self.level is Level.OP or self.opening.marks or not self.folded:
            return False
        many = sum(isinstance(run, Run) for run in self.runs(part.items)) > BLOCKS_MOST
        again = self.level is Level.STAGE or part.scope.name in self.seen
        self.seen |= {part.scope.name} if many else set()
        return many and again

    def closed(self, run: Run, nodes: Sequence[Node], cluster: int | None, skips: tuple[Skip, ...] = ()) -> None:
        """A part as one box."""
        part, scope = run.first, run.first.scope
        inner = [item for item in part.items if isinstance(item, Part)]
        inside = (
            contents(part.items)
            if scope.kind not in _BLOCKS
            else kernels(self.graph, nodes, self.costs) or contents(inner)
        )
        weighted = any(self.costs[node.id].weighted for node in nodes)
        learned = any(self.costs[node.id].params for node in nodes)
        tone = Tone.WEIGHTED if weighted else Tone.LEARNED if learned else Tone.PLAIN
        details = [inside, work(part.nodes, self.costs)]
        title = ", ".join(filter(None, (scope.name, scaling(self.graph, part.nodes))))
        key, about = self.opening.keys[scope.id], self.facts.part(run)
        made = self.box(
            BoxKind.PART,
            tone,
            title,
            details,
            cluster,
            about,
            key,
            run.count,
            opens=True,
            skips=skips,
            mark=self.mark(nodes),
        )
        self.home.update((node.id, made) for node in nodes)

    def skips(self, part: Part) -> tuple[Skip, ...]:
        """The shortcuts in a part, by kind and name, in the order in which they first come."""
        inside = {node.id for node in part.nodes}
        found = Counter(residual.label for merge, residual in self.residuals.items() if merge in inside)
        kinds = {label: WireKind.PROJECTION if label else WireKind.IDENTITY for label in found}
        return tuple(Skip(kinds[label], line(label), count) for label, count in found.items())

    def as_residual(self, run: Run, cluster: int | None) -> bool:
        """A block with one residual as its branch and its addition, so that the shortcut shows; else False."""
        split = split_residual(self.graph, run.first.nodes, self.residuals, self.costs)
        if split is None:
            return False
        self.closed(run, split.branch, cluster)
        merge = self.merge([self.graph.node(id) for id in sorted(split.after)], cluster)
        self.home.update((node, merge) for node in split.after)
        self.around[split.residual.merge] = list(split.reads)
        return True

    # --- boxes ---

    def box(
        self,
        kind: BoxKind,
        tone: Tone,
        title: str,
        details: Iterable[str],
        cluster: int | None,
        about: About,
        key: str,
        copies: int = 1,
        *,
        opens: bool = False,
        skips: tuple[Skip, ...] = (),
        mark: Mark | None = None,
    ) -> int:
        self.keys[key] += 1
        unique = key if self.keys[key] == 1 else f"{key}~{self.keys[key]}"
        shown = tuple(line(text) for text in details if text)
        made = Box(len(self.boxes), unique, kind, tone, line(title), shown, copies, cluster, about, opens, skips, mark)
        self.boxes.append(made)
        return made.id

    def mark(self, nodes: Iterable[Node]) -> Mark | None:
        """That of all nodes; changed, if some have one and others have another or none."""
        found = {self.opening.marks.get(node.id) for node in nodes} if self.opening.marks else {None}
        return found.pop() if len(found) == 1 else Mark.CHANGED

    def merge(self, nodes: list[Node], cluster: int | None) -> int:
        """The addition of a residual, and what is drawn with it."""
        more = [" · ".join(map(word, nodes[1:]))]
        about = self.facts.layer(nodes)
        made = self.box(BoxKind.MERGE, Tone.JOINING, "+", more, cluster, about, nodes[0].path, mark=self.mark(nodes))
        self.fused[made] = nodes
        return made

    def node(self, node: Node, cluster: int | None) -> None:
        weights = self.weights.get(node.id, [])
        about = replace(self.facts.layer([*weights, node]), path=node.path, copies=(node.path,), span=node.span)
        inside = self.shortcuts.get(node.id)
        hidden = inside is not None and inside.merge not in self.explicit
        if hidden or node.id in self.unboxed or (node.op == PASSES and self.level is not Level.OP):
            return
        if not self.graph.inputs(node.id) and node.op == "input":
            details = [input_shape(self.graph, node.outputs[0])]
            kind, mark = BoxKind.INPUT, self.mark([node])
            self.home[node.id] = self.box(kind, Tone.PLAIN, node.op, details, cluster, about, node.path, mark=mark)
        elif node.id in self.residuals:
            self.home[node.id] = self.merge([node], cluster)
        elif self.level is Level.OP or not self.fuse(node, cluster):
            mark = self.mark([node])
            title = line(caption(node, weights))
            made = self.box(BoxKind.LAYER, self.tone(node), title, [], cluster, about, node.path, mark=mark)
            self.home[node.id] = made
            self.fused[made] = [node]
        if node.id in self.home:
            self.home.update((weight.id, self.home[node.id]) for weight in weights)

    def fuse(self, node: Node, cluster: int | None) -> bool:
        """Draw a norm, an activation or the like in the box of the layer before it, if nothing else reads that."""
        before = continues(self.graph, node, self.costs, self.tapped, self.unboxed)
        at = None if before is None else self.home.get(before.id)
        if at is None:
            return False
        box, nodes = self.boxes[at], self.fused.get(at, [])
        if not nodes or box.cluster != cluster or len(nodes) > _FUSED_MOST:
            return False
        nodes += [*self.weights.get(node.id, []), node]
        shown = (each for each in nodes[1:] if each.id not in self.unboxed)
        names = " · ".join(word(each, self.weights.get(each.id, ())) for each in shown)
        self.boxes[at] = replace(box, details=(line(names),), about=self.facts.layer(nodes), mark=self.mark(nodes))
        self.home[node.id] = at
        return True

    def tone(self, node: Node) -> Tone:
        weights = self.weights.get(node.id, [])
        inputs = self.graph.input_types(node.id)
        if self.costs[node.id].weighted:
            return Tone.WEIGHTED
        if weights or self.costs[node.id].params:
            return Tone.LEARNED
        if len(inputs) > 1:
            return Tone.JOINING
        return Tone.PLAIN if inputs == node.outputs else Tone.RESIZING

    def results(self) -> None:
        """A box for each result, which the wires lead to; they stand outside of all clusters."""
        for output in self.graph.outputs:
            title = output.name if output.name == "output" else f"tap {output.name}"
            about = self.facts.result(output.name, output.source)
            self.box(BoxKind.RESULT, Tone.PLAIN, title, about.outputs, None, about, title)
