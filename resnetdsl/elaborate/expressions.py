"""The value of an expression."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from resnetdsl.elaborate import budget, layers, parts
from resnetdsl.elaborate.arguments import want_whole
from resnetdsl.elaborate.calling import Caller, meant_by_name
from resnetdsl.elaborate.copies import Copies
from resnetdsl.elaborate.meant import unknown
from resnetdsl.elaborate.operators import binary, bounded_list, bounded_number, bounded_text, too_long
from resnetdsl.elaborate.run import Context, Run
from resnetdsl.elaborate.targets import bind_targets
from resnetdsl.elaborate.values import (
    POISON,
    BodyLayer,
    DoubtLayer,
    Function,
    Layer,
    Poison,
    SequenceLayer,
    Tensor,
    Value,
    contains_poison,
    describe,
    uncertain,
    whole,
)
from resnetdsl.source import Span
from resnetdsl.syntax import ast


class Evaluator:
    """Evaluates expressions for a run. Total: every expression has a value, if only POISON."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.caller = Caller(run)
        self.copies = Copies(run)
        self._table: dict[type[ast.Expr], Callable[[Any, Context], Value]] = {
            ast.Number: self._number,
            ast.Bool: lambda node, _: node.value,
            ast.Text: self._text,
            ast.Name: self._name,
            ast.ListExpr: self._list,
            ast.Comprehension: self._comprehension,
            ast.Lambda: lambda node, context: Function(node, context.env),
            ast.Call: self._call,
            ast.Attribute: partial(parts.attribute, run),
            ast.Index: partial(parts.index, run),
            ast.Slice: partial(parts.slice_of, run),
            ast.Range: self._range,
            ast.Unary: self._unary,
            ast.Binary: self._binary,
            ast.Conditional: self._conditional,
            ast.Chain: partial(layers.chain, run),
            ast.Labelled: partial(layers.labelled, run),
            ast.Shared: partial(layers.shared, run),
            ast.Residual: partial(layers.residual, run),
            ast.BodyExpr: lambda node, context: BodyLayer(node.span, node.body, context.env),
        }

    def __call__(self, node: ast.Expr, context: Context) -> Value:
        self.run.spend(node.span)
        value = self._table[type(node)](node, context)
        if isinstance(value, tuple):
            return POISON if POISON in value else bounded_list(self.run, context.place, value, node.span)
        return value

    # --- values ---

    def _number(self, node: ast.Number, context: Context) -> Value:
        return bounded_number(self.run, context.place, node.value, node.span)

    def _text(self, node: ast.Text, context: Context) -> Value:
        return self.template(node.parts, node.span, context)

    def template(
        self, parts: tuple[str | ast.Expr, ...], span: Span, context: Context, whole: bool = False
    ) -> str | Poison:
        """Text with its `{...}` filled in by numbers and strings; by `whole` numbers alone where it names something."""
        text: str | Poison = ""
        for part in parts:
            if isinstance(text, Poison):
                return POISON
            if isinstance(part, str):
                text += part
                continue
            value = self(part, context)
            if uncertain(value):
                return POISON
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                where = "the text"
                return self.run.report(
                    "E0207", part.span, context.place, wanted="a number or a string", got=describe(value), where=where
                )
            if whole and isinstance(value, float):
                value = want_whole(self.run, context.place, value, part.span, "a number in a label")
            if isinstance(value, Poison):
                return POISON
            more = f"{float(value):g}" if isinstance(value, float) else str(value)
            text = bounded_text(self.run, context.place, text + more, span)
        return text

    def _name(self, node: ast.Name, context: Context) -> Value:
        env = context.env.find(node.id)
        if env is None and context.env.may_have_more():
            return POISON
        if env is None:
            meant = unknown(node.id, context.env.all_names(), len(self.run.sink.facts))
            return self.run.report("E0201", node.span, context.place, name=node.id, **meant)
        value = env.value(node.id)
        if isinstance(value, Layer):
            return self.caller.at(value, node.span)
        return value

    def _list(self, node: ast.ListExpr, context: Context) -> Value:
        return tuple(self(item, context) for item in node.items)

    def _comprehension(self, node: ast.Comprehension, context: Context) -> Value:
        known = self.items(node.iterable, context)
        items = (POISON,) if isinstance(known, Poison) else known
        found: list[Value] = []
        for index, item in enumerate(items):
            inner = Context(context.env.child(), context.place)
            broken = not bind_targets(self.run, node.targets, index, item, inner) or item is POISON
            wanted = True if node.condition is None else self.condition(node.condition, inner)
            if not wanted:
                continue
            found.append(self(node.body, inner))
            if broken or isinstance(wanted, Poison):
                return POISON
        return tuple(found)

    def items(self, node: ast.Expr, context: Context) -> tuple[Value, ...] | Poison:
        """The elements of what a loop runs over."""
        value = self(node, context)
        if isinstance(value, tuple):
            return value
        if not uncertain(value):
            self.run.report(
                "E0207",
                node.span,
                context.place,
                wanted="a list",
                got=describe(value),
                where="what a `for` runs over",
                hint=f"`0..{node.span.text}` are the whole numbers from 0 up to it" if whole(value) else None,
            )
        return POISON

    def _call(self, node: ast.Call, context: Context) -> Value:
        function = self(node.function, context)
        given = [meant_by_name(self.run, function, argument) or argument for argument in node.arguments]
        arguments = [(argument, self(argument.value, context)) for argument in given]
        return self.caller.call(function, arguments, node, context)

    def _range(self, node: ast.Range, context: Context) -> Value:
        ends: list[int] = []
        for part, what in ((node.low, "start"), (node.high, "end"), (node.step, "step")):
            if part is None:
                ends.append(1)
                continue
            end = want_whole(self.run, context.place, self(part, context), part.span, f"the {what} of a range")
            if isinstance(end, Poison):
                return POISON
            ends.append(end)
        if ends[2] == 0:
            return self.run.report(
                "E0605", node.span, context.place, low=ends[0], high=ends[1], step=0, reason="a step of 0 never arrives"
            )
        numbers = range(*ends)
        if len(numbers) > budget.LIST:
            return too_long(self.run, context.place, node.span, len(numbers))
        return tuple(numbers)

    # --- operators ---

    def _unary(self, node: ast.Unary, context: Context) -> Value:
        if node.op is ast.UnaryOp.NOT:
            value = self.condition(node.operand, context)
            return value if isinstance(value, Poison) else not value
        operand = self(node.operand, context)
        if contains_poison(operand):
            return POISON
        if not isinstance(operand, int | float | Tensor | Layer) or isinstance(operand, bool):
            wanted, where = "a number, a tensor or a layer", "the operand of `-`"
            return self.run.report(
                "E0207", node.operand.span, context.place, wanted=wanted, got=describe(operand), where=where
            )
        return binary(self.run, context.place, ast.BinaryOp.MULTIPLY, operand, -1, node.span)

    def condition(self, node: ast.Expr, context: Context) -> bool | Poison:
        value = self(node, context)
        if isinstance(value, bool | Poison):
            return value
        if uncertain(value):
            return POISON
        return self.run.report(
            "E0207", node.span, context.place, wanted="true or false", got=describe(value), where="a condition"
        )

    def _binary(self, node: ast.Binary, context: Context) -> Value:
        if node.op in (ast.BinaryOp.AND, ast.BinaryOp.OR):
            left = self.condition(node.left, context)
            if isinstance(left, Poison) or left is (node.op is ast.BinaryOp.OR):
                return left
            return self.condition(node.right, context)
        left_value = self(node.left, context)
        if node.op is ast.BinaryOp.MULTIPLY and isinstance(left_value, Poison):
            copy = self(node.right, self.copies.one(0, 1, context))
            return SequenceLayer(node.span, (copy, DoubtLayer(node.left.span))) if isinstance(copy, Layer) else POISON
        if node.op is ast.BinaryOp.MULTIPLY and isinstance(left_value, int) and not isinstance(left_value, bool):
            return self.copies.times(left_value, node, context)
        if node.op is ast.BinaryOp.MULTIPLY and isinstance(left_value, float) and self.copies.are_meant(node, context):
            want_whole(self.run, context.place, left_value, node.left.span, "a number of copies")
            return POISON
        return binary(self.run, context.place, node.op, left_value, self(node.right, context), node.span)

    def _conditional(self, node: ast.Conditional, context: Context) -> Value:
        wanted = self.condition(node.condition, context)
        if isinstance(wanted, Poison):
            return POISON
        return self(node.then if wanted else node.otherwise, context)
