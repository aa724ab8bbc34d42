"""What is drawn on a terminal, to the character."""

from __future__ import annotations

import re
from textwrap import dedent

from resnetdsl.diagnostics.model import Diagnostic, Edit, Fact, Frame
from resnetdsl.diagnostics.render.text import render_text, summary
from resnetdsl.diagnostics.words import word
from resnetdsl.source import SourceFile
from tests.diagnostics.drawing import drawn, find

BAD = SourceFile(
    "specs/bad.rnet",
    dedent("""\
        network bad {
            input 3x56x56
            stem { conv(64, 3x3, stride = 2) }

            stage layer2: 2 * {
                residual(identity) {
                    conv1: conv(128, 3x3) -> batch_norm -> relu
                    conv2: conv(128, 3x3)
                }
                relu
            }
        }
        """),
)
LIBRARY = SourceFile("std/blocks.rnet", "block basic(width) {\n    residual(identity) { conv(width) }\n}\n")


def check(diagnostic: Diagnostic, expected: str, width: int = 100) -> None:
    assert render_text([diagnostic], color=False, width=width) == dedent(expected).lstrip("\n")


def test_two_places_help_and_trail() -> None:
    fact = Fact(
        "E0301",
        find(BAD, "identity"),
        {"main": "128x28x28", "shortcut": "64x28x28", "fix": "`residual(projection)` maps 64 channels to 128"},
        also=(("main", find(BAD, "conv(128, 3x3)", 1)),),
        trail=(Frame("network bad"), Frame("stage layer2"), Frame("block 0")),
    )
    check(
        word(fact),
        """
        error[E0301]: the branches of this residual do not match
         --> specs/bad.rnet:6:18
          |
        6 |         residual(identity) {
          |                  ^^^^^^^^ the shortcut carries 64x28x28
        7 |             conv1: conv(128, 3x3) -> batch_norm -> relu
        8 |             conv2: conv(128, 3x3)
          |                    -------------- the residual branch ends as 128x28x28
          |
          = help: `residual(projection)` maps 64 channels to 128
          = in: network bad, stage layer2, block 0
        """,
    )


def test_distant_lines_and_a_wide_gutter() -> None:
    file = SourceFile("long.rnet", "let a = 1\n" * 11 + "let b = 2\n")
    check(
        drawn(find(file, "b"), "second", (find(file, "a"), "first"), code="W0801"),
        """
        warning[W0801]: something is wrong
          --> long.rnet:12:5
           |
         1 | let a = 1
           |     - first
        ...
        12 | let b = 2
           |     ^ second
        """,
    )


def test_several_marks_on_one_line() -> None:
    file = SourceFile("a.rnet", "conv(12, 3x3) -> relu(12) -> conv(16, 3x3)\n")
    check(
        drawn(find(file, "relu"), "in the middle", (find(file, "12"), "first"), (find(file, "16"), "last")),
        """
        error[E0201]: something is wrong
         --> a.rnet:1:18
          |
        1 | conv(12, 3x3) -> relu(12) -> conv(16, 3x3)
          |      --          ^^^^             -- last
          |      |           |
          |      |           in the middle
          |      first
        """,
    )


def test_a_mark_inside_another() -> None:
    file = SourceFile("a.rnet", "residual(identity) { relu }\n")
    check(
        drawn(find(file, "residual(identity)"), "outer", (find(file, "identity"), "inner")),
        """
        error[E0201]: something is wrong
         --> a.rnet:1:1
          |
        1 | residual(identity) { relu }
          | ^^^^^^^^^--------^
          | |        |
          | |        inner
          | outer
        """,
    )


def test_a_span_of_several_lines_that_starts_its_line() -> None:
    start = BAD.text.index("residual")
    check(
        drawn(BAD.span(start, BAD.text.index("}", start) + 1), "all of this"),
        """
        error[E0201]: something is wrong
         --> specs/bad.rnet:6:9
          |
        6 | /         residual(identity) {
        7 | |             conv1: conv(128, 3x3) -> batch_norm -> relu
        8 | |             conv2: conv(128, 3x3)
        9 | |         }
          | |_________^ all of this
        """,
    )


