"""Every form of the language, and how tightly each binds."""

from __future__ import annotations

import pytest

from resnetdsl.paths import grammar_text
from resnetdsl.syntax import ast
from resnetdsl.syntax.ast import BinaryOp
from resnetdsl.syntax.parser import build_tables
from tests.syntax.support import expression, parse_good, show, statement


def test_the_grammar_has_no_conflict() -> None:
    build_tables(grammar_text(), strict=True)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a -> b -> c", "(a -> b -> c)"),
        ("A -> B + C", "(A -> (B + C))"),
        ("x if c else a -> b", "(x if c else (a -> b))"),
        ("a if b else c if d else e", "(a if b else (c if d else e))"),
        ("a or b and not c == d", "(a or (b and (not (c == d))))"),
        ("a -> b == c", "((a -> b) == c)"),
        ("n: a + b -> c", "((n: (a + b)) -> c)"),
        ("n: 3 * a", "(n: (3 * a))"),
        ("a: b: c", "(a: (b: c))"),
        ("1 + 2..n step 3 * 4", "((1 + 2)..n step (3 * 4))"),
        ("a - b - c", "((a - b) - c)"),
        ("a * b / c // d % e", "((((a * b) / c) // d) % e)"),
        ("-a^b", "(- (a ^ b))"),
        ("a^b^c", "(a ^ (b ^ c))"),
        ("2^-1", "(2 ^ (- 1))"),
        ("2^- -a^b", "(2 ^ (- (- (a ^ b))))"),
        ("-a * b", "((- a) * b)"),
        ("shared a * b", "((shared a) * b)"),
        ("3 * shared a(1)", "(3 * (shared a(1)))"),
        ("a.b(c)[0].d", "a.b(c)[0].d"),
        ("(a, b) => a + b", "(a,b => (a + b))"),
        ("a => b => a", "(a => (b => a))"),
        ("() => 1", "( => 1)"),
        ("f((v) => v -> w)", "f((v => (v -> w)))"),
        ("not not a", "(not (not a))"),
        ("a < b", "(a < b)"),
        ("width * 2^i", "(width * (2 ^ i))"),
        ("3 * residual { a } -> b", "((3 * residual { a }) -> b)"),
    ],
)
def test_precedence(text: str, read: str) -> None:
    assert show(expression(text)) == read


def test_numbers() -> None:
    values = {
        "64": 64,
        "25_557_032": 25_557_032,
        "0.5": 0.5,
        "1e-5": 1e-5,
        "1E3": 1000.0,
        "4.1G": 4_100_000_000,
        "25.6M": 25_600_000,
        "1.5k": 1500,
        "2T": 2 * 10**12,
        "0.0001k": 0.1,
        "1.2345k": 1234.5,
    }
    for text, value in values.items():
        number = expression(text)
        assert isinstance(number, ast.Number)
        assert number.value == value
        assert type(number.value) is type(value)
        assert number.text == text


@pytest.mark.parametrize(
    ("text", "tolerance"), [("4.1G", 5e7), ("4G", 5e8), ("25.557M", 500), ("1k", 500), ("64", 0), ("4.1", 0)]
)
def test_tolerance_is_half_a_unit_of_the_last_digit(text: str, tolerance: float) -> None:
    number = expression(text)
    assert isinstance(number, ast.Number)
    assert number.tolerance == tolerance


@pytest.mark.parametrize(
    ("text", "form", "count"),
    [
        ("3x3", ast.ListForm.SIZE, 2),
        ("3x224x224", ast.ListForm.SIZE, 3),
        ("0x10", ast.ListForm.SIZE, 2),
        ("[1, 2, 3,]", ast.ListForm.SQUARE, 3),
        ("[]", ast.ListForm.SQUARE, 0),
        ("(1, 2)", ast.ListForm.ROUND, 2),
        ("(1, 2,)", ast.ListForm.ROUND, 2),
        ("(1,)", ast.ListForm.ROUND, 1),
        ("()", ast.ListForm.ROUND, 0),
    ],
)
def test_lists(text: str, form: ast.ListForm, count: int) -> None:
    value = expression(text)
    assert isinstance(value, ast.ListExpr)
    assert (value.form, len(value.items)) == (form, count)


def test_parentheses_are_in_no_node() -> None:
    value = expression("(a + b) * c")
    assert isinstance(value, ast.Binary)
    assert (value.span.text, value.left.span.text) == ("(a + b) * c", "a + b")


