"""Diagnostics for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from resnetdsl.diagnostics.model import Diagnostic, Label, Severity
from resnetdsl.diagnostics.plain import escape
from resnetdsl.diagnostics.render.lines import locate
from resnetdsl.diagnostics.render.paint import Row, Style
from resnetdsl.diagnostics.render.snippet import Mark, last_line, snippet
from resnetdsl.source import Span

_NARROWEST = 40
_TRAIL_ENDS = 4  # of a long trail, so many steps are shown at either end


def render_text(diagnostics: Sequence[Diagnostic], *, color: bool = False, width: int = 100) -> str:
    """All diagnostics, in the order given (see `words.sort`), with a blank line between two."""
    width = max(width, _NARROWEST)
    drawn = ("\n".join(row.write(color=color) for row in rows(each, width)) for each in diagnostics)
    return "".join(f"{text}\n" for text in "\n\n".join(drawn).split("\n")) if diagnostics else ""


def summary(diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:
    """`3 errors, 1 warning in resnet.rnet`, and how many of them mend themselves."""
    if not diagnostics:
        return Row().add("no mistakes found", Style.STRONG).write(color=color)
    counts = []
    for severity, style in ((Severity.ERROR, Style.ERROR), (Severity.WARNING, Style.WARNING)):
        if count := sum(each.code.severity is severity for each in diagnostics):
            counts.append((f"{count} {severity.value}{'' if count == 1 else 's'}", style))
    row = Row().add(*counts[0])
    for piece in counts[1:]:
        row.add(", ").add(*piece)
    names = sorted({each.primary.span.file.name for each in diagnostics})
    row.add(f" in {escape(names[0]) if len(names) == 1 else f'{len(names)} files'}")
    if fixable := sum(bool(each.fix) for each in diagnostics):
        row.add(f" ({fixable} can be fixed with `--fix`)")
    return row.write(color=color)


def rows(diagnostic: Diagnostic, width: int) -> Iterator[Row]:
    """One diagnostic as rows of styled text, for whatever writes them out."""
    code = diagnostic.code
    style = Style.ERROR if code.severity is Severity.ERROR else Style.WARNING
    title = Row().add(f"{code.severity.value}[{code.id}]", style)
    yield title.add(f": {diagnostic.title}", Style.STRONG)

    primary = Mark(diagnostic.primary.span, diagnostic.primary.text, "^", style)
    others = [*diagnostic.secondary, *_asked(diagnostic)]
    marks = [primary, *(Mark(label.span, label.text, "-", Style.SECONDARY) for label in others)]
    gutter = max(len(str(last_line(mark.span))) for mark in marks)
    arrow = "-->"
    for group in _by_file(marks):
        span = group[0].span
        yield Row().add(" " * gutter + arrow, Style.GUTTER).add(f" {place(span)}")
        yield _bar(gutter)
        yield from snippet(span.file, group, gutter, width)
        if arrow == "-->" and len({id(mark.span.file) for mark in marks}) > 1:
            yield _bar(gutter)
        arrow = ":::"

    footer = [("help", text) for text in diagnostic.helps] + [("note", text) for text in diagnostic.notes]
    if diagnostic.trail:
        footer.append(("in", _trail([frame.text for frame in diagnostic.trail])))
    if footer:
        yield _bar(gutter)
    for word, text in footer:
        lead = f"{' ' * gutter} = "
        hang = " " * (len(word) + 2)
        room = max(width - len(lead), 2 * len(hang))
        first, *rest = textwrap.wrap(
            f"{word}: {text}", room, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
        )
        yield Row().add(lead, Style.GUTTER).add(f"{word}:", Style.HELP).add(first[len(word) + 1 :])
        for more in rest:
            yield Row().add(" " * len(lead) + more)


def place(span: Span) -> str:
    """`file:line:column`, safe to print."""
    (line, column), _ = locate(span.file, span.start, span.end)
    return f"{escape(span.file.name)}:{line}:{column + 1}"


def _bar(gutter: int) -> Row:
    return Row().add(" " * gutter + " |", Style.GUTTER)


def _by_file(marks: list[Mark]) -> list[list[Mark]]:
    """The marks of each file, that of the primary first."""
    groups: dict[int, list[Mark]] = {}
    for mark in marks:
        groups.setdefault(id(mark.span.file), []).append(mark)
    return list(groups.values())


def _asked(diagnostic: Diagnostic) -> list[Label]:
    """Who asked for what went wrong: the nearest call outside the text that is marked already."""
    marked = [diagnostic.primary.span, *(label.span for label in diagnostic.secondary)]
    calls = [frame.call for frame in diagnostic.trail if frame.call is not None]
    free = [call for call in calls if not any(_meet(call, span) for span in marked)]
    if not free:
        return []
    elsewhere = [call for call in free if call.file is not diagnostic.primary.span.file]
    return [Label((elsewhere or free)[-1], "asked for here")]


def _meet(one: Span, other: Span) -> bool:
    return one.file is other.file and one.start <= other.end and other.start <= one.end


def _trail(texts: list[str]) -> str:
    runs = [(text, len(list(run))) for text, run in groupby(texts)]
    texts = [text if count == 1 else f"{text} {count} times" for text, count in runs]
    if len(texts) > 2 * _TRAIL_ENDS + 1:
        left_out = len(texts) - 2 * _TRAIL_ENDS
        texts = [*texts[:_TRAIL_ENDS], f"... {left_out} more ...", *texts[-_TRAIL_ENDS:]]
    return ", ".join(texts)
