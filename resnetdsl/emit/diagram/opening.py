"""Which parts of a network are shown open: by the level, and those that are asked for by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from resnetdsl.elaborate.meant import nearest
from resnetdsl.emit.diagram.model import Mark
from resnetdsl.emit.outline import Level, Part, is_open, outline
from resnetdsl.ir.graph import Graph, ScopeKind


class UnknownPart(ValueError):  # noqa: N818 - says what happened
    """Nothing that can be opened goes by this name."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(f"{message}; {help}" if help else message)
        self.message = message
        self.help = help


@dataclass(slots=True)
class Opening:
    """The keys of all parts of a network, and which of them are open.

    `asked` are the scopes that were asked for, `around` those that must be open for them to be seen. A part of which
    only something is marked is open too.
    """

    level: Level
    keys: dict[int, str] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    around: set[int] = field(default_factory=set)
    marks: Mapping[int, Mark] = field(default_factory=dict)

    def of(self, part: Part, in_block: bool, first: bool) -> bool:
        """Whether to open a part; `first` says that it is the first of its name beside its equals."""
        if part.scope.id in self.asked or part.scope.id in self.around:
            return True
        if len({self.marks.get(node.id) for node in part.nodes}) > 1:
            return True  # what differs is inside
        closed = self.level is Level.BLOCK and part.scope.kind is ScopeKind.BLOCK and not first
        return is_open(part, self.level, in_block) and not closed

    def touches(self, part: Part) -> bool:
        """Whether a part or something inside it was asked for: then it is no copy of another."""
        return part.scope.id in self.asked or part.scope.id in self.around


def opening(graph: Graph, root: Part, level: Level, names: Iterable[str], marks: Mapping[int, Mark]) -> Opening:
    """The parts to open. Raises UnknownPart for a name that no part has."""
    found = Opening(level, marks=marks)
    _name(root, "", found.keys, set())
    by_key = {key: scope for scope, key in found.keys.items()}
    for name in names:
        if name not in by_key:
            raise _unknown(graph, name, by_key)
        found.asked.add(by_key[name])
        found.around.update(scope.id for scope in graph.trail(by_key[name])[:-1])
    return found


def shared_out(graphs: Sequence[Graph], names: Sequence[str]) -> list[list[str]]:
    """For each of several networks those names that it has a part of. Raises UnknownPart for one that none has."""
    known = []
    for graph in graphs:
        keys: dict[int, str] = {}
        _name(outline(graph), "", keys, set())
        known.append(set(keys.values()))
    for name in names:
        if not any(name in keys for keys in known):
            opening(graphs[-1], outline(graphs[-1]), Level.STAGE, [name], {})
    return [[name for name in names if name in keys] for keys in known]


def _name(part: Part, around: str, keys: dict[int, str], taken: set[str]) -> None:
    """A key for each part: its path; where that is its parent's too, with its name behind."""
    for inner in _parts(part):
        scope = inner.scope
        own = scope.path if scope.path != part.scope.path else ""
        key = own or ".".join(filter(None, (around, scope.name)))
        base, number = key, 1
        while key in taken:
            number += 1
            key = f"{base}~{number}"
        taken.add(key)
        keys[scope.id] = key
        _name(inner, key, keys, taken)


def _parts(part: Part) -> Iterator[Part]:
    return (item for item in part.items if isinstance(item, Part))


def _unknown(graph: Graph, name: str, known: dict[str, int]) -> UnknownPart:
    if any(node.path == name for node in graph.nodes()):
        return UnknownPart(f"`{name}` is a layer, with nothing inside to open")
    near = nearest(name, known)
    if near:
        return UnknownPart(f"no part is called `{name}`", f"did you mean `{near}`?")
    first = list(known)[:6]
    return UnknownPart(f"no part is called `{name}`", f"there are {', '.join(first)} ..." if first else "")
