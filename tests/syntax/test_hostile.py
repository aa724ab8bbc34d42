"""Texts that nobody writes by hand: each gets an answer in a moment, never an exception or a full memory."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from resnetdsl.diagnostics.model import Sink
from resnetdsl.syntax.lexer import MAX_BRACKETS
from resnetdsl.syntax.machine import MAX_DEPTH
from resnetdsl.syntax.printer import print_file
from resnetdsl.syntax.reading import MAX_BYTES, read_source
from resnetdsl.syntax.walk import walk
from tests.syntax.support import parse_good, parse_text, places


def codes(text: str) -> set[str]:
    return {fact.code for fact in parse_text(text)[1]}


def test_a_bracket_too_deep_is_the_only_mistake() -> None:
    text = "let a = " + "(" * 10_000 + "1" + ")" * 10_000 + "\n"
    assert places(parse_text(text)[1]) == [("E0109", 1, 8 + MAX_BRACKETS + 1)]


@pytest.mark.parametrize("bracket", ["(", "[", "{", "f(", "x[", "residual {", "if a {", "{ a: "])
def test_brackets_that_never_close(bracket: str) -> None:
    assert codes("let a = " + bracket * 100_000) == {"E0109"}


@pytest.mark.parametrize("bracket", [")", "]", "}", "())", "([)]"])
def test_brackets_that_never_open(bracket: str) -> None:
    assert codes("let a = " + bracket * 100_000) <= {"E0108", "E0102", "E0103", "E0101", "E0113"}


@pytest.mark.parametrize(
    "value",
    [
        " + ".join(["a"] * 10_000),
        "not " * 10_000 + "a",
        "-" * 10_000 + "a",
        "^".join(["a"] * 10_000),
        "a if b else " * 10_000 + "a",
        "a => " * 10_000 + "a",
        "shared " * 10_000 + "a",
        "a: " * 10_000 + "a",
        "a" + ".b" * 10_000,
        "a" + "(1)" * 10_000,
        "a" + "[1]" * 10_000,
        "a" + "[1..2]" * 10_000,
        " and ".join(["a"] * 10_000),
    ],
)
def test_long_operators_are_refused_not_recursed(value: str) -> None:
    assert codes(f"let a = {value}\n") == {"E0109"}


def test_long_else_if_is_refused() -> None:
    assert codes("block a { " + "if b { } else " * 10_000 + "{ } }\n") == {"E0109"}


def test_long_chains_and_lists_are_no_depth() -> None:
    tree = parse_good("let a = " + " -> ".join(["b"] * 10_000) + "\nlet c = [" + "1, " * 50_000 + "]\n")
    assert len(list(walk(tree))) > 60_000


def test_a_list_of_a_million_items_is_refused() -> None:
    assert codes("let a = [" + "1," * 1_000_000 + "]\n") == {"E0113"}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "#\n" * 300_000,
            "\n" * 1_000_000,
            " " * 1_000_000,
            "?" * 100_000,
            ";" * 100_000,
            '"' * 100_001,
            "'" * 100_001,
        ),
        *("a" * 1_000_000, "1" * 1_000_000, "1_" * 500_000, "3x" * 500_000, '"{' * 100_000, "a{" * 100_000),
        *("let " * 50_000, "network " * 50_000, "a b\n" * 50_000, "é" * 100_000, "\\" * 100_000, "lte a = 1\n" * 5_000),
        *("block a { relu relu }\n" * 5_000, "block a { b } elif " * 2_000, "in " * 50_000, "{} " * 50_000),
        "a(" * 60 + "b c" + ")" * 60,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_floods(text: str) -> None:
    _, facts = parse_text(text)
    assert 0 < len(facts) < 200


def test_the_deepest_tree_that_is_let_through_can_be_walked_and_printed() -> None:
    depth = MAX_DEPTH - 2  # a name and the `let` count too
    deep = MAX_BRACKETS - 1
    for text in (
        "let a = " + "not " * depth + "b",
        "let a = " + "b + " * depth + "b",
        "let a = " + "b if c else " * depth + "b",
        "let a = " + "f(" * deep + "b" + ")" * deep,
        "block a " + "{" * deep + "}" * deep,
        "block a {" + "if b {" * (deep - 1) + "}" * deep,
        "block a {" + "\nresidual {" * (deep - 1) + "\n}" * deep,
    ):
        tree = parse_good(text + "\n")
        assert len(list(walk(tree))) > 60
        assert parse_good(print_file(tree)) == tree


def test_random_texts_never_raise() -> None:
    rng = random.Random(7)
    words = "network block a b { } ( ) [ ] , : = == -> => .. . + - * / ^ 3 3x3 1.5 if else for in let not and \n "
    words += '\n " # ; é '
    words += 'residual stem head stage input out tap param expect shared step import from as true layer{i}: "a{b}" 4.1G'
    pieces = [*words.split(" "), "\n", "\r\n", "\t"]
    for _ in range(400):
        text = " ".join(rng.choice(pieces) for _ in range(rng.randint(1, 60)))
        tree, facts = parse_text(text)
        if not facts:
            assert parse_good(print_file(tree)) == tree


def test_mutated_specs_never_raise() -> None:
    rng = random.Random(11)
    text = (Path(__file__).parents[2] / "resnetdsl" / "library" / "blocks.rnet").read_text(encoding="utf-8")
    for _ in range(150):
        at = rng.randrange(len(text))
        cut = (
            text[:at]
            + rng.choice(["", "(", ")", "{", "}", '"', ",", "=", "->", "\n", "x"])
            + text[at + rng.randrange(3) :]
        )
        parse_text(cut)


def read(data: bytes) -> list[str]:
    sink = Sink()
    file = read_source(data, "test.rnet", sink)
    assert (file is None) == bool(sink.facts)
    return [fact.code for fact in sink.facts]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\xef\xbb\xbflet a = 1", []),
        (b"let a = 1\r\n\tlet b\f", []),
        (b"PK\x03\x04", ["E0110"]),
        (bytes(range(256)), ["E0110"]),
        (b"let a = \xff", ["E0110"]),
        (b"let a\0", ["E0110"]),
        ("let a = 1".encode("utf-16"), ["E0110"]),
        (b"\xfe\xff\0a", ["E0110"]),
        (b" " * (MAX_BYTES + 1), ["E0111"]),
        (b" " * MAX_BYTES, []),
    ],
)
def test_bytes(data: bytes, expected: list[str]) -> None:
    assert read(data) == expected


def test_bad_bytes_have_a_place() -> None:
    sink = Sink()
    assert read_source(b"let a = 1\nlet \xe9 = 2\n", "test.rnet", sink) is None
    (fact,) = sink.facts
    assert (fact.span.line, fact.span.column) == (2, 5)
    assert fact.data["reason"] == "byte 0xe9 at offset 14 is not UTF-8"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.rnet"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    sink = Sink()
    assert read_source(path, "huge.rnet", sink) is None
    (fact,) = sink.facts
    assert (fact.code, fact.data["size"], fact.data["limit"]) == ("E0111", 100_000_000, MAX_BYTES)


def test_a_file_without_an_end_is_not_read() -> None:
    endless = Path("/dev/zero")
    if not endless.exists():
        pytest.skip("no /dev/zero on this system")
    sink = Sink()
    assert read_source(endless, "zero", sink) is None
    assert [fact.code for fact in sink.facts] == ["E0111"]


def test_a_missing_file_is_the_callers(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_source(tmp_path / "none.rnet", "none", Sink())
