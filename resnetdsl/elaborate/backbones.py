"""Networks as backbones: the two arguments that every network takes besides its own.

`output_stride = 16` lets no tensor of the network be smaller than a sixteenth of its input: a stride that would go
beyond becomes dilation of all that follows (Chen et al., "DeepLab", 2017, section 3.1, the atrous algorithm).
`taps = [4, 8, 16, 32]` gives, instead of the network's result, the last tensor of each of these strides: its features,
without the head and without anything else that they do not need.

A tensor's type carries the stride that the spec says and, beside it, the dilation that stands for a part of it. So
specs divide strides as ever, and a feature has one name however dilated the network is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import log2

from resnetdsl.elaborate.arguments import want_whole
from resnetdsl.elaborate.run import Notes, Place, Run
from resnetdsl.elaborate.values import POISON, DefinedLayer, Given, Poison, Tensor, Value, contains_poison, describe
from resnetdsl.ir.graph import Graph
from resnetdsl.syntax import ast

OPTIONS = ("output_stride", "taps")
COMMON = (4, 8, 16, 32)
"""The strides that `taps = true` means, as far as the network has them."""


def hidden(syntax: ast.Definition) -> tuple[str, ...]:
    """What a definition takes by name without a parameter for it."""
    match syntax.kind:
        case ast.DefinitionKind.SHORTCUT:
            return ("to",)
        case ast.DefinitionKind.NETWORK:
            own = {param.name for param in syntax.params}
            return tuple(name for name in OPTIONS if name not in own)
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call of a network asks for; None for what it does not."""

    output_stride: int | None = None
    taps: tuple[int, ...] | None = None
    lenient: bool = False
    """Whether features that the network lacks are left out."""

    @property
    def nothing(self) -> bool:
        return self.output_stride is None and self.taps is None


def asked(run: Run, layer: DefinedLayer, place: Place) -> Asked:
    """The two options of a call; a mistake in one is reported and leaves it out."""
    options = {name: layer.given[name] for name in hidden(layer.definition.syntax) if name in layer.given}
    if not options or layer.definition.syntax.kind is not ast.DefinitionKind.NETWORK:
        return Asked()
    limit = options.get("output_stride")
    found = None if limit is None or limit.value is None else _stride(run, place, limit, "`output_stride`")
    taps = options.get("taps")
    if taps is None or taps.value is None or taps.value is False:
        return Asked(found)
    if taps.value is True:
        return Asked(found, COMMON, lenient=True)
    items = taps.value if isinstance(taps.value, tuple) else (taps.value,)
    strides = [_stride(run, place, Given(item, taps.span), "a stride of `taps`") for item in items]
    if not items:
        run.report("E0207", taps.span, place, wanted="one stride or more", got=describe(taps.value), where="`taps`")
    return Asked(found, tuple(stride for stride in dict.fromkeys(strides) if stride is not None) or None)


def _stride(run: Run, place: Place, given: Given, what: str) -> int | None:
    number = want_whole(run, place, given.value, given.span, what)
    if isinstance(number, Poison):
        return None
    if number < 1:
        run.report("E0210", given.span, place, what=what, value=number, minimum=1)
        return None
    return number


def run_network(
    run: Run, layer: DefinedLayer, value: Value, place: Place, body: Callable[[Place], Value]
) -> tuple[Value, tuple[str, ...]]:
    """What a network makes of a value: the result of its `body` or, where they are asked for, its features.

    These are a list, or one tensor where one stride was asked for and not in a list. With them come their names.
    """
    wish = asked(run, layer, place)
    if wish.nothing:
        return body(place), ()
    notes = None if wish.taps is None else Notes()
    start = Fraction(1)
    if isinstance(value, Tensor):
        start = Fraction(value.type.stride[0]) / value.type.dilation[0]
    limit = place.limit if wish.output_stride is None else wish.output_stride * start
    result = body(replace(place, limit=limit, notes=notes, as_written=False))
    if notes is not None:
        features = _features(run, layer, value, place, notes, wish)
        if features is None or (contains_poison(result) and not notes.last):
            return POISON, ()
        result = tuple(features.values())
        if not isinstance(layer.given["taps"].value, tuple | bool):
            result = result[0]
        run.partial.append(range(place.scope, len(run.graph.scopes)))
        names = tuple(features)
    else:
        names = ()
    return (result if place.limit is not None else _settled(run.graph, result)), names


def _features(
    run: Run, layer: DefinedLayer, value: Value, place: Place, notes: Notes, wish: Asked
) -> dict[str, Tensor] | None:
    """The features by their names; None after a message. Strides are counted from the network's own input."""
    start = Fraction(value.type.stride[0]) if isinstance(value, Tensor) else Fraction(1)
    last = {stride / start: tensor for stride, tensor in notes.last.items()}
    wanted = wish.taps or ()
    found = {_name(stride): last[Fraction(stride)] for stride in wanted if Fraction(stride) in last}
    lacking = next((stride for stride in wanted if Fraction(stride) not in last), None)
    if lacking is None or (wish.lenient and found):
        return found
    if not run.refused and not any(tensor.doubtful for tensor in last.values()):
        span, has = layer.given["taps"].span, tuple(str(stride) for stride in last if stride > 1)
        run.report("E0607", span, place, name=layer.definition.syntax.name, stride=lacking, has=has or ("1",))
    return None


def _name(stride: int) -> str:
    """The name of a feature: `c4` at a stride of 2^4 (Lin et al., 2017, "Feature pyramid networks")."""
    power = log2(stride)
    return f"c{power:.0f}" if power == int(power) else f"stride{stride}"


def _settled(graph: Graph, value: Value) -> Value:
    """A result for what stands outside: its stride is what it is, and no dilation is left to go on with."""
    if isinstance(value, tuple):
        return tuple(_settled(graph, part) for part in value)
    return replace(value, type=graph.type(value.source)) if isinstance(value, Tensor) else value


def prune(run: Run) -> None:
    """Drop what only those parts of a network need that were not asked for."""
    inside = {scope for scopes in run.partial for scope in scopes}
    graph = run.graph
    needed = {output.source.node for output in graph.outputs}
    for node in reversed(list(graph.nodes())):
        if node.id in needed or node.scope not in inside or node.op == "input":
            needed.add(node.id)
            needed.update(source.node for source in graph.inputs(node.id))
    graph.keep(needed)
