"""Where names come from, where they are read, and what they can be called instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types as lsp

from resnetdsl.lsp.document import Document
from resnetdsl.lsp.navigation import CannotRenameError, definition, folds, hints, outline, places, rename
from resnetdsl.lsp.problems import problems
from tests.lsp.test_problems import applied
from tests.lsp.texts import NETWORK, at, document


def line_of(text: Document, found: lsp.Location | None) -> str:
    assert found is not None
    assert found.uri == text.uri
    return text.file.line_text(found.range.start.line + 1).strip()


@pytest.mark.parametrize(
    ("mark", "line"),
    [
        ("n * pa|ir(wide", "block pair(width, stride = 1) {"),
        ("pair(wi|de", "let wide = width * 2^i"),
        ("let wide = wid|th", "network small(depths = [1, 2], width = 8, classes = 10) {"),
        ("{i| + 1}", "for i, n in depths {"),
        ("= sma|ll(", "network small(depths = [1, 2], width = 8, classes = 10) {"),
        ("(wide, str|ide =", "block pair(width, stride = 1) {"),
        ("[2, 3], wi|dth", "network small(depths = [1, 2], width = 8, classes = 10) {"),
        ("block pa|ir", "block pair(width, stride = 1) {"),
        ("stride = stride|)", "block pair(width, stride = 1) {"),
    ],
)
def test_where_a_name_is_bound(mark: str, line: str) -> None:
    text, position = at(NETWORK, mark)
    assert line_of(text, definition(text, position)) == line


@pytest.mark.parametrize("mark", ["network sm|all", "|\n    stem", "conv1|: conv", "3x32x|32", "## A blo|ck"])
def test_what_leads_nowhere_else(mark: str) -> None:
    text, position = at(NETWORK, mark)
    found = definition(text, position)
    assert found is None or found.range.start.line == position.line


def test_a_block_of_the_library_and_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "blocks.rnet").write_text("block mine {\n    relu\n}\n", encoding="utf-8")
    head = 'from "blocks.rnet" import mine as ours\n\n'
    body = "network n {\n    input 3x8x8\n    ours\n    basic(3)\n}\n"
    text, position = at(head + body, "    ou|rs", tmp_path / "a.rnet")
    found = definition(text, position)
    assert found is not None
    assert (found.uri, found.range.start.line) == ((tmp_path / "blocks.rnet").as_uri(), 0)
    text, position = at(head + body, "    bas|ic", tmp_path / "a.rnet")
    found = definition(text, position)
    assert found is not None
    assert found.uri.endswith("library/blocks.rnet")


def test_an_op_has_no_text() -> None:
    text, position = at(NETWORK, "batch_n|orm")
    assert definition(text, position) is None


@pytest.mark.parametrize(
    ("mark", "count"), [("wid|th = 8", 4), ("pa|ir(width", 2), ("n| * pair", 2), ("batch_no|rm", 3), ("str|ide = 1", 3)]
)
def test_everywhere_a_name_is_meant(mark: str, count: int) -> None:
    text, position = at(NETWORK, mark)
    found = places(text, position)
    assert len(found) == count
    assert len({span.text for span in found}) == 1


@pytest.mark.parametrize(
    "mark", ["wid|th = 8", "pa|ir(width", "n| * pair", "dep|ths = ", "sma|ll(", "wi|de,", "wid|th, stri"]
)
def test_another_name_changes_no_network(mark: str) -> None:
    text, position = at(NETWORK, mark)
    other = document(applied(text, rename(text, position, "another")))
    assert problems(other) == []
    before = {name: [str(node.outputs) for node in graph.nodes()] for name, graph in text.graphs.items()}
    after = {name: [str(node.outputs) for node in graph.nodes()] for name, graph in other.graphs.items()}
    assert list(after.values()) == list(before.values())
    assert "another" in other.file.text


def test_an_imported_name_gets_another_here_alone(tmp_path: Path) -> None:
    (tmp_path / "blocks.rnet").write_text("block mine {\n    relu\n}\n", encoding="utf-8")
    body = 'from "blocks.rnet" import mine\n\nnetwork n {\n    input 3x8x8\n    mine\n}\n'
    text, position = at(body, "    mi|ne", tmp_path / "a.rnet")
    other = applied(text, rename(text, position, "ours"))
    assert other.startswith('from "blocks.rnet" import mine as ours\n')
    assert problems(document(other, tmp_path / "a.rnet")) == []


@pytest.mark.parametrize(
    ("mark", "new", "why"),
    [
        ("batch_n|orm", "norm", "belongs to the language, or"),
        ("|\n    stem", "norm", "no name"),
        ("wid|th = 8", "2x", "is no name"),
        ("wid|th = 8", "network", "is no name"),
        ("wid|th = 8", "classes", "means something else"),
    ],
)
def test_what_cannot_be_renamed(mark: str, new: str, why: str) -> None:
    text, position = at(NETWORK, mark)
    with pytest.raises(CannotRenameError, match=why):
        rename(text, position, new)


def test_a_parameter_whose_callers_are_not_known() -> None:
    body = NETWORK.replace("width = 8, classes", "width = 8, kind = pair, classes").replace("n * pair(", "n * kind(")
    text, position = at(body, "str|ide = 1")
    with pytest.raises(CannotRenameError, match="`pair` is passed on as a value in line 7"):
        rename(text, position, "step_")


def test_the_outline() -> None:
    found = outline(document(NETWORK))
    assert [each.name for each in found] == ["pair", "small", "large"]
    assert [each.name for each in found[1].children or ()] == ["stem", "layer{i + 1}", "head"]
    for each in found:
        assert each.range.start <= each.selection_range.start <= each.selection_range.end <= each.range.end


def test_what_folds() -> None:
    assert [(each.start_line, each.end_line) for each in folds(document(NETWORK))] == [(1, 3), (6, 14), (10, 12)]


def test_shapes_behind_stages() -> None:
    body = (
        "network n {\n    input 3x32x32\n    stage a: conv(4, 3x3, stride = 2) -> relu\n    stage b: 2 * basic(8)\n}\n"
    )
    found = hints(document(body), lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0)))
    assert [(each.position.line, str(each.label).strip()) for each in found] == [(2, "4x16x16"), (3, "8x16x16")]
    assert hints(document(body), lsp.Range(lsp.Position(0, 0), lsp.Position(2, 0)))[0].position.line == 2
