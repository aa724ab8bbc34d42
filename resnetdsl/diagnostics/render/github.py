"""Diagnostics as GitHub workflow commands: annotations in the diff of a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resnetdsl.diagnostics.model import Diagnostic
from resnetdsl.diagnostics.plain import escape
from resnetdsl.diagnostics.render.places import place


def render_github(diagnostics: Sequence[Diagnostic]) -> str:
    """One command a line, in the order given."""
    return "".join(_command(each) + "\n" for each in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    code = diagnostic.code
    at = place(diagnostic.primary.span)
    properties = {"file": escape(at.file), "line": str(at.line), "endLine": str(at.end_line), "col": str(at.column)}
    if at.line == at.end_line:  # GitHub refuses columns of different lines
        properties["endColumn"] = str(max(at.end_column - 1, at.column))  # this one is included
    properties["title"] = f"{code.id} {code.name}"
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{code.severity.value} {listed}::{_message(chr(10).join(_lines(diagnostic)))}"


def _lines(diagnostic: Diagnostic) -> Iterator[str]:
    yield diagnostic.title
    if diagnostic.primary.text:
        yield diagnostic.primary.text
    for label in diagnostic.secondary:
        if label.text:
            at = place(label.span)
            yield f"{escape(at.file)}:{at.line}:{at.column}: {label.text}"
    yield from (f"help: {text}" for text in diagnostic.helps)
    yield from (f"note: {text}" for text in diagnostic.notes)
    if diagnostic.trail:
        yield "in: " + ", ".join(frame.text for frame in diagnostic.trail)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
