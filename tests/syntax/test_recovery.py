"""One run shows every mistake, none of them twice, and the tree keeps the rest."""

from __future__ import annotations

from resnetdsl.syntax import ast
from tests.syntax.support import parse_text, places

MANY = """newtork a(x y) {
    input 3x224x224
    lte w = 3
    conv(64 32)
    residual(identity) {
        conv(3
        relu relu
    }
    stgae layer1: relu
    if w = 3 { relu -> }
    for i of 0..3 { relu ) }
    good
    w = 4
    if w && !w { relu }
    let b == 3
    relu; relu
    "abc
    stem [ relu ] { also bad }
}
network b = a(3 {
block c {
    relu
    residual {
       conv(3)
    relu
}
block d { a -> }
let z = [1, 2
foo
network e
"""


def test_all_mistakes_of_a_file_are_reported() -> None:
    _, facts = parse_text(MANY)
    assert places(facts) == [
        ("E0104", 1, 1),
        ("E0101", 1, 13),
        ("E0104", 3, 5),
        ("E0101", 4, 13),
        ("E0102", 6, 15),
        ("E0101", 7, 14),
        ("E0104", 9, 5),
        ("E0101", 10, 10),
        ("E0101", 10, 24),
        ("E0104", 11, 11),
        ("E0108", 11, 26),
        ("E0101", 13, 7),
        ("E0106", 14, 10),
        ("E0106", 14, 13),
        ("E0101", 15, 11),
        ("E0106", 16, 9),
        ("E0107", 17, 5),
        ("E0101", 18, 19),
        ("E0101", 18, 26),
        ("E0102", 20, 16),
        ("E0102", 20, 18),
        ("E0102", 24, 15),
        ("E0101", 27, 16),
        ("E0102", 28, 14),
        ("E0101", 29, 1),
        ("E0103", 30, 10),
    ]


def test_what_is_right_is_kept() -> None:
    tree, _ = parse_text("block a {\n    one\n    two two\n    three\n}\nblok b { x }\nrelu\nblock c { y }\n")
    assert [item.name for item in tree.items if isinstance(item, ast.Definition)] == ["a", "b", "c"]
    (first, *_) = tree.items
    assert isinstance(first, ast.Definition)
    assert [statement.span.text for statement in first.body.statements] == ["one", "three"]


def test_a_mistake_in_a_header_hides_none_in_the_body() -> None:
    text = "block a(b c) {\n    relu relu\n    for i i { conv(1 2) }\n}\n"
    assert places(parse_text(text)[1]) == [("E0101", 1, 11), ("E0101", 2, 10), ("E0101", 3, 11), ("E0101", 3, 22)]


def test_a_forgotten_brace_is_found_by_indentation() -> None:
    text = """network a {
    stem {
        conv(3)
        relu
    head {
        fc: linear(10)
    }
}

network b { relu }
"""
    _, facts = parse_text(text)
    assert places(facts) == [("E0102", 4, 13)]
    assert [(role, span.line) for role, span in facts[0].also] == [("opened", 2)]


def test_a_brace_too_many_is_found_by_indentation() -> None:
    text = "block a {\n    if b {\n        c\n    }\n    }\n    d\n}\nblock e { f }\n"
    tree, facts = parse_text(text)
    assert places(facts) == [("E0108", 5, 5)]
    assert len(tree.items) == 2


def test_a_definition_ends_what_is_open() -> None:
    text = "block a {\n    conv(3, [4\n\nblock b { relu relu }\nblock c { d }\n"
    tree, facts = parse_text(text)
    assert places(facts) == [("E0102", 2, 15), ("E0101", 4, 16)]
    assert [span.text for _, span in facts[0].also] == ["[", "(", "{"]
    assert [item.name for item in tree.items if isinstance(item, ast.Definition)] == ["a", "b", "c"]


def test_one_mistake_in_brackets_is_one_mistake() -> None:
    for text in (
        "f(a b c d, e f)",
        "f([a b], c)",
        "f((a b)(c))",
        "x[a b]",
        "let a = [b for c c in d]",
        "a(1)(2 3) -> b",
    ):
        assert len(parse_text(f"block b {{ {text} }}\n")[1]) == 1


def test_mistakes_in_templates_have_their_place() -> None:
    _, facts = parse_text('block b {\n    layer{i j}: relu\n    "a{3 +}b": relu\n    good\n}\n')
    assert places(facts) == [("E0101", 2, 13), ("E0103", 3, 11)]
