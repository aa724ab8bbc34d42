"""Which bracket has no partner, and where the partner should have been.

Lexing stops at the first bracket that does not fit. This module then looks at the whole text once, settles every
bracket, reports those without a partner and tells the lexer which closing brackets to imagine and which to overlook; so
the parser only ever sees balanced text, and a forgotten bracket is one mistake and not a landslide.

Three things help to find the culprit. A definition never stands in a body, so `network name` at the start of a line
ends whatever is open. A `(` or `[` that is never closed was to end on a line that does not go on. And where braces do
not balance, the indentation of `}` tells which `{` it was written for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from resnetdsl.diagnostics.model import Edit, Sink
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

_DEFINITION = re.compile(r"(?:network|block|shortcut|stem|head)[ \t]+[A-Za-z_]")
# Two words that follow each other in no bracket but a body.
_STATEMENT = re.compile(
    r'(?:let|stage|param|tap|order|expect|require|out|input)[ \t]+(?!(?:and|or|if|else|for|in)\b)[A-Za-z_"0-9]'
)
_COLON = re.compile(r"[ \t]*:")
_VALUES = frozenset(("NAME", "NUMBER", "SIZE", "STRING"))
_MAX_REPORTS = 20


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    start: int
    end: int
    line: int
    starts_line: bool
    indent: int  # of the line


@dataclass(slots=True)
class _Findings:
    """`unclosed` are openers with the index of the token before which they must be closed; `unmatched` are closers."""

    unclosed: list[tuple[int, int]] = field(default_factory=list)
    unmatched: list[tuple[int, int | None]] = field(default_factory=list)
    replaced: list[tuple[int, int]] = field(default_factory=list)  # closer of the wrong kind, its opener
    too_deep: int | None = None

    @property
    def count(self) -> int:
        return len(self.unclosed) + len(self.unmatched) + len(self.replaced)


def mend(lexer: Lexer, file: SourceFile, sink: Sink, start: int, end: int) -> tuple[Repairs, list[int]]:
    """Report the brackets without partners. Returns what the lexer is to do, and the offsets of the mistakes."""
    tokens = _scan(lexer, file.text, start, end)
    if len(tokens) > MAX_TOKENS:
        sink.report("E0113", file.span(tokens[-1].start, tokens[-1].end), limit=MAX_TOKENS)
        raise HopelessError
    findings = _match(tokens, trust_indent=False)
    if findings.too_deep is not None:
        token = tokens[findings.too_deep]
        sink.report("E0109", file.span(token.start, token.end), limit=MAX_BRACKETS)
        raise HopelessError
    if any(tokens[index].kind in ("LBRACE", "RBRACE") for index, _ in (*findings.unclosed, *findings.unmatched)):
        by_indent = _match(tokens, trust_indent=True)
        if by_indent.count <= findings.count:
            findings = by_indent
    settled = _Settled(file, sink, tokens)
    settled.unclosed(findings.unclosed, end)
    settled.unmatched(findings.unmatched)
    settled.replaced(findings.replaced)
    ordered = tuple((at, kind) for at, _, kind in sorted(settled.closers))
    return Repairs(ordered, frozenset(settled.overlooked)), sorted(settled.faults)


class _Settled:
    """What is done about the findings. The first twenty of them are reported."""

    def __init__(self, file: SourceFile, sink: Sink, tokens: list[_Token]) -> None:
        self.file = file
        self.sink = sink
        self.tokens = tokens
        self.closers: list[tuple[int, int, str]] = []
        self.overlooked: list[int] = []
        self.faults: list[int] = []

    def unclosed(self, pairs: list[tuple[int, int]], end: int) -> None:
        inner, inner_limit, inner_at = -1, -1, 0
        together: dict[int, list[_Token]] = {}
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

    def replaced(self, pairs: list[tuple[int, int]]) -> None:
        for closer, opener in pairs:
            token, opened = self.tokens[closer], self.tokens[opener]
            self.overlooked.append(token.start)
            self.closers.append((token.start, -opener, OPENERS[opened.kind]))
            self.report(token, opened, BRACKETS[OPENERS[opened.kind]])

    def report(self, closer: _Token, opened: _Token | None, replacement: str) -> None:
        self.faults.append(closer.start)
        if len(self.faults) <= _MAX_REPORTS:
            span = self.file.span(closer.start, closer.end)
            also = () if opened is None else (("opened", self.file.span(opened.start, opened.end)),)
            self.sink.report("E0108", span, also=also, fix=(Edit(span, replacement),), bracket=BRACKETS[closer.kind])


def _scan(lexer: Lexer, text: str, start: int, end: int) -> list[_Token]:
    """All tokens but comments, with their lines. Labels and strings are one token each, brackets in them included."""
    tokens: list[_Token] = []
    position, line, line_start = start, 0, True
    indent = 0
    while True:
        found = lexer.token.match(text, position, end)
        if found is None or found.lastgroup is None:
            return tokens  # never: END or BAD match where nothing else does
        group = found.lastgroup
        begin, position = found.span(group)
        if group == "END" or len(tokens) > MAX_TOKENS:
            return tokens
        if group == "NL":
            line, line_start = line + text.count("\n", begin, position), True
            continue
        if group == "COMMENT":
            continue
        if line_start:
            at = text.rfind("\n", 0, begin) + 1
            indent = begin - at
        if group == "LABEL":
            # As in the lexer: without a colon after it, a name and a body. After `stage`, `tap`, `param` it balances.
            if not _COLON.match(text, position, end):
                position = text.index("{", begin)
            kind = "NAME"
        elif group == "SIGN":
            kind = lexer.signs.get(text[begin:position], "SIGN")
        elif group == "NAME":
            kind = lexer.words.get(text[begin:position], "NAME")
            if line_start and indent == 0 and _DEFINITION.match(text, begin, end):
                kind = "DEFINITION"
            elif line_start and _STATEMENT.match(text, begin, end):
                kind = "STATEMENT"
        else:
            kind = group
        tokens.append(_Token(kind, begin, position, line, line_start, indent))
        line_start = False


def _match(tokens: list[_Token], trust_indent: bool) -> _Findings:
    findings = _Findings()
    stack: list[int] = []

    def forget(count: int, before: int) -> None:
        for _ in range(count):
            findings.unclosed.append((stack.pop(), before))

    for index, token in enumerate(tokens):
        if token.kind == "DEFINITION":
            forget(len(stack), index)
        elif token.kind == "STATEMENT":
            bodies = (depth for depth, opener in enumerate(reversed(stack)) if tokens[opener].kind == "LBRACE")
            forget(next(bodies, len(stack)), index)
        elif token.kind in OPENERS:
            stack.append(index)
            if len(stack) > MAX_BRACKETS:
                findings.too_deep = index
                break
        elif token.kind in CLOSERS:
            depth = _partner(tokens, stack, token, trust_indent)
            # `[3, 3))`: a wrong bracket, since the next one closes what is around.
            following = tokens[index + 1].kind if index + 1 < len(tokens) else ""
            if depth == 1 and token.kind != "RBRACE" and following == token.kind:
                findings.replaced.append((index, stack.pop()))
            elif depth is not None:
                forget(depth, index)
                stack.pop()
            elif stack and token.kind != "RBRACE" and tokens[stack[-1]].kind != "LBRACE":
                findings.replaced.append((index, stack.pop()))
            else:
                findings.unmatched.append((index, stack[-1] if stack else None))
    forget(len(stack), len(tokens))
    return findings


def _partner(tokens: list[_Token], stack: list[int], closer: _Token, trust_indent: bool) -> int | None:
    """How many open brackets lie above the one that this closes, or None where there is none."""
    wanted = CLOSERS[closer.kind]
    if trust_indent and closer.kind == "RBRACE" and closer.starts_line:
        braces = [depth for depth, opener in enumerate(reversed(stack)) if tokens[opener].kind == "LBRACE"]
        indents = [tokens[stack[-1 - depth]].indent for depth in braces]
        if closer.indent in indents:
            return braces[indents.index(closer.indent)]
        return None if not indents or closer.indent > indents[0] else braces[0]
    for depth, opener in enumerate(reversed(stack)):
        if tokens[opener].kind == wanted:
            return depth
        # A `)` closes nothing outside the body that it stands in, unless that body began on its line.
        if tokens[opener].kind == "LBRACE" and wanted != "LBRACE" and tokens[opener].line != closer.line:
            return None
    return None


def _place(tokens: list[_Token], opener: int, limit: int, end: int) -> int:
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


def _last_of_body(tokens: list[_Token], opener: int, limit: int) -> int:
    """The last token of a body that is never closed: the lines after it are indented no more than its first."""
    depth = 0
    for index in range(opener + 1, limit):
        token = tokens[index]
        if depth == 0 and token.starts_line and token.indent <= tokens[opener].indent and token.kind not in CLOSERS:
            return index - 1
        depth += (token.kind in OPENERS) - (token.kind in CLOSERS)
    return limit - 1
