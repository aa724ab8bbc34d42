"""Names of the emitted classes."""

from __future__ import annotations

import re

from resnetdsl.emit.pytorch.bodies import Unit
from resnetdsl.emit.pytorch.classes import Class
from resnetdsl.emit.pytorch.leaves import Form
from resnetdsl.emit.pytorch.text import class_name, unique
from resnetdsl.ir.graph import ScopeKind


def class_names(classes: list[Class], network: str, taken: set[str]) -> list[str]:
    """A name for each class, by number. The last is the network, whose name is settled."""
    taken = {*taken, network}
    alike: dict[str, list[Class]] = {}
    for each in classes[:-1]:
        alike.setdefault(_base(each.model), []).append(each)
    for base, those in alike.items():
        ranked = sorted(those, key=lambda each: -len(each.units))
        for each in ranked:
            each.name = unique(base + _difference(ranked[0], each), taken)
    classes[-1].name = network
    return [each.name for each in classes]


def _base(unit: Unit) -> str:
    named = unit.named
    fallback = "Stage" if named.kind is ScopeKind.STAGE else "Block"
    if unit.defined:
        return class_name(named.name, fallback)
    return class_name(re.sub(r"\d+$", "", named.name.rpartition(".")[2]), fallback)


def _layers(each: Class) -> list[str]:
    """What it is made of, weights first: names of layers, kinds of those without weights, and its sums."""
    statements = [statement for statement in each.model.statements if not statement.is_identity]
    names = [statement.name for statement in statements if statement.weighted]
    sums = [statement for statement in statements if statement.hint == "add"]
    return [*names, *(["shortcut"] if sums else []), *(each.hint for each in statements if each.form is Form.MODULE)]


def _difference(plain: Class, other: Class) -> str:
    """What a copy has or lacks beside the one that has the plain name."""
    mine, names = _layers(plain), _layers(other)
    more = next((name for name in names if name not in mine and not name[-1:].isdecimal()), None)
    less = next((name for name in mine if name not in names and not name[-1:].isdecimal()), None)
    if more is not None:
        return f"With{class_name(more, '')}"
    return f"Without{class_name(less, '')}" if less is not None else ""
