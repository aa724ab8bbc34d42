"""parse(print(tree)) == tree, for trees that nobody wrote."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnetdsl.source import SourceFile, Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.ast import BinaryOp, ListForm, UnaryOp
from resnetdsl.syntax.printer import print_file
from tests.syntax.support import parse_good

NOWHERE = Span(SourceFile("nowhere", ""), 0, 0)
COMPARISONS = (
    BinaryOp.EQUAL,
    BinaryOp.NOT_EQUAL,
    BinaryOp.LESS,
    BinaryOp.LESS_EQUAL,
    BinaryOp.GREATER,
    BinaryOp.GREATER_EQUAL,
)

names = st.sampled_from(
    ["a", "b", "conv", "x", "width", "block", "shortcut", "input", "head", "stage", "param", "tap", "_y1"]
)
numbers = st.one_of(
    st.integers(0, 10**12).map(lambda n: ast.Number(NOWHERE, n, str(n))),
    st.floats(0, 1e9, allow_nan=False).map(lambda f: ast.Number(NOWHERE, f, "")),
    st.just(ast.Number(NOWHERE, 4_100_000_000, "4.1G", 5e7)),
)
sizes = st.lists(st.integers(0, 999).map(lambda n: ast.Number(NOWHERE, n)), min_size=2, max_size=4).map(
    lambda items: ast.ListExpr(NOWHERE, tuple(items), ListForm.SIZE)
)
words = st.text(st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=("Cs", "Cc")), max_size=8)
texts = st.one_of(words, st.sampled_from(['"', "\\", "{", "}", "\n", "\t", "a{b}"]))


def joined(parts: list[Any]) -> tuple[Any, ...]:
    """Neighbouring texts are one text, and empty ones are none."""
    merged: list[Any] = []
    for part in parts:
        if part == "":
            continue
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)


inner = st.one_of(names.map(lambda name: ast.Name(NOWHERE, name)), numbers)
strings = st.lists(st.one_of(texts, inner), max_size=4).map(lambda parts: ast.Text(NOWHERE, joined(parts)))
labels = st.one_of(
    names.map(lambda name: ast.Label(NOWHERE, (name,))),
    st.tuples(names, inner, st.sampled_from(["", "_1", "x"])).map(
        lambda parts: ast.Label(NOWHERE, joined(list(parts)))
    ),
    st.lists(st.one_of(texts, inner), max_size=3).map(lambda parts: ast.Label(NOWHERE, joined(parts), True)),
)
targets = st.recursive(
    names.map(lambda name: ast.Target(NOWHERE, name)),
    lambda part: st.lists(part, min_size=1, max_size=3).map(lambda parts: ast.Target(NOWHERE, None, tuple(parts))),
    max_leaves=4,
)
target_lists = st.lists(targets, min_size=1, max_size=3).map(tuple)


def many(strategy: st.SearchStrategy[Any], least: int = 0, most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


def node(kind: type[ast.Node], *parts: st.SearchStrategy[Any], **more: Any) -> st.SearchStrategy[Any]:
    return st.tuples(*parts).map(lambda values: kind(NOWHERE, *values, **more))


def compound(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    argument = node(ast.Argument, maybe(st.one_of(names, st.sampled_from(["in", "step", "for"]))), part)
    parameters = many(names.map(lambda name: ast.Parameter(NOWHERE, name)))
    body = bodies(part)
    return st.one_of(
        node(ast.ListExpr, many(part), st.sampled_from([ListForm.SQUARE, ListForm.ROUND])),
        node(ast.Comprehension, part, target_lists, part, maybe(part)),
        node(ast.Lambda, parameters, part),
        node(ast.Call, part, many(argument)),
        node(ast.Attribute, part, st.one_of(names, st.sampled_from(["in", "channels"]))),
        # `x[a..b]` is a slice, so an index is no plain range.
        node(ast.Index, part, part.filter(lambda index: not (isinstance(index, ast.Range) and index.step is None))),
        node(ast.Slice, part, maybe(part), maybe(part)),
        node(ast.Range, part, part, maybe(part)),
        node(ast.Unary, st.sampled_from(UnaryOp), part),
        node(ast.Binary, st.sampled_from(BinaryOp), part, part),
        node(ast.Conditional, part, part, part),
        many(part, 2, 4).map(lambda steps: ast.Chain(NOWHERE, steps)),
        node(ast.Labelled, labels, part),
        node(ast.Shared, part),
        node(ast.Residual, maybe(part), body, keyword_span=NOWHERE),
        node(ast.BodyExpr, body),
    )


def bodies(part: st.SearchStrategy[Any]) -> st.SearchStrategy[ast.Body]:
    return many(node(ast.Step, part), 0, 2).map(lambda steps: ast.Body(NOWHERE, steps))


leaves = st.one_of(
    inner,
    strings,
    sizes,
    st.booleans().map(lambda value: ast.Bool(NOWHERE, value)),
    st.just(ast.ListExpr(NOWHERE, (), ListForm.ROUND)),
)
expressions = st.recursive(leaves, compound, max_leaves=12)
simple = st.one_of(inner, sizes)
expectations = node(
    ast.Expectation, st.sampled_from(["params", "macs"]), st.sampled_from(COMPARISONS), expressions, metric_span=NOWHERE
)
expects = many(expectations, 1, 3).map(lambda parts: ast.Expect(NOWHERE, parts))


def statements(body: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    branch = st.tuples(expressions, body, maybe(body)).map(lambda parts: ast.If(NOWHERE, *parts))
    nested = st.tuples(expressions, body, branch).map(
        lambda parts: ast.If(NOWHERE, parts[0], parts[1], ast.Body(NOWHERE, (parts[2],)))
    )
    return st.one_of(
        node(ast.Step, expressions),
        node(ast.Let, target_lists, expressions),
        node(ast.For, target_lists, expressions, body),
        branch,
        nested,
        node(ast.Param, labels, many(expressions), maybe(expressions)),
        node(ast.In, many(names.map(lambda name: ast.Target(NOWHERE, name)), 1)),
        node(ast.Out, many(expressions, 1)),
        node(ast.Tap, labels, maybe(expressions)),
        node(ast.Order, many(labels, 1)),
        expects,
        node(ast.Input, many(st.one_of(simple, node(ast.Range, simple, simple, maybe(simple))), 1)),
        node(ast.Require, expressions, expressions),
        node(ast.Stem, body),
        node(ast.Head, body),
        node(ast.Stage, labels, expressions),
    )


empty = st.just(ast.Body(NOWHERE, ()))
body = st.recursive(
    empty, lambda inside: many(statements(inside), 0, 3).map(lambda s: ast.Body(NOWHERE, s)), max_leaves=6
)
docs = st.sampled_from(["", "One line.", "Two\nlines."])
parameters = many(node(ast.Parameter, st.one_of(names, st.just("in")), maybe(expressions)))
kinds = st.sampled_from(ast.DefinitionKind)
items = st.one_of(
    st.tuples(kinds, names, parameters, body, docs).map(lambda v: ast.Definition(NOWHERE, *v, name_span=NOWHERE)),
    st.tuples(kinds, names, expressions, many(expects), docs).map(
        lambda v: ast.Instance(NOWHERE, *v, name_span=NOWHERE)
    ),
    node(ast.Let, target_lists, expressions),
    names.map(lambda name: ast.Import(NOWHERE, name, False, (), module_span=NOWHERE)),
    st.tuples(st.sampled_from(["a.rnet", 'b"{c}.rnet']), many(node(ast.ImportedName, names, maybe(names)), 1)).map(
        lambda v: ast.Import(NOWHERE, v[0], True, v[1], module_span=NOWHERE)
    ),
)
files = st.tuples(many(items, 1, 3), docs).map(lambda v: ast.File(NOWHERE, v[0], (), v[1]))


@given(files)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_printed_trees_parse_to_themselves(tree: ast.File) -> None:
    text = print_file(tree)
    again = parse_good(text)
    assert again == tree, text
    assert print_file(again) == text
