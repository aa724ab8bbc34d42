"""Edits made to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnetdsl.diagnostics.fix import apply_fixes, choose_fixes
from resnetdsl.diagnostics.model import Edit
from resnetdsl.source import SourceFile
from tests.diagnostics.drawing import drawn

FILE = SourceFile("a.rnet", "conv(16, 3x3)")


def edit(start: int, end: int, text: str) -> Edit:
    return Edit(FILE.span(start, end), text)


def test_edits_in_any_order() -> None:
    assert apply_fixes(FILE.text, [edit(9, 12, "1x1"), edit(0, 4, "std_conv"), edit(7, 7, "0")]) == "std_conv(160, 1x1)"


def test_insertions_at_one_place_keep_their_order() -> None:
    assert apply_fixes(FILE.text, [edit(13, 13, " -> a"), edit(13, 13, " -> b")]) == "conv(16, 3x3) -> a -> b"


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_fixes(FILE.text, [edit(0, 5, "a"), edit(4, 6, "b")])
    with pytest.raises(ValueError, match="outside"):
        apply_fixes(FILE.text, [edit(0, 99, "a")])


def test_of_two_fixes_that_touch_the_first_wins() -> None:
    one = drawn(FILE.span(0, 4), fix=(edit(0, 4, "a"), edit(9, 12, "b")))
    two = drawn(FILE.span(5, 7), fix=(edit(5, 7, "8"), edit(12, 13, "c")))
    three = drawn(FILE.span(5, 7), fix=(edit(5, 7, "32"),))
    unfixed = drawn(FILE.span(0, 1))
    elsewhere = drawn(FILE.span(0, 1), fix=(Edit(SourceFile("b.rnet", "b").span(0, 1), "x"),))
    mended, edits = choose_fixes([unfixed, elsewhere, one, two, three], FILE)
    assert mended == (one, three)
    assert apply_fixes(FILE.text, edits) == "a(32, b)"


@given(st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13), st.text("xy", max_size=3)), max_size=6))
def test_chosen_edits_can_always_be_made(raw: list[tuple[int, int, str]]) -> None:
    diagnostics = [drawn(FILE.span(0, 1), fix=(edit(min(a, b), max(a, b), text),)) for a, b, text in raw]
    mended, edits = choose_fixes(diagnostics, FILE)
    text = apply_fixes(FILE.text, edits)
    assert len(mended) == len(edits)
    kept = len(FILE.text) - sum(each.span.end - each.span.start for each in edits)
    assert len(text) == kept + sum(len(each.replacement) for each in edits)