def test_a_long_span_in_the_middle_of_a_line_with_a_mark_inside() -> None:
    start = BAD.text.index("2 * {")
    end = BAD.text.index("}", BAD.text.index("relu\n    }")) + 1
    check(
        drawn(BAD.span(start, end), "all of this", (find(BAD, "identity"), "this shortcut")),
        """
        error[E0201]: something is wrong
          --> specs/bad.rnet:5:19
           |
         5 |       stage layer2: 2 * {
           |  ___________________^
         6 | |         residual(identity) {
           | |                  -------- this shortcut
        ...  |
        11 | |     }
           | |_____^ all of this
        """,
    )


def test_two_long_spans_have_lanes() -> None:
    file = SourceFile("a.rnet", "a {\n  b {\n    c\n  }\n}\n")
    check(
        drawn(file.span(0, len(file.text)), "outer", (file.span(6, file.text.index("}") + 1), "inner")),
        """
        error[E0201]: something is wrong
         --> a.rnet:1:1
          |
        1 | /  a {
        2 | |/   b {
        3 | ||     c
        4 | ||   }
          | ||___- inner
        5 | |  }
          | |__^ outer
        """,
    )


def test_two_files() -> None:
    trail = (
        Frame("network bad"),
        Frame("stage layer2", find(BAD, "stage layer2")),
        Frame("block 0 (`basic` at std/blocks.rnet:1)"),
    )
    check(
        drawn(find(LIBRARY, "conv(width)"), "no kernel", trail=trail),
        """
        error[E0201]: something is wrong
         --> std/blocks.rnet:2:26
          |
        2 |     residual(identity) { conv(width) }
          |                          ^^^^^^^^^^^ no kernel
          |
         ::: specs/bad.rnet:5:5
          |
        5 |     stage layer2: 2 * {
          |     ------------ asked for here
          |
          = in: network bad, stage layer2, block 0 (`basic` at std/blocks.rnet:1)
        """,
    )


def test_a_call_around_the_mistake_is_not_shown_again() -> None:
    whole = BAD.span(BAD.text.index("stage"), len(BAD.text))
    text = render_text([drawn(find(BAD, "identity"), trail=(Frame("stage layer2", whole),))], color=False, width=100)
    assert "asked for" not in text


def test_end_of_file_and_empty_spans() -> None:
    file = SourceFile("a.rnet", "network a {\n")
    check(
        drawn(file.span(12, 12), "expected `}`", (find(file, "{"), "opened here")),
        """
        error[E0201]: something is wrong
         --> a.rnet:2:1
          |
        1 | network a {
          |           - opened here
        2 |
          | ^ expected `}`
        """,
    )
    check(
        drawn(SourceFile("empty.rnet", "").span(0, 0), "nothing"),
        """
        error[E0201]: something is wrong
         --> empty.rnet:1:1
          |
        1 |
          | ^ nothing
        """,
    )


def test_a_span_that_ends_behind_the_line_ends_with_it() -> None:
    for newline in ("\n", "\r\n"):
        file = SourceFile("a.rnet", f"let a = 1{newline}let b = 2{newline}")
        check(
            drawn(file.span(0, file.text.index("let b")), "this line"),
            """
            error[E0201]: something is wrong
             --> a.rnet:1:1
              |
            1 | let a = 1
              | ^^^^^^^^^ this line
            """,
        )


def test_crlf_lines() -> None:
    file = SourceFile("a.rnet", "let a = 1\r\nlet b = 2\r\nlet c = 3\r\n")
    check(
        drawn(find(file, "b"), "here", (find(file, "c"), "there")),
        """
        error[E0201]: something is wrong
         --> a.rnet:2:5
          |
        2 | let b = 2
          |     ^ here
        3 | let c = 3
          |     - there
        """,
    )


