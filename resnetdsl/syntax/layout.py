"""How expressions are set: on one line where they fit, else broken at their outermost bracket, chain or operator."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from resnetdsl.syntax import ast
from resnetdsl.syntax.ast import BinaryOp, UnaryOp

WIDTH = 120
INDENT = 4

# How tightly a form binds, as in the grammar; a part that binds looser than its place allows gets parentheses.
ANY, OR, AND, NOT, COMPARE, CHAIN, LABEL, RANGE, SUM, PRODUCT, UNARY, POWER, POSTFIX, PRIMARY = range(14)

_BINARY = {
    BinaryOp.OR: (OR, OR, AND),
    BinaryOp.AND: (AND, AND, NOT),
    BinaryOp.ADD: (SUM, SUM, PRODUCT),
    BinaryOp.SUBTRACT: (SUM, SUM, PRODUCT),
    BinaryOp.MULTIPLY: (PRODUCT, PRODUCT, UNARY),
    BinaryOp.DIVIDE: (PRODUCT, PRODUCT, UNARY),
    BinaryOp.FLOOR_DIVIDE: (PRODUCT, PRODUCT, UNARY),
    BinaryOp.MODULO: (PRODUCT, PRODUCT, UNARY),
    BinaryOp.POWER: (POWER, POSTFIX, POWER),
}
_COMPARISON = (COMPARE, CHAIN, CHAIN)
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "{": "{{", "}": "}}"})
_BARE_LABEL = re.compile(r"(?!(?:if|else|and|or|not|true|false)\b)[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_BARE_PART = re.compile(r"[A-Za-z0-9_]*", re.ASCII)


def level(expr: ast.Expr) -> int:
    """How tightly a form binds."""
    match expr:
        case ast.Conditional() | ast.Lambda():
            return ANY
        case ast.Binary(op=op):
            return _BINARY.get(op, _COMPARISON)[0]
        case ast.Unary(op=op):
            return NOT if op is UnaryOp.NOT else UNARY
        case ast.Chain():
            return CHAIN
        case ast.Labelled():
            return LABEL
        case ast.Range():
            return RANGE
        case ast.Shared():
            return UNARY
        case ast.Call() | ast.Index() | ast.Slice() | ast.Attribute():
            return POSTFIX
        case _:
            return PRIMARY


def spaced(op: BinaryOp) -> str:
    """An operator with its spaces: none around `^`, which binds as tightly as it looks."""
    return op.value if op is BinaryOp.POWER else f" {op.value} "


def sides(op: BinaryOp) -> tuple[int, int]:
    """What the sides of an operator must bind at least."""
    _, left, right = _BINARY.get(op, _COMPARISON)
    return left, right


def template(parts: Sequence[str | ast.Expr], escape: bool, flat: Callable[[ast.Expr], str]) -> str:
    """The text of a label or a string, without quotes."""
    texts = [part.translate(_ESCAPES) if escape else part for part in parts if isinstance(part, str)]
    plain = iter(texts)
    return "".join(next(plain) if isinstance(part, str) else f"{{{flat(part)}}}" for part in parts)


def is_bare(label: ast.Label) -> bool:
    """Whether a label can be written without quotes."""
    if label.quoted or not label.parts or not isinstance(label.parts[0], str):
        return False
    bare = _BARE_LABEL if len(label.parts) == 1 else re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
    rest = [part for part in label.parts[1:] if isinstance(part, str)]
    return bare.fullmatch(label.parts[0]) is not None and all(_BARE_PART.fullmatch(part) for part in rest)


def size_text(expr: ast.ListExpr) -> str | None:
    """`3x3`, if a list was written so and still can be."""
    numbers = [item for item in expr.items if isinstance(item, ast.Number)]
    if expr.form is not ast.ListForm.SIZE or len(numbers) < 2 or len(numbers) != len(expr.items):
        return None
    whole = [n for n in numbers if isinstance(n.value, int) and n.value >= 0 and not n.tolerance]
    return "x".join(str(n.value) for n in whole) if len(whole) == len(numbers) else None


def number_text(number: ast.Number) -> str:
    """A number as it was written, or from its value where it was not written."""
    if number.text:
        return number.text
    text = repr(number.value)
    return text if not text.startswith("-") else f"({text})"
