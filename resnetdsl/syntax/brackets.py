"""Which bracket has no partner, and where the partner should have been.

Lexing stops at the first bracket that does not fit. This module then looks at the whole text once, settles every
bracket, reports those without a partner and tells the lexer which closing brackets to imagine, which to overlook and
which to read as another; so the parser only ever sees balanced text, and a forgotten bracket is one mistake and not a
landslide.

Three things help to find the culprit. A definition never stands in a body, so `network name` at the start of a line
ends whatever is open. A `(` or `[` that is never closed was to end on a line that does not go on. And where braces do
not balance, the indentation of `}` tells which `{` it was written for.
"""

from __future__ import annotations

from resnetdsl.diagnostics.model import Edit, Fact, Sink
from resnetdsl.source import SourceFile
from resnetdsl.syntax.lexer import (
    BRACKETS,
    CLOSERS,
    GO_ON,
    MAX_BRACKETS,
    MAX_TOKENS,
    OPENERS,
    HopelessError,
    Lexer,
    Repairs,
)
from resnetdsl.syntax.partners import Token, match, scan

_VALUES = frozenset(("NAME", "NUMBER", "SIZE", "STRING"))
_MAX_REPORTS = 20


def mend(lexer: Lexer, file: SourceFile, sink: Sink, start: int, end: int) -> tuple[Repairs, list[int]]:
    """Report the brackets without partners. Returns what the lexer is to do, and the offsets of the mistakes."""
    tokens = scan(lexer, file.text, start, end)
    if len(tokens) > MAX_TOKENS:
        sink.report("E0113", file.span(tokens[-1].start, tokens[-1].end), limit=MAX_TOKENS)
        raise HopelessError
    findings = match(tokens)
    if findings.too_deep is not None:
        token = tokens[findings.too_deep]
        sink.report("E0109", file.span(token.start, token.end), limit=MAX_BRACKETS)
        raise HopelessError
    settled = _Settled(file, sink, tokens)
    settled.unclosed(findings.unclosed, end)
    settled.unmatched(findings.unmatched)
    settled.mixed(findings.mixed)
    settled.colons(findings.colons)
    settled.unopened(findings.unopened)
    imagined = [*settled.closers, *((at, 1, kind) for at, kind in settled.openers)]
    ordered = tuple((at, kind) for at, _, kind in sorted(imagined))
    return Repairs(ordered, frozenset(settled.overlooked), settled.reread), sorted(settled.faults)


class _Settled:
    """What is done about the findings. The first twenty of them are reported."""

    def __init__(self, file: SourceFile, sink: Sink, tokens: list[Token]) -> None:
        self.file = file
        self.sink = sink
        self.tokens = tokens
        self.closers: list[tuple[int, int, str]] = []
        self.overlooked: list[int] = []
        self.reread: dict[int, str] = {}
        self.openers: list[tuple[int, str]] = []
        self.faults: list[int] = []

    def unclosed(self, pairs: list[tuple[int, int]], end: int) -> None:
        inner, inner_limit, inner_at = -1, -1, 0
        together: dict[int, list[Token]] = {}
        for opener, limit in pairs:
            at = _place(self.tokens, opener, limit, end)
            if inner > opener and inner_limit == limit and at > self.tokens[inner].start:
                at = max(at, inner_at)
            inner, inner_limit, inner_at = opener, limit, at
            self.closers.append((at, -opener, OPENERS[self.tokens[opener].kind]))
            self.faults.append(at)
            if not any(token.kind == "BADSTRING" for token in self.tokens[opener:limit] if token.end <= at):
                together.setdefault(at, []).append(self.tokens[opener])
        # What is to be closed at one place is one mistake.
        for at, openers in list(together.items())[:_MAX_REPORTS]:
            place = self.file.span(at, at)
            also = tuple(("opened", self.file.span(token.start, token.end)) for token in openers)
            # Where a body ends nobody knows, so no edit closes one.
            closing = "".join(BRACKETS[OPENERS[token.kind]] for token in openers)
            fix = (Edit(place, closing),) if "}" not in closing else ()
            self.sink.report("E0102", place, also=also, fix=fix, bracket=BRACKETS[openers[0].kind])

    def unmatched(self, pairs: list[tuple[int, int | None]]) -> None:
        for closer, opener in pairs:
            token = self.tokens[closer]
            self.overlooked.append(token.start)
            self.report(token, None if opener is None else self.tokens[opener], "")

    def mixed(self, pairs: list[tuple[int, int, str]]) -> None:
        for wrong, partner, kind in pairs:
            token, other = self.tokens[wrong], self.tokens[partner]
            self.reread[token.start] = kind
            if token.kind in CLOSERS:
                self.report(token, other, BRACKETS[kind])
            else:
                self.opens_wrong(token, other, BRACKETS[kind])

    def colons(self, pairs: list[tuple[int, int]]) -> None:
        for colon, closer in pairs:
            self.reread[self.tokens[colon].start] = "LBRACE"
            self.opens_wrong(self.tokens[colon], self.tokens[closer], "{")

    def unopened(self, pairs: list[tuple[int, int]]) -> None:
        for last, closer in pairs:
            token = self.tokens[last]
            self.openers.append((token.end, "LBRACE"))
            self.faults.append(token.end)
            if len(self.faults) <= _MAX_REPORTS:
                place, closed = self.file.span(token.end, token.end), self.tokens[closer]
                also = (("closed", self.file.span(closed.start, closed.end)),)
                self.sink.report("E0115", place, also=also, fix=(Edit(place, " {"),))

    def opens_wrong(self, opener: Token, closer: Token, meant: str) -> None:
        self.faults.append(opener.start)
        if len(self.faults) <= _MAX_REPORTS:
            span, closed = self.file.span(opener.start, opener.end), self.file.span(closer.start, closer.end)
            words = {"bracket": span.text, "suggestion": meant, "closer": closed.text}
            self.sink.take((Fact("E0114", span, words, (("closed", closed),), fix=(Edit(span, meant),)),))

    def report(self, closer: Token, opened: Token | None, replacement: str) -> None:
        self.faults.append(closer.start)
        if len(self.faults) <= _MAX_REPORTS:
            span = self.file.span(closer.start, closer.end)
            also = () if opened is None else (("opened", self.file.span(opened.start, opened.end)),)
            self.sink.report("E0108", span, also=also, fix=(Edit(span, replacement),), bracket=BRACKETS[closer.kind])


def _place(tokens: list[Token], opener: int, limit: int, end: int) -> int:
    """Where the partner of an unclosed bracket should have been."""
    if tokens[opener].kind == "LBRACE":
        last = _last_of_body(tokens, opener, limit)
    else:
        last = opener
        while last + 1 < limit:
            following = tokens[last + 1]
            if following.starts_line and tokens[last].kind not in GO_ON and following.kind != "ARROW":
                break
            # `residual(identity {`: neither a body after a value nor one at the end of a line is inside.
            ends_line = last + 2 >= len(tokens) or tokens[last + 2].starts_line
            if following.kind == "LBRACE" and (ends_line or tokens[last].kind in _VALUES):
                break
            last += 1
    return tokens[last].end if tokens else end


def _last_of_body(tokens: list[Token], opener: int, limit: int) -> int:
    """The last token of a body that is never closed: the lines after it are indented no more than its first."""
    depth = 0
    for index in range(opener + 1, limit):
        token = tokens[index]
        if depth == 0 and token.starts_line and token.indent <= tokens[opener].indent and token.kind not in CLOSERS:
            return index - 1
        depth += (token.kind in OPENERS) - (token.kind in CLOSERS)
    return limit - 1
