"""`# allow: W0904 reason`: a lint that a spec's author has seen and means.

Above a definition the line counts for that definition; before the first one it counts for the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from resnetdsl.diagnostics.model import Fact
from resnetdsl.syntax import ast

_ALLOW = re.compile(r"#+\s*allow:\s*((?:W\d{4}[\s,]*)+)")


@dataclass(frozen=True, slots=True)
class Allowed:
    """The lints that a file silences, and where."""

    everywhere: frozenset[str]
    items: tuple[tuple[ast.Item, frozenset[str]], ...]

    def of(self, item: ast.Node) -> frozenset[str]:
        """What is silenced for a definition."""
        for other, codes in self.items:
            if other is item:
                return self.everywhere | codes
        return self.everywhere

    def at(self, offset: int) -> frozenset[str]:
        """What is silenced for the text at an offset."""
        for item, codes in self.items:
            if item.span.start <= offset < item.span.end:
                return self.everywhere | codes
        return self.everywhere


def allowed(tree: ast.File) -> Allowed:
    everywhere: set[str] = set()
    items: list[tuple[ast.Item, frozenset[str]]] = []
    comments = [(comment.span.start, _codes(comment.text)) for comment in tree.comments]
    end = 0
    for place, item in enumerate(tree.items):
        above = {code for start, codes in comments if end <= start < item.span.start for code in codes}
        if place == 0:
            everywhere |= above
        items.append((item, frozenset(above)))
        end = item.span.end
    return Allowed(frozenset(everywhere), tuple(items))


def _codes(comment: str) -> list[str]:
    match = _ALLOW.match(comment)
    return re.findall(r"W\d{4}", match.group(1)) if match else []


def keep(fact: Fact, silenced: frozenset[str]) -> bool:
    return fact.code not in silenced
