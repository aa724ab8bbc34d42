"""Diagnostics as SARIF 2.1.0, the format of code-scanning services."""

from __future__ import annotations

import json
from collections.abc import Sequence

from resnetdsl.diagnostics.model import Code, Diagnostic, Label, Severity
from resnetdsl.diagnostics.render.places import place, uri
from resnetdsl.source import Span
from resnetdsl.version import VERSION

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning"}


def render_sarif(diagnostics: Sequence[Diagnostic], *, tool_version: str = VERSION) -> str:
    """One run with the diagnostics in the order given, and the rules that they break."""
    codes = sorted({each.code.id: each.code for each in diagnostics}.values(), key=lambda code: code.id)
    places = {code.id: index for index, code in enumerate(codes)}
    document = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "resnetdsl", "version": tool_version, "rules": [_rule(code) for code in codes]}
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, places[each.code.id]) for each in diagnostics],
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _rule(code: Code) -> dict[str, object]:
    summary = code.name.replace("-", " ")
    text = f"{code.explanation}\n\nReference: {code.reference}" if code.reference else code.explanation
    return {
        "id": code.id,
        "name": "".join(part.capitalize() for part in code.name.split("-")),
        "shortDescription": {"text": summary[0].upper() + summary[1:] + "."},
        "fullDescription": {"text": code.explanation.split("\n\n", maxsplit=1)[0].replace("\n", " ")},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, object]:
    code = diagnostic.code
    sentences = [diagnostic.title, diagnostic.primary.text, *(f"help: {text}" for text in diagnostic.helps)]
    result: dict[str, object] = {
        "ruleId": code.id,
        "ruleIndex": rule,
        "level": _LEVELS[code.severity],
        "message": {"text": "\n".join(sentence for sentence in sentences if sentence)},
        "locations": [{"physicalLocation": _location(diagnostic.primary.span)}],
    }
    related = [
        *diagnostic.secondary,
        *(Label(frame.call, frame.text) for frame in diagnostic.trail if frame.call is not None),
    ]
    if related:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _location(label.span), "message": {"text": label.text or "see here"}}
            for number, label in enumerate(related, start=1)
        ]
    if diagnostic.fix:
        result["fixes"] = [_fix(diagnostic)]
    return result


def _fix(diagnostic: Diagnostic) -> dict[str, object]:
    changes: dict[str, list[dict[str, object]]] = {}
    for edit in diagnostic.fix:
        replacement: dict[str, object] = {
            "deletedRegion": _region(edit.span),
            "insertedContent": {"text": edit.replacement},
        }
        changes.setdefault(edit.span.file.name, []).append(replacement)
    return {
        "description": {"text": diagnostic.helps[0] if diagnostic.helps else diagnostic.title},
        "artifactChanges": [
            {"artifactLocation": {"uri": uri(name)}, "replacements": replacements}
            for name, replacements in changes.items()
        ],
    }


def _location(span: Span) -> dict[str, object]:
    return {"artifactLocation": {"uri": uri(span.file.name)}, "region": _region(span)}


def _region(span: Span) -> dict[str, object]:
    at = place(span)
    return {
        "startLine": at.line,
        "startColumn": at.column,
        "endLine": at.end_line,
        "endColumn": at.end_column,
        "charOffset": at.start,
        "charLength": at.end - at.start,
    }
