"""The state of one network's elaboration, and how a mistake is reported from inside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from resnetdsl.diagnostics.model import Fact, Frame, Sink
from resnetdsl.elaborate import budget
from resnetdsl.elaborate.blame import Blame
from resnetdsl.elaborate.environment import Env
from resnetdsl.elaborate.values import POISON, Poison, Tensor, Value
from resnetdsl.ir.graph import Graph, Scope, ScopeKind
from resnetdsl.source import Span
from resnetdsl.syntax import ast

if TYPE_CHECKING:
    from resnetdsl.elaborate.application import Applier
    from resnetdsl.elaborate.builder import Builder
    from resnetdsl.elaborate.expressions import Evaluator
    from resnetdsl.elaborate.statements import Executor


@dataclass(slots=True)
class Counter:
    """Hands out the positions of a chain, and names to what has a name by default."""

    value: int = 0
    named: dict[str, int] = field(default_factory=dict)

    def next(self) -> str:
        self.value += 1
        return str(self.value - 1)

    def name(self, word: str) -> str:
        """The word itself at first, then with a number: `shortcut`, `shortcut2`."""
        self.named[word] = self.named.get(word, 0) + 1
        return word if self.named[word] == 1 else f"{word}{self.named[word]}"


@dataclass(slots=True)
class Notes:
    """The tensors that a network's body went through, for its features: the last one of each stride."""

    last: dict[Fraction, Tensor] = field(default_factory=dict)

    def see(self, value: Value) -> None:
        """Take note of the running value. What is enlarged again, as in a decoder, is no feature.

        A list is streams that run side by side: each of them is one, if the coarsest is as coarse as what was seen.
        """
        streams = value if isinstance(value, tuple) else (value,)
        found = {
            Fraction(each.type.stride[0]): each
            for each in streams
            if isinstance(each, Tensor) and each.type.is_image and each.type.stride[0] == each.type.stride[1]
        }
        if found and max(found) >= max(self.last, default=0):
            self.last |= found


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the network layers are being applied: it gives them their scope and their names.

    `to` is the tensor that a shortcut must match. In a `replay` a shared layer runs again under the names of its
    first use. `limit` is the largest stride that a tensor may have here, and `notes` collect features; a network that
    is asked for one of these is not `as_written`.
    """

    scope: int
    prefix: str
    counter: Counter
    to: Tensor | None = None
    replay: bool = False
    limit: Fraction | None = None
    notes: Notes | None = None
    as_written: bool = True

    def path(self, component: str) -> str:
        if not component:
            return self.prefix
        return f"{self.prefix}.{component}" if self.prefix else component


@dataclass(frozen=True, slots=True)
class Context:
    """What an expression sees: names, and a place for the layers that it applies (none at file level)."""

    env: Env
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """An `expect` met on the way, with the names that its number may use."""

    expectation: ast.Expectation
    context: Context


@dataclass(slots=True)
class Run:
    """One network under elaboration."""

    sink: Sink
    graph: Graph
    meter: budget.Meter = field(default_factory=budget.Meter)
    promises: list[Promise] = field(default_factory=list)
    taps: dict[str, Span] = field(default_factory=dict)
    """The names of the outputs so far, and the text of each."""
    refused: bool = False
    """Whether a `require` did not hold somewhere."""
    partial: list[range] = field(default_factory=list)
    """The scopes of networks of which only features were asked for."""
    input_span: Span | None = None
    input_shape: tuple[int, ...] | None = None
    """A size asked for from outside, in place of the spec's own."""
    reads_size: bool = False
    """Whether a decision may have hung on a height or width, so that another input size may give another network."""
    blame: Blame = field(init=False)
    evaluator: Evaluator = field(init=False)
    applier: Applier = field(init=False)
    builder: Builder = field(init=False)
    executor: Executor = field(init=False)

    def report(
        self, code: str, span: Span, place: Place | None = None, also: tuple[tuple[str, Span], ...] = (), **data: object
    ) -> Poison:
        """Collect a fact with the way to it; returns POISON, the value of what went wrong."""
        if place is None:
            self.sink.take((Fact(code, span, data, also),))
            return POISON
        at, inside = self.blame.move(code, span, place.scope)
        self.sink.take((Fact(code, at, data, also, frames(self.graph.trail(place.scope)), inside=inside),))
        return POISON

    def spend(self, span: Span, amount: int = 1) -> None:
        """Count one evaluation, or as much work as so many."""
        self.meter.work += amount
        if self.meter.work > budget.WORK:
            if not self.meter.spent:
                self.meter.spent = True
                self.report("E0504", span, limit=budget.WORK)
            raise budget.OverBudget

    def foresee(self, span: Span, amount: int) -> None:
        """End here if so much work is certain to come and there is no allowance for it."""
        if self.meter.work + amount > budget.WORK:
            self.spend(span, amount)

    def spend_on(self, value: Value, span: Span) -> None:
        """Count the work of going through a list once."""
        if isinstance(value, tuple):
            self.spend(span, len(value) >> 5)


def frames(trail: list[Scope]) -> tuple[Frame, ...]:
    """The trail of scopes in words, from the network inwards."""
    return tuple(Frame(_words(scope), _asked(scope)) for scope in trail if scope.kind is not ScopeKind.RESIDUAL)


def _asked(scope: Scope) -> Span | None:
    """The text that asked for a scope; a network that is defined and not instantiated asks for itself."""
    return None if scope.kind is ScopeKind.NETWORK and scope.call == scope.definition else scope.call


def _words(scope: Scope) -> str:
    match scope.kind:
        case ScopeKind.NETWORK | ScopeKind.STAGE:
            return f"{scope.kind.value} {scope.name}"
        case ScopeKind.BLOCK | ScopeKind.SHORTCUT:
            where = f" at {scope.definition.file.name}:{scope.definition.line}" if scope.definition else ""
            copy = f" {scope.index}" if scope.index is not None else ""
            return f"{scope.kind.value}{copy} (`{scope.name}`{where})"
        case _:
            return scope.name if scope.kind is ScopeKind.GROUP else scope.kind.value
