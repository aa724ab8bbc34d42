"""Mistakes and lints as an editor shows them, and their fixes as it applies them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types as lsp

from resnetdsl.diagnostics.fix import choose_fixes
from resnetdsl.diagnostics.model import Diagnostic, Edit, Label, Severity
from resnetdsl.lsp.document import Document
from resnetdsl.source import Span

SOURCE = "resnetdsl"
_MOST = 200
"""Editors draw each of them; a text with more is mended from its start."""

_UNUSED = {"W0801", "W0802", "W0805"}
_LEVEL = {Severity.ERROR: lsp.DiagnosticSeverity.Error, Severity.WARNING: lsp.DiagnosticSeverity.Warning}


def problems(document: Document) -> list[lsp.Diagnostic]:
    """All that `check` says of a text."""
    return [_problem(document, each) for each in document.report.diagnostics[:_MOST]]


def fixes(document: Document, range: lsp.Range, only: Sequence[str] | None) -> list[lsp.CodeAction]:
    """The fixes of what is wrong in a range, and one action for all fixes of the text."""
    found = document.report.diagnostics
    fixable = [each for each in found if each.fix and all(edit.span.file is document.file for edit in each.fix)]
    actions = []
    if _wanted(lsp.CodeActionKind.QuickFix, only):
        actions += [_quick_fix(document, each) for each in fixable if _overlap(document, each, range)]
    mended, edits = choose_fixes(found, document.file)
    if mended and _wanted(lsp.CodeActionKind.SourceFixAll, only):
        title = f"Fix all that can be fixed ({len(mended)})"
        actions.append(lsp.CodeAction(title, lsp.CodeActionKind.SourceFixAll, edit=_edit(document, edits)))
    return actions


def _problem(document: Document, found: Diagnostic) -> lsp.Diagnostic:
    place = _here(document, found)
    also = () if place is found.primary.span else (found.primary,)
    return lsp.Diagnostic(
        range=document.places.range(place),
        message="\n".join(_words(found)),
        severity=_LEVEL[found.code.severity],
        code=found.code.id,
        source=SOURCE,
        tags=[lsp.DiagnosticTag.Unnecessary] if found.code.id in _UNUSED else None,
        related_information=[*_related(document, (*also, *found.secondary))] or None,
    )


def _here(document: Document, found: Diagnostic) -> Span:
    """Where to show it: its own place, or where this text asked for what is wrong in another file."""
    calls = [frame.call for frame in reversed(found.trail) if frame.call is not None]
    own = (span for span in (found.primary.span, *calls) if span.file is document.file)
    return next(own, document.file.span(0, 0))


def _words(found: Diagnostic) -> Iterator[str]:
    yield found.title
    if found.primary.text:
        yield found.primary.text
    yield from (f"help: {text}" for text in found.helps)
    yield from (f"note: {text}" for text in found.notes)


def _related(document: Document, labels: Sequence[Label]) -> Iterator[lsp.DiagnosticRelatedInformation]:
    for label in labels:
        location = document.location(label.span)
        if location is not None:
            yield lsp.DiagnosticRelatedInformation(location, label.text)


def _quick_fix(document: Document, found: Diagnostic) -> lsp.CodeAction:
    title = found.helps[0] if found.helps else found.title
    return lsp.CodeAction(
        title[:1].upper() + title[1:],
        lsp.CodeActionKind.QuickFix,
        diagnostics=[_problem(document, found)],
        is_preferred=True,
        edit=_edit(document, found.fix),
    )


def _overlap(document: Document, found: Diagnostic, range: lsp.Range) -> bool:
    start, end = document.places.offset(range.start), document.places.offset(range.end)
    span = found.primary.span
    return span.start <= end and start <= span.end


def _wanted(kind: lsp.CodeActionKind, only: Sequence[str] | None) -> bool:
    """Kinds are paths: who asks for `source` gets `source.fixAll`."""
    return only is None or any(kind.value == each or kind.value.startswith(f"{each}.") for each in only)


def _edit(document: Document, edits: Sequence[Edit]) -> lsp.WorkspaceEdit:
    changes = [lsp.TextEdit(document.places.range(edit.span), edit.replacement) for edit in edits]
    return lsp.WorkspaceEdit(changes={document.uri: changes})
