"""What each module does: its statements, with tensors numbered from its own arguments on.

Two modules with one outline are one class. Everything here is bottom-up, from the innermost scope outwards, and
each node is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from resnetdsl.emit.pytorch.leaves import Form, Leaf
from resnetdsl.emit.pytorch.parts import IDENTITY, Chain, Hole, Key, Part, holes, outline
from resnetdsl.emit.pytorch.text import SEQUENTIAL_ATTRIBUTES, is_plain, variable
from resnetdsl.emit.pytorch.tree import Item, Site, Tree
from resnetdsl.ir.graph import Graph, Scope, ScopeKind, Source
from resnetdsl.ops.base import InitCall

# What has no weights is made anew by each use of a shared module, and its name is told apart from the first one's.
_NUMBERED_AGAIN = re.compile(r"_\d+$")
_DEFINED = {ScopeKind.BLOCK, ScopeKind.SHORTCUT}


Order = tuple[tuple[str, tuple[str, ...]], ...]
"""Of a path below a module ("" for itself), the names that come first in its checkpoint."""


@dataclass(eq=False, slots=True)
class Statement:
    """One step of a `forward`.

    `name` is the path below the module; what has no weights might have it as its name, or is called after `hint`.
    `outputs` are the numbers of the tensors made. A statement that is not `live` is only kept for its weights.
    """

    form: Form
    name: str
    hint: str
    weighted: bool
    live: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    leaf: Leaf | None = None
    child: Unit | None = None

    @property
    def part(self) -> Part:
        """The expression that makes it; for a child, known once its class is."""
        made = self.child or self.leaf
        if made is None:
            raise ValueError("a statement is a leaf or a child")
        return made.part

    @property
    def inits(self) -> tuple[InitCall, ...]:
        return self.leaf.inits if self.leaf is not None else ()

    @property
    def is_identity(self) -> bool:
        return self.child.is_identity if self.child is not None else self.part == IDENTITY

    @property
    def slot(self) -> bool:
        """Whether this is a module of one tensor to one, with a name: what a block may have or be handed."""
        one_to_one = len(self.inputs) == len(self.outputs) == 1 and self.live
        plain = is_plain(self.name) and variable(self.name) == self.name and self.name not in {"x", "module"}
        return self.form is Form.MODULE and one_to_one and plain

    def key(self) -> Key:
        what = self.child.shape if self.child is not None else outline(self.part)
        return (
            self.form,
            self.name,
            self.hint,
            self.weighted,
            self.live,
            self.inputs,
            len(self.outputs),
            what,
            self.inits,
        )


@dataclass(eq=False, slots=True)
class Unit:
    """A module: where it stands and what it does. `part` is the expression that makes it, once that is known."""

    path: str
    named: Scope
    arity: int
    statements: list[Statement]
    results: tuple[int, ...]
    channels: tuple[int | None, int | None]
    is_chain: bool
    is_identity: bool
    is_inline: bool
    order: Order = ()
    shape: Key = None
    made: Part | None = None

    @property
    def is_numbered(self) -> bool:
        """Whether its parts are named as `nn.Sequential` names them."""
        return all(statement.name == str(at) for at, statement in enumerate(self.statements))

    @property
    def has_weights(self) -> bool:
        return any(statement.weighted for statement in self.statements)

    @property
    def defined(self) -> bool:
        """Whether the spec has a definition of it, so that its class has a name."""
        return self.named.kind in _DEFINED

    @property
    def part(self) -> Part:
        if self.made is not None:
            return self.made
        if self.is_identity:
            self.made = IDENTITY
        elif self.is_inline:
            self.made = Chain(tuple((statement.name, statement.part) for statement in self.statements))
        else:
            raise ValueError(f"`{self.path}` is asked for before its class is settled")
        return self.made

    def unnumber(self) -> None:
        """Forget the positions of what has no weights: they are names in `nn.Sequential` alone."""
        for statement in self.statements:
            if not statement.weighted and statement.name.isdecimal():
                statement.name = ""

    def spell_out(self) -> None:
        """Be a class with a `forward` rather than an anonymous chain."""
        self.is_inline = self.is_chain = False
        self.unnumber()

    def numbers(self) -> Iterator[tuple[Statement, Hole]]:
        """The numbers in its own statements."""
        for statement in self.statements:
            for hole in holes(statement.part):
                yield statement, hole


@dataclass(slots=True)
class Bodies:
    """All modules of a graph, inner ones first; the last is the network."""

    graph: Graph
    tree: Tree
    results: list[Source]
    units: list[Unit] = field(default_factory=list)
    shapes: dict[Key, int] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph, leaves: list[Leaf], results: list[Source]) -> Bodies:
        tree = Tree(graph, leaves)
        while True:
            bodies = cls(graph, tree, results)
            unlike = bodies._build()
            if not unlike:
                return bodies
            tree.dissolve(unlike)

    def _build(self) -> set[str]:
        """Make all units. Returns the paths of shared modules whose uses differ."""
        by_path: dict[str, tuple[Unit, Key]] = {}
        unlike: set[str] = set()
        units: dict[int, Unit] = {}
        orders = self._orders()
        for site in sorted(self.tree.sites, key=lambda each: -each.depth):
            unit = self._unit(site, units, orders.get(site.path, ()))
            key = (unit.shape, tuple(_value(hole) for statement in unit.statements for hole in _leaf_holes(statement)))
            known = by_path.setdefault(site.path, (unit, key))
            units[id(site)] = known[0]
            if known[0] is unit:
                self.units.append(unit)
            elif known[1] != key:
                unlike.add(site.path)
        return unlike

    def _orders(self) -> dict[str, Order]:
        """The orders that the spec asks for, each with the innermost module that it is said of."""
        modules = {site.path for site in self.tree.sites}
        found: dict[str, Order] = {}
        for path, names in self.graph.order.items():
            module = path
            while module not in modules:
                module = module.rpartition(".")[0]
            below = path[len(module) :].removeprefix(".")
            found[module] = (*found.get(module, ()), (below, names))
        return found

    def _unit(self, site: Site, units: dict[int, Unit], order: Order) -> Unit:
        root = site.parent is None
        inputs = [Source(node.id) for node in self.graph.nodes() if node.op == "input"] if root else list(site.inputs)
        outputs = self.results if root else sorted(site.outputs, key=_place)
        numbers = {source: number for number, source in enumerate(inputs)}
        statements = [self._statement(site, item, numbers, units) for item in self.tree.order(site)]
        results = tuple(numbers[source] for source in outputs)
        chain = is_chain(len(inputs), statements, results) and not order
        unit = Unit(
            path=site.path,
            named=site.named,
            arity=len(inputs),
            statements=statements,
            results=results,
            channels=(self._channels(inputs), self._channels(outputs)),
            is_chain=chain,
            is_identity=chain and not root and all(statement.is_identity for statement in statements),
            is_inline=chain
            and not root
            and site.named.kind not in _DEFINED
            and not any(each.inits for each in statements),
            order=order,
        )
        if unit.is_chain and not (unit.is_inline or unit.is_numbered):
            unit.is_chain = False
        if not unit.is_chain:
            unit.unnumber()
        unit.shape = self._shape(unit)
        return unit

    def _statement(self, site: Site, item: Item, numbers: dict[Source, int], units: dict[int, Unit]) -> Statement:
        prefix = len(site.path) + 1 if site.path else 0
        if isinstance(item, Site):
            unit = units[id(item)]
            read = tuple(numbers[source] for source in item.inputs)
            made = sorted(item.outputs, key=_place)
            name = item.path[prefix:]
            made_numbers = self._number(made, numbers)
            hint = variable(unit.named.name) or ""
            return Statement(Form.MODULE, name, hint, unit.has_weights, True, read, made_numbers, child=unit)
        node, leaf = self.graph.node(item), self.tree.leaves[item]
        live = item in self.tree.live
        read = tuple(numbers[source] for source in self.tree.operands[item]) if live else ()
        made = [Source(item, output) for output in range(len(node.outputs))]
        name = node.path[prefix:] if leaf.weighted else node.path.rpartition(".")[2]
        if leaf.form is Form.EXPRESSION:
            name = ""
        elif site.again and not leaf.weighted:
            name = _NUMBERED_AGAIN.sub("", name)
        return Statement(leaf.form, name, node.op, leaf.weighted, live, read, self._number(made, numbers), leaf=leaf)

    @staticmethod
    def _number(made: list[Source], numbers: dict[Source, int]) -> tuple[int, ...]:
        for source in made:
            numbers[source] = len(numbers)
        return tuple(numbers[source] for source in made)

    def _shape(self, unit: Unit) -> Key:
        if unit.is_identity:
            return "identity"
        name = unit.named.name if unit.defined else None
        if unit.is_inline:
            key: Key = ("inline", tuple((each.name, each.key()) for each in unit.statements))
        else:
            key = (name, unit.arity, tuple(statement.key() for statement in unit.statements), unit.results)
            key = (*key, unit.order) if unit.order else key
        return self.shapes.setdefault(key, len(self.shapes))

    def _channels(self, sources: list[Source]) -> int | None:
        return self.graph.type(sources[0]).size("c") if sources else None


def is_chain(arity: int, statements: list[Statement], results: tuple[int, ...]) -> bool:
    """Whether the statements pass one tensor on from module to module, as `nn.Sequential` does."""
    running = 0
    names = [statement.name for statement in statements]
    if arity != 1 or not statements or len(set(names)) < len(names):
        return False
    for statement in statements:
        one_to_one = statement.inputs == (running,) and len(statement.outputs) == 1
        name = statement.name
        plain = name != "" and "." not in name and name not in SEQUENTIAL_ATTRIBUTES and not name.startswith("_")
        if statement.form is not Form.MODULE or not one_to_one or not plain:
            return False
        running = statement.outputs[0]
    return results == (running,)


def _leaf_holes(statement: Statement) -> Iterator[Hole]:
    if statement.leaf is not None:
        yield from holes(statement.leaf.part)


def _value(hole: Hole) -> tuple[str, object]:
    return (type(hole.value).__name__, hole.value)


def _place(source: Source) -> tuple[int, int]:
    return (source.node, source.output)