def test_strings() -> None:
    value = expression(r'"conv{i + 1}.{{x}} \"q\" \\ \n\t"')
    assert isinstance(value, ast.Text)
    assert value.parts[0] == "conv"
    assert isinstance(value.parts[1], ast.Binary)
    assert value.parts[1].span.text == "i + 1"
    assert value.parts[2] == '.{x} "q" \\ \n\t'
    quoted = expression('"{names["a"]}"')
    assert isinstance(quoted, ast.Text)
    assert isinstance(quoted.parts[0], ast.Index)


def test_index_and_slices() -> None:
    assert isinstance(expression("x[1]"), ast.Index)
    for text, low, high in [
        ("x[1..2]", "1", "2"),
        ("x[1..]", "1", None),
        ("x[..n + 1]", None, "n + 1"),
        ("x[..]", None, None),
    ]:
        value = expression(text)
        assert isinstance(value, ast.Slice)
        assert (value.low and value.low.span.text, value.high and value.high.span.text) == (low, high)
    stepped = expression("x[0..8 step 2]")
    assert isinstance(stepped, ast.Index)
    assert isinstance(stepped.index, ast.Range)


def test_calls() -> None:
    call = expression("f(1, in = 2, step = 3, input = 4, a -> b, shortcut = shortcut,)")
    assert isinstance(call, ast.Call)
    assert [argument.name for argument in call.arguments] == [None, "in", "step", "input", None, "shortcut"]
    assert call.arguments[1].name_span is not None
    assert call.arguments[1].name_span.text == "in"
    assert call.arguments[1].span.text == "in = 2"


def test_comprehensions() -> None:
    value = expression("[f(v) for i, (v, w) in zip(a, b) if i > 0]")
    assert isinstance(value, ast.Comprehension)
    assert [target.name for target in value.targets] == ["i", None]
    assert [part.name for part in value.targets[1].parts] == ["v", "w"]
    assert value.condition is not None
    both = expression("[a if c else b for v in list]")
    assert isinstance(both, ast.Comprehension)
    assert isinstance(both.body, ast.Conditional)


@pytest.mark.parametrize(
    ("text", "shortcut"),
    [
        ("residual { a }", None),
        ("residual() { a }", None),
        ("residual(projection) { a }", "projection"),
        ("residual(downsample: projection(1),) { a }", "downsample: projection(1)"),
    ],
)
def test_residuals(text: str, shortcut: str | None) -> None:
    value = expression(text)
    assert isinstance(value, ast.Residual)
    assert (value.shortcut.span.text if value.shortcut else None) == shortcut
    assert value.keyword_span.text == "residual"
    assert value.body.span.text == "{ a }"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("relu", ast.Step),
        ("{ relu }", ast.Step),
        ("let a, b = pair", ast.Let),
        ("for i in 0..4 { relu }", ast.For),
        ("for i, v in list { relu }", ast.For),
        ("for i, (a, b) in zip(p, q) { }", ast.For),
        ("if a { b }", ast.If),
        ("if a { b } else if c { d } else { e }", ast.If),
        ("if a { b }\nelse { c }", ast.If),
        ("param gamma[x.channels] = 1e-6", ast.Param),
        ("param gamma", ast.Param),
        ("param c{i}[1, 2]", ast.Param),
        ("in a, b", ast.In),
        ("out y, skip", ast.Out),
        ("tap c3", ast.Tap),
        ('tap "c{i}" = a -> b', ast.Tap),
        ("tap c{i}", ast.Tap),
        ('order conv1, "bns.{i}", norm{i}, c{i}', ast.Order),
        ("expect params == 25.6M, depth <= 50, output == 1000x7x7", ast.Expect),
        ('require a > 0 and b, "a is {a}"', ast.Require),
        ("input 3x224x224", ast.Input),
        ("input channels, 64..512 step 32, 64..512", ast.Input),
        ("input (3, 4, 5)", ast.Input),
        ("input [3, 4, 5]", ast.Input),
        ("stem { relu }", ast.Stem),
        ("head { relu }", ast.Head),
        ("stage layer{i + 1}: n * block(width)", ast.Stage),
        ('stage "a.b": relu', ast.Stage),
    ],
)
def test_statements(text: str, kind: type[ast.Statement]) -> None:
    found = statement(text)
    assert type(found) is kind
    assert found.span.text == text


