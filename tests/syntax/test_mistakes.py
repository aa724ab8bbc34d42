"""Bad texts: which code, where, and what is said."""

from __future__ import annotations

import pytest

from resnetdsl.diagnostics.words import word
from tests.syntax.support import parse_text, places


def in_body(text: str) -> str:
    return f"block b {{\n{text}\n}}\n"


# Lines and columns count from the body, whose first line is 2.
BODIES = [
    # found, expected
    ("conv(64 32)", "E0101", 2, 9),
    ("relu relu", "E0101", 2, 6),
    ("let = 3", "E0101", 2, 5),
    ("let a", "E0101", 3, 1),
    ("a ->\n", "E0101", 4, 1),
    ("-> a", "E0101", 2, 1),
    ("a + -> b", "E0101", 2, 5),
    ("for i { relu }", "E0101", 2, 7),
    ("for i in 0..3 relu", "E0101", 2, 15),
    ("for i in 0..3 { relu } -> b", "E0101", 2, 24),
    ("if a relu", "E0101", 2, 6),
    ("else { relu }", "E0101", 2, 1),
    ("a < b < c", "E0101", 2, 7),
    ("if a = 3 { b }", "E0101", 2, 6),
    ("w = 4", "E0101", 2, 3),
    ("let w == 4", "E0101", 2, 7),
    ("conv(64, 3 x 3)", "E0101", 2, 12),
    ("stack.conv: relu", "E0101", 2, 11),
    ("let a = .5", "E0101", 2, 9),
    ("stage layer1 { relu }", "E0101", 2, 14),
    ("input", "E0101", 3, 1),
    ("out", "E0101", 3, 1),
    ("a[", "E0102", 2, 3),
    ("f(a = 1, b = )", "E0101", 2, 14),
    ("let f = (1, b) => 3", "E0101", 2, 10),
    ("network c { }", "E0101", 2, 1),
    ("import c", "E0101", 2, 8),
    ("x.3", "E0101", 2, 3),
    ("let a = 3..", "E0101", 3, 1),
    # words
    ("resdual(identity) { relu }", "E0104", 2, 1),
    ("stgae layer1: relu", "E0104", 2, 1),
    ("lte a = 3", "E0104", 2, 1),
    ("fro i in 0..3 { relu }", "E0104", 2, 1),
    ("for i on list { relu }", "E0104", 2, 7),
    ("haed { relu }", "E0104", 2, 1),
    ("exepct params == 3", "E0104", 2, 1),
    ("pram gamma = 3", "E0104", 2, 1),
    ("return x", "E0104", 2, 1),
    ("let a = True", "E0104", 2, 9),
    ("let a = [None]", "E0104", 2, 10),
    ("if a { b } esle { c }", "E0104", 2, 12),
    ("if a { b }\nesle { c }", "E0104", 3, 1),
    ("if a { b }\nelif c { d }", "E0104", 3, 1),
    ("if a { b } elif c { d } else { e }", "E0104", 2, 12),
    ("let a = b if c esle d", "E0104", 2, 16),
    ("sahred conv(3)", "E0104", 2, 1),
    # numbers
    ("conv(3abc)", "E0105", 2, 6),
    ("conv(1.)", "E0105", 2, 6),
    ("conv(1.2.3)", "E0105", 2, 6),
    ("conv(1__0)", "E0105", 2, 6),
    ("conv(3x)", "E0105", 2, 6),
    ("conv(1e999)", "E0105", 2, 6),
    ("conv(" + "9" * 5000 + ")", "E0105", 2, 6),
    ("conv(3x" + "9" * 5000 + ")", "E0105", 2, 8),
    # characters
    ("a → b", "E0106", 2, 3),
    ("a && b", "E0106", 2, 3),
    ("a || b", "E0106", 2, 3),
    ("let c = !a", "E0106", 2, 9),
    ("let c = 2 ** 3", "E0106", 2, 11),
    ("let a := 3", "E0106", 2, 7),
    ("relu; relu", "E0106", 2, 5),
    ("relu;", "E0106", 2, 5),
    ("conv(3×3)", "E0106", 2, 7),
    ("let a = 'b'", "E0106", 2, 9),
    ("let a = “b”", "E0106", 2, 9),
    ("let a = b ? c", "E0106", 2, 11),
    ("let a = é", "E0106", 2, 9),
    ("let\u00a0a = 3", "E0106", 2, 4),
    ("a \\\n-> b", "E0106", 2, 3),
    ('let a = "\\q"', "E0106", 2, 10),
    # strings
    ('let a = "b', "E0107", 2, 9),
    ('f("b)', "E0107", 2, 3),
    ('"conv: relu', "E0107", 2, 1),
    ('let a = "b{c"', "E0102", 2, 11),
    ('let a = "b}c"', "E0108", 2, 11),
    ('let a = "b{}"', "E0103", 2, 12),
    ('let a = "b{c d}"', "E0101", 2, 14),
    # brackets
    ("conv(64, 3x3", "E0102", 2, 13),
    ("conv(64, 3x3\nrelu", "E0102", 2, 13),
    ("conv(64,\n     3x3\nrelu", "E0102", 3, 9),
    ("let a = [1, 2\nlet b = 3", "E0102", 2, 14),
    ("residual(identity {\nrelu\n}", "E0102", 2, 18),
    ("conv(64))", "E0108", 2, 9),
    ("relu ]", "E0108", 2, 6),
    ("let a = (1, 2]", "E0108", 2, 14),
    ("let a = [(1, 2]", "E0102", 2, 15),
    ("f(a, [3, 3))", "E0108", 2, 11),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), BODIES)
