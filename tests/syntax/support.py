"""What the tests of the syntax share."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Fact, Sink
from resnetdsl.source import SourceFile
from resnetdsl.syntax import ast
from resnetdsl.syntax.parser import parse, parse_expression
from resnetdsl.syntax.walk import walk


def parse_text(text: str) -> tuple[ast.File, list[Fact]]:
    sink = Sink()
    return parse(SourceFile("test.rnet", text), sink), sink.facts


def parse_good(text: str) -> ast.File:
    tree, facts = parse_text(text)
    assert not facts, [(fact.code, str(fact.span), dict(fact.data)) for fact in facts]
    return tree


def statement(text: str) -> ast.Statement:
    """A statement of a block's body."""
    item = parse_good(f"block b {{\n{text}\n}}\n").items[0]
    assert isinstance(item, ast.Definition)
    (only,) = item.body.statements
    return only


def expression(text: str) -> ast.Expr:
    sink = Sink()
    value = parse_expression(SourceFile("test.rnet", text), sink)
    assert value is not None, sink.facts
    assert not sink.facts
    return value


def places(facts: list[Fact]) -> list[tuple[str, int, int]]:
    return [(fact.code, fact.span.line, fact.span.column) for fact in facts]


def show(node: ast.Node | str | None) -> str:
    """An expression with all its parentheses, to see how it was read."""
    match node:
        case ast.Binary(op=op, left=left, right=right):
            return f"({show(left)} {op.value} {show(right)})"
        case ast.Unary(op=op, operand=operand):
            return f"({op.value} {show(operand)})"
        case ast.Chain(steps=steps):
            return f"({' -> '.join(show(step) for step in steps)})"
        case ast.Conditional(then=then, condition=condition, otherwise=otherwise):
            return f"({show(then)} if {show(condition)} else {show(otherwise)})"
        case ast.Labelled(label=label, value=value):
            return f"({label.span.text}: {show(value)})"
        case ast.Range(low=low, high=high, step=step):
            return f"({show(low)}..{show(high)}{'' if step is None else f' step {show(step)}'})"
        case ast.Shared(value=value):
            return f"(shared {show(value)})"
        case ast.Lambda(params=params, body=body):
            return f"({','.join(param.name for param in params)} => {show(body)})"
        case ast.Call(function=function, arguments=arguments):
            return f"{show(function)}({', '.join(show(argument.value) for argument in arguments)})"
        case ast.Attribute(value=value, name=name):
            return f"{show(value)}.{name}"
        case ast.Node():
            return node.span.text
        case _:
            return str(node)


def spans_are_nested(tree: ast.File) -> None:
    """Each node lies in the text of its parent."""
    for node in walk(tree):
        assert 0 <= node.span.start <= node.span.end <= len(tree.span.file.text)
