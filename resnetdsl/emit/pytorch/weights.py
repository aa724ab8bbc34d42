"""How weights start: what holds for all modules of a class by a loop in the network, the rest where it is made."""

from __future__ import annotations

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


def loop(rules: list[Rule], exact: bool) -> list[str]:
    """The loop over all modules. `exact`: a class of the source derives from one of torch's that has a rule."""
    if not rules:
        return []
    lines = ["for module in self.modules():"]
    for number, rule in enumerate(rules):
        test = f"type(module) is {rule.target}" if exact else f"isinstance(module, {rule.target})"
        lines.append(f"    {'elif' if number else 'if'} {test}:")
        lines += [f"        {call(init, 'module')}" for init in rule.inits]
    return lines


def call(init: InitCall, module: str) -> str:
    """One initialisation of a weight of a module."""
    function, kwargs = init.function, dict(init.kwargs)
    if function == "constant_" and kwargs.get("val") in {0.0, 1.0}:
        function, kwargs = ("ones_" if kwargs["val"] else "zeros_"), {}
    arguments = "".join(f", {name}={literal(value)}" for name, value in kwargs.items())
    return f"nn.init.{function}({module}.{init.weight}{arguments})"