def test_tabs_and_wide_characters() -> None:
    file = SourceFile("a.rnet", "\tlet 漢字 =\tcon(16)  # e\u0301\n")
    check(
        drawn(find(file, "con"), "here", (find(file, "漢字"), "wide"), (find(file, "e\u0301"), "one cell")),
        """
        error[E0201]: something is wrong
         --> a.rnet:1:11
          |
        1 |     let 漢字 =  con(16)  # e\u0301
          |         ----    ^^^        - one cell
          |         |       |
          |         |       here
          |         wide
        """,
    )


def test_control_characters_become_pictures() -> None:
    file = SourceFile("a\x1b[2J.rnet", "let a = \x1b[31m\u202e1\x7f\n")
    check(
        drawn(find(file, "1", 1)),
        """
        error[E0201]: something is wrong
         --> a\\x1b[2J.rnet:1:15
          |
        1 | let a = \u241b[31m\ufffd1\u2421
          |               ^ here
        """,
    )


def test_long_lines_are_clipped_around_the_mark() -> None:
    numbers = ", ".join(str(i) for i in range(100, 200))
    file = SourceFile("a.rnet", f"let a = [{numbers}]\n")
    check(
        drawn(find(file, "150")),
        """
        error[E0201]: something is wrong
         --> a.rnet:1:260
          |
        1 | ...45, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155...
          |                            ^^^ here
        """,
        width=62,
    )
    check(
        drawn(find(file, "let"), "start"),
        """
        error[E0201]: something is wrong
         --> a.rnet:1:1
          |
        1 | let a = [100, 101, 102, 103, 104, 105, 106, 107, 108, 1...
          | ^^^ start
        """,
        width=62,
    )
    check(
        drawn(find(file, "199]"), "end"),
        """
        error[E0201]: something is wrong
         --> a.rnet:1:505
          |
        1 | ... 189, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199]
          |                                                       ^^^^ end
        """,
        width=62,
    )


def test_long_words_wrap() -> None:
    long = "this sentence goes on for so long that no terminal of forty columns could hold it in one line"
    check(
        drawn(find(BAD, "input"), long, helps=(long,)),
        """
        error[E0201]: something is wrong
         --> specs/bad.rnet:2:5
          |
        2 |     input 3x56x56
          |     ^^^^^ this sentence goes on for so long that no
          |           terminal of forty columns could hold it in
          |           one line
          |
          = help: this sentence goes on for so long that no
                  terminal of forty columns could hold it in one
                  line
        """,
        width=58,
    )


def test_a_long_trail_shows_its_ends() -> None:
    trail = tuple(Frame(f"block {i}") for i in range(300))
    text = render_text([drawn(find(BAD, "input"), trail=trail)], color=False, width=200)
    assert (
        "= in: block 0, block 1, block 2, block 3, ... 292 more ..., block 296, block 297, block 298, block 299" in text
    )


def test_colour_changes_nothing_but_colour() -> None:
    diagnostics = [drawn(find(BAD, "identity"), "here", (find(BAD, "relu"), "there"), helps=("so `this`",))] * 2
    plain = render_text(diagnostics, color=False, width=80)
    colored = render_text(diagnostics, color=True, width=80)
    assert "\x1b" not in plain
    assert "\x1b[1;31merror[E0201]\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


def test_nothing_is_drawn_of_nothing() -> None:
    assert render_text([], color=False, width=80) == ""


def test_summary() -> None:
    error = drawn(find(BAD, "input"))
    warning = drawn(find(BAD, "relu"), code="W0801", fix=(Edit(find(BAD, "relu"), ""),))
    elsewhere = drawn(find(LIBRARY, "block"))
    assert summary([]) == "no mistakes found"
    assert summary([error]) == "1 error in specs/bad.rnet"
    assert (
        summary([error, error, error, warning]) == "3 errors, 1 warning in specs/bad.rnet (1 can be fixed with `--fix`)"
    )
    assert summary([error, elsewhere]) == "2 errors in 2 files"
    assert summary([warning, warning], color=True).startswith("\x1b[1;33m2 warnings\x1b[0m")
