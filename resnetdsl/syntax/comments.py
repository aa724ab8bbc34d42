"""Which `##` comments document what."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from resnetdsl.syntax import ast

Place = tuple[int, int]


def document(text: str, comments: list[Place], items: tuple[ast.Item, ...]) -> tuple[str, tuple[ast.Item, ...]]:
    """The document of the file, and the items with theirs.

    The lines of comments directly above a definition document it; those at the top of the file document the
    file, unless they stand directly above a definition.
    """
    if not comments:
        return "", items
    starts = [start for start, _ in comments]
    first_run = _run_down(text, comments)
    documented: list[ast.Item] = []
    file_doc = _words(text, first_run)
    for item in items:
        lines: list[Place] = []
        if isinstance(item, ast.Definition | ast.Instance):
            lines = _run_up(text, comments, bisect_right(starts, item.span.start) - 1, item.span.start)
            if lines and first_run and lines[-1] == first_run[-1]:
                file_doc = ""
        doc = _words(text, lines)
        documented.append(replace(item, doc=doc) if doc and isinstance(item, ast.Definition | ast.Instance) else item)
    return file_doc, tuple(documented)


def _words(text: str, lines: list[Place]) -> str:
    docs = [text[start:end] for start, end in lines]
    return "\n".join(doc[2:].removeprefix(" ").rstrip() for doc in docs if doc.startswith("##"))


def _adjacent(text: str, end: int, start: int) -> bool:
    between = text[end:start]
    return between.count("\n") == 1 and not between.strip()


def _run_down(text: str, comments: list[Place]) -> list[Place]:
    """The lines of comments at the top of the file."""
    if text[: comments[0][0]].strip(" \t\r\n\f\ufeff"):
        return []
    run = [comments[0]]
    for comment in comments[1:]:
        if not _adjacent(text, run[-1][1], comment[0]):
            break
        run.append(comment)
    return run


def _run_up(text: str, comments: list[Place], last: int, below: int) -> list[Place]:
    """The lines of comments, each alone on its line, directly above a place."""
    run: list[Place] = []
    while last >= 0 and _adjacent(text, comments[last][1], below):
        start = comments[last][0]
        if text[text.rfind("\n", 0, start) + 1 : start].strip(" \t\ufeff"):
            break
        run.append(comments[last])
        below = start
        last -= 1
    run.reverse()
    return run
