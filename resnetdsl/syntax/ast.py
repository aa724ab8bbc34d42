"""What a spec says, as frozen data. No meaning is given here: that is `elaborate`'s work.

Every node carries the exact span of its text; spans take no part in equality, so that
`parse(print(tree)) == tree` can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from resnetdsl.source import Span


@dataclass(frozen=True, slots=True)
class Node:
    """Base of everything in the tree."""

    span: Span = field(compare=False, repr=False)


# --- expressions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expr(Node):
    """Anything that has a value."""


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """`64`, `1e-5`, `25_557_032`, `4.1G`.

    `text` is as written. `tolerance` is half a unit of the last written digit for a literal with a
    `k`, `M`, `G` or `T` suffix, else 0: `expect macs == 4.1G` holds for all that rounds to 4.1G.
    """

    value: int | float
    text: str = field(compare=False, default="")
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Bool(Expr):
    value: bool


@dataclass(frozen=True, slots=True)
class Text(Expr):
    """A string. Its parts are literal text and interpolated expressions (`"conv{i}"`)."""

    parts: tuple[str | Expr, ...]


@dataclass(frozen=True, slots=True)
class Name(Expr):
    id: str


@dataclass(frozen=True, slots=True)
class ListExpr(Expr):
    """`[a, b]`, `(a, b)` and `3x3`: one kind of value, three ways to write it."""

    items: tuple[Expr, ...]
    form: ListForm


class ListForm(Enum):
    SQUARE = "[]"
    ROUND = "()"
    SIZE = "x"


@dataclass(frozen=True, slots=True)
class Target(Node):
    """What a `for`, a comprehension or a `let` binds: a name, or a nested tuple of targets."""

    name: str | None
    parts: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Comprehension(Expr):
    """`[body for target in iterable if condition]`; two bare targets bind index and value."""

    body: Expr
    targets: tuple[Target, ...]
    iterable: Expr
    condition: Expr | None


@dataclass(frozen=True, slots=True)
class Lambda(Expr):
    """`(a, b) => body`."""

    params: tuple[Parameter, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Argument(Node):
    name: str | None
    value: Expr
    name_span: Span | None = field(compare=False, default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Call(Expr):
    function: Expr
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Attribute(Expr):
    """`x.channels`."""

    value: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Index(Expr):
    """`list[i]`."""

    value: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Slice(Expr):
    """`list[lo..hi]`; on a tensor, a slice of its channels."""

    value: Expr
    low: Expr | None
    high: Expr | None


@dataclass(frozen=True, slots=True)
class Range(Expr):
    """`low..high`, `high` excluded, as in `range` (but included in an `input` line)."""

    low: Expr
    high: Expr
    step: Expr | None


class UnaryOp(Enum):
    NEGATE = "-"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    op: UnaryOp
    operand: Expr


class BinaryOp(Enum):
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    FLOOR_DIVIDE = "//"
    MODULO = "%"
    POWER = "^"
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    AND = "and"
    OR = "or"


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    op: BinaryOp
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Conditional(Expr):
    """`then if condition else otherwise`."""

    then: Expr
    condition: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Chain(Expr):
    """`a -> b -> c`, two steps or more; flat, because `->` is associative."""

    steps: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Label(Node):
    """`conv1`, `layer{i + 1}`, `"stack.conv{i}"`: text and interpolated expressions.

    `quoted` is how it was written and does not change its meaning.
    """

    parts: tuple[str | Expr, ...]
    quoted: bool = field(compare=False, default=False)


@dataclass(frozen=True, slots=True)
class Labelled(Expr):
    """`label: value`."""

    label: Label
    value: Expr


@dataclass(frozen=True, slots=True)
class Shared(Expr):
    """`shared layer`: one set of weights for all uses of this value."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Residual(Expr):
    """`residual(shortcut) { body }`, a layer. `shortcut` may be labelled; absent means `identity`."""

    shortcut: Expr | None
    body: Body
    keyword_span: Span = field(compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class BodyExpr(Expr):
    """`{ ... }` where a layer is expected: an unnamed block without parameters."""

    body: Body


# --- statements ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement(Node):
    """A line (or more) of a body."""


@dataclass(frozen=True, slots=True)
class Body(Node):
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Step(Statement):
    """An expression on a line of its own: a layer is applied to the running tensor, a tensor becomes it."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Let(Statement):
    """`let a = e`; `let a, b = e` takes a list apart. At file level too."""

    targets: tuple[Target, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class For(Statement):
    """`for v in list { }`, `for i, v in list { }`."""

    targets: tuple[Target, ...]
    iterable: Expr
    body: Body


@dataclass(frozen=True, slots=True)
class If(Statement):
    """`if c { } else if d { } else { }`; an `else if` is an `If` alone in `otherwise`."""

    condition: Expr
    then: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class Param(Statement):
    """`param gamma[x.channels] = 1e-6`; without brackets, a scalar weight."""

    label: Label
    shape: tuple[Expr, ...]
    value: Expr | None


@dataclass(frozen=True, slots=True)
class In(Statement):
    """`in a, b`: names for the several inputs of a block."""

    names: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Out(Statement):
    """`out y, skip`: the values a block returns."""

    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Tap(Statement):
    """`tap c3` (the running tensor) or `tap c3 = tensor`: an output of the network beside its last."""

    label: Label
    value: Expr | None


@dataclass(frozen=True, slots=True)
class Order(Statement):
    """`order conv1, bn1`: how the layers of a body follow each other in the checkpoint."""

    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Expectation(Node):
    """`params == 25_557_032`."""

    metric: str
    op: BinaryOp
    value: Expr
    metric_span: Span = field(compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Expect(Statement):
    """`expect params == 25.6M, macs == 4.1G`."""

    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Require(Statement):
    """`require groups > 0, "groups is a count"`: what a definition demands of its arguments."""

    condition: Expr
    message: Expr


@dataclass(frozen=True, slots=True)
class Input(Statement):
    """`input 3x224x224`, `input channels, 64..512 step 32, 64..512 step 32`."""

    dims: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Stem(Statement):
    body: Body


@dataclass(frozen=True, slots=True)
class Head(Statement):
    body: Body


@dataclass(frozen=True, slots=True)
class Stage(Statement):
    label: Label
    value: Expr


# --- files ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    name: str
    default: Expr | None = None


class DefinitionKind(Enum):
    NETWORK = "network"
    BLOCK = "block"
    SHORTCUT = "shortcut"
    STEM = "stem"
    HEAD = "head"

    @property
    def adds_path(self) -> bool:
        """Whether its layers stand in a module of their own. A stem's and a head's stand in the one around them."""
        return self not in (DefinitionKind.STEM, DefinitionKind.HEAD)


@dataclass(frozen=True, slots=True)
class Definition(Node):
    """`network name(params) { }`, `block ...`, `shortcut ...`. `span` covers it all, `name_span` the name."""

    kind: DefinitionKind
    name: str
    params: tuple[Parameter, ...]
    body: Body
    doc: str = ""
    name_span: Span = field(compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Instance(Node):
    """`network resnet50 = resnet(bottleneck, [3, 4, 6, 3]) { expect ... }`; the braces are optional.

    `block` and `shortcut` may be instantiated in the same way.
    """

    kind: DefinitionKind
    name: str
    value: Expr
    expects: tuple[Expect, ...] = ()
    doc: str = ""
    name_span: Span = field(compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class ImportedName(Node):
    name: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`import resnet`: all that a shipped spec defines. `from "x.rnet" import a, b as c`: these, of a file."""

    module: str
    is_path: bool
    names: tuple[ImportedName, ...]
    module_span: Span = field(compare=False, repr=False, kw_only=True)


Item = Definition | Instance | Import | Let


@dataclass(frozen=True, slots=True)
class Comment(Node):
    """`# ...` or `## ...` with its marker; kept for the formatter."""

    text: str


@dataclass(frozen=True, slots=True)
class File(Node):
    items: tuple[Item, ...]
    comments: tuple[Comment, ...] = field(compare=False, default=())
    doc: str = ""