def test_mistakes_in_bodies(text: str, code: str, line: int, column: int) -> None:
    assert places(parse_text(in_body(text))[1]) == [(code, line, column)]


FILES = [
    ("", "E0112", 1, 1),
    ("# nothing\n", "E0112", 2, 1),
    ("newtork a { }", "E0104", 1, 1),
    ("def a(b) { }", "E0104", 1, 1),
    ("stem a(b { relu }", "E0102", 1, 9),
    ("network", "E0103", 1, 8),
    ("network a", "E0103", 1, 10),
    ("network a(", "E0102", 1, 11),
    ("network a {", "E0102", 1, 12),
    ("network a {\n    relu\n", "E0102", 2, 9),
    ("network a { }\n}\n", "E0108", 2, 1),
    ("network a(b c) { relu }", "E0101", 1, 13),
    ("network a(b) relu", "E0101", 1, 14),
    ("network a = ", "E0103", 1, 12),
    ("network a = b { input 3 }", "E0101", 1, 17),
    ("relu\n", "E0101", 1, 1),
    ("import\n", "E0103", 1, 7),
    ('from "a{b}" import c', "E0101", 1, 6),
    ("let a = 3 4", "E0101", 1, 11),
    ("block a { } block b { }", "E0101", 1, 13),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), FILES)
def test_mistakes_in_files(text: str, code: str, line: int, column: int) -> None:
    assert places(parse_text(text)[1]) == [(code, line, column)]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("conv(64 32)", {"found": "`32`", "doing": "the arguments of `conv`", "expected": "`)`, `,` or an operator"}),
        ("if a = 3 { b }", {"suggestion": "==", "doing": "the condition of an `if`"}),
        ("w = 4", {"suggestion": "let w = …"}),
        ("let w == 4", {"suggestion": "=", "doing": "a `let`"}),
        ("conv(64, 3 x 3)", {"suggestion": "3x3"}),
        ("stack.conv: relu", {"suggestion": '"stack.conv": …'}),
        ("a < b < c", {"suggestion": "and b < …"}),
        ("residual(a) {\nrelu relu\n}", {"doing": "a residual body"}),
        ("stage a { b }", {"doing": "a `stage`", "expected": "`:`"}),
        ("let a = [1 2]", {"doing": "a list"}),
        ("relu relu", {"doing": "the body of block `b`", "expected": "`}`, an operator or a new line"}),
        ("a → b", {"char": "→", "suggestion": "->"}),
        ("resdual { a }", {"found": "resdual", "suggestion": "residual"}),
        ("if a { b } elif c { d }", {"found": "elif", "suggestion": "else if"}),
    ],
)
def test_words(text: str, data: dict[str, str]) -> None:
    (fact,) = parse_text(in_body(text))[1]
    assert {key: fact.data.get(key) for key in data} == data


def test_what_a_file_expects() -> None:
    (fact,) = parse_text("relu\n")[1]
    assert fact.data["expected"] == "a definition, a `let` or an import"


def test_an_unclosed_bracket_names_its_opener() -> None:
    (fact,) = parse_text(in_body("conv(64,\n     3x3"))[1]
    ((role, span),) = fact.also
    assert (role, span.text, span.line, span.column) == ("opened", "(", 2, 5)


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("conv(64, 3x3", "conv(64, 3x3)"),
        ("conv(64))", "conv(64)"),
        ("resdual { a }", "residual { a }"),
        ("a → b", "a -> b"),
        ("if a = 3 { b }", "if a == 3 { b }"),
        ("w = 4", "let w = 4"),
        ("conv(64, 3 x 3)", "conv(64, 3x3)"),
        ("conv(3×3)", "conv(3x3)"),
        ("stack.conv: relu", '"stack.conv": relu'),
        ("let a = .5", "let a = 0.5"),
        ("let a = 1.", "let a = 1.0"),
        ("let a = 'b'", 'let a = "b"'),
        ("let a = True", "let a = true"),
        ("let a = (1, 2]", "let a = (1, 2)"),
        ("if !a { b }", "if not a { b }"),
    ],
)
def test_fixes_fix(text: str, fixed: str) -> None:
    (fact,) = parse_text(in_body(text))[1]
    whole = in_body(text)
    for edit in sorted(fact.fix, key=lambda edit: -edit.span.start):
        whole = whole[: edit.span.start] + edit.replacement + whole[edit.span.end :]
    assert " ".join(whole.split()) == " ".join(in_body(fixed).split())
    assert not parse_text(whole)[1]


@pytest.mark.parametrize(
    ("text", "code", "help"),
    [
        (
            "x = conv(16, 3x3)",
            "E0101",
            "a layer on a line of its own takes what the line above gives, and needs no name",
        ),
        ("for (i in 0..3) { relu }", "E0101", "did you mean `for i in 0..3 {`?"),
        ("relu  // to the end", "E0106", "a comment goes from `#` to the end of the line"),
        ("// a line\nrelu", "E0106", "a comment goes from `#` to the end of the line"),
        ("relu /* a\n b { */\nrelu", "E0106", "a comment goes from `#` to the end of the line"),
    ],
)
def test_habits_of_other_languages_are_one_message_with_a_way_out(text: str, code: str, help: str) -> None:
    _, facts = parse_text(in_body(text))
    (found,) = facts
    assert found.code == code
    assert help in word(found).helps


def test_a_quotient_is_no_comment() -> None:
    assert not parse_text(in_body("let a = b  // c\nlet d = f(b\n    // 2)\nlet e = a // b if c else d"))[1]
