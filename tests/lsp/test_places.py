"""Positions in the units of the protocol's encodings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from resnetdsl.lsp.places import Encoding, Places
from resnetdsl.source import SourceFile

ENCODINGS = (Encoding.Utf8, Encoding.Utf16, Encoding.Utf32)
LINE = '# "é" 𝛾 x'


@pytest.mark.parametrize(("encoding", "column"), [(Encoding.Utf8, 12), (Encoding.Utf16, 9), (Encoding.Utf32, 8)])
def test_a_column_counts_units(encoding: Encoding, column: int) -> None:
    places = Places(SourceFile("a", f"first\n{LINE}\n"), encoding)
    x = len("first\n") + LINE.index("x")
    assert places.position(x) == lsp.Position(1, column)
    assert places.offset(lsp.Position(1, column)) == x


@given(st.text(st.sampled_from("ab \n\té𝛾中"), max_size=40), st.sampled_from(ENCODINGS))
def test_there_and_back(text: str, encoding: Encoding) -> None:
    places = Places(SourceFile("a", text), encoding)
    for offset in range(len(text) + 1):
        assert places.offset(places.position(offset)) == offset


@pytest.mark.parametrize(("line", "column", "offset"), [(0, 99, 3), (1, 99, 6), (7, 0, 6), (0, 0, 0)])
def test_positions_that_are_not_there(line: int, column: int, offset: int) -> None:
    assert Places(SourceFile("a", "abc\nde")).offset(lsp.Position(line, column)) == offset


def test_a_line_that_ends_as_on_windows() -> None:
    places = Places(SourceFile("a", "abc\r\nde"))
    assert places.offset(lsp.Position(0, 99)) == 3
    assert places.position(5) == lsp.Position(1, 0)
