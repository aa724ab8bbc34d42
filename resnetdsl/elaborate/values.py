"""What an expression may be worth while a spec is elaborated.

Numbers, booleans, strings and `none` are Python's own; a list is a tuple. The rest is here. After a
mistake an expression is worth `POISON`, which every operation passes on in silence: one mistake, one message.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from resnetdsl.ir.graph import Source
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import Op
from resnetdsl.source import Span
from resnetdsl.syntax import ast

if TYPE_CHECKING:
    from resnetdsl.elaborate.environment import Env
    from resnetdsl.elaborate.run import Place, Run


class Poison:
    """The value of what went wrong."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "POISON"


POISON: Final = Poison()


class Quotient(float):
    """A number that came of a division with a remainder; it knows the division's text.

    Channel counts must be whole: the message then points at the division and not at its distant use.
    """

    __slots__ = ("span",)
    span: Span

    def __new__(cls, value: float, span: Span) -> Quotient:
        made = super().__new__(cls, value)
        made.span = span
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of the graph under construction. `span` is the text that made it.

    A `doubtful` tensor follows a mistake: its type is the best guess, and no complaint is based on it.
    """

    source: Source
    type: TensorType
    span: Span
    doubtful: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """An argument: its value and its text."""

    value: Value
    span: Span


# --- layers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A function from tensors to tensors that has not met its input yet."""

    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class OpLayer(Layer):
    """A primitive with the arguments known so far, already in their normal form."""

    op: Op
    attrs: Mapping[str, object] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
    doubtful: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class DefinedLayer(Layer):
    """A block, shortcut or network of the language with the arguments known so far."""

    definition: Closure
    given: Mapping[str, Given] = field(default_factory=dict)
    doubtful: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A definition and the names around it."""

    syntax: ast.Definition
    env: Env

    @property
    def name(self) -> str:
        return self.syntax.name


@dataclass(frozen=True, slots=True, eq=False)
class SequenceLayer(Layer):
    """`A -> B`."""

    steps: tuple[Layer, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RepeatLayer(Layer):
    """`n * A`: the copies, one after another."""

    copies: tuple[Layer, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledLayer(Layer):
    """`label: A`."""

    label: str
    label_span: Span
    layer: Layer


@dataclass(frozen=True, slots=True, eq=False)
class MergeLayer(Layer):
    """`A + B`, `A * B`, `concat(A, B)`, `1 - A`: all operands read the one input, and an operator joins them."""

    join: Callable[[Run, tuple[Value, ...], Place], Value]
    operands: tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SharedLayer(Layer):
    """`shared A`. All layers with one key have one set of weights, wherever they are named."""

    layer: Layer
    key: object


@dataclass(frozen=True, slots=True, eq=False)
class ResidualLayer(Layer):
    """`residual(shortcut) { body }`. A `shortcut` of None is `none`: no addition."""

    shortcut: Layer | None
    shortcut_span: Span
    body: ast.Body
    env: Env


@dataclass(frozen=True, slots=True, eq=False)
class BodyLayer(Layer):
    """`{ ... }`."""

    body: ast.Body
    env: Env


@dataclass(frozen=True, slots=True, eq=False)
class FunctionLayer(Layer):
    """`t => expression` used as a layer."""

    function: Function


@dataclass(frozen=True, slots=True, eq=False)
class DoubtLayer(Layer):
    """A layer that could not be made, after a mistake: what has gone through it is in doubt."""


# --- functions -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """`(a, b) => expression`."""

    syntax: ast.Lambda
    env: Env


@dataclass(frozen=True, slots=True, eq=False)
class Builtin:
    """A function that the language brings: `min`, `len`, `divisible`."""

    name: str
    params: tuple[str, ...]
    required: int
    variadic: bool
    doc: str


Value = int | float | bool | str | None | Poison | Tensor | Layer | Function | Builtin | tuple["Value", ...]


def describe(value: Value) -> str:
    """A value in the words of a message."""
    match value:
        case None:
            return "`none`"
        case bool():
            return "`true`" if value else "`false`"
        case int():
            return f"the number {value}"
        case float():
            return f"the number {float(value):g}"
        case str():
            return "a string"
        case tuple():
            return f"a list of {len(value)}"
        case Tensor():
            return f"a tensor {value.type}"
        case OpLayer():
            return f"the layer `{value.op.name}`"
        case DefinedLayer():
            return f"the {value.definition.syntax.kind.value} `{value.definition.name}`"
        case Layer():
            return "a layer"
        case Function():
            return "a function"
        case Builtin():
            return f"the function `{value.name}`"
        case _:
            return "a value"


def whole(value: Value) -> int | None:
    """A number that is whole, as an int; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    return None


def contains_poison(value: Value) -> bool:
    """Whether a value is poisoned, or an item of a list is: lists in lists are never (see `Evaluator.__call__`)."""
    return value is POISON or (isinstance(value, tuple) and POISON in value)


def extent(items: tuple[Value, ...], most: int) -> tuple[int, int]:
    """How many items there are in a list and the lists in it, and how deep these go; counting ends beyond `most`."""
    count, deepest = 0, 0
    waiting = [(items, 1)]
    while waiting and count <= most and deepest <= most:
        inner, depth = waiting.pop()
        count += len(inner)
        deepest = max(deepest, depth)
        waiting.extend((item, depth + 1) for item in inner if isinstance(item, tuple))
    return count, deepest


def uncertain(value: Value) -> bool:
    """Whether a value rests on a mistake, so that not even its kind is anything to complain about."""
    if isinstance(value, tuple):
        return any(uncertain(item) for item in value)
    return value is POISON or (isinstance(value, Tensor) and value.doubtful)


def doubt(value: Value) -> Value:
    """A tensor that stands for a result that could not be had: the best guess, from which nothing is concluded.

    So what comes after a mistake is looked at all the same, and only mistakes of its own are found in it.
    """
    found = tensors_in(value)
    return POISON if found is None else replace(found[0], doubtful=True)


def tensors_in(value: Value) -> tuple[Tensor, ...] | None:
    """A tensor, or a list of nothing but tensors, as a tuple; else None."""
    if isinstance(value, Tensor):
        return (value,)
    if isinstance(value, tuple) and value:
        found: list[Tensor] = []
        for item in value:
            inner = tensors_in(item)
            if inner is None:
                return None
            found.extend(inner)
        return tuple(found)
    return None
