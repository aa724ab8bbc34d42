"""How a pass changes a graph: a copy whose nodes can be replaced, added and left out, made into a graph at the end."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from resnetdsl.compile.lower.lowered import Lowered, Note, weights_of
from resnetdsl.compile.recipes import Recipe
from resnetdsl.ir.graph import Graph, Node, Output, Source, Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Types
from resnetdsl.ops.registry import OPS
from resnetdsl.source import Span


@dataclass(slots=True)
class Draft:
    """A node that may still change. `rank` orders it among nodes that do not wait for each other."""

    id: int
    rank: tuple[int, int]
    op: str
    attrs: Mapping[str, Value]
    inputs: tuple[Source, ...]
    outputs: Types
    path: str
    scope: int
    span: Span | None


@dataclass(slots=True)
class Rewriter:
    """A lowered graph under change. Ids stay valid until `finish`, which numbers the nodes that are left anew."""

    lowered: Lowered
    step: str
    recipes: dict[str, Recipe] = field(init=False)
    notes: list[Note] = field(init=False, default_factory=list)
    nodes: dict[int, Draft] = field(init=False, default_factory=dict)
    outputs: list[Output] = field(init=False)
    _next: int = field(init=False)
    _changed: bool = field(init=False, default=False)
    _readers: dict[int, set[int]] = field(init=False, default_factory=dict)
    _at: Counter[str] = field(init=False, default_factory=Counter)

    _first = 0
    """The network's input, which stays whether it is read or not."""

    def __post_init__(self) -> None:
        graph = self.lowered.graph
        self.recipes = dict(self.lowered.recipes)
        self.outputs = list(graph.outputs)
        self._next = len(graph)
        for node in graph.nodes():
            self._enter(self._draft(node))

    # --- asking ---

    def type(self, source: Source) -> TensorType:
        return self.nodes[source.node].outputs[source.output]

    def input_types(self, node: Draft) -> Types:
        return tuple(map(self.type, node.inputs))

    def readers(self, id: int) -> list[Draft]:
        """The nodes that read a node's outputs, in order."""
        return [self.nodes[each] for each in sorted(self._readers.get(id, ()))]

    def is_output(self, id: int) -> bool:
        """Whether a node's result leaves the network."""
        return any(output.source.node == id for output in self.outputs)

    def only_reader(self, id: int) -> Draft | None:
        """The one node that reads this one, where nothing else does and it is no output; it reads it once."""
        readers = self.readers(id)
        if len(readers) != 1 or self.is_output(id):
            return None
        return readers[0] if sum(source.node == id for source in readers[0].inputs) == 1 else None

    def leaf(self, node: Draft, weight: str) -> Recipe:
        """Where a weight of a node comes from."""
        return self.recipes[f"{node.path}.{weight}"]

    def shared(self, node: Draft) -> bool:
        """Whether another node uses the same weights."""
        return self._at[node.path] > 1

    # --- changing ---

    def add(
        self,
        op: str,
        attrs: Mapping[str, Value],
        inputs: tuple[Source, ...],
        like: Draft,
        path: str,
        weights: Mapping[str, Recipe] | None = None,
    ) -> Draft:
        """A new node beside `like`, with its scope and place in the text; its path is made unique."""
        kinds = tuple(map(self.type, inputs))
        outputs = like.outputs if op == "input" else OPS[op].infer(attrs, kinds).outputs
        if outputs is None:
            raise ValueError(f"a pass made `{op}` of {kinds}, which has no type")
        path = self._unique(path)
        self._changed = True
        id = self._next
        self._next += 1
        draft = Draft(id, (like.rank[0], id), op, attrs, inputs, outputs, path, like.scope, like.span)
        self._enter(draft)
        for name, recipe in (weights or {}).items():
            self.recipes[f"{path}.{name}".removesuffix(".")] = recipe
        return draft

    def succeed(
        self, node: Draft, attrs: Mapping[str, Value], weights: Mapping[str, Recipe], *, op: str | None = None
    ) -> Draft:
        """A node in another's place, with its operands and, where nobody shares its weights, its path.

        Until the other is replaced or swept out, both are there.
        """
        self._at[node.path] -= 1
        made = self.add(op or node.op, attrs, node.inputs, node, node.path, weights)
        self._at[node.path] += 1
        return made

    @staticmethod
    def source(node: Draft) -> Source:
        """A node's first output."""
        return Source(node.id)

    def rewire(self, node: Draft, inputs: tuple[Source, ...]) -> None:
        """Have a node read other operands."""
        self._changed = True
        for source in node.inputs:
            self._readers[source.node].discard(node.id)
        node.inputs = inputs
        for source in inputs:
            self._readers.setdefault(source.node, set()).add(node.id)

    def replace(self, node: Draft, *new: Source) -> None:
        """Whoever reads this node's outputs reads `new` from now on; the nodes of `new` excepted. The node goes."""
        instead = {Source(node.id, at): source for at, source in enumerate(new)}
        made = {source.node for source in new}
        for reader in self.readers(node.id):
            if reader.id not in made:
                self.rewire(reader, tuple(instead.get(source, source) for source in reader.inputs))
        self._changed = True
        self.outputs = [replace(out, source=instead.get(out.source, out.source)) for out in self.outputs]
        self.sweep(node)

    def sweep(self, node: Draft) -> None:
        """Take out a node that nobody reads, and what only it read."""
        waiting = [node.id]
        while waiting:
            id = waiting.pop()
            if id == self._first or id not in self.nodes or self._readers.get(id) or self.is_output(id):
                continue
            self._changed = True
            gone = self.nodes.pop(id)
            self._at[gone.path] -= 1
            for source in gone.inputs:
                self._readers[source.node].discard(id)
                waiting.append(source.node)

    def note(self, where: str, what: str, why: str = "") -> None:
        self.notes.append(Note(self.step, where, what, why))

    def finish(self) -> Lowered:
        """The graph of what the outputs need, operands first, and the recipes of its weights.

        The one that it was where nothing changed.
        """
        before, notes = self.lowered.graph, (*self.lowered.notes, *self.notes)
        drafts = self._in_order()
        if not self._changed and len(drafts) == len(before):
            return replace(self.lowered, notes=notes)
        graph = Graph(before.name, before.doc, scopes=list(before.scopes), input_ranges=before.input_ranges)
        number: dict[int, int] = {}
        for draft in drafts:
            inputs = tuple(Source(number[source.node], source.output) for source in draft.inputs)
            made = graph.add(draft.op, draft.attrs, inputs, draft.outputs, draft.path, draft.scope, draft.span)
            number[draft.id] = made.id
        graph.outputs = [replace(o, source=Source(number[o.source.node], o.source.output)) for o in self.outputs]
        recipes = {name: self.recipes[name] for name, _ in weights_of(graph)}
        return Lowered(graph, recipes, notes)

    # --- within ---

    @staticmethod
    def _draft(node: Node) -> Draft:
        rank = (node.id, 0)
        return Draft(node.id, rank, node.op, node.attrs, node.inputs, node.outputs, node.path, node.scope, node.span)

    def _enter(self, draft: Draft) -> None:
        self.nodes[draft.id] = draft
        self._at[draft.path] += 1
        for source in draft.inputs:
            self._readers.setdefault(source.node, set()).add(draft.id)

    def _unique(self, path: str) -> str:
        found, number = path, 1
        while self._at[found] or found in self.recipes:
            number += 1
            found = f"{path}_{number}"
        return found

    def _in_order(self) -> list[Draft]:
        """The input and what the outputs need, in topological order; among equals, that of the ranks."""
        needed: set[int] = {self._first}
        waiting = [output.source.node for output in self.outputs]
        while waiting:
            id = waiting.pop()
            if id not in needed:
                needed.add(id)
                waiting.extend(source.node for source in self.nodes[id].inputs)
        missing = {id: len({source.node for source in self.nodes[id].inputs}) for id in needed}
        ready = [(self.nodes[id].rank, id) for id, count in missing.items() if count == 0]
        heapq.heapify(ready)
        found: list[Draft] = []
        while ready:
            _, id = heapq.heappop(ready)
            found.append(self.nodes[id])
            for reader in self._readers.get(id, ()):
                if reader in missing:
                    missing[reader] -= 1
                    if missing[reader] == 0:
                        heapq.heappush(ready, (self.nodes[reader].rank, reader))
        return found
