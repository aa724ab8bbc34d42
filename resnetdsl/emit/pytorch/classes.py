"""Which modules share a class, and what its constructor takes.

Modules of one outline are one class, and their numbers its parameters. Copies of one block that differ in a
named child alone (a projection here, an identity there) are one class too, and are handed that child.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from resnetdsl.emit.pytorch.bodies import Statement, Unit
from resnetdsl.emit.pytorch.parameters import Columns, Param, unify
from resnetdsl.emit.pytorch.parts import Fixed, Hole, Key, Make, Part

MOST_HANDED = 2
"""A block that differs in more children than these is another block."""


@dataclass(eq=False, slots=True)
class Class:
    """A class to be emitted. `handed` are the places of the statements whose module the constructor is given.

    `recomputed` says that training keeps the inputs of its `forward` alone.
    """

    units: list[Unit]
    handed: tuple[int, ...] = ()
    recomputed: bool = False
    number: int = -1
    name: str = ""
    columns: Columns = field(default_factory=Columns)

    @property
    def model(self) -> Unit:
        """The module to print; the others differ in numbers and in what they are handed."""
        return self.units[0]

    def own(self, unit: Unit) -> Iterator[tuple[Statement, Hole]]:
        """The numbers of a module of this class that are not those of a child that it was handed."""
        handed = {id(unit.statements[place]) for place in self.handed}
        return ((statement, hole) for statement, hole in unit.numbers() if id(statement) not in handed)

    def optional(self, place: int) -> bool:
        """Whether some are handed nothing."""
        return any(unit.statements[place].is_identity for unit in self.units)

    def settle(self) -> None:
        """Choose the parameters, and write each module as a call."""
        self.columns = unify(self.model, [(unit, list(self.own(unit))) for unit in self.units])
        for unit in self.units:
            unit.made = self._call(unit)

    def _call(self, unit: Unit) -> Make:
        args: list[Part] = []
        kwargs: list[tuple[str, Part]] = []
        for param, value in zip(self.columns.params, self.columns.values[id(unit)], strict=True):
            hole = Hole(value, (param.name,), param.channels, param.default)
            if param.positional:
                args.append(hole)
            else:
                kwargs.append((param.name, hole))
        for place in self.handed:
            statement = unit.statements[place]
            nothing = self.optional(place) and statement.is_identity
            kwargs.append((statement.name, Fixed(None, "None") if nothing else statement.part))
        return Make(self.number, tuple(args), tuple(kwargs))


def classify(units: list[Unit]) -> list[Class]:
    """The classes, those that others need first. Fills in how each module is made."""
    _spell_out(units)
    shapes: dict[Key, list[Unit]] = {}
    for unit in units:
        if not (unit.is_inline or unit.is_identity):
            shapes.setdefault(unit.shape, []).append(unit)
    # A block that is handed a copy of itself would have to be settled before itself: it then stays unmerged.
    classes = _order(_merge(shapes)) or _order([Class(alike) for alike in shapes.values()]) or []
    for number, each in enumerate(classes):
        each.number = number
        each.settle()
    return classes


def _spell_out(units: list[Unit]) -> None:
    """Copies of a chain whose layers have names read better as a class than as a dictionary each."""
    chains: dict[Key, list[Unit]] = {}
    for unit in units:
        if unit.is_inline and not unit.is_numbered and all(each.leaf is not None for each in unit.statements):
            chains.setdefault(unit.shape, []).append(unit)
    for alike in chains.values():
        for unit in alike if len(alike) > 1 else ():
            unit.spell_out()


def _merge(shapes: dict[Key, list[Unit]]) -> list[Class]:
    """Shapes that differ in named children alone, together."""
    groups: dict[Key, list[Key]] = {}
    for shape, units in shapes.items():
        unit = units[0]
        if unit.defined and not unit.is_chain:
            groups.setdefault(_frame(unit, lambda _: True), []).append(shape)
        else:
            groups.setdefault(("alone", shape), []).append(shape)
    classes: list[Class] = []
    for group in groups.values():
        models = [shapes[shape][0] for shape in group]
        open_places = {place for place in range(len(models[0].statements)) if _may_vary(models, place)}
        again: dict[Key, list[Key]] = {}
        for shape, model in zip(group, models, strict=True):
            key = shape if len(group) == 1 else _frame(model, open_places.__contains__)
            again.setdefault(key, []).append(shape)
        for alike in again.values():
            varying = tuple(
                place for place in sorted(open_places) if _variants([shapes[s][0] for s in alike], place) > 1
            )
            if len(varying) > MOST_HANDED:
                classes += [Class(shapes[shape]) for shape in alike]
            else:
                classes.append(Class([unit for shape in alike for unit in shapes[shape]], varying))
    return classes


def _frame(unit: Unit, is_open: Callable[[int], bool]) -> Key:
    """The outline of a module, without what stands in its open places."""
    return (
        unit.named.name,
        unit.arity,
        unit.results,
        unit.order,
        tuple(
            ("slot", statement.name, statement.inputs) if statement.slot and is_open(place) else statement.key()
            for place, statement in enumerate(unit.statements)
        ),
    )


def _may_vary(models: list[Unit], place: int) -> bool:
    """Modules of one's own, or nothing in some: what a person would hand over rather than write another class."""
    statements = [model.statements[place] for model in models]
    children = all(each.child is not None for each in statements)
    return all(each.slot for each in statements) and (children or any(each.is_identity for each in statements))


def _variants(models: list[Unit], place: int) -> int:
    return len({"identity" if (each := model.statements[place]).is_identity else each.key() for model in models})


def _order(classes: list[Class]) -> list[Class] | None:
    """Classes after those that they need, otherwise as they come; None where two need each other."""
    of_unit = {id(unit): each for each in classes for unit in each.units}
    done: dict[int, Class] = {}
    entered: set[int] = set()
    # Depth first with a stack of our own: blocks may nest deeper than Python calls may.
    stack = [(each, False) for each in reversed(classes)]
    while stack:
        each, finished = stack.pop()
        if finished:
            done[id(each)] = each
        elif id(each) not in entered:
            entered.add(id(each))
            stack.append((each, True))
            stack.extend((need, False) for need in reversed(_needs(each, of_unit)) if id(need) not in done)
        elif id(each) not in done:
            return None
    return list(done.values())


def _needs(each: Class, of_unit: dict[int, Class]) -> list[Class]:
    """The classes of the children, through anonymous chains."""
    needs: dict[int, Class] = {}
    waiting = [statement for unit in each.units for statement in unit.statements]
    waiting.reverse()
    while waiting:
        child = waiting.pop().child
        if child is None or child.is_identity:
            continue
        if child.is_inline:
            waiting.extend(reversed(child.statements))
        else:
            needs.setdefault(id(of_unit[id(child)]), of_unit[id(child)])
    return list(needs.values())


__all__ = ["Class", "Param", "classify"]
