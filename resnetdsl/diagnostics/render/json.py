"""Diagnostics as one JSON document. The schema only ever grows; `version` would say otherwise."""

from __future__ import annotations

import json
from collections.abc import Sequence

from resnetdsl.diagnostics.model import Diagnostic, Label, Severity
from resnetdsl.diagnostics.render.places import place
from resnetdsl.source import Span

VERSION = 1


def render_json(diagnostics: Sequence[Diagnostic]) -> str:
    """All diagnostics, in the order given.

    Columns and offsets count Unicode code points; lines and columns start at 1, offsets at 0; ends are excluded.
    """
    document = {
        "version": VERSION,
        "tool": "resnetdsl",
        "errors": sum(each.code.severity is Severity.ERROR for each in diagnostics),
        "warnings": sum(each.code.severity is Severity.WARNING for each in diagnostics),
        "diagnostics": [_diagnostic(each) for each in diagnostics],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _diagnostic(diagnostic: Diagnostic) -> dict[str, object]:
    code = diagnostic.code
    return {
        "code": code.id,
        "name": code.name,
        "severity": code.severity.value,
        "title": diagnostic.title,
        **_label(diagnostic.primary),
        "secondary": [_label(label) for label in diagnostic.secondary],
        "helps": list(diagnostic.helps),
        "notes": list(diagnostic.notes),
        "trail": [
            {"text": frame.text, "call": _span(frame.call) if frame.call is not None else None}
            for frame in diagnostic.trail
        ],
        "fix": [{"span": _span(edit.span), "replacement": edit.replacement} for edit in diagnostic.fix],
        "reference": code.reference or None,
    }


def _label(label: Label) -> dict[str, object]:
    return {"span": _span(label.span), "label": label.text}


def _span(span: Span) -> dict[str, object]:
    at = place(span)
    return {
        "file": at.file,
        "line": at.line,
        "column": at.column,
        "end_line": at.end_line,
        "end_column": at.end_column,
        "start": at.start,
        "end": at.end,
    }
