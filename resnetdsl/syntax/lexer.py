"""Text to tokens: the terminals of the grammar, and what the grammar leaves to this file (see its head).

Tokens are kept as three lists (types, starts, ends), since a parse passes over all of them in Python.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from resnetdsl.diagnostics.model import Edit, Fact, Sink
from resnetdsl.source import SourceFile
from resnetdsl.syntax import foreign
from resnetdsl.syntax.tables import END, NEWLINE, Tables

MAX_BRACKETS = 64
MAX_TOKENS = 250_000
MAX_FAULTS = 50

OPENERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}
BRACKETS = {"LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}"}

# Tokens at the end of a line after which the next line goes on.
GO_ON = frozenset(
    (
        *("LPAR", "LSQB", "LBRACE", "COMMA", "ASSIGN", "COLON", "ARROW", "FAT_ARROW", "DOTS", "DOT", "PLUS", "MINUS"),
        *("STAR", "SLASH", "FLOOR_DIVIDE", "PERCENT", "CIRCUMFLEX", "EQUAL", "NOT_EQUAL", "LESSTHAN", "MORETHAN"),
        *("LESS_EQUAL", "GREATER_EQUAL", "AND", "OR", "NOT", "ELSE", "SHARED", "STEP"),
    )
)
_NOT_BEFORE = frozenset(("ARROW", "ELSE", "RBRACE"))
_PLAIN = frozenset(("NUMBER", "STRING", "SIZE"))
_OPERAND_END = frozenset(("NAME", "NUMBER", "SIZE", "STRING", "RPAR", "RSQB", "TRUE", "FALSE"))
_STATEMENT_START = frozenset(("", NEWLINE, "LBRACE"))

_END_OF_LINE = re.compile(r"[\r\n]")
_A_WORD = re.compile(r'[ \t]+[A-Za-z_"0-9]')
_A_NAME = re.compile(r"[ \t]+[A-Za-z_]")
_A_LABEL = re.compile(r'[ \t]+[A-Za-z_"]')
_A_PART = re.compile(r"[ \t]*\{|[ \t]+[A-Za-z_]")
_A_SIZE = re.compile(r'[ \t]*(?:[A-Za-z_0-9"}#\r\n]|$)|[ \t]+[(\[]')
_A_VALUE = re.compile(r'[ \t]*(?:[A-Za-z_0-9"({}#\r\n]|$)|[ \t]+(?:-(?![> \t])|\[)')
_A_LAYER = re.compile(r'[ \t]*[A-Za-z_0-9"({]|[ \t]+(?:-(?![> \t])|\[)')
_A_VALUE_OF_ITS_OWN = re.compile(r"[ \t]*(?::|=(?![=>]))")
_WORD = re.compile(r"[a-z]+\b")
_COLON = re.compile(r"[ \t]*:")

# Keywords only at the start of a statement, and only if followed by this.
_SOFT = {
    "network": _A_NAME,
    "block": _A_NAME,
    "shortcut": _A_NAME,
    "stage": _A_WORD,
    "param": _A_WORD,
    "tap": _A_WORD,
    "order": _A_LABEL,
    "expect": _A_NAME,
    "in": _A_NAME,
    "input": _A_SIZE,
    "out": _A_VALUE,
    "require": _A_LAYER,
    "stem": _A_PART,
    "head": _A_PART,
}
_DEFINES = frozenset(("network", "block", "shortcut", "stem", "head"))
_TAKES_LABEL = frozenset(("STAGE", "PARAM", "TAP", "ORDER"))
_IN_ORDER = frozenset(("COMMA", "NAME", "LABEL", "STRING"))

RESERVED = frozenset(("if", "else", "for", "let", "residual", "and", "or", "not", "true", "false"))
"""Keywords wherever they stand, but before `:` or `=` and after `.`."""


def starts_like_statement(text: str) -> bool:
    """Whether an expression, at the start of a line, would be read as a statement of another kind."""
    found = _WORD.match(text)
    follows = _SOFT.get(found[0]) if found else None
    return follows is not None and follows.match(text, len(found[0]) if found else 0) is not None


@dataclass
class Tokens:
    """The tokens of a text; the last is END. `comments` are the places of `#` to the end of the line."""

    types: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)  # where the lexer has found a mistake: what follows may be its echo
    misread: set[int] = field(default_factory=set)  # where a token begins that was no number, and is told as one

    def add(self, kind: str, start: int, end: int) -> None:
        self.types.append(kind)
        self.starts.append(start)
        self.ends.append(end)


class UnbalancedError(Exception):
    """A bracket has no partner. `syntax/brackets.py` finds out which, and the text is read again."""


class HopelessError(Exception):
    """The text is no spec at all: too deep, too long, or too full of mistakes. It has been said."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """Brackets to imagine (offset, kind), in order; brackets to overlook, and to read as another, by offset."""

    closers: tuple[tuple[int, str], ...]
    overlooked: frozenset[int]
    reread: Mapping[int, str]


class Lexer:
    """Made once, from the terminals of the grammar."""

    def __init__(self, tables: Tables) -> None:
        self.words: dict[str, str] = {}
        self.signs: dict[str, str] = {}
        patterns: dict[str, str] = {}
        for name, text, literal in tables.terminals:
            if not literal:
                patterns[name] = text
            elif text[0].isalpha():
                self.words[text] = name
            else:
                self.signs[text] = name
        signs = sorted({*self.signs, *foreign.SIGNS}, key=len, reverse=True)
        groups = {
            "NL": r"[\r\n][ \t\f\r\n]*",
            "LABEL": patterns["LABEL"],
            "NAME": patterns["NAME"],
            "FOREIGN_COMMENT": foreign.COMMENT,
            "SIGN": "|".join(re.escape(sign) for sign in signs),
            "NOFRACTION": r"[0-9][0-9_]*\.(?![.0-9A-Za-z_])",
            "SIZE": patterns["SIZE"],
            "NUMBER": patterns["NUMBER"] + r"(?!\.[0-9])",
            "STRING": patterns["STRING"],
            "COMMENT": patterns["COMMENT"],
            "BADNUMBER": r"[0-9][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*",
            "BADSTRING": r'"(?:[^"\\\r\n]|\\.)*(?:"|\\)?',
            "QUOTED": "'[^'\r\n]*'?|[“„”][^“”\"\r\n]*[“”\"]?",
            "SPACE": r"[^\S\r\n]",
            "CONTINUED": r"\\[ \t]*(?:\r\n?|\n)",
            "END": r"\Z",
            "BAD": r"[^\x00-\x7f]+|.",
        }
        alternatives = "|".join(f"(?P<{name}>{pattern})" for name, pattern in groups.items())
        self.token = re.compile(rf"[ \t\f\ufeff]*(?:{alternatives})")

    def lex(
        self,
        file: SourceFile,
        sink: Sink,
        *,
        start: int = 0,
        end: int | None = None,
        repairs: Repairs | None = None,
        expression: bool = False,
    ) -> Tokens:
        """The tokens of `file.text[start:end]`. Raises UnbalancedError (unless told the repairs) and HopelessError."""
        return _Run(self, file, sink, repairs, expression).run(start, len(file.text) if end is None else end)


class _Run:
    """One pass over a text."""

    def __init__(self, lexer: Lexer, file: SourceFile, sink: Sink, repairs: Repairs | None, expression: bool) -> None:
        self.lexer = lexer
        self.file = file
        self.text = file.text
        self.sink = sink
        self.mending = repairs is not None
        self.closers = list(reversed(repairs.closers)) if repairs else []
        self.overlooked = repairs.overlooked if repairs else frozenset()
        self.reread = repairs.reread if repairs else {}
        self.tokens = Tokens()
        self.before_all = "LPAR" if expression else ""
        self.open: list[str] = []
        self.line_end = -1  # where a line ended that may have ended a statement
        self.end = 0
        self.faults = 0

    def run(self, start: int, end: int) -> Tokens:  # noqa: C901, PLR0912, PLR0915 - the loop that every character goes through
        """The loop over tokens: common ones here, rare ones in the methods below."""
        tokens, text, signs, words = self.tokens, self.text, self.lexer.signs, self.lexer.words
        types, starts, ends = tokens.types, tokens.starts, tokens.ends
        match = self.lexer.token.match
        self.end = end
        position = start
        while True:
            found = match(text, position, end)
            if found is None or found.lastgroup is None:
                break  # never: END or BAD match where nothing else does
            group = found.lastgroup
            begin, position = found.span(group)
            if self.closers:
                self.close_forgotten(begin)
            if group == "SIGN":
                kind = signs.get(text[begin:position], "")
                if not kind:
                    self.foreign(begin, position)
                    continue
                if kind == "FLOOR_DIVIDE" and self.starts_statement():
                    position = self.foreign_comment(begin, self.line_of(begin))
                    continue
                if self.reread:
                    kind = self.reread.get(begin, kind)
                if kind in BRACKETS:
                    self.bracket(kind, begin, position)
                    continue
            elif group == "NAME":
                kind = words.get(text[begin:position], "NAME")
                if kind != "NAME" or text[begin] in "TFN":
                    if self.line_end >= 0:
                        self.finish_line(kind)
                    kind = self.word(text[begin:position], kind, begin, position)
            elif group == "NL":
                if self.line_end < 0 and not (self.open and self.open[-1] != "LBRACE"):
                    self.line_end = begin
                continue
            elif group in _PLAIN:
                kind = group
            elif group == "COMMENT":
                tokens.comments.append((begin, position))
                if len(tokens.comments) > MAX_TOKENS:
                    self.report("E0113", begin, position, limit=MAX_TOKENS)
                    raise HopelessError
                continue
            elif group == "END":
                break
            else:
                position = self.unusual(group, begin, position)
                continue
            if self.line_end >= 0:
                self.finish_line(kind)
            types.append(kind)
            starts.append(begin)
            ends.append(position)
            if len(types) > MAX_TOKENS:
                self.report("E0113", begin, position, limit=MAX_TOKENS)
                raise HopelessError
        if self.open and not self.mending:
            raise UnbalancedError
        tokens.add(END, end, end)
        return tokens

    def report(
        self, code: str, begin: int, end: int, fix: str | None = None, *, understood: bool = False, **data: object
    ) -> None:
        """`understood` text was read as what it was meant to be, so a mistake beside it is no echo."""
        span = self.file.span(begin, end)
        self.sink.take((Fact(code, span, data, fix=() if fix is None else (Edit(span, fix),)),))
        if not understood:
            self.tokens.faults.append(begin)
        self.faults += 1
        if self.faults > MAX_FAULTS:
            raise HopelessError

    def before(self) -> str:
        return self.tokens.types[-1] if self.tokens.types else self.before_all

    def add(self, kind: str, begin: int, end: int) -> None:
        if self.line_end >= 0:
            self.finish_line(kind)
        self.tokens.add(kind, begin, end)

    def finish_line(self, kind: str) -> None:
        """The end of a line lies before a token of this kind: if it ends a statement, it becomes a token."""
        before = self.before()
        if before and before != NEWLINE and before not in GO_ON and kind not in _NOT_BEFORE:
            self.tokens.add(NEWLINE, self.line_end, self.line_end)
        self.line_end = -1

    def bracket(self, kind: str, begin: int, end: int) -> None:
        if begin in self.overlooked:
            return
        if kind in OPENERS:
            self.add(kind, begin, end)
            self.open.append(kind)
            if len(self.open) > MAX_BRACKETS:
                self.report("E0109", begin, end, limit=MAX_BRACKETS)
                raise HopelessError
        elif self.open and self.open[-1] == CLOSERS[kind]:
            self.close(kind, begin, end)
        elif not self.mending:
            raise UnbalancedError

    def close(self, kind: str, begin: int, end: int) -> None:
        self.line_end = -1
        self.open.pop()
        tokens = self.tokens
        if tokens.types and tokens.types[-1] == NEWLINE:
            del tokens.types[-1], tokens.starts[-1], tokens.ends[-1]
        tokens.add(kind, begin, end)

    def close_forgotten(self, begin: int) -> None:
        while self.closers and self.closers[-1][0] <= begin:
            offset, kind = self.closers.pop()
            if kind in OPENERS:
                self.bracket(kind, offset, offset)
            elif self.open and self.open[-1] == CLOSERS[kind]:
                self.close(kind, offset, offset)

    def word(self, text: str, kind: str, begin: int, end: int) -> str:
        """The kind of a word that may be a keyword."""
        before = self.before()
        if before == "DOT":
            return "NAME"
        named = bool(_A_VALUE_OF_ITS_OWN.match(self.text, end, self.end))
        if kind == "NAME":
            return self.foreign_word(text, begin, end) if text in foreign.WORDS and not named else kind
        follows = _SOFT.get(text)
        if follows is not None:
            if before in _STATEMENT_START:
                everywhere = text in _DEFINES and not self.open
                return kind if everywhere or follows.match(self.text, end, self.end) else "NAME"
            return kind if text == "in" and before in _OPERAND_END and not named else "NAME"
        match text:
            case "from":
                keyword = before in _STATEMENT_START and not self.open
            case "import":
                keyword = not self.open and (before in _STATEMENT_START or self.tokens.types[-2:-1] == ["FROM"])
            case "as":
                keyword = before == "NAME" and _A_NAME.match(self.text, end, self.end) is not None
            case "step":
                keyword = (before in _OPERAND_END or before == "RBRACE") and not named
            case "shared":
                keyword = _A_LAYER.match(self.text, end, self.end) is not None and not named
            case "let" | "for" | "residual":
                # `let = 3` lacks its name; `let: conv(3)` has a strange label.
                keyword = not named or (before in _STATEMENT_START and not _COLON.match(self.text, end, self.end))
            case _:
                keyword = True
        return kind if keyword else "NAME"

    def in_order(self) -> bool:
        """Whether this follows a comma in the list of an `order`."""
        if self.before() != "COMMA":
            return False
        return next((kind for kind in reversed(self.tokens.types) if kind not in _IN_ORDER), "") == "ORDER"

    def foreign_word(self, text: str, begin: int, end: int) -> str:
        here = foreign.WORDS[text]
        self.report("E0104", begin, end, here, understood=True, found=text, suggestion=here)
        return self.lexer.words.get(here, "NAME")

    def starts_statement(self) -> bool:
        """Whether what comes now is the first of its line and not inside of ( ) or [ ]."""
        in_brackets = self.open and self.open[-1] != "LBRACE"
        return not in_brackets and (self.line_end >= 0 or self.before() in _STATEMENT_START)

    def line_of(self, begin: int) -> int:
        """Where a line ends."""
        found = _END_OF_LINE.search(self.text, begin, self.end)
        return self.end if found is None else found.start()

    def foreign_comment(self, begin: int, end: int) -> int:
        """A comment of another language: said, and passed over. Returns where it ends."""
        text = self.text[begin:end]
        fix = None
        if "\n" not in text and not self.text[end : self.line_of(end)].strip():
            fix = (Edit(self.file.span(begin, end), "# " + text[2:].removesuffix("*/").strip()),)
        words = {"char": text[:2], "hint": "a comment goes from `#` to the end of the line"}
        self.sink.take((Fact("E0106", self.file.span(begin, begin + 2), words, fix=fix or ()),))
        if "\n" in text and self.line_end < 0 and not (self.open and self.open[-1] != "LBRACE"):
            self.line_end = begin
        return end

    def foreign(self, begin: int, end: int) -> None:
        """A sign of another language: said, and read as what it means."""
        sign = self.text[begin:end]
        here = foreign.SIGNS[sign]
        if sign == "×" and self.text[begin - 1 : begin].isdigit() and self.text[end : end + 1].isdigit():
            here = "x"
        fix = f"{here} " if here == "not" else here
        self.report("E0106", begin, end, fix, understood=True, char=sign, suggestion=here)
        self.add(self.lexer.signs.get(here) or self.lexer.words.get(here, "STAR"), begin, end)

    def unusual(self, group: str, begin: int, end: int) -> int:
        """A token that is rare or wrong. Returns where to go on."""
        text = self.text[begin:end]
        match group:
            case "LABEL":
                return self.label(begin, end)
            case "FOREIGN_COMMENT":
                return self.foreign_comment(begin, end)
            case "NOFRACTION":
                self.report("E0105", begin, end, f"{text}0", text=text)
                self.add("NUMBER", begin, end)
            case "BADNUMBER":
                size = text.lower() if re.fullmatch(r"[0-9]+(?:[xX][0-9]+)+", text) else None
                self.report("E0105", begin, end, size, understood=True, text=text, suggestion=size)
                self.tokens.misread.add(begin)
                self.add("NUMBER", begin, end)
            case "BADSTRING":
                # With its quote at the end it is the braces that are wrong, which the builder says.
                if len(text) == 1 or not text.endswith('"') or re.search(r'(?<!\\)(?:\\\\)*\\"$', text):
                    self.report("E0107", begin, end)
                self.add("STRING", begin, end)
            case "QUOTED":
                inner = text[1:].rstrip("'“”\"")
                self.report("E0106", begin, end, fix=f'"{inner}"', char=text[0], suggestion='"')
                self.add("STRING", begin, end)
            case "CONTINUED":
                self.report("E0106", begin, begin + 1, char="\\", hint=foreign.INSTEAD["\\"])
            case "SPACE":
                self.report("E0106", begin, end, fix=" ", char=f"U+{ord(text):04X}", suggestion="a plain space")
            case _:
                plain = unicodedata.normalize("NFKC", text).translate(foreign.LOOK_ALIKES)
                meant = plain if plain.isascii() and plain.isprintable() and plain != text else None
                if text == ";" and self.text[end : self.line_of(end)].lstrip()[:1] in ("", "#"):
                    meant = ""  # there is nothing for it to end
                char = text if text.isprintable() else f"U+{ord(text[0]):04X}"
                self.report(
                    "E0106",
                    begin,
                    end,
                    meant,
                    char=char,
                    suggestion=meant or None,
                    hint=foreign.instead(text, meant or None),
                )
                if text == ";" and self.open and self.open[-1] != "LBRACE":
                    self.add("COMMA", begin, end)
                elif text == ";" and self.line_end < 0:
                    self.line_end = begin
        return end

    def label(self, begin: int, end: int) -> int:
        """`layer{i}` is a label only where one can stand; elsewhere it is a name and, later, a body."""
        if self.line_end >= 0:
            self.finish_line("LABEL")
        if self.before() in _TAKES_LABEL or self.in_order() or _COLON.match(self.text, end, self.end):
            self.add("LABEL", begin, end)
            return end
        name_end = self.text.index("{", begin)
        name = self.text[begin:name_end]
        kind = self.lexer.words.get(name, "NAME")
        self.add(kind if kind == "NAME" else self.word(name, kind, begin, name_end), begin, name_end)
        return name_end
