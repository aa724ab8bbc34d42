"""Graphs that no one writes often: labels against the grain, names made to break out, sizes that hurt."""

from __future__ import annotations

import ast
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetdsl.emit.module import build
from resnetdsl.emit.pytorch.document import Header, class_name, emit
from resnetdsl.emit.pytorch.layout import wrap
from resnetdsl.emit.pytorch.text import class_name as camel
from resnetdsl.emit.pytorch.text import docstring, is_plain, literal, unique, variable
from resnetdsl.ir.graph import Graph, ScopeKind, Source
from tests.builders import Builder
from tests.emit.interpreter import keys
from tests.emit.test_pytorch import agree

HOSTILE = (
    'quotes """ and \'\'\' and "',
    'ends in a quote"',
    'ends in quotes"""',
    "ends in a backslash\\",
    'all of it\\"""\\',
    "{0} {all} {x!r} %s",
    "line\nbreak\r\nand \u2028 more \x00 \x1b[31m \u202e tahw",
    '"""\nimport os\nos.abort()\n"""',
    "# type: ignore",
)


def conv(make: Builder, x: Source, at: str, channels: int = 4, kernel: int = 3) -> Source:
    return make("conv", x, at=at, out_channels=channels, kernel=kernel)


def test_a_scope_that_waits_for_its_surroundings_dissolves() -> None:
    make = Builder("tangled")
    x = conv(make, make.input(3, 8, 8), "stem")
    outer = make.here
    with make.scope(ScopeKind.BLOCK, "odd", "odd"):
        inner = make.here
        a = conv(make, x, "a")
        make.here = outer
        b = conv(make, a, "b")
        make.here = inner
        c = conv(make, b, "c")
    source = agree(make.done(make("add", c, x, at="add")))
    assert "self.odd = nn.Module()" in source


def test_scopes_that_only_interleave_stay_modules() -> None:
    make = Builder("woven")
    x = conv(make, make.input(3, 8, 8), "stem")
    root = make.here
    with make.scope(ScopeKind.BLOCK, "left", "left"):
        left = make.here
    with make.scope(ScopeKind.BLOCK, "right", "right"):
        right = make.here
    make.here = left
    a = make("relu", conv(make, x, "conv1"), at="1")
    make.here = right
    b = make("relu", conv(make, x, "conv1"), at="1")
    make.here = left
    a = make("add", conv(make, a, "conv2"), x, at="add")
    make.here = right
    b = make("add", conv(make, b, "conv2"), x, at="add")
    make.here = root
    source = agree(make.done(make("add", a, b, at="add")))
    assert "return self.left(x) + self.right(x)" in source


def test_weights_named_outside_of_their_scope() -> None:
    make = Builder("moved")
    x = make.input(3, 8, 8)
    with make.scope(ScopeKind.BLOCK, "one", "one"):
        prefix = make.here
        x = make("relu", conv(make, x, "conv"), at="1")
        node = make.graph.node(x.node - 1)
    node.path = "elsewhere.conv"
    assert prefix
    with make.scope(ScopeKind.BLOCK, "two", "elsewhere"):
        x = make("relu", conv(make, x, "other"), at="1")
    source = agree(make.done(x))
    assert "self.elsewhere = nn.Module()" in source


def test_weights_shared_across_modules() -> None:
    make = Builder("tied")
    x = conv(make, make.input(3, 8, 8), "stem")
    with make.scope(ScopeKind.BLOCK, "one", "one"):
        x = make("add", conv(make, x, "conv"), x, at="add")
    with make.scope(ScopeKind.BLOCK, "two", "two"):
        y = conv(make, x, "conv")
        make.graph.node(y.node).path = "one.conv"
        x = make("add", y, conv(make, x, "own"), at="add")
    agree(make.done(x))


def test_a_shared_module_whose_uses_differ() -> None:
    make = Builder("twice")
    x = conv(make, make.input(3, 8, 8), "stem")
    for extra in (False, True):
        with make.scope(ScopeKind.BLOCK, "head", "head"):
            x = make("add", conv(make, x, "conv"), x, at="add")
            x = make("sigmoid", x, at="1") if extra else x
    agree(make.done(x))


