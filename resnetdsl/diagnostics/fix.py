"""Fixes applied to text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from resnetdsl.diagnostics.model import Diagnostic, Edit
from resnetdsl.source import SourceFile


def apply_fixes(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made. They must not overlap; two insertions at one place are made in the order given."""
    out: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        start, end = edit.span.start, edit.span.end
        if not at <= start <= end <= len(text):
            raise ValueError(f"edits overlap or lie outside the text: {start}..{end} after {at}")
        out += (text[at:start], edit.replacement)
        at = end
    return "".join(out) + text[at:]


def choose_fixes(
    diagnostics: Sequence[Diagnostic], file: SourceFile
) -> tuple[tuple[Diagnostic, ...], tuple[Edit, ...]]:
    """The diagnostics that one pass over a file can mend, and the edits that do.

    A fix is made whole or not at all. Of two that touch the same text the first wins: the other may be made in
    the next pass, if it is still needed then.
    """
    mended: list[Diagnostic] = []
    chosen: list[Edit] = []
    for diagnostic in diagnostics:
        fix = diagnostic.fix
        if not fix or any(edit.span.file is not file for edit in fix):
            continue
        if not any(_touch(edit, other) for edit in fix for other in chosen) and _is_apart(fix):
            mended.append(diagnostic)
            chosen.extend(fix)
    return tuple(mended), tuple(chosen)


def _is_apart(fix: Sequence[Edit]) -> bool:
    ordered = sorted(fix, key=lambda edit: (edit.span.start, edit.span.end))
    return all(one.span.end <= other.span.start for one, other in pairwise(ordered))


def _touch(one: Edit, other: Edit) -> bool:
    return one.span.start <= other.span.end and other.span.start <= one.span.end
