"""Where a graph's residuals end, and which operand of the addition is the shortcut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resnetdsl.analysis.costs import Cost
from resnetdsl.ir.graph import Graph, Node, ScopeKind, Source

ADDITION = "add"
PASSES = "identity"
LABELS = frozenset({"downsample", "shortcut"})
"""What torchvision and timm call a shortcut that computes something."""

SIZED = ("resize_to", "image_like")
"""Ops that take no more than the size of their second operand."""


@dataclass(frozen=True, slots=True)
class Residual:
    """An addition of a branch and a shortcut, which `nodes` compute; `label` is empty where it is the identity."""

    merge: int
    port: int
    nodes: frozenset[int]
    label: str


def residuals(graph: Graph) -> dict[int, Residual]:
    """The residuals of a graph by the node of their addition."""
    last_in: dict[int, int] = {}
    inside: dict[int, set[int]] = {scope.id: set() for scope in graph.scopes}
    for node in graph.nodes():
        last_in[node.scope] = node.id
        for scope in graph.trail(node.scope):
            inside[scope.id].add(node.id)
    found: dict[int, Residual] = {}
    for node in graph.nodes():
        sources = graph.inputs(node.id)
        if node.op != ADDITION or len(sources) != 2:
            continue
        residual = None
        if graph.scopes[node.scope].kind is ScopeKind.RESIDUAL and last_in[node.scope] == node.id:
            residual = _of_a_residual_scope(graph, node, sources, inside)
        residual = residual or _of_any_addition(graph, node, sources, inside)
        if residual is not None:
            found[node.id] = residual
    return found


@dataclass(frozen=True, slots=True)
class Split:
    """A block with one residual, taken apart: `branch` reads `reads` from outside, `after` is the addition and on."""

    residual: Residual
    branch: tuple[Node, ...]
    after: frozenset[int]
    reads: tuple[Source, ...]


def split_residual(
    graph: Graph, nodes: Sequence[Node], found: Mapping[int, Residual], costs: Mapping[int, Cost]
) -> Split | None:
    """The nodes of a closed block as branch and addition, so that its shortcut shows; None where that is no picture."""
    inside = {node.id for node in nodes}
    own = [found[node] for node in sorted(inside & found.keys())]
    if len(own) != 1:
        return None
    residual = own[0]
    after = {residual.merge}
    for node in nodes:
        if any(source.node in after for source in graph.inputs(node.id)):
            after.add(node.id)
    branch = tuple(node for node in nodes if node.id not in after and node.id not in residual.nodes)
    if not branch or any(costs[node].macs for node in after):
        return None
    outside = [source for node in branch for source in graph.inputs(node.id) if source.node not in inside]
    return Split(residual, branch, frozenset(after), tuple(dict.fromkeys(outside)))


def _of_a_residual_scope(
    graph: Graph, node: Node, sources: tuple[Source, ...], inside: dict[int, set[int]]
) -> Residual | None:
    """`residual(shortcut) { ... }` ends with the addition of the body and the shortcut, in this order."""
    body = _ancestors(graph, sources[0].node, inside[node.scope])
    if not body or sources[1].node in body:
        return None
    nodes = _ancestors(graph, sources[1].node, inside[node.scope]) - body
    if nodes:
        return Residual(node.id, 1, frozenset(nodes), _label(graph, nodes, node.scope))
    # The shortcut may have been computed before, in the block around: `let skip = ...`, `residual((_x) => skip)`.
    around = graph.scopes[node.scope].parent
    read = {source.node for at in body for source in graph.inputs(at) if source.node not in body}
    before = set() if around is None else inside[around] - inside[node.scope] - read
    nodes = _ancestors(graph, sources[1].node, before)
    return Residual(node.id, 1, frozenset(nodes), _label(graph, nodes, node.scope))


def _of_any_addition(
    graph: Graph, node: Node, sources: tuple[Source, ...], inside: dict[int, set[int]]
) -> Residual | None:
    """An operand that a shortcut made, or that passes by what computed the other one."""
    for port in (1, 0):
        shortcut, main = sources[port], sources[1 - port]
        scope = _shortcut_scope(graph, graph.node(shortcut.node).scope, node.scope)
        if scope is not None:
            nodes = _ancestors(graph, shortcut.node, inside[scope])
            return Residual(node.id, port, frozenset(nodes), _label(graph, nodes, node.scope))
        origin, passed = _origin(graph, shortcut)
        branch, _ = _origin(graph, main)
        if origin != branch and _leads_to(graph, origin, branch.node):
            return Residual(node.id, port, frozenset(passed), "")
    return None


def _origin(graph: Graph, tensor: Source) -> tuple[Source, set[int]]:
    """The tensor that identities pass on as this one, and those identities."""
    passed: set[int] = set()
    while graph.node(tensor.node).op == PASSES:
        passed.add(tensor.node)
        tensor = graph.inputs(tensor.node)[0]
    return tensor, passed


def _ancestors(graph: Graph, start: int, inside: set[int]) -> set[int]:
    """A node and those that it is computed from, as far as they are inside."""
    found: set[int] = set()
    open_ones = [start]
    while open_ones:
        at = open_ones.pop()
        if at in inside and at not in found:
            found.add(at)
            open_ones.extend(source.node for source in graph.inputs(at))
    return found


def _leads_to(graph: Graph, tensor: Source, node: int) -> bool:
    """Whether a node is computed from a tensor, by way of at least one op."""
    seen: set[int] = set()
    open_ones = [node]
    while open_ones:
        at = open_ones.pop()
        if at <= tensor.node or at in seen:
            continue
        seen.add(at)
        sources = graph.inputs(at)
        for source in sources[:1] if graph.node(at).op in SIZED else sources:
            if source == tensor:
                return True
            open_ones.append(source.node)
    return False


def _shortcut_scope(graph: Graph, scope: int, around: int) -> int | None:
    """The outermost shortcut around a scope and below another: defined as one, or labelled as one."""
    outside = {outer.id for outer in graph.trail(around)}
    for other in graph.trail(scope):
        labelled = other.path.rpartition(".")[2] in LABELS
        if other.id not in outside and (labelled or other.kind is ScopeKind.SHORTCUT):
            return other.id
    return None


def _label(graph: Graph, nodes: set[int], around: int) -> str:
    """The name of a shortcut: its definition's, else its label, else its only op; nothing if it is the identity."""
    working = [graph.node(node) for node in sorted(nodes) if graph.node(node).op != PASSES]
    if not working:
        return ""
    outer = {scope.id for scope in graph.trail(around)}
    inner = [scope for scope in graph.trail(working[-1].scope) if scope.id not in outer]
    definitions = [scope.name for scope in inner if scope.kind is ScopeKind.SHORTCUT]
    if definitions:
        return definitions[-1]
    return inner[0].name if inner else working[-1].op
