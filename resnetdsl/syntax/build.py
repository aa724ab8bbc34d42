"""Rules to nodes: one method for each rule or alternative of the grammar that makes something.

A method gets the extent of its text (with the parentheses around a part, which are in no node) and the
parts: a token as its index, a rule as what its method made, an absent `[part]` as None. A part that could
not be read is BROKEN, and so is what would contain it, up to the statement; lists of statements leave it out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from resnetdsl.diagnostics.model import Sink
from resnetdsl.source import SourceFile, Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.ast import BinaryOp
from resnetdsl.syntax.lexer import RESERVED, Tokens


class Broken:
    """The value of text that is not right; already reported."""

    __slots__ = ()


BROKEN: Final = Broken()

_SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_MAX_DIGITS = 400
_COMPARE = {
    "EQUAL": BinaryOp.EQUAL,
    "NOT_EQUAL": BinaryOp.NOT_EQUAL,
    "LESSTHAN": BinaryOp.LESS,
    "LESS_EQUAL": BinaryOp.LESS_EQUAL,
    "MORETHAN": BinaryOp.GREATER,
    "GREATER_EQUAL": BinaryOp.GREATER_EQUAL,
}
_PIECE = re.compile(r'[^"\\{}]+|\\.|\{\{|\}\}|\{[^{}]*\}|.')
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n", "\\t": "\t"}

# `parse_inner(start, end)` gives the expression between the braces of a label or a string.
ParseInner = Callable[[int, int], "ast.Expr | Broken"]


def _binary(op: BinaryOp) -> Callable[..., ast.Binary]:
    def make(self: Builder, start: int, end: int, left: ast.Expr, right: ast.Expr) -> ast.Binary:
        return ast.Binary(Span(self.file, start, end), op, left, right)

    return make


class Builder:
    """Makes the tree of one text from the reductions of the parser."""

    def __init__(self, file: SourceFile, tokens: Tokens, sink: Sink, parse_inner: ParseInner) -> None:
        self.file = file
        self.text = file.text
        self.types = tokens.types
        self.starts = tokens.starts
        self.ends = tokens.ends
        self.sink = sink
        self.parse_inner = parse_inner

    def word(self, token: int) -> str:
        return self.text[self.starts[token] : self.ends[token]]

    def place(self, token: int) -> Span:
        return Span(self.file, self.starts[token], self.ends[token])

    # --- files

    def items(self, _start: int, _end: int, *items: Any) -> tuple[ast.Item, ...]:
        return tuple(item for item in items if item is not None and item is not BROKEN)

    file_ = items

    def definition(
        self, start: int, end: int, kind: ast.DefinitionKind, name: int, params: Any, body: ast.Body
    ) -> ast.Definition:
        span = Span(self.file, start, end)
        return ast.Definition(span, kind, self.word(name), params or (), body, "", name_span=self.place(name))

    def instance(
        self, start: int, end: int, kind: ast.DefinitionKind, name: int, value: ast.Expr, *expects: Any
    ) -> ast.Instance:
        span = Span(self.file, start, end)
        held = self.items(start, end, *expects)
        return ast.Instance(span, kind, self.word(name), value, held, "", name_span=self.place(name))  # type: ignore[arg-type]

    def kind(self, _start: int, _end: int, token: int) -> ast.DefinitionKind:
        return ast.DefinitionKind(self.types[token].lower())

    def parameters(self, _start: int, _end: int, *params: ast.Parameter) -> tuple[ast.Parameter, ...]:
        return params

    def parameter(self, start: int, end: int, name: int, default: ast.Expr | None) -> ast.Parameter:
        return ast.Parameter(Span(self.file, start, end), self.new_name(name, "the parameters"), default)

    def new_name(self, at: int, doing: str) -> str:
        """A name that is bound here. A keyword before `=` reads as a name, and could never be read again."""
        name = self.word(at)
        if name in RESERVED:
            self.sink.report(
                "E0101",
                self.place(at),
                found=f"keyword `{name}`",
                expected="a name that is no keyword",
                doing=doing,
                suggestion=f"{name}_",
            )
        return name

    def import_(self, start: int, end: int, name: int) -> ast.Import:
        return ast.Import(Span(self.file, start, end), self.word(name), False, (), module_span=self.place(name))

    def import_from(self, start: int, end: int, module: tuple[str, bool, Span], *names: ast.ImportedName) -> ast.Import:
        return ast.Import(Span(self.file, start, end), module[0], module[1], names, module_span=module[2])

    def module(self, start: int, end: int, _token: int) -> tuple[str, bool, Span] | Broken:
        span = Span(self.file, start, end)
        if not self.text[start:end].startswith(('"', "'")):
            return self.text[start:end], False, span
        parts = self.pieces(start + 1, end - 1)
        if isinstance(parts, Broken):
            return BROKEN
        if any(not isinstance(part, str) for part in parts):
            self.sink.report(
                "E0101", span, found="a path with `{}` in it", expected="the name of a file", doing="an import"
            )
            return BROKEN
        return "".join(str(part) for part in parts), True, span

    def imported(self, start: int, end: int, name: int, alias: int | None) -> ast.ImportedName:
        return ast.ImportedName(
            Span(self.file, start, end), self.word(name), None if alias is None else self.word(alias)
        )

    # --- statements

    def body(self, start: int, end: int, *statements: Any) -> ast.Body:
        return ast.Body(Span(self.file, start, end), self.items(start, end, *statements))  # type: ignore[arg-type]

    def step(self, start: int, end: int, value: ast.Expr) -> ast.Step:
        return ast.Step(Span(self.file, start, end), value)

    def let(self, start: int, end: int, targets: tuple[ast.Target, ...], value: ast.Expr) -> ast.Let:
        return ast.Let(Span(self.file, start, end), targets, value)

    def for_(
        self, start: int, end: int, targets: tuple[ast.Target, ...], iterable: ast.Expr, body: ast.Body
    ) -> ast.For:
        return ast.For(Span(self.file, start, end), targets, iterable, body)

    def targets(self, _start: int, _end: int, *targets: ast.Target) -> tuple[ast.Target, ...]:
        return targets

    names = targets

    def target(self, start: int, end: int, name: int) -> ast.Target:
        return ast.Target(Span(self.file, start, end), self.new_name(name, "what is given a name"))

    name_target = target

    def target_tuple(self, start: int, end: int, *parts: ast.Target) -> ast.Target:
        return ast.Target(Span(self.file, start, end), None, parts)

    def if_(self, start: int, end: int, condition: ast.Expr, then: ast.Body, otherwise: ast.Body | None) -> ast.If:
        return ast.If(Span(self.file, start, end), condition, then, otherwise)

    def else_if(self, _start: int, _end: int, nested: ast.If) -> ast.Body:
        return ast.Body(nested.span, (nested,))

    def param(
        self, start: int, end: int, label: ast.Label, shape: tuple[ast.Expr, ...] | None, value: ast.Expr | None
    ) -> ast.Param:
        return ast.Param(Span(self.file, start, end), label, shape or (), value)

    def in_(self, start: int, end: int, names: tuple[ast.Target, ...]) -> ast.In:
        return ast.In(Span(self.file, start, end), names)

    def out(self, start: int, end: int, values: tuple[ast.Expr, ...]) -> ast.Out:
        return ast.Out(Span(self.file, start, end), values)

    def tap(self, start: int, end: int, label: ast.Label, value: ast.Expr | None) -> ast.Tap:
        return ast.Tap(Span(self.file, start, end), label, value)

    def order(self, start: int, end: int, *labels: ast.Label) -> ast.Order:
        return ast.Order(Span(self.file, start, end), labels)

    def expect(self, start: int, end: int, *expectations: ast.Expectation) -> ast.Expect:
        return ast.Expect(Span(self.file, start, end), expectations)

    def require(self, start: int, end: int, condition: ast.Expr, message: ast.Expr) -> ast.Require:
        return ast.Require(Span(self.file, start, end), condition, message)

    def expectation(self, start: int, end: int, metric: int, op: BinaryOp, value: ast.Expr) -> ast.Expectation:
        span = Span(self.file, start, end)
        return ast.Expectation(span, self.word(metric), op, value, metric_span=self.place(metric))

    def compare(self, _start: int, _end: int, token: int) -> BinaryOp:
        return _COMPARE[self.types[token]]

    def input(self, start: int, end: int, *dims: ast.Expr) -> ast.Input:
        return ast.Input(Span(self.file, start, end), dims)

    def stem(self, start: int, end: int, body: ast.Body) -> ast.Stem:
        return ast.Stem(Span(self.file, start, end), body)

    def head(self, start: int, end: int, body: ast.Body) -> ast.Head:
        return ast.Head(Span(self.file, start, end), body)

    def stage(self, start: int, end: int, label: ast.Label, value: ast.Expr) -> ast.Stage:
        return ast.Stage(Span(self.file, start, end), label, value)

    # --- expressions

    def expressions(self, _start: int, _end: int, *values: ast.Expr) -> tuple[ast.Expr, ...]:
        return values

    def lambda_(self, start: int, end: int, head: ast.Expr, body: ast.Expr) -> ast.Lambda | Broken:
        match head:
            case ast.Name():
                names: tuple[ast.Expr, ...] = (head,)
            case ast.ListExpr(items=items, form=ast.ListForm.ROUND):
                names = items
            case _:
                names = (head,)
        params = []
        for name in names:
            if not isinstance(name, ast.Name):
                self.sink.report(
                    "E0101", name.span, found=f"`{name.span.text}`", expected="a name", doing="the names of a function"
                )
                return BROKEN
            params.append(ast.Parameter(name.span, name.id))
        return ast.Lambda(Span(self.file, start, end), tuple(params), body)

    def choice(self, start: int, end: int, then: ast.Expr, condition: ast.Expr, otherwise: ast.Expr) -> ast.Conditional:
        return ast.Conditional(Span(self.file, start, end), then, condition, otherwise)

    or_ = _binary(BinaryOp.OR)
    and_ = _binary(BinaryOp.AND)
    equal = _binary(BinaryOp.EQUAL)
    not_equal = _binary(BinaryOp.NOT_EQUAL)
    less = _binary(BinaryOp.LESS)
    less_equal = _binary(BinaryOp.LESS_EQUAL)
    greater = _binary(BinaryOp.GREATER)
    greater_equal = _binary(BinaryOp.GREATER_EQUAL)
    add = _binary(BinaryOp.ADD)
    subtract = _binary(BinaryOp.SUBTRACT)
    multiply = _binary(BinaryOp.MULTIPLY)
    divide = _binary(BinaryOp.DIVIDE)
    floor_divide = _binary(BinaryOp.FLOOR_DIVIDE)
    modulo = _binary(BinaryOp.MODULO)
    power_of = _binary(BinaryOp.POWER)

    def not_(self, start: int, end: int, operand: ast.Expr) -> ast.Unary:
        return ast.Unary(Span(self.file, start, end), ast.UnaryOp.NOT, operand)

    def negate(self, start: int, end: int, operand: ast.Expr) -> ast.Unary:
        return ast.Unary(Span(self.file, start, end), ast.UnaryOp.NEGATE, operand)

    def shared(self, start: int, end: int, value: ast.Expr) -> ast.Shared:
        return ast.Shared(Span(self.file, start, end), value)

    def chain_of(self, start: int, end: int, *steps: ast.Expr) -> ast.Chain:
        return ast.Chain(Span(self.file, start, end), steps)

    def label_value(self, start: int, end: int, label: ast.Label, value: ast.Expr) -> ast.Labelled:
        return ast.Labelled(Span(self.file, start, end), label, value)

    def range_of(self, start: int, end: int, low: ast.Expr, high: ast.Expr, step: ast.Expr | None) -> ast.Range:
        return ast.Range(Span(self.file, start, end), low, high, step)

    def call(self, start: int, end: int, function: ast.Expr, arguments: tuple[ast.Argument, ...] | None) -> ast.Call:
        return ast.Call(Span(self.file, start, end), function, arguments or ())

    def index(self, start: int, end: int, value: ast.Expr, index: ast.Expr) -> ast.Index | ast.Slice:
        span = Span(self.file, start, end)
        if isinstance(index, ast.Range) and index.step is None:
            return ast.Slice(span, value, index.low, index.high)
        return ast.Index(span, value, index)

    def slice_from(self, start: int, end: int, value: ast.Expr, low: ast.Expr) -> ast.Slice:
        return ast.Slice(Span(self.file, start, end), value, low, None)

    def slice_to(self, start: int, end: int, value: ast.Expr, high: ast.Expr | None) -> ast.Slice:
        return ast.Slice(Span(self.file, start, end), value, None, high)

    def attribute(self, start: int, end: int, value: ast.Expr, name: int) -> ast.Attribute:
        return ast.Attribute(Span(self.file, start, end), value, self.word(name))

    def arguments(self, _start: int, _end: int, *arguments: ast.Argument) -> tuple[ast.Argument, ...]:
        return arguments

    def argument(self, start: int, end: int, value: ast.Expr) -> ast.Argument:
        return ast.Argument(Span(self.file, start, end), None, value)

    def named_argument(self, start: int, end: int, name: int, value: ast.Expr) -> ast.Argument:
        return ast.Argument(Span(self.file, start, end), self.word(name), value, self.place(name))

    def square_list(self, start: int, end: int, items: tuple[ast.Expr, ...] | None) -> ast.ListExpr:
        return ast.ListExpr(Span(self.file, start, end), items or (), ast.ListForm.SQUARE)

    def round_list(self, start: int, end: int, *items: ast.Expr) -> ast.ListExpr:
        return ast.ListExpr(Span(self.file, start, end), items, ast.ListForm.ROUND)

    empty_tuple = one_tuple = round_list

    def comprehension(
        self,
        start: int,
        end: int,
        body: ast.Expr,
        targets: tuple[ast.Target, ...],
        iterable: ast.Expr,
        condition: ast.Expr | None,
    ) -> ast.Comprehension:
        return ast.Comprehension(Span(self.file, start, end), body, targets, iterable, condition)

    def residual(self, start: int, end: int, shortcut: ast.Expr | None, body: ast.Body) -> ast.Residual:
        keyword = Span(self.file, start, start + len("residual"))
        return ast.Residual(Span(self.file, start, end), shortcut, body, keyword_span=keyword)

    def body_expression(self, start: int, end: int, body: ast.Body) -> ast.BodyExpr:
        return ast.BodyExpr(Span(self.file, start, end), body)

    def name(self, start: int, end: int, _token: int) -> ast.Name:
        return ast.Name(Span(self.file, start, end), self.text[start:end])

    def true(self, start: int, end: int) -> ast.Bool:
        return ast.Bool(Span(self.file, start, end), True)

    def false(self, start: int, end: int) -> ast.Bool:
        return ast.Bool(Span(self.file, start, end), False)

    # --- literals

    def number(self, start: int, end: int, _token: int) -> ast.Number | Broken:
        text = self.text[start:end]
        span = Span(self.file, start, end)
        if text.isdigit() and len(text) <= _MAX_DIGITS:
            return ast.Number(span, int(text), text)
        try:
            return self.long_number(span, text.replace("_", ""))
        except (ValueError, OverflowError):
            self.sink.report("E0105", span, text=text if len(text) <= 40 else f"{text[:40]}…")
            return BROKEN

    def long_number(self, span: Span, digits: str) -> ast.Number:
        text = span.text
        factor = _SUFFIXES.get(digits[-1:])
        mantissa, _, exponent = (digits[:-1] if factor else digits).lower().partition("e")
        power = int(exponent or "0")
        if len(digits) > _MAX_DIGITS or abs(power) > _MAX_DIGITS:
            raise OverflowError
        if factor is None:
            value = float(digits) if exponent or "." in mantissa else int(mantissa)
            if math.isinf(value):
                raise OverflowError
            return ast.Number(span, value, text)
        # In whole numbers: 4.1 * 10**9 as floats is not 4_100_000_000.
        whole, _, decimals = mantissa.partition(".")
        power -= len(decimals)
        above, below = (factor * 10**power, 1) if power >= 0 else (factor, 10**-power)
        exact = int(whole + decimals) * above
        value = exact // below if exact % below == 0 else exact / below
        return ast.Number(span, value, text, above / below / 2)

    def size(self, start: int, end: int, _token: int) -> ast.ListExpr | Broken:
        items = []
        at = start
        for digits in self.text[start:end].split("x"):
            if len(digits) > _MAX_DIGITS:
                self.sink.report("E0105", Span(self.file, at, at + len(digits)), text=f"{digits[:40]}…")
                return BROKEN
            items.append(ast.Number(Span(self.file, at, at + len(digits)), int(digits), digits))
            at += len(digits) + 1
        return ast.ListExpr(Span(self.file, start, end), tuple(items), ast.ListForm.SIZE)

    def string(self, start: int, end: int, _token: int) -> ast.Text | Broken:
        parts = self.pieces(start + 1, end - 1)
        return parts if isinstance(parts, Broken) else ast.Text(Span(self.file, start, end), parts)

    def label_name(self, start: int, end: int, _token: int) -> ast.Label:
        return ast.Label(Span(self.file, start, end), (self.text[start:end],))

    def label_template(self, start: int, end: int, _token: int) -> ast.Label | Broken:
        parts = self.pieces(start, end)
        return parts if isinstance(parts, Broken) else ast.Label(Span(self.file, start, end), parts)

    def label_string(self, start: int, end: int, _token: int) -> ast.Label | Broken:
        parts = self.pieces(start + 1, end - 1)
        return parts if isinstance(parts, Broken) else ast.Label(Span(self.file, start, end), parts, True)

    def pieces(self, start: int, end: int) -> tuple[str | ast.Expr, ...] | Broken:
        """What stands between the quotes of a string, or in a label: text and expressions in braces."""
        parts: list[str | ast.Expr] = []
        broken = self.text[start - 1 : start] == '"' and self.text[end : end + 1] != '"'
        for found in _PIECE.finditer(self.text, start, max(start, end)):
            piece, at = found[0], found.start()
            if piece in _ESCAPES:
                value: str | ast.Expr | Broken = _ESCAPES[piece]
            elif piece in ("{{", "}}"):
                value = piece[0]
            elif piece == "{":
                self.sink.report("E0102", Span(self.file, at, at + 1), bracket="{", inside="a string")
                value = BROKEN
            elif piece == "}":
                self.sink.report("E0108", Span(self.file, at, at + 1), bracket="}", inside="a string")
                value = BROKEN
            elif piece[0] == "{":
                value = self.parse_inner(at + 1, found.end() - 1)
            elif piece[0] == "\\":
                self.sink.report("E0106", Span(self.file, at, found.end()), char=piece)
                value = BROKEN
            else:
                value = piece
            if isinstance(value, Broken):
                broken = True
            elif isinstance(value, str) and parts and isinstance(parts[-1], str):
                parts[-1] += value
            else:
                parts.append(value)
        return BROKEN if broken else tuple(parts)


# Methods whose names are taken by keywords, or whose result is no level of the tree.
METHODS = {"file": "file_", "import": "import_", "for": "for_", "if": "if_", "in": "in_", "lambda": "lambda_"}
LEVELLESS = frozenset(
    (
        *("file", "kind", "parameters", "parameter", "module", "imported", "targets", "names", "expressions"),
        *("arguments", "argument", "compare", "step", "label_name"),
    )
)
