"""Whose mistake it is: what goes wrong inside of a definition because of what it was given is told where it was given.

A message in the text of the library or of a shipped spec helps nobody, since its reader cannot mend that. So it moves
to the argument that came in, or to the call where no argument is known to be at fault. In a definition of one's own
only a parameter that stands by itself moves: `act`, which was given as "relu". Of `w / 3` nobody knows which is wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from resnetdsl.diagnostics.model import Inside
from resnetdsl.elaborate.values import DefinedLayer, Layer, Value, whole
from resnetdsl.ir.graph import Graph
from resnetdsl.source import Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.walk import walk

_OF_VALUES = frozenset(
    ("E0207", "E0208", "E0209", "E0210", "E0211", "E0212", "E0213", "E0214", "E0215", "E0216", "E0218", "E0226")
)
"""Codes by which all that an expression mentions is at fault, and not what the layer made of it met."""

_OF_ARGUMENTS = _OF_VALUES | {"E0204", "E0227", "E0301", "E0303"}
"""Codes that a parameter by itself can be at fault for in a definition of one's own."""

_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class _Giver:
    """An argument in a text that its reader can mend."""

    span: Span
    param: str
    callee: str
    value: Value


@dataclass(slots=True)
class Blame:
    """The calls of a run, as far as they are needed to say who is to blame."""

    graph: Graph
    _entered: dict[int, list[DefinedLayer]] = field(default_factory=dict)
    _names: dict[Span, _Names] = field(default_factory=dict)

    def enter(self, scope: int, layer: DefinedLayer) -> None:
        """A definition's body is run in a scope, with the arguments of this layer."""
        self._entered.setdefault(scope, []).append(layer)

    def move(self, code: str, span: Span, scope: int) -> tuple[Span, Inside | None]:
        """Where to tell what is wrong at a place; and the place, if it is told elsewhere."""
        shipped = span.file.shipped
        found = self._around(span, scope)
        if found is None:
            return span, None
        plain = self._known(found[0]).is_name(span)
        if (plain and code in _OF_ARGUMENTS) or (shipped and (plain or code in _OF_VALUES)):
            giver = _likely(code, list(dict.fromkeys(self._givers(span, scope))))
            if giver is not None:
                return giver.span, Inside(span, giver.callee, giver.param)
        return self.asked(span, scope)

    def asked(self, span: Span, scope: int) -> tuple[Span, Inside | None]:
        """A place that its reader can mend, or the innermost call that leads to it and that he can."""
        calls = reversed(self.graph.trail(scope)) if span.file.shipped else ()
        for around in calls:
            if around.call is not None and not around.call.file.shipped:
                return around.call, Inside(span, around.name)
        return span, None

    def _around(self, span: Span, scope: int | None) -> tuple[DefinedLayer, int] | None:
        """The innermost call whose definition has this text, and the scope that it made."""
        while scope is not None:
            for layer in reversed(self._entered.get(scope, ())):
                if layer.definition.syntax.span.contains(span):
                    return layer, scope
            scope = self.graph.scopes[scope].parent
        return None

    def _givers(self, span: Span, scope: int | None, depth: int = 0) -> Iterator[_Giver]:
        """The arguments that a text is made of, through as many calls as handed them on."""
        found = self._around(span, scope)
        if found is None or depth > _DEEPEST:
            return
        layer, at = found
        known = self._known(layer)
        for name in known.within(span):
            given = layer.given.get(name)
            if name in known.lets and span.file.shipped:
                yield from self._givers(known.lets[name], at, depth + 1)
            elif name not in known.params:
                continue
            elif given is None:
                default = known.params[name]
                if default is not None and span.file.shipped:
                    yield from self._givers(default, at, depth + 1)
            else:
                giver = _Giver(given.span, name, layer.definition.name, given.value)
                own = not given.span.file.shipped
                outer = self._givers(given.span, self.graph.scopes[at].parent, depth + 1)
                further = list(outer) if not own or given.span.text.isidentifier() else []
                yield from further or ([giver] if own else [])

    def _known(self, layer: DefinedLayer) -> _Names:
        syntax = layer.definition.syntax
        if syntax.name_span not in self._names:
            self._names[syntax.name_span] = _Names.of(syntax)
        return self._names[syntax.name_span]


@dataclass(frozen=True, slots=True)
class _Names:
    """The names in a definition: where they stand, and where those come from that mean one thing throughout."""

    places: tuple[tuple[int, int, str], ...]
    """In the order of the text."""
    params: dict[str, Span | None]
    """The parameters that are bound to nothing else, with their defaults."""
    lets: dict[str, Span]
    """What is bound by one `let`."""

    @staticmethod
    def of(syntax: ast.Definition) -> _Names:
        places: list[tuple[int, int, str]] = []
        bound: dict[str, int] = {param.name: 1 for param in syntax.params}
        lets: dict[str, Span] = {}
        for node in walk(syntax):
            match node:
                case ast.Name():
                    places.append((node.span.start, node.span.end, node.id))
                case ast.Target(name=str() as name):
                    bound[name] = bound.get(name, 0) + 1
                case ast.Lambda(params=params):
                    bound.update((param.name, 2) for param in params)
                case ast.Let(targets=(ast.Target(name=str() as name),), value=value):
                    lets[name] = value.span
                case _:
                    pass
        free = {
            param.name: None if param.default is None else param.default.span
            for param in syntax.params
            if bound[param.name] == 1
        }
        return _Names(tuple(sorted(places)), free, {name: span for name, span in lets.items() if bound[name] == 1})

    def within(self, span: Span) -> Iterator[str]:
        for index in range(bisect_left(self.places, (span.start, 0, "")), len(self.places)):
            start, end, name = self.places[index]
            if start >= span.end:
                return
            if end <= span.end:
                yield name

    def is_name(self, span: Span) -> bool:
        index = bisect_left(self.places, (span.start, span.end, ""))
        return index < len(self.places) and self.places[index][:2] == (span.start, span.end)


def _likely(code: str, givers: list[_Giver]) -> _Giver | None:
    """The one that is at fault: the only one, or the only one that is of no use where a layer or a count is wanted."""

    def odd(value: Value) -> bool:
        return not isinstance(value, Layer) if code == "E0218" else (whole(value) or 0) < 1

    found = givers if len(givers) == 1 else [giver for giver in givers if odd(giver.value)]
    return found[0] if len(found) == 1 else None
