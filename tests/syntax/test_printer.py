"""The formatter: what it writes, and that it changes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnetdsl.paths import library_dir, specs_dir
from resnetdsl.syntax.layout import WIDTH
from resnetdsl.syntax.printer import format_source, print_file
from tests.syntax.support import parse_good

SHIPPED = sorted([*library_dir().glob("*.rnet"), *specs_dir().glob("*.rnet")])


def unchanged(text: str) -> None:
    parse_good(text)
    assert format_source(text) == text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_files_survive(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = parse_good(text)
    printed = print_file(tree)
    again = parse_good(printed)
    assert again == tree
    assert [comment.text for comment in again.comments] == [comment.text.rstrip() for comment in tree.comments]
    assert print_file(again) == printed


def test_the_style() -> None:
    before = """network   resnet( block,depths , width=64 ){
  input 3x224x224
  stem{ conv1 :conv( width,7x7,stride = 2 )->bn1:batch_norm -> relu }



  for i,n in depths{ stage layer{i+1}: n*block( width*2 ^ i ,x [ 1 .. n ]) }
  if not( a ) and(b or c){ relu }else{ identity }
}
network  resnet18   =resnet( basic,[2,2,2,2,] ){expect params==11.7M}
block empty( ){ }
let f=(a,b)=>(a+b)*-c
"""
    after = """network resnet(block, depths, width = 64) {
    input 3x224x224
    stem { conv1: conv(width, 7x7, stride = 2) -> bn1: batch_norm -> relu }

    for i, n in depths { stage layer{i + 1}: n * block(width * 2^i, x[1..n]) }
    if not a and (b or c) { relu } else { identity }
}

network resnet18 = resnet(basic, [2, 2, 2, 2]) { expect params == 11.7M }
block empty {}
let f = (a, b) => (a + b) * -c
"""
    assert format_source(before) == after
    unchanged(after)


def test_comments_stay() -> None:
    unchanged(
        """## The file.

# allow: W0904 for all
import resnet  # beside

## The block.
# allow: W0901 why
block a(
    b,  # the first
    # above the second
    c = 3,
) {
    # first in the body
    relu  # beside a step

    # after an empty line
    residual {  # beside a brace
        conv(
            64,
            # above
            3x3,  # beside
        )
        # last in the residual
    }
    let d = x
        -> relu  # one
        # between
        -> relu  # two
    if e { relu }  # beside an if
    else { relu }
    let f = [
        1,  # one
        2,
    ]
    # last in the body
}
# last in the file
"""
    )


def test_comments_without_a_place_go_above_their_statement() -> None:
    text = "block a {\n    let b = c +  # why\n        d\n}\n"
    assert format_source(text) == "block a {\n    # why\n    let b = c + d\n}\n"


def test_long_lines_are_broken() -> None:
    long = "a_function_with_a_long_name"
    names = ", ".join(f"argument_{i} = {i}" for i in range(12))
    text = f"""block a({names}) {{
    let b = function({names})
    let c = [{", ".join(str(i) * 6 for i in range(30))}]
    let d = {" + ".join(f"a_rather_long_name_{i}" for i in range(12))}
    let e = {" -> ".join(f"conv{i}: conv(64, 3x3)" for i in range(12))}
    let g = [{long}(value, other) for value, other in zip({long}, {long}, {long}) if value > other]
    let h = {long}(value, other) if {long}(value, other) else {long}(value_value, other, {long})
    expect {", ".join(f"metric_{i} == {i}" for i in range(12))}
    out {", ".join(f"a_rather_long_name_{i}" for i in range(12))}
}}
from "somewhere.rnet" import {", ".join(f"a_rather_long_name_{i}" for i in range(12))}
"""
    printed = format_source(text)
    assert all(len(line) <= WIDTH for line in printed.split("\n"))
    assert parse_good(printed) == parse_good(text)
    unchanged(printed)


def test_a_body_keeps_its_lines_where_it_can() -> None:
    unchanged("block a { relu }\nblock b {\n    relu\n}\n".replace("}\nblock b", "}\n\nblock b"))
    unchanged("block a {\n    if b { c }\n    else { d }\n    if e { f } else { g }\n}\n")
    text = "block a { conv(" + ", ".join(["argument"] * 10) + ") -> relu }\n"
    assert format_source(text).count("\n") == 3


def test_the_lines_of_a_chain_stay() -> None:
    unchanged("block a {\n    x -> conv(1) -> relu\n        -> conv(2) -> relu\n}\n")


def test_else_after_a_tall_body_stands_beside_its_brace() -> None:
    text = "block a {\n    if b {\n        c\n        d\n    }\n    else { e }\n}\n"
    assert "    } else { e }\n" in format_source(text)


def test_definitions_are_set_apart() -> None:
    text = "let a = 1\nblock b {\n    c\n}\nblock d {\n    e\n}\nlet f = 2\nlet g = 3\n"
    printed = format_source(text)
    assert printed == "let a = 1\n\nblock b {\n    c\n}\n\nblock d {\n    e\n}\n\nlet f = 2\nlet g = 3\n"


@pytest.mark.parametrize(
    "text",
    [
        *("(input)", "(out + 1)", "(in)", "(block) -> a", "x[(1..2 step 3)]", "(a -> b) + c", "-(a + b)", "(-a)^b"),
        *(
            "2^-a^b",
            "(a^b)^c",
            "a - (b - c)",
            "not (a or b)",
            "(a if b else c) if d else e",
            "((a) => b)(c)",
            "(a: b)(c)",
        ),
        *("a: (b -> c)", "(shared a)(b)", "shared a(b)", "(1..2)[0]", "(a < b) == c", "(a,)", "()", '"a{b}{{c}}\\n"'),
        *('"if": a', "2^(-a * b)", "(residual { a })(b)", "{ a } -> { b }", "--a", "2^--a", "(-x) -> y"),
        "[(a, b) for a in (b if c else d)]",
    ],
)
def test_parentheses_and_quotes_where_they_are_needed(text: str) -> None:
    whole = f"block b {{\n    {text}\n}}\n"
    printed = format_source(whole)
    assert parse_good(printed) == parse_good(whole)
    unchanged(printed)


def test_a_text_with_mistakes_is_left_alone() -> None:
    assert format_source("block a {  b c }") == "block a {  b c }"


def test_line_endings_and_tabs_become_plain() -> None:
    assert format_source("block a {\r\n\tb # c  \r\n}") == "block a {\n    b  # c\n}\n"


def test_nothing_is_nothing() -> None:
    assert print_file(parse_good("# a\n\n\n# b\nlet c = 1")) == "# a\n\n# b\nlet c = 1\n"