@pytest.mark.parametrize(
    ("text", "parts", "quoted"),
    [
        ("conv1: a", ("conv1",), False),
        ('"stack.conv": a', ("stack.conv",), True),
        ("input: a", ("input",), False),
        ("head: a", ("head",), False),
        ("in: a", ("in",), False),
        ("shared: a", ("shared",), False),
        ("residual: a", ("residual",), False),
        ("for: a", ("for",), False),
    ],
)
def test_labels(text: str, parts: tuple[str, ...], quoted: bool) -> None:
    step = statement(text)
    assert isinstance(step, ast.Step)
    assert isinstance(step.value, ast.Labelled)
    assert (step.value.label.parts, step.value.label.quoted) == (parts, quoted)


def test_label_templates_have_exact_places() -> None:
    step = statement("conv{i + 1}_{j}x: a")
    assert isinstance(step, ast.Step)
    assert isinstance(step.value, ast.Labelled)
    parts = step.value.label.parts
    assert [part if isinstance(part, str) else part.span.text for part in parts] == ["conv", "i + 1", "_", "j", "x"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "block(width)",
            "3 * block",
            "shortcut",
            "head(classes)",
            "head -> a",
            "out -> a",
            "stage",
            "tap -> a",
            "order -> a",
            "order(a)",
        ),
        *("if c{ a }", "for v in list{ a }", "f(block, shortcut = shortcut)", "x.step + x.in", "input -> conv"),
        "a.input",
    ],
)
def test_soft_keywords_are_names_elsewhere(text: str) -> None:
    statement(text)


def test_newlines() -> None:
    body = parse_good(
        """block b {
    a(1,
      2)
    b
        -> c   # a comment between

        # and another
        -> d
    let e =
        f +
        g
    let h = [1,

        2]
    x: residual(i) {
        j
    } -> k
    l: { m }

    if n { o }   # here

    else { p }
}
"""
    ).items[0]
    assert isinstance(body, ast.Definition)
    kinds = [type(statement).__name__ for statement in body.body.statements]
    assert kinds == ["Step", "Step", "Let", "Let", "Step", "Step", "If"]


def test_files() -> None:
    tree = parse_good(
        """## The file's
## document.

import resnet
from "a/b.rnet" import c, d as e
from cifar import f
let width = 64
## Documents one.
# allow: W0904 because
network one(a, b = 2,) { input 3x2x2 }
network two = one(1)
## Documents three.
network three = one(1) {
    expect params == 1
    expect macs == 2, depth == 3
}
block four { }
shortcut five(a) { a }
block six = four(1) { }
stem seven(a = 1) { a }
head eight { linear(1) }
stem nine = seven(2)
"""
    )
    assert tree.doc == "The file's\ndocument."
    imports = [item for item in tree.items if isinstance(item, ast.Import)]
    assert [(i.module, i.is_path, [(n.name, n.alias) for n in i.names]) for i in imports] == [
        ("resnet", False, []),
        ("a/b.rnet", True, [("c", None), ("d", "e")]),
        ("cifar", False, [("f", None)]),
    ]
    named = {item.name: item for item in tree.items if isinstance(item, ast.Definition | ast.Instance)}
    assert {name: type(item).__name__ for name, item in named.items()} == {
        "one": "Definition",
        "two": "Instance",
        "three": "Instance",
        "four": "Definition",
        "five": "Definition",
        "six": "Instance",
        "seven": "Definition",
        "eight": "Definition",
        "nine": "Instance",
    }
    assert (named["one"].doc, named["two"].doc, named["three"].doc) == ("Documents one.", "", "Documents three.")
    assert named["one"].name_span.text == "one"
    three = named["three"]
    assert isinstance(three, ast.Instance)
    assert [len(expect.expectations) for expect in three.expects] == [1, 2]
    assert three.expects[1].expectations[1].metric_span.text == "depth"
    assert three.expects[1].expectations[1].op is BinaryOp.EQUAL
    assert len(tree.comments) == 5


def test_the_first_comment_documents_a_definition_directly_below() -> None:
    tree = parse_good("## Of a.\nblock a { }\n")
    assert tree.doc == ""
    assert isinstance(tree.items[0], ast.Definition)
    assert tree.items[0].doc == "Of a."


def test_a_comment_beside_code_documents_nothing() -> None:
    tree = parse_good("let a = 1  ## not of b\nblock b { }\n")
    assert isinstance(tree.items[1], ast.Definition)
    assert tree.items[1].doc == ""
