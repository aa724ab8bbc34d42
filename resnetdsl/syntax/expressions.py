"""The printer's half for expressions: `flat` on one line, `expr` over several where one does not do."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from resnetdsl.source import Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.ast import BinaryOp, UnaryOp
from resnetdsl.syntax.layout import (
    ANY,
    INDENT,
    LABEL,
    NOT,
    OR,
    POSTFIX,
    POWER,
    SUM,
    UNARY,
    WIDTH,
    is_bare,
    level,
    number_text,
    sides,
    size_text,
    spaced,
    template,
)


class Expressions:
    """Knows the comments that are still to be printed, since a comment in an expression breaks it."""

    def __init__(self, comments: tuple[ast.Comment, ...]) -> None:
        self.comments = comments
        self.comment_starts = [comment.span.start for comment in comments]
        self.next_comment = 0
        self.flats: dict[int, str | None] = {}  # what is known of each expression, by identity

    # Bodies are the other half's.
    def body(self, body: ast.Body, indent: int, column: int, tail: int = 0) -> str:
        raise TypeError("expressions alone print no bodies")

    def flat_body(self, body: ast.Body) -> str | None:
        raise TypeError("expressions alone print no bodies")

    # --- comments

    def has_comments(self, span: Span) -> bool:
        index = bisect_left(self.comment_starts, span.start)
        return index < len(self.comment_starts) and self.comment_starts[index] < span.end

    def take(self, before: int | None) -> tuple[ast.Comment, ...]:
        """The comments before a place that are not printed yet."""
        first = self.next_comment
        last = len(self.comments) if before is None else bisect_left(self.comment_starts, before)
        self.next_comment = max(first, last)
        return self.comments[first : self.next_comment]

    def comment_beside(self, end: int) -> ast.Comment | None:
        """The next comment, if it stands on the line where something ended, with no more than a comma between."""
        if self.next_comment >= len(self.comments):
            return None
        comment = self.comments[self.next_comment]
        between = comment.span.file.text[end : comment.span.start]
        if comment.span.start < end or "\n" in between or between.strip(" \t,"):
            return None
        self.next_comment += 1
        return comment

    # --- on one line

    def flat(self, expr: ast.Expr, least: int = ANY) -> str | None:
        """An expression on one line, or None if it cannot be on one."""
        if id(expr) not in self.flats:
            self.flats[id(expr)] = None if self.has_comments(expr.span) else self.flat_bare(expr)
        text = self.flats[id(expr)]
        return f"({text})" if text is not None and level(expr) < least else text

    def flat_bare(self, expr: ast.Expr) -> str | None:  # noqa: C901, PLR0912 - one arm a form
        match expr:
            case ast.Number():
                return number_text(expr)
            case ast.Bool(value=value):
                return "true" if value else "false"
            case ast.Text(parts=parts):
                return self.quote(parts)
            case ast.Name(id=name):
                return name
            case ast.ListExpr(items=items):
                return size_text(expr) or self.flat_list(expr, [self.flat(item) for item in items])
            case ast.Comprehension():
                return self.flat_comprehension(expr)
            case ast.Lambda(params=params, body=body):
                return _joined(f"({', '.join(param.name for param in params)}) => ", self.flat(body))
            case ast.Call(function=function, arguments=arguments):
                inner = _all([self.flat_argument(argument) for argument in arguments])
                return None if inner is None else _joined(self.flat(function, POSTFIX), f"({', '.join(inner)})")
            case ast.Attribute(value=value, name=name):
                return _joined(self.flat(value, POSTFIX), f".{name}")
            case ast.Index(value=value, index=index):
                return _joined(self.flat(value, POSTFIX), "[", self.flat(index), "]")
            case ast.Slice(value=value, low=low, high=high):
                ends = ["" if end is None else self.flat(end, SUM) for end in (low, high)]
                return _joined(self.flat(value, POSTFIX), "[", ends[0], "..", ends[1], "]")
            case ast.Range(low=low, high=high, step=step):
                text = _joined(self.flat(low, SUM), "..", self.flat(high, SUM))
                return text if step is None else _joined(text, " step ", self.flat(step, SUM))
            case ast.Unary(op=UnaryOp.NOT, operand=operand):
                return _joined("not ", self.flat(operand, NOT))
            case ast.Unary(operand=operand):
                return _joined("-", self.flat(operand, UNARY))
            case ast.Binary(op=op, left=left, right=right):
                return _joined(self.flat(left, sides(op)[0]), spaced(op), self.flat(right, _right(op, right)))
            case ast.Conditional(then=then, condition=condition, otherwise=otherwise):
                return _joined(self.flat(then, OR), " if ", self.flat(condition, OR), " else ", self.flat(otherwise))
            case ast.Chain(steps=steps):
                shown = None if any(_breaks(steps)) else _all([self.flat(step, LABEL) for step in steps])
                return None if shown is None else " -> ".join(shown)
            case ast.Labelled(label=label, value=value):
                return _joined(f"{self.label(label)}: ", self.flat(value, LABEL))
            case ast.Shared(value=value):
                return _joined("shared ", self.flat(value, UNARY))
            case ast.Residual(shortcut=shortcut, body=body):
                head = "residual " if shortcut is None else _joined("residual(", self.flat(shortcut), ") ")
                return _joined(head, self.flat_body(body))
            case ast.BodyExpr(body=body):
                return self.flat_body(body)
            case _:
                raise TypeError(f"no expression: {type(expr).__name__}")

    def flat_list(self, expr: ast.ListExpr, items: list[str | None]) -> str | None:
        parts = _all(items)
        if parts is None:
            return None
        if expr.form is not ast.ListForm.ROUND:
            return f"[{', '.join(parts)}]"
        return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"

    def flat_argument(self, argument: ast.Argument) -> str | None:
        return _joined("" if argument.name is None else f"{argument.name} = ", self.flat(argument.value))

    def flat_comprehension(self, expr: ast.Comprehension) -> str | None:
        text = _joined(self.flat(expr.body), f" for {self.targets(expr.targets)} in ", self.flat(expr.iterable, OR))
        if expr.condition is not None:
            text = _joined(text, " if ", self.flat(expr.condition))
        return _joined("[", text, "]")

    def targets(self, targets: tuple[ast.Target, ...]) -> str:
        raise TypeError("the other half prints targets")

    def label(self, label: ast.Label) -> str:
        if is_bare(label):
            return template(label.parts, False, lambda part: self.flat(part) or "")
        return self.quote(label.parts)

    def quote(self, parts: Sequence[str | ast.Expr]) -> str:
        return f'"{template(parts, True, lambda part: self.flat(part) or "")}"'

    # --- over several lines

    def expr(self, expr: ast.Expr, least: int, indent: int, column: int, tail: int = 0) -> str:
        """An expression that begins at a column of a line with an indent; `tail` columns must stay free after it."""
        flat = self.flat(expr, least)
        if flat is not None and column + len(flat) + tail <= WIDTH:
            return flat
        if level(expr) < least:
            return f"({self.broken(expr, indent, column + 1, tail + 1)})"
        return self.broken(expr, indent, column, tail)

    def broken(self, expr: ast.Expr, indent: int, column: int, tail: int) -> str:
        match expr:
            case ast.Chain(steps=steps):
                return self.broken_chain(steps, indent, column, tail)
            case ast.Call(function=function, arguments=arguments):
                head = self.expr(function, POSTFIX, indent, column, tail=1)
                return head + self.broken_arguments(arguments, indent, _after(head, column), tail)
            case ast.ListExpr(items=items, form=form) if size_text(expr) is None:
                round_ = form is ast.ListForm.ROUND
                parts = [(item.span, self.expr(item, ANY, indent + INDENT, indent + INDENT, 1)) for item in items]
                brackets = "()" if round_ else "[]"
                return self.in_brackets(brackets, parts, indent, column, tail, one_needs_comma=round_)
            case ast.Comprehension():
                return self.broken_comprehension(expr, indent)
            case ast.Binary(op=op, left=left, right=right):
                return self.broken_binary(op, left, right, indent, column, tail)
            case ast.Conditional(otherwise=otherwise):
                return self.broken_conditional(expr, self.flat(otherwise), indent, column, tail)
            case ast.Residual(shortcut=shortcut, body=body):
                head = (
                    "residual" if shortcut is None else f"residual({self.expr(shortcut, ANY, indent, column + 9, 3)})"
                )
                return f"{head} {self.body(body, indent, _after(head, column) + 1, tail)}"
            case ast.BodyExpr(body=body):
                return self.body(body, indent, column, tail)
            case _:
                return self.pieces(expr, indent, column, tail)

    def pieces(self, expr: ast.Expr, indent: int, column: int, tail: int) -> str:
        """A form that has no place of its own to break: its parts do."""
        parts: tuple[str | tuple[ast.Expr, int], ...]
        match expr:
            case ast.Labelled(label=label, value=value):
                parts = (f"{self.label(label)}: ", (value, LABEL))
            case ast.Shared(value=value):
                parts = ("shared ", (value, UNARY))
            case ast.Unary(op=op, operand=operand):
                parts = ("not ", (operand, NOT)) if op is UnaryOp.NOT else ("-", (operand, UNARY))
            case ast.Lambda(params=params, body=body):
                parts = (f"({', '.join(param.name for param in params)}) => ", (body, ANY))
            case ast.Attribute(value=value, name=name):
                parts = ((value, POSTFIX), f".{name}")
            case ast.Index(value=value, index=index):
                parts = ((value, POSTFIX), "[", (index, ANY), "]")
            case ast.Slice(value=value, low=low, high=high):
                parts = ((value, POSTFIX), "[", *_maybe(low), "..", *_maybe(high), "]")
            case ast.Range(low=low, high=high, step=step):
                parts = ((low, SUM), "..", (high, SUM), *((" step ",) if step is not None else ()), *_maybe(step))
            case _:
                parts = (self.flat_bare(expr) or "",)
        text = ""
        for place, part in enumerate(parts):
            if isinstance(part, str):
                text += part
                continue
            value, least = part
            following = sum(len(after) for after in parts[place + 1 : place + 2] if isinstance(after, str))
            text += self.expr(value, least, indent, _after(text, column), following or tail)
        return text

    def broken_chain(self, steps: tuple[ast.Expr, ...], indent: int, column: int, tail: int) -> str:
        """The lines that the author chose, and more where a line would be too long."""
        inner = indent + INDENT
        text = self.expr(steps[0], LABEL, indent, column, 0)
        for index, (step, breaks) in enumerate(zip(steps[1:], _breaks(steps), strict=True)):
            beside = self.comment_beside(steps[index].span.end)
            above = [comment.text.rstrip() for comment in self.take(step.span.start)]
            at = _after(text, column)
            room = tail if index == len(steps) - 2 else 0
            flat = self.flat(step, LABEL)
            fits = at + 4 + (len(flat) if flat is not None else 1) + room <= WIDTH
            if beside is not None:
                text += f"  {beside.text.rstrip()}"
            if beside is not None or above or breaks or not fits:
                text += "".join("\n" + " " * inner + comment for comment in above)
                text += "\n" + " " * inner + "-> " + self.expr(step, LABEL, inner, inner + 3, room)
            else:
                text += " -> " + self.expr(step, LABEL, indent, at + 4, room)
        return text

    def broken_binary(self, op: BinaryOp, left: ast.Expr, right: ast.Expr, indent: int, column: int, tail: int) -> str:
        least_left = sides(op)[0]
        text = self.expr(left, least_left, indent, column, len(spaced(op)))
        flat = self.flat(right, _right(op, right))
        at = _after(text, column) + len(spaced(op))
        if flat is None or at + len(flat) + tail <= WIDTH or indent + INDENT + len(flat) + tail > WIDTH:
            return text + spaced(op) + self.expr(right, _right(op, right), indent, at, tail)
        return f"{text} {op.value}\n{' ' * (indent + INDENT)}{flat}"

    def broken_conditional(
        self, expr: ast.Conditional, otherwise: str | None, indent: int, column: int, tail: int
    ) -> str:
        text = self.expr(expr.then, OR, indent, column, 4) + " if "
        text += self.expr(expr.condition, OR, indent, _after(text, column), 5) + " else"
        at = _after(text, column) + 1
        if otherwise is None or at + len(otherwise) + tail <= WIDTH or indent + INDENT + len(otherwise) + tail > WIDTH:
            return f"{text} {self.expr(expr.otherwise, ANY, indent, at, tail)}"
        return f"{text}\n{' ' * (indent + INDENT)}{otherwise}"

    def broken_arguments(self, arguments: tuple[ast.Argument, ...], indent: int, column: int, tail: int) -> str:
        only = arguments[0] if len(arguments) == 1 else None
        if only is not None and isinstance(only.value, ast.BodyExpr | ast.Residual | ast.ListExpr | ast.Comprehension):
            head = "(" if only.name is None else f"({only.name} = "
            return f"{head}{self.expr(only.value, ANY, indent, column + len(head), tail + 1)})"
        inner = indent + INDENT
        parts = []
        for argument in arguments:
            head = "" if argument.name is None else f"{argument.name} = "
            parts.append((argument.span, head + self.expr(argument.value, ANY, inner, inner + len(head), 1)))
        return self.in_brackets("()", parts, indent, column, tail)

    def broken_comprehension(self, expr: ast.Comprehension, indent: int) -> str:
        inner = indent + INDENT
        head = f"for {self.targets(expr.targets)} in "
        lines = [
            self.expr(expr.body, ANY, inner, inner),
            head + self.expr(expr.iterable, OR, inner, inner + len(head)),
        ]
        if expr.condition is not None:
            lines.append(f"if {self.expr(expr.condition, ANY, inner, inner + 3)}")
        return "[\n" + "".join(f"{' ' * inner}{line}\n" for line in lines) + " " * indent + "]"

    def in_brackets(
        self,
        brackets: str,
        parts: list[tuple[Span, str]],
        indent: int,
        column: int,
        tail: int = 0,
        *,
        one_needs_comma: bool = False,
    ) -> str:
        """Parts between brackets: all on this line, or all on one line of their own, or each on one."""
        opening, closing = brackets[0], brackets[1]
        last_comma = "," if one_needs_comma and len(parts) == 1 else ""
        row = ", ".join(text for _, text in parts) + last_comma
        tall = "\n" in row or any(self.pending(span) for span, _ in parts)
        if not tall and column + len(row) + 2 + tail <= WIDTH:
            return opening + row + closing
        inner = indent + INDENT
        if not tall and inner + len(row) <= WIDTH:
            return f"{opening}\n{' ' * inner}{row}\n{' ' * indent}{closing}"
        lines = [opening]
        for span, text in parts:
            lines += [" " * inner + comment.text.rstrip() for comment in self.take(span.start)]
            lines.append(f"{' ' * inner}{text},")
            beside = self.comment_beside(span.end)
            if beside is not None:
                lines[-1] += f"  {beside.text.rstrip()}"
        return "\n".join([*lines, " " * indent + closing])

    def pending(self, span: Span) -> bool:
        """Whether a comment that is still to be printed stands before the end of a part, or beside it."""
        if self.next_comment >= len(self.comments):
            return False
        at = self.comment_starts[self.next_comment]
        return at < span.end or not span.file.text[span.end : at].strip(" \t,")


def _right(op: BinaryOp, right: ast.Expr) -> int:
    """What the right side must bind: `2^-1` needs no parentheses, `2^-(a.b(c))` neither, `2^shared a` does."""
    exponent = op is BinaryOp.POWER
    while exponent and isinstance(right, ast.Unary) and right.op is UnaryOp.NEGATE:
        right = right.operand
        if level(right) >= POWER:
            return UNARY
    return sides(op)[1]


def _breaks(steps: tuple[ast.Expr, ...]) -> list[bool]:
    """Before which steps, from the second, the author began a new line."""
    gaps = [one.span.file.text[one.span.end : two.span.start] for one, two in pairwise(steps)]
    return ["\n" in gap for gap in gaps]


def _maybe(expr: ast.Expr | None) -> tuple[tuple[ast.Expr, int], ...]:
    return () if expr is None else ((expr, SUM),)


def _joined(*parts: str | None) -> str | None:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def _all(parts: list[str | None]) -> list[str] | None:
    known = [part for part in parts if part is not None]
    return known if len(known) == len(parts) else None


def _after(text: str, before: int) -> int:
    line = text.rfind("\n")
    return before + len(text) if line < 0 else len(text) - line - 1
