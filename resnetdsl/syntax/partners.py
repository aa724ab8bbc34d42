"""Brackets and their partners: who has none, who has the wrong one.

What is meant by brackets that do not match nobody knows for certain. So a definition, which never stands in a body and
therefore ends whatever is open, is matched in several ways, and the way with the fewest mistakes is believed: with and
without trust in the indentation of `}`, and with all that a bracket may be that does not fit (see `_Mismatch`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from resnetdsl.syntax.lexer import CLOSERS, GO_ON, MAX_BRACKETS, MAX_TOKENS, OPENERS, Lexer

_DEFINITION = re.compile(r"(?:network|block|shortcut|stem|head)[ \t]+[A-Za-z_]")
# Two words that follow each other in no bracket but a body.
_STATEMENT = re.compile(
    r'(?:let|stage|param|tap|order|expect|require|out|input)[ \t]+(?!(?:and|or|if|else|for|in)\b)[A-Za-z_"0-9]'
)
_COLON = re.compile(r"[ \t]*:")
_VALUES = frozenset(("NAME", "NUMBER", "SIZE", "STRING", "RPAR", "RSQB"))

_CALLED = _VALUES | {"RESIDUAL"}
_BEFORE_BODY = frozenset(("RPAR", "ELSE", "STEM", "HEAD"))
_HEADERS = frozenset(
    ("DEFINITION", "FOR", "IF", "ELSE", "STEM", "HEAD", "RESIDUAL", "STAGE", "STATEMENT", "NAME", "LABEL", "RBRACE")
)
_MOST = 20
"""Of more brackets without a partner none is told."""


@dataclass(frozen=True, slots=True)
class Token:
    """`indent` is that of its line, `attached` whether it follows the token before it without a space."""

    kind: str
    start: int
    end: int
    line: int
    starts_line: bool
    indent: int
    attached: bool


@dataclass(slots=True)
class Findings:
    """Indices of tokens. `unclosed`: openers, with the token before which they must be closed. `unmatched`: closers,
    with the bracket that is open there. `mixed`: one of a pair that was to be of another kind, its partner, the kind.
    `colons`: those that were to be `{`, with its partner. `unopened`: the last token before a `{` that is not
    there, with its partner."""

    unclosed: list[tuple[int, int]] = field(default_factory=list)
    unmatched: list[tuple[int, int | None]] = field(default_factory=list)
    mixed: list[tuple[int, int, str]] = field(default_factory=list)
    colons: list[tuple[int, int]] = field(default_factory=list)
    unopened: list[tuple[int, int]] = field(default_factory=list)
    too_deep: int | None = None

    @property
    def count(self) -> int:
        return len(self.unclosed) + len(self.unmatched) + len(self.mixed) + len(self.colons) + len(self.unopened)

    @property
    def cost(self) -> tuple[int, int]:
        """How many mistakes there are, and how many of them by brackets that are alone."""
        return self.count, len(self.unclosed) + len(self.unmatched)

    @property
    def of_braces(self) -> Iterator[int]:
        yield from (index for index, _ in self.unclosed)
        yield from (index for index, _ in self.unmatched)

    def add(self, other: Findings) -> None:
        self.unclosed += other.unclosed
        self.unmatched += other.unmatched
        self.mixed += other.mixed
        self.colons += other.colons
        self.unopened += other.unopened


def scan(lexer: Lexer, text: str, start: int, end: int) -> list[Token]:
    """All tokens but comments, with their lines. Labels and strings are one token each, brackets in them included."""
    tokens: list[Token] = []
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
        if group in ("COMMENT", "FOREIGN_COMMENT"):
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
        tokens.append(Token(kind, begin, position, line, line_start, indent, found.start() == begin))
        line_start = False


def match(tokens: list[Token]) -> Findings:
    """All that is wrong with the brackets of a text."""
    found = Findings()
    starts = [0, *(index for index, token in enumerate(tokens) if token.kind == "DEFINITION" and index), len(tokens)]
    for start, end in pairwise(starts):
        part = _best(tokens, start, end)
        if part.too_deep is not None:
            return part
        found.add(part)
    return found


def _best(tokens: list[Token], start: int, end: int) -> Findings:
    best = _match(tokens, start, end)
    if best.too_deep is not None or not best.count:
        return best
    if any(tokens[index].kind in ("LBRACE", "RBRACE") for index in best.of_braces):
        by_indent = _match(tokens, start, end, trust_indent=True)
        best = by_indent if by_indent.count <= best.count else best
    for mismatch in (_Mismatch.MIXED, _Mismatch.UNMATCHED):
        for trust_indent in (False, True):
            other = _match(tokens, start, end, trust_indent=trust_indent, mismatch=mismatch)
            best = other if other.cost < best.cost else best
    return best


class _Mismatch(Enum):
    """What a closing bracket is taken for that does not close the innermost open one."""

    BEHIND_UNCLOSED = "it closes another one, and what was opened since is never closed"
    MIXED = "it closes that one, and one of the two is of the wrong kind"
    UNMATCHED = "it closes nothing"


def _match(
    tokens: list[Token],
    start: int,
    end: int,
    *,
    trust_indent: bool = False,
    mismatch: _Mismatch = _Mismatch.BEHIND_UNCLOSED,
) -> Findings:
    findings = Findings()
    stack: list[int] = []

    def forget(count: int, before: int) -> None:
        for _ in range(count):
            findings.unclosed.append((stack.pop(), before))

    for index in range(start, end):
        token = tokens[index]
        if token.kind == "STATEMENT" and mismatch is _Mismatch.BEHIND_UNCLOSED:
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
            following = tokens[index + 1].kind if index + 1 < end else ""
            differs = bool(stack) and tokens[stack[-1]].kind != CLOSERS[token.kind]
            mixed = differs and mismatch is _Mismatch.MIXED and not _fits_indent(tokens, stack, token)
            if depth == 0:
                stack.pop()
            elif differs and mismatch is _Mismatch.UNMATCHED:
                findings.unmatched.append((index, stack[-1]))
            elif mixed or (depth == 1 and token.kind != "RBRACE" and following == token.kind):
                findings.mixed.append(_mixed(tokens, stack.pop(), index))
            elif depth is not None:
                forget(depth, index)
                stack.pop()
            elif differs and token.kind != "RBRACE" and tokens[stack[-1]].kind != "LBRACE":
                findings.mixed.append(_mixed(tokens, stack.pop(), index))
            elif len(findings.unmatched) < _MOST and (opening := _opening_of(tokens, start, index)) is not None:
                (findings.colons if opening[1] else findings.unopened).append((opening[0], index))
            else:
                findings.unmatched.append((index, stack[-1] if stack else None))
    forget(len(stack), end)
    return findings


def _fits_indent(tokens: list[Token], stack: list[int], closer: Token) -> bool:
    """Whether a `}` at the start of a line stands below the line of a `{` that is open."""
    lines = (tokens[opener].indent for opener in stack if tokens[opener].kind == "LBRACE")
    return closer.kind == "RBRACE" and closer.starts_line and closer.indent in lines


def _mixed(tokens: list[Token], opener: int, closer: int) -> tuple[int, int, str]:
    """Of two brackets that do not belong together the one that is wrong, the other, and what the one was to be."""
    first, last, before = tokens[opener], tokens[closer], tokens[opener - 1].kind if opener else ""
    called = first.attached and before in _CALLED
    between = {token.kind for token in tokens[opener + 1 : closer]}
    if last.starts_line and tokens[opener + 1].starts_line:
        meant = "LBRACE"
    elif called:
        meant = "LPAR" if "LPAR" in (first.kind, CLOSERS[last.kind]) and between & {"COMMA", "ASSIGN"} else ""
    elif first.kind == "LBRACE":
        meant = "" if before not in GO_ON else CLOSERS[last.kind]
    else:
        meant = "LBRACE" if before in _BEFORE_BODY or (before not in GO_ON and between & {"ARROW", "COLON"}) else ""
    if not meant and called and first.kind == "LBRACE":
        meant = CLOSERS[last.kind]
    if meant == CLOSERS[last.kind] != first.kind:
        return opener, closer, meant
    return closer, opener, OPENERS[first.kind]


def _opening_of(tokens: list[Token], start: int, closer: int) -> tuple[int, bool] | None:
    """What was to open the body that a `}` ends: a `:` (True), or the last token before a `{` that is not there.

    A `}` at the start of a line ends the body whose first line is the nearest one above that is indented no more.
    """
    closing = tokens[closer]
    index = closer - 1
    if not closing.starts_line:
        while index > start and tokens[index].line == closing.line:
            if tokens[index].kind == "COLON" and not tokens[index].attached and tokens[index - 1].kind in _BEFORE_BODY:
                return index, True
            index -= 1
        return None
    while index > start and not (tokens[index].starts_line and tokens[index].indent <= closing.indent):
        index -= 1
    if tokens[index].indent != closing.indent or tokens[index].kind not in _HEADERS:
        return None
    while index + 1 < closer and not tokens[index + 1].starts_line:
        index += 1
    if tokens[index].kind == "COLON":
        return index, True
    return None if tokens[index].kind in ("LBRACE", "RBRACE") or tokens[index].kind in GO_ON else (index, False)


def _partner(tokens: list[Token], stack: list[int], closer: Token, trust_indent: bool) -> int | None:
    """How many open brackets lie above the one that this closes, or None where there is none."""
    wanted = CLOSERS[closer.kind]
    if trust_indent and closer.kind == "RBRACE" and closer.starts_line:
        braces = [depth for depth, opener in enumerate(reversed(stack)) if tokens[opener].kind == "LBRACE"]
        indents = [tokens[stack[-1 - depth]].indent for depth in braces]
        if closer.indent in indents:
            return braces[indents.index(closer.indent)]
        return None if not indents or closer.indent > indents[0] else braces[0]
    if trust_indent and closer.kind == "RBRACE" and stack and tokens[stack[-1]].kind == "LBRACE":
        return 0 if tokens[stack[-1]].line == closer.line else None
    for depth, opener in enumerate(reversed(stack)):
        if tokens[opener].kind == wanted:
            return depth
        # A `)` closes nothing outside the body that it stands in, unless that body began on its line.
        if tokens[opener].kind == "LBRACE" and wanted != "LBRACE" and tokens[opener].line != closer.line:
            return None
    return None
