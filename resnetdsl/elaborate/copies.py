"""`n * e`: copies of a layer, each with an evaluation of its own."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate import budget
from resnetdsl.elaborate.layers import not_a_layer
from resnetdsl.elaborate.operators import binary
from resnetdsl.elaborate.run import Context, Run
from resnetdsl.elaborate.values import POISON, Layer, Poison, RepeatLayer, Value
from resnetdsl.syntax import ast
from resnetdsl.syntax.walk import walk

COPY_NAMES = ("index", "first", "last", "count")
"""What a repeated expression can ask about its copy."""


class Copies:
    """Makes the copies of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._asks_copy: dict[int, bool] = {}

    def times(self, count: int, node: ast.Binary, context: Context) -> Value:
        """`n * e`: a product if `e` is a number, copies if it is a layer; each copy is evaluated for itself."""
        if self._asks_about_copy(node.right) and not self._makes_copies(node.right, count, context):
            return binary(
                self.run,
                context.place,
                ast.BinaryOp.MULTIPLY,
                count,
                self.run.evaluator(node.right, context),
                node.span,
            )
        value = self.run.evaluator(node.right, self.one(0, count, context))
        if not isinstance(value, Layer):
            return binary(self.run, context.place, ast.BinaryOp.MULTIPLY, count, value, node.span)
        if count < 0:
            return self.run.report(
                "E0210", node.left.span, context.place, what="a number of copies", value=count, minimum=0
            )
        if count > budget.NODES:
            return self.run.report("E0501", node.span, context.place, count=count, limit=budget.NODES)
        if not self._asks_about_copy(node.right):
            return RepeatLayer(node.span, (value,) * count)
        copies = [value]
        for index in range(1, count):
            copy = self.run.evaluator(node.right, self.one(index, count, context))
            if not isinstance(copy, Layer):
                return POISON if isinstance(copy, Poison) else not_a_layer(self.run, copy, node.right.span, context)
            copies.append(copy)
        return RepeatLayer(node.span, tuple(copies[:count]))

    def are_meant(self, node: ast.Binary, context: Context) -> bool:
        """Whether the right side speaks of its copy where there is none around it."""
        return self._asks_about_copy(node.right) and context.env.find("index") is None

    def _makes_copies(self, node: ast.Expr, count: int, context: Context) -> bool:
        """Whether what is to be multiplied is a layer: then `index` in it is a copy's, else that of the repeat around.

        Tried out with nothing to show for it: no message, and no place to apply layers at.
        """
        sink, self.run.sink = self.run.sink, Sink()
        try:
            value = self.run.evaluator(node, Context(self.one(0, count, context).env))
        except budget.OverBudget:
            sink.take(self.run.sink.facts)
            raise
        finally:
            self.run.sink = sink
        return isinstance(value, Layer) or (value is POISON and context.env.find("index") is None)

    def one(self, index: int, count: int, context: Context) -> Context:
        names = context.env.child(index=index, first=index == 0, last=index == count - 1, count=count)
        return Context(names, context.place)

    def _asks_about_copy(self, node: ast.Expr) -> bool:
        """Whether copies may differ; if not, one evaluation serves them all."""
        known = self._asks_copy.get(id(node))
        if known is None:
            known = any(
                isinstance(part, ast.Shared) or (isinstance(part, ast.Name) and part.id in COPY_NAMES)
                for part in walk(node)
            )
            self._asks_copy[id(node)] = known
        return known
