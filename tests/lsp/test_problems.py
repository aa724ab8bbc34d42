"""What is wrong, as an editor has it: at its place, with what goes with it, and its fixes."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types as lsp

from resnetdsl.lsp.document import Document, OutdatedError
from resnetdsl.lsp.problems import fixes, problems
from tests.lsp.texts import NETWORK, cursor, document

MISMATCH = """\
network n {
    input 3x32x32
    conv(64, 3x3) -> batch_norm -> relu
    residual(ide|ntity) {
        conv1: conv(128, 3x3, stride = 2) -> bn1: batch_norm -> relu
        conv2: conv(128, 3x3) -> bn2: batch_norm
    }
    relu -> global_avg_pool -> linear(10)
}
"""


def applied(document: Document, edit: lsp.WorkspaceEdit | None) -> str:
    assert edit is not None
    assert edit.changes is not None
    text = document.file.text
    for change in sorted(edit.changes[document.uri], key=lambda change: change.range.start, reverse=True):
        start, end = document.places.offset(change.range.start), document.places.offset(change.range.end)
        text = text[:start] + change.new_text + text[end:]
    return text


def test_nothing_is_wrong() -> None:
    assert problems(document(NETWORK)) == []


def test_a_mistake_has_its_place_its_words_and_the_other_branch() -> None:
    text, _ = cursor(MISMATCH)
    (found,) = problems(text)
    assert (found.code, found.severity, found.source) == ("E0301", lsp.DiagnosticSeverity.Error, "resnetdsl")
    assert found.range == lsp.Range(lsp.Position(3, 13), lsp.Position(3, 21))
    assert "the shortcut carries 64x32x32" in found.message
    assert "help: `residual(projection)`" in found.message
    (related,) = found.related_information or ()
    assert related.location.range.start.line == 5
    assert "128x16x16" in related.message


def test_a_place_behind_letters_that_take_two_units() -> None:
    text = 'network n {\n    input 3x8x8\n    require true, "𝛾𝛾" conv(4, 3x3)\n}\n'
    place = problems(document(text))[0].range.start
    assert place.line == 2
    assert document(text).places.offset(place) == document(text).report.diagnostics[0].primary.span.start


def test_what_is_not_used_is_greyed() -> None:
    (found,) = problems(document(NETWORK.replace("        stage", "        let lost = 1\n        stage")))
    assert (found.severity, found.tags) == (lsp.DiagnosticSeverity.Warning, [lsp.DiagnosticTag.Unnecessary])


def test_a_mistake_in_a_file_that_is_imported(tmp_path: Path) -> None:
    (tmp_path / "blocks.rnet").write_text("block b {\n    conv(0, 3x3)\n}\n", encoding="utf-8")
    text = 'from "blocks.rnet" import b\n\nnetwork n {\n    input 3x8x8\n    b\n}\n'
    (found,) = problems(document(text, tmp_path / "a.rnet"))
    assert found.range.start.line == 4
    assert (tmp_path / "blocks.rnet").as_uri() in {each.location.uri for each in found.related_information or ()}


def test_a_fix_where_the_cursor_is() -> None:
    text, position = cursor(MISMATCH)
    quick, every = fixes(text, lsp.Range(position, position), None)
    assert (quick.kind, every.kind) == (lsp.CodeActionKind.QuickFix, lsp.CodeActionKind.SourceFixAll)
    assert [each.code for each in quick.diagnostics or ()] == ["E0301"]
    for action in (quick, every):
        left = problems(document(applied(text, action.edit)))
        assert [each.code for each in left] == ["W0904"]


def test_elsewhere_there_is_the_fix_of_all_alone() -> None:
    text, _ = cursor(MISMATCH)
    start = lsp.Position(0, 0)
    (every,) = fixes(text, lsp.Range(start, start), None)
    assert every.title == "Fix all that can be fixed (1)"


@pytest.mark.parametrize(
    ("only", "kinds"),
    [
        (["quickfix"], ["quickfix"]),
        (["source"], ["source.fixAll"]),
        (["source.fixAll"], ["source.fixAll"]),
        (["refactor"], []),
    ],
)
def test_the_kinds_that_are_asked_for(only: list[str], kinds: list[str]) -> None:
    text, position = cursor(MISMATCH)
    assert [action.kind for action in fixes(text, lsp.Range(position, position), only)] == kinds


def test_a_check_is_given_up_once_there_is_a_newer_text() -> None:
    text = document(NETWORK)
    text.outdated = True
    with pytest.raises(OutdatedError):
        problems(text)
