"""How weights start: what holds for all modules of a class by a loop in the network, the rest where it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from resnetdsl.emit.pytorch.leaves import Leaf
from resnetdsl.emit.pytorch.parts import Make
from resnetdsl.emit.pytorch.text import literal
from resnetdsl.ops.base import InitCall


@dataclass(frozen=True, slots=True)
class Rule:
    """All modules of the class `target` start alike."""

    target: str
    inits: tuple[InitCall, ...]


def gather(leaves: list[Leaf]) -> tuple[list[Leaf], list[Rule]]:
    """The rules that hold throughout, and the leaves without what these say."""
    alike: dict[str, set[tuple[InitCall, ...]]] = {}
    counts: dict[str, int] = {}
    for leaf in leaves:
        if isinstance(leaf.part, Make) and isinstance(leaf.part.target, str):
            alike.setdefault(leaf.part.target, set()).add(leaf.inits)
            counts[leaf.part.target] = counts.get(leaf.part.target, 0) + 1
    rules = {
        target: Rule(target, next(iter(inits)))
        for target, inits in alike.items()
        if len(inits) == 1 and counts[target] > 1 and any(inits)
    }
    rest = [
        replace(leaf, inits=()) if isinstance(leaf.part, Make) and leaf.part.target in rules else leaf
        for leaf in leaves
    ]
    return rest, list(rules.values())


def loop(rules: list[Rule], bases: Mapping[str, set[str]]) -> list[str]:
    """The loop over all modules. `bases`: the classes of the source that torch lacks, and what they derive from."""
    inits = {rule.target: rule.inits for rule in rules}
    derived = {name: base for name, those in bases.items() for base in those if base in inits}
    # A class that starts as its base does needs no rule; one that starts otherwise must not fall under the base's.
    exact = any(inits.get(name) != inits[base] for name, base in derived.items())
    alike: dict[tuple[InitCall, ...], list[str]] = {}
    for rule in rules:
        if exact or rule.target not in derived:
            alike.setdefault(rule.inits, []).append(rule.target)
    lines = ["for module in self.modules():"] if rules else []
    for number, (those, targets) in enumerate(alike.items()):
        several = f"({', '.join(targets)})" if len(targets) > 1 else targets[0]
        if exact:
            test = f"type(module) in {several}" if len(targets) > 1 else f"type(module) is {several}"
        else:
            test = f"isinstance(module, {several.strip('()').replace(', ', ' | ')})"
        lines.append(f"    {'elif' if number else 'if'} {test}:")
        lines += [f"        {call(init, 'module')}" for init in those]
    return lines


def call(init: InitCall, module: str) -> str:
    """One initialisation of a weight of a module."""
    function, kwargs = init.function, dict(init.kwargs)
    if function == "constant_" and kwargs.get("val") in {0.0, 1.0}:
        function, kwargs = ("ones_" if kwargs["val"] else "zeros_"), {}
    arguments = "".join(f", {name}={literal(value)}" for name, value in kwargs.items())
    return f"nn.init.{function}({module}.{init.weight}{arguments})"
