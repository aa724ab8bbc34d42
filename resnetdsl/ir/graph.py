"""The network as a graph: ops as nodes, tensors as edges. The only importer of networkx.

A `MultiDiGraph` keyed by the operand's port: in a plain `DiGraph` both operands of `add(x, x)`
would fall on one edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, NewType

from resnetdsl.ir.types import TensorType
from resnetdsl.source import Span

if TYPE_CHECKING:
    from networkx import MultiDiGraph

Value = int | float | bool | str | None | tuple["Value", ...]
"""What an attribute of an op may be: plain data, so that it dumps, compares and prints."""


class ScopeKind(Enum):
    NETWORK = "network"
    STEM = "stem"
    STAGE = "stage"
    HEAD = "head"
    BLOCK = "block"
    SHORTCUT = "shortcut"
    RESIDUAL = "residual"
    GROUP = "group"
    """A labelled layer that is no definition: `downsample: (conv -> norm)`, or a copy of `n * (a -> b)`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One expansion: a stage, a call of a block, one copy of a repeat. Scopes form a tree.

    `path` is the module path that names inside it start with ("" for the network; a stem, a head
    and a residual have their parent's). `name` is the definition's name (`bottleneck`) or, for a stage
    or group, its label. `call` is the text that asked for it, `definition` the name where it is defined.
    `index` and `count` tell which copy of a repeat it is.
    """

    id: int
    parent: int | None
    kind: ScopeKind
    name: str
    path: str
    call: Span | None = None
    definition: Span | None = None
    index: int | None = None
    count: int | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an operand comes from: a node and which of its outputs."""

    node: int
    output: int = 0


@dataclass(slots=True)
class Node:
    """One op. `inputs` are its operands in the order of its ports, as the edges to it say.

    `path` is its module path: the prefix of its weights' names in the checkpoint. Nodes that share weights have one
    path. An op without weights has a path too, unique unless shared, that serves as its name in tables and diagrams.
    `scope` is where it was made.
    """

    id: int
    op: str
    attrs: Mapping[str, Value]
    inputs: tuple[Source, ...]
    path: str
    scope: int
    outputs: tuple[TensorType, ...]
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """A result of the network: its last tensor (`output`) or a tap."""

    name: str
    source: Source


def _empty() -> MultiDiGraph:
    """A graph to be filled. Only now is networkx imported, which takes longer than an artifact that needs none."""
    from networkx import MultiDiGraph

    return MultiDiGraph()


@dataclass(slots=True)
class Graph:
    """A network. Nodes are numbered in the order of their making, which is a topological order.

    `nx` holds `Node` objects under the key `node`; an edge `u -> v` with key `port` has `output`
    (which of u's outputs) and `type` (its TensorType).
    `order` has, for a module path, the names in it whose weights come first in the checkpoint, in that order; all
    others follow in the order of their first use.
    `input_ranges` has, for each input dimension, None or (low, high, step), both ends included.
    """

    name: str
    doc: str = ""
    nx: MultiDiGraph = field(default_factory=_empty)
    scopes: list[Scope] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    order: dict[str, tuple[str, ...]] = field(default_factory=dict)
    input_ranges: tuple[tuple[int, int, int] | None, ...] = (None, None, None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {len(self)} ops>"

    # --- making ---

    def add_scope(self, kind: ScopeKind, name: str, path: str, parent: int | None = None, **more: object) -> Scope:
        scope = Scope(len(self.scopes), parent, kind, name, path, **more)  # type: ignore[arg-type]
        self.scopes.append(scope)
        return scope

    def add(
        self,
        op: str,
        attrs: Mapping[str, Value],
        inputs: tuple[Source, ...],
        outputs: tuple[TensorType, ...],
        path: str,
        scope: int,
        span: Span | None = None,
    ) -> Node:
        """Append a node and an edge for each operand."""
        node = Node(len(self), op, attrs, inputs, path, scope, outputs, span)
        self.nx.add_node(node.id, node=node)
        for port, source in enumerate(inputs):
            self.nx.add_edge(source.node, node.id, key=port, output=source.output, type=self.type(source))
        return node

    def put_in_order(self, path: str, label: str) -> None:
        """Let what the label names follow, in the checkpoint, all that was put in order before."""
        for name in label.split("."):
            known = self.order.get(path, ())
            if name not in known:
                self.order[path] = (*known, name)
            path = f"{path}.{name}" if path else name

    def keep(self, ids: set[int]) -> None:
        """Drop all other nodes, which none of these may need, and the scopes that are empty then; numbers close up."""
        nodes = [node for node in self.nodes() if node.id in ids]
        used = {scope.id for node in nodes for scope in self.trail(node.scope)}
        place = {old: new for new, old in enumerate(scope.id for scope in self.scopes if scope.id in used)}
        self.scopes = [
            replace(scope, id=place[scope.id], parent=None if scope.parent is None else place[scope.parent])
            for scope in self.scopes
            if scope.id in used
        ]
        number = {node.id: new for new, node in enumerate(nodes)}
        self.nx = _empty()
        for node in nodes:
            operands = tuple(Source(number[source.node], source.output) for source in node.inputs)
            self.add(node.op, node.attrs, operands, node.outputs, node.path, place[node.scope], node.span)
        self.outputs = [
            Output(each.name, Source(number[each.source.node], each.source.output)) for each in self.outputs
        ]

    # --- asking ---
    # The first four are the innermost loop of every pass. The views of networkx cost more than what they show, so its
    # dictionary of nodes is read instead.

    def __len__(self) -> int:
        return len(self.nx._node)

    def node(self, id: int) -> Node:
        return self.nx._node[id]["node"]  # type: ignore[no-any-return]

    def nodes(self) -> Iterator[Node]:
        """All nodes, operands before their users."""
        for data in self.nx._node.values():
            yield data["node"]

    def inputs(self, id: int) -> tuple[Source, ...]:
        """A node's operands in the order of its ports."""
        return self.node(id).inputs

    def input_types(self, id: int) -> tuple[TensorType, ...]:
        return tuple(map(self.type, self.inputs(id)))

    def type(self, source: Source) -> TensorType:
        return self.node(source.node).outputs[source.output]

    def users(self, id: int) -> list[int]:
        """The nodes that read a node's outputs, each once, in order."""
        return sorted(self.nx.successors(id))

    def trail(self, scope: int) -> list[Scope]:
        """The scopes from the network down to this one."""
        found: list[Scope] = []
        at: int | None = scope
        while at is not None:
            found.append(self.scopes[at])
            at = self.scopes[at].parent
        return found[::-1]

    def at(self, path: str) -> list[Node]:
        """The nodes at a module path or below it: `layer1.0`, `layer1.0.conv1`."""
        prefix = f"{path}."
        return [node for node in self.nodes() if node.path == path or node.path.startswith(prefix)]

    def cluster(self, scope: int) -> list[Node]:
        """The nodes made in a scope or in one below it."""
        inside = {scope}
        for other in self.scopes[scope + 1 :]:
            if other.parent in inside:
                inside.add(other.id)
        return [node for node in self.nodes() if node.scope in inside]


CheckedGraph = NewType("CheckedGraph", Graph)
"""A graph that `checks.check` has found free of errors. Nothing downstream takes any other."""