@pytest.mark.parametrize(
    "name",
    [
        "type",
        "forward",
        "_modules",
        "__x",
        "class",
        "self",
        "items",
        "é",
        "ﬁ",
        "a b",
        'q"uote',
        "back\\slash",
        "{0}",
        "x",
        "torch",
        "nn",
        "i",
        "out",
        "None",
        "append",
    ],
)
def test_any_label_is_a_name_in_the_checkpoint(name: str) -> None:
    make = Builder("labels")
    x = conv(make, make.input(3, 8, 8), name)
    with make.scope(ScopeKind.BLOCK, "residual", f"{name}_block"):
        y = make("param", at=name, shape=(4, 1, 1), value=0.5, axes="chw")
        x = make("add", make("multiply", x, y, at="multiply"), conv(make, x, "conv"), at="add")
    x = conv(make, x, f"dotted.{name}")
    with make.scope(ScopeKind.GROUP, name, f"group{name}"):
        x = make("relu", conv(make, x, name), at="1")
    with make.scope(ScopeKind.SHORTCUT, name, f"{name}_shortcut"):
        x = make("relu", conv(make, x, "0"), at="1")
    make.tap(name, x)
    agree(make.done(make("relu", x, at="last")))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_spec_breaks_out(text: str) -> None:
    make = Builder(text, text)
    x = make.input(3, 8, 8)
    with make.scope(ScopeKind.BLOCK, text, "block"):
        make.graph.scopes[-1] = type(make.graph.scopes[-1])(1, 0, ScopeKind.BLOCK, text, "block", doc=text)
        x = make("add", conv(make, x, "conv1"), conv(make, x, "conv2"), at=text)
    make.tap(text, x)
    graph = make.done(make("relu", x, at=text))
    source = emit(graph, header=Header(text, text, text))
    tree = ast.parse(source)
    allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.ClassDef)
    assert all(isinstance(statement, allowed) for statement in tree.body)
    assert {name.name for each in tree.body if isinstance(each, ast.Import) for name in each.names} <= {"torch"}
    assert source.isprintable() or set(source) - {"\n"} <= {char for char in source if char.isprintable()}
    result = build(source, class_name(graph))(torch.zeros(1, 3, 8, 8))
    assert set(result) == {text, "output"}


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_a_docstring_is_a_docstring(text: str) -> None:
    lines = docstring(text, "    ")
    tree = ast.parse("def f():\n" + "\n".join(lines) + "\n")
    body = tree.body[0].body  # type: ignore[attr-defined]
    assert len(body) == 1
    assert isinstance(body[0].value.value, str)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), lambda x: st.tuples(x, x)
    )
)
def test_a_literal_is_its_value(value: object) -> None:
    code = literal(value)  # type: ignore[arg-type]
    assert eval(code, {"float": float}) == value
    assert "\n" not in code


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_identifiers_are_identifiers(text: str) -> None:
    assert camel(text).isidentifier()
    assert variable(text) is None or variable(text).isidentifier()  # type: ignore[union-attr]
    assert not is_plain(text) or text.isidentifier()


def test_names_that_are_taken_are_numbered() -> None:
    taken = {"a", "a2", "layer1"}
    assert [unique("a", taken), unique("layer1", taken), unique("b", taken)] == ["a3", "layer1_2", "b"]


def test_broken_lines_mean_the_same() -> None:
    code = (
        'x = f(g(a, "long, (text", b=[1, 2, 3]), *(h(i, "for") for i in range(12)), '
        + ", ".join(f"w{i}" for i in range(30))
        + ")"
    )
    lines = wrap(code, 0)
    assert len(lines) > 1
    assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(ast.parse(code))


def flat(count: int) -> Graph:
    """Everything in one scope, no two layers alike: nothing to fold."""
    make = Builder("flat")
    x = conv(make, make.input(3, 8, 8), "stem")
    for i in range(count):
        y = make("relu", conv(make, x, f"conv{i}", 4, 1 + 2 * (i % 2)), at=f"relu{i}")
        x = make("add", y, x, at=f"add{i}") if i % 3 == 0 else y
    return make.done(x)


def test_a_long_body_takes_linear_work() -> None:
    def events(count: int) -> int:
        """Lines that are run: the same on a busy machine."""
        graph, found = flat(count), 0

        def trace(*_: object) -> object:
            nonlocal found
            found += 1
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            emit(graph)
        finally:
            sys.settrace(before)
        return found

    assert events(1600) < 12 * events(200)


def test_deep_nesting_of_scopes() -> None:
    make = Builder("deep")
    x = conv(make, make.input(3, 8, 8), "stem")

    def nest(x: Source, depth: int) -> Source:
        with make.scope(ScopeKind.BLOCK, "nest", "inner"):
            x = make("add", conv(make, x, "conv"), x, at="add")
            return nest(x, depth - 1) if depth else x

    graph = make.done(nest(x, 60))
    source = agree(graph)
    assert source.count("\nclass ") < 63


def test_a_sum_of_many_is_no_deep_expression() -> None:
    make = Builder("sum")
    x = conv(make, make.input(3, 8, 8), "stem")
    for _ in range(3000):
        x = make("add", x, x, at="add")
    emit(make.done(x))
    y = conv(make, x, "other")
    for _ in range(3000):
        y = make("add_scalar", y, at="add", value=1.0)
    make.graph.outputs.clear()
    graph = make.done(y)
    build(emit(graph), class_name(graph))


def test_registration_follows_the_graph() -> None:
    graph = flat(30)
    module = build(emit(graph), class_name(graph))
    assert list(module.state_dict()) == keys(graph)
