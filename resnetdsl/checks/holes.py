"""What may be said of a spec whose text could not be read in full.

The tree then lacks the statements that have mistakes of syntax, and whatever rests on one of them looks wrong: the name
that it bound, the width that it made. Those are echoes. What a statement says of itself stands.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from resnetdsl.diagnostics.model import Fact
from resnetdsl.diagnostics.words import replacement
from resnetdsl.source import SourceFile, Span

_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_BINDING: Final = re.compile(r"\b(?:let|block|shortcut|network|stem|head|param|for|in|import|as)\s+([\w, ()]+)")
_LET: Final = re.compile(r"\b(?:let|for)\s+([\w, ()]+)")
_OF_NAMES: Final = frozenset({"E0201", "E0704"})
_ONCE: Final = frozenset({"E0106", "E0201"})
_SHOWN: Final = 3
_UNDERSTOOD: Final = frozenset({"E0114", "E0115"})
_LABEL: Final = re.compile(r"(?:^|[{(,;>])\s*\w+\s*$")
_OF_THE_WHOLE: Final = frozenset({"E0221", "E0228"})


def without_echoes(facts: Sequence[Fact]) -> Iterator[Fact]:
    """The facts, without those of a call as a whole in which something of its own text is wrong.

    What several arguments are to blame for at one place in a definition of one's own is wrong at that place.
    """
    givers: dict[tuple[str, Span], set[Span]] = {}
    for fact in facts:
        if fact.inside is not None and not fact.inside.span.file.shipped:
            givers.setdefault((fact.code, fact.inside.span), set()).add(fact.span)
    facts = [
        replace(fact, span=fact.inside.span, inside=None)
        if fact.inside is not None and len(givers.get((fact.code, fact.inside.span), ())) > 1
        else fact
        for fact in facts
    ]
    places: dict[SourceFile, list[tuple[int, int]]] = {}
    for fact in facts:
        if not _of_a_call(fact) and fact.code.startswith("E"):
            places.setdefault(fact.span.file, []).append((fact.span.start, fact.span.end))
    for found in places.values():
        found.sort()
    for fact in facts:
        near = places.get(fact.span.file, [])
        first = bisect_left(near, (fact.span.start, 0))
        if not _of_a_call(fact) or first == len(near) or near[first][1] > fact.span.end:
            yield fact


def together(facts: Iterable[Fact]) -> Iterator[Fact]:
    """The facts, with one for all places of an unknown name, misspelt where it is bound, or of a foreign sign."""
    places: dict[tuple[SourceFile, object, object], dict[Span, Fact]] = {}
    listed = list(facts)
    for fact in listed:
        if fact.code in _ONCE:
            places.setdefault(_unknown(fact), {}).setdefault(fact.span, fact)
    unknown = {(fact.data.get("name"), fact.data.get("suggestion")) for fact in listed if fact.code == "E0201"}
    for fact in listed:
        if fact.code == "E0203" and (fact.data.get("name"), fact.data.get("suggestion")) in unknown:
            continue  # the parameter is misspelt, and this is right
        if fact.code not in _ONCE:
            yield fact
        elif (found := places.pop(_unknown(fact), None)) is not None:
            first, *others = sorted(found.values(), key=lambda each: each.span.start)
            also = tuple(("again", each.span) for each in others[:_SHOWN])
            fix = first.fix
            if others:
                fix = tuple(edit for each in found.values() for edit in each.fix or replacement(each))
            yield replace(first, also=(*first.also, *also), data={**first.data, "count": len(found)}, fix=fix)


def _unknown(fact: Fact) -> tuple[SourceFile, object, object]:
    return fact.span.file, fact.data.get("name") or fact.data.get("char"), fact.data.get("suggestion")


def _of_a_call(fact: Fact) -> bool:
    return fact.inside is not None and fact.inside.param is None


class Holes:
    """The lines that could not be read, by file, and the words that may have been defined there."""

    def __init__(self, syntax: Iterable[Fact]) -> None:
        self._lines: dict[SourceFile, set[int]] = {}
        for fact in syntax:
            if fact.code.startswith("E01") and not _understood(fact):
                for span in (fact.span, *(span for _, span in fact.also)):
                    self._lines.setdefault(span.file, set()).add(span.line)
        self._bound = {word for file, lines in self._lines.items() for word in _bound(file, lines)}
        self._words = {word for file, lines in self._lines.items() for word in _words(file, lines)}

    def independent(self, facts: Iterable[Fact]) -> Iterator[Fact]:
        """The facts that no hole can have caused."""
        for fact in facts:
            if not self._lines or not self._caused(fact):
                yield fact

    def _caused(self, fact: Fact) -> bool:
        if fact.code.startswith("E01"):
            return False
        calls = [frame.call for frame in fact.trail[:1]] + [fact.inside.span if fact.inside is not None else None]
        if any(span is not None and span.line in self._lines.get(span.file, ()) for span in calls):
            return True
        if fact.span.line in self._lines.get(fact.span.file, ()) or fact.code in _OF_THE_WHOLE:
            return True
        if fact.code in _OF_NAMES:
            return fact.data.get("name") in self._words
        if fact.code.startswith("E02") and self._bound.intersection(_WORD.findall(fact.span.text)):
            return True
        return not fact.code.startswith(("E02", "E07"))  # shapes, names of layers, counts: all rest on what came before


def _understood(fact: Fact) -> bool:
    """Whether it is read as it was meant, so that nothing is lost. A `;` ends what needs no end, but where it seems to
    stand for the colon of a label.
    """
    if fact.data.get("char") != ";":
        return fact.code in _UNDERSTOOD
    start, end, text = fact.span.start, fact.span.end, fact.span.file.text
    before, after = text[text.rfind("\n", 0, start) + 1 : start], text[end:].partition("\n")[0].strip()
    return after[:1] in ("", "#") or _LABEL.search(before) is None


def _bound(file: SourceFile, lines: set[int]) -> Iterator[str]:
    """The words that such lines bind to a value."""
    for line in lines:
        for names in _LET.findall(file.line_text(line)):
            yield from _WORD.findall(names)


def _words(file: SourceFile, lines: set[int]) -> Iterator[str]:
    """The words of the lines, and all that the text seems to bind: a statement may go on over several lines."""
    for line in lines:
        yield from _WORD.findall(file.line_text(line))
    for names in _BINDING.findall(file.text):
        yield from _WORD.findall(names)
