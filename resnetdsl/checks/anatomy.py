"""What a residual network looks like as a graph: additions whose operands part and meet again. Shared by the lints.

All rests on dominators: a node dominates another if every way from the input leads through it. The nearest
node that dominates both operands of an addition is where the two parted, and the dominators of an operand between there
and the addition are what all of its branch goes through (its spine; the inside of a gate is not on it). Since every
way to a node leads through its dominators, the longest way between the two is a difference of two numbers.

One pass, in time that grows as the network does: what is walked is bounded by `REACH`, beyond which nobody speaks of a
block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from resnetdsl.elaborate.network import Elaborated
from resnetdsl.ir.graph import Graph, Node, ScopeKind
from resnetdsl.ops import activation, normalisation

REACH: Final = 64
"""How many nodes a branch's spine may have. Longer ones are skips over half a network."""

WEIGHTED: Final = frozenset({"conv", "std_conv", "scaled_std_conv", "conv_transpose", "linear"})
NORMS: Final = frozenset(op.name for op in normalisation.OPS)
ACTIVATIONS: Final = frozenset(op.name for op in activation.OPS if not isinstance(op, activation.Softmax))
QUIET: Final = frozenset({"identity", "dropout", "drop_path"})
"""What passes its operand on as it is, seen over many images."""


@dataclass(frozen=True, slots=True)
class Residual:
    """An addition of a branch and a shortcut that both start from `fork`. All are numbers of nodes."""

    add: int
    fork: int
    main: int
    shortcut: int


@dataclass(slots=True)
class Anatomy:
    """A network's graph with the answers that the lints ask of it. Lists are indexed by a node's number."""

    network: Elaborated
    nodes: list[Node] = field(init=False)
    operands: list[tuple[int, ...]] = field(init=False)
    """Where a node's data comes from. Free weights and what is computed from them alone are no data."""
    users: list[list[int]] = field(init=False)
    above: list[int] = field(init=False)
    """The nearest dominator; a node's own number for the input, -1 for what no data reaches."""
    longest: list[int] = field(init=False)
    """Weighted layers on the longest way from the input, the node itself included."""
    residuals: list[Residual] = field(init=False)
    _results: frozenset[int] = field(init=False)
    _depth: list[int] = field(init=False)
    _jump: list[int] = field(init=False)
    _blocks: list[int | None] = field(init=False)

    def __post_init__(self) -> None:
        graph = self.graph
        self.nodes = list(graph.nodes())
        size = len(self.nodes)
        self.operands, self.users = [()] * size, [[] for _ in range(size)]
        self.above, self._jump = [-1] * size, [-1] * size
        self.longest, self._depth = [0] * size, [0] * size
        for node in self.nodes:
            self._place(node)
        self._results = frozenset(output.source.node for output in graph.outputs)
        self._blocks = _blocks(graph)
        found = (self._residual(node) for node in self.nodes if node.op == "add")
        self.residuals = [residual for residual in found if residual is not None]

    @property
    def graph(self) -> Graph:
        return self.network.graph

    # --- asking ---

    def op(self, id: int) -> str:
        return self.nodes[id].op

    def block(self, id: int) -> int | None:
        """The innermost block that a node is in: the number of its scope."""
        return self._blocks[self.nodes[id].scope]

    def spine(self, bottom: int, top: int) -> Iterator[int]:
        """The nodes that every way from `top` to `bottom` goes through, upwards from `bottom`, without `top`."""
        for _ in range(REACH):
            if bottom == top:
                return
            yield bottom
            bottom = self.above[bottom]

    def weighted(self, id: int) -> bool:
        return self.op(id) in WEIGHTED

    def depthwise(self, id: int) -> bool:
        """Whether a convolution keeps its channels apart."""
        node = self.nodes[id]
        return node.attrs.get("groups", 1) != 1 and node.attrs["groups"] == node.outputs[0].shape[0]

    def only_user(self, id: int) -> int | None:
        """The one node that all of a node's result goes to, through nothing of account; None if it is an output too."""
        for _ in range(REACH):
            if len(self.users[id]) != 1 or id in self._results:
                return None
            id = self.users[id][0]
            if self.op(id) not in QUIET:
                return id
        return None

    def start_of_trunk(self, id: int) -> int:
        """Upwards past activations and what is quieter still: the addition, norm or layer that a residual reads."""
        for _ in range(REACH):
            if self.op(id) not in ACTIVATIONS and self.op(id) not in QUIET:
                break
            id = self.above[id]
        return id

    # --- building ---

    def _place(self, node: Node) -> None:
        """Enter a node below the nearest one that dominates all its operands."""
        id = node.id
        if node.op == "input":
            self.above[id] = self._jump[id] = id
            return
        data = tuple(dict.fromkeys(source.node for source in self.graph.inputs(id) if self.above[source.node] >= 0))
        if not data:
            return
        self.operands[id] = data
        above = data[0]
        for operand in data:
            self.users[operand].append(id)
            above = self._meet(above, operand)
        self.above[id] = above
        self._depth[id] = self._depth[above] + 1
        far = self._jump[above]
        even = self._depth[above] - self._depth[far] == self._depth[far] - self._depth[self._jump[far]]
        self._jump[id] = self._jump[far] if even else above
        self.longest[id] = max(self.longest[operand] for operand in data) + (node.op in WEIGHTED)

    def _meet(self, left: int, right: int) -> int:
        """The nearest node that dominates both, or is one of them. Jumps make it a matter of the depth's logarithm."""
        above, jump, depth = self.above, self._jump, self._depth
        if depth[left] < depth[right]:
            left, right = right, left
        while depth[left] > depth[right]:
            left = jump[left] if depth[jump[left]] >= depth[right] else above[left]
        while left != right:
            if jump[left] != jump[right]:
                left, right = jump[left], jump[right]
            else:
                left, right = above[left], above[right]
        return left

    def _residual(self, node: Node) -> Residual | None:
        """Whether an addition closes a residual: a branch with weights, and a shortcut with fewer, from one tensor."""
        sources = self.graph.inputs(node.id)
        if any(self.above[source.node] < 0 for source in sources):
            return None
        if self.graph.type(sources[0]) != self.graph.type(sources[1]):
            return None  # one is spread over the other: a context or a bias, and no signal of its own
        main, shortcut = sources[0].node, sources[1].node
        fork = self._meet(main, shortcut)
        if len(self.nodes[fork].outputs) != 1:
            return None
        scope = self.graph.scopes[node.scope]
        if scope.kind is not ScopeKind.RESIDUAL or scope.call != node.span or node.span is None:
            if self.longest[main] < self.longest[shortcut]:
                main, shortcut = shortcut, main
            carried = self.longest[shortcut] - self.longest[fork]
            if carried > 1 or self.longest[main] == self.longest[shortcut]:
                return None
        return Residual(node.id, fork, main, shortcut) if self.longest[main] > self.longest[fork] else None


Lint = Callable[[Anatomy], None]
"""A rule of the literature."""


def _blocks(graph: Graph) -> list[int | None]:
    """For each scope the innermost block around it. Scopes stand after the ones they are in."""
    found: list[int | None] = []
    for scope in graph.scopes:
        outside = None if scope.parent is None else found[scope.parent]
        found.append(scope.id if scope.kind is ScopeKind.BLOCK else outside)
    return found
