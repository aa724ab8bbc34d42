"""Short ways to make diagnostics by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from resnetdsl.compile.targets import TargetError, find_target
from resnetdsl.diagnostics.catalogue import CODES
from resnetdsl.diagnostics.model import Diagnostic, Edit, Frame, Label
from resnetdsl.source import SourceFile, Span


def find(file: SourceFile, text: str, nth: int = 0) -> Span:
    """The span of the nth place of a text in a file."""
    at = -1
    for _ in range(nth + 1):
        at = file.text.index(text, at + 1)
    return file.span(at, at + len(text))


def drawn(
    span: Span,
    text: str = "here",
    *secondary: tuple[Span, str],
    code: str = "E0201",
    title: str = "something is wrong",
    helps: tuple[str, ...] = (),
    trail: tuple[Frame, ...] = (),
    fix: tuple[Edit, ...] = (),
) -> Diagnostic:
    """A diagnostic with these words, whatever the catalogue says."""
    labels = tuple(Label(place, words) for place, words in secondary)
    return Diagnostic(replace(CODES[code]), title, Label(span, text), labels, helps=helps, trail=trail, fix=fix)


def target_mistakes(path: Path) -> tuple[Diagnostic, ...]:
    """What is wrong with a target."""
    try:
        find_target(str(path))
    except TargetError as error:
        return error.diagnostics
    return ()
