"""What lowering makes: a graph of the same ops in inference form, and where its weights come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from resnetdsl.compile.recipes import Leaf, Recipe
from resnetdsl.ir.graph import Graph, Node
from resnetdsl.ops.base import Weight
from resnetdsl.ops.registry import OPS


@dataclass(frozen=True, slots=True)
class Note:
    """What a pass did at a place, or did not do although it was to be expected; then `why` says why not.

    `where` is a module path of the checked graph, or several with commas; `what` names none, so that notes group.
    """

    step: str
    where: str
    what: str
    why: str = ""

    @property
    def done(self) -> bool:
        return not self.why


def missed(notes: Sequence[Note]) -> list[Note]:
    """What was to be expected and was not done, nor made so small later that it does not matter."""
    small = {place for note in notes if note.done and " moved to " in note.what for place in note.where.split(", ")}
    return [note for note in notes if not note.done and note.where not in small]


@dataclass(frozen=True, slots=True)
class Lowered:
    """A graph for inference. Its ops are those of the language, so whatever reads a checked graph reads this one.

    `recipes` has every weight leaf of the graph by its whole name (`layer1.0.conv1.weight`), in the order of the
    nodes. Nodes of one path share their weights, as in a checked graph. The first node is the network's input.
    """

    graph: Graph
    recipes: Mapping[str, Recipe]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Pass:
    """A step of lowering. `doc` is a line for people; `apply` returns a new Lowered with its notes added.

    `unpaid` says why it is left out unless it is asked for, `narrow` why it is in float16 and int8.
    """

    name: str
    doc: str
    apply: Callable[[Lowered], Lowered]
    unpaid: str = ""
    narrow: str = ""


def unlowered(graph: Graph) -> Lowered:
    """The graph as it is: every weight is its own leaf of the checkpoint."""
    return Lowered(graph, {name: Leaf(name) for name, _ in weights_of(graph)})


def weights_of(graph: Graph) -> Iterator[tuple[str, Weight]]:
    """Every weight leaf of a graph by its whole name, once where nodes share it."""
    seen: set[str] = set()
    for node in graph.nodes():
        for name, weight in weights_at(graph, node):
            if name not in seen:
                seen.add(name)
                yield name, weight


def weights_at(graph: Graph, node: Node) -> Iterator[tuple[str, Weight]]:
    """The weight leaves of one node by their whole names."""
    for weight in OPS[node.op].weights(node.attrs, graph.input_types(node.id)):
        yield f"{node.path}.{weight.name}".removesuffix("."), weight
