"""What to say where the parser stops: what was being written, what would be right, what may have been meant."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from resnetdsl.diagnostics.model import Edit, Fact, Sink
from resnetdsl.source import SourceFile
from resnetdsl.syntax.build import BROKEN
from resnetdsl.syntax.habits import ELSE_IF, HABITS, of_python
from resnetdsl.syntax.lexer import CLOSERS, OPENERS, Tokens
from resnetdsl.syntax.machine import Machine
from resnetdsl.syntax.tables import END, NEWLINE

_LOOK_AHEAD = 3

_OPERATORS = frozenset(
    ("PLUS", "MINUS", "STAR", "SLASH", "FLOOR_DIVIDE", "PERCENT", "CIRCUMFLEX", "ARROW", "DOTS", "AND", "OR", "IF")
)
_COMPARISONS = frozenset(("EQUAL", "NOT_EQUAL", "LESSTHAN", "LESS_EQUAL", "MORETHAN", "GREATER_EQUAL"))
_ENDS = frozenset(("NAME", "NUMBER", "SIZE", "STRING", "RPAR", "RSQB"))
_RUNNING = frozenset(("x", "out"))
"""What PyTorch's users call the tensor that goes through a network."""
_WORDS = {
    NEWLINE: "a new line",
    "NAME": "a name",
    "STRING": "a string",
    "NUMBER": "a number",
    END: "the end of the file",
}
_SIGNS = {
    "RPAR": ")", "RSQB": "]", "RBRACE": "}", "LBRACE": "{", "LPAR": "(", "LSQB": "[", "COMMA": ",", "COLON": ":",
    "ASSIGN": "=", "ARROW": "->", "FAT_ARROW": "=>", "DOTS": "..", "EQUAL": "==", "NOT_EQUAL": "!=", "LESSTHAN": "<",
    "LESS_EQUAL": "<=", "MORETHAN": ">", "GREATER_EQUAL": ">=", "FLOOR_DIVIDE": "//",
}  # fmt: skip
_STATEMENTS = {
    "LET": "a `let`",
    "FOR": "the first line of a `for`",
    "IF": "the condition of an `if`",
    "IN": "the names of the inputs",
    "OUT": "the values after `out`",
    "TAP": "a `tap`",
    "ORDER": "an `order`",
    "EXPECT": "an `expect`",
    "REQUIRE": "a `require`",
    "INPUT": "the size of the input",
    "STAGE": "a `stage`",
    "PARAM": "a `param`",
    "STEM": "a stem",
    "HEAD": "a head",
    "IMPORT": "an import",
    "FROM": "an import",
    "RESIDUAL": "a residual",
    "NETWORK": "a network",
    "BLOCK": "a block",
    "SHORTCUT": "a shortcut",
}
_BODIES = {
    "FOR": "the body of a `for`",
    "IF": "the body of an `if`",
    "ELSE": "the body of an `else`",
    "STEM": "a stem",
    "HEAD": "a head",
    "RESIDUAL": "a residual body",
}


class Mistakes:
    """The judge of one text (see machine.Judge)."""

    def __init__(self, file: SourceFile, tokens: Tokens, sink: Sink, keywords: dict[str, str]) -> None:
        self.file = file
        self.tokens = tokens
        self.sink = sink
        self.keywords = keywords
        self.retyped: set[int] = set()

    def judge(self, machine: Machine, at: int) -> int | None:
        """Report what is wrong with the token `at`."""
        resumed = self.keyword(machine, at)
        if resumed is None:
            resumed = self.in_parentheses(machine, at)
        if resumed is not None:
            return resumed
        tokens = self.tokens
        expected, doing = self.expected(machine, at), self.doing(machine)
        if tokens.types[at] == END:
            end = tokens.ends[at - 1] if at else tokens.ends[at]
            self.sink.report("E0103", self.file.span(end, end), doing=doing or "a spec", expected=expected)
            return None
        if tokens.starts[at] in tokens.misread:
            return None  # it is no number, and nothing else: that has been said
        if doing in (_STATEMENTS["FOR"], _STATEMENTS["IF"]) and self.kind(at - 1) == "RBRACE" and "`{`" in expected:
            at, expected = self.opener_of(at - 1), "a value"  # `for i in 0.. {`: the body was read as the value
        span = self.file.span(tokens.starts[at], tokens.ends[at])
        meant = self.meant(machine, at)
        suggestion, fix = meant if meant is not None else (None, ())
        found = self.found(at)
        words = {"found": found, "expected": expected, "doing": doing, "suggestion": suggestion, "hint": self.hint(at)}
        self.sink.take((Fact("E0101", span, words, fix=fix),))
        return None

    def opener_of(self, closer: int) -> int:
        at, depth = closer, 0
        while at > 0 and (depth := depth + (self.kind(at) in CLOSERS) - (self.kind(at) in OPENERS)) > 0:
            at -= 1
        return at

    def word(self, at: int) -> str:
        return self.file.text[self.tokens.starts[at] : self.tokens.ends[at]]

    def kind(self, at: int) -> str:
        return self.tokens.types[at] if 0 <= at < len(self.tokens.types) else END

    # --- misspelt keywords

    def keyword(self, machine: Machine, at: int) -> int | None:
        """Put a misspelt keyword right, if the text then goes on to fit."""
        anchor = machine.anchor(0) or 0
        above = machine.starts[anchor : anchor + 1]
        first = bisect_left(self.tokens.starts, above[0]) if above else at
        best: tuple[int, int, str] | None = None
        for suspect in dict.fromkeys((at, at - 1, first)):
            if not (first <= suspect <= at and self.kind(suspect) == "NAME" and suspect not in self.retyped):
                continue
            for keyword in self.near(self.word(suspect)):
                if keyword == "else" and self.follows_if(suspect):
                    self.retype(suspect, keyword)
                    machine.restart()
                    return 0
                kinds = self.types_with(first, at, suspect, keyword)
                fitting = machine.trial(anchor, kinds)
                # The token that did not fit must, and one more, unless it is the last.
                if fitting >= min(at - first + 2, len(kinds)) and (best is None or fitting > best[0]):
                    best = fitting, suspect, keyword
        if best is None:
            return None
        self.retype(best[1], best[2])
        machine.cut(anchor)
        return first

    def in_parentheses(self, machine: Machine, at: int) -> int | None:
        """`for (i in 0..3) {`: go on without the parentheses."""
        tokens, opened = self.tokens, machine.opened()
        if tokens.types[at] != "IN" or not opened or machine.symbols[machine.states[opened[-1]]] != "LPAR":
            return None
        first = bisect_left(tokens.starts, machine.starts[opened[-1] - 1])
        if self.kind(first - 1) != "FOR":
            return None
        last = machine.skip(at)
        if tokens.types[last] != "RPAR":
            return None
        opener = self.file.span(tokens.starts[first], tokens.ends[first])
        closer = self.file.span(tokens.starts[last], tokens.ends[last])
        inside = self.file.text[opener.end : closer.start].strip()
        self.sink.report(
            "E0101",
            opener,
            fix=(Edit(opener, ""), Edit(closer, "")),
            found="`(`",
            expected="a name",
            doing=_STATEMENTS["FOR"],
            suggestion=f"for {inside} {{",
        )
        for index in (last, first):
            del tokens.types[index], tokens.starts[index], tokens.ends[index]
        machine.cut(opened[-1] - 1)
        return first

    def follows_if(self, at: int) -> bool:
        """Whether a word on a line of its own may be an `else`, so that the line did not end a statement."""
        goes_on = self.kind(at + 1) in ("LBRACE", "IF") or self.word(at) in ELSE_IF
        return goes_on and self.kind(at - 1) == NEWLINE and self.kind(at - 2) == "RBRACE"

    def near(self, word: str) -> Iterator[str]:
        """Keywords that may have been meant."""
        from difflib import get_close_matches

        yield from HABITS.get(word.lower(), ())
        if len(word) > 1 and word not in self.keywords:
            yield from (keyword for keyword in self.keywords if sorted(keyword) == sorted(word.lower()))
            yield from get_close_matches(word.lower(), self.keywords, n=4, cutoff=0.6)

    def types_with(self, first: int, at: int, suspect: int, keyword: str) -> list[str]:
        types = self.tokens.types
        last = min(at + _LOOK_AHEAD, len(types) - 1)
        both = [self.keywords[keyword]] + (["IF"] if self.word(suspect) in ELSE_IF else [])
        return types[first:suspect] + both + types[suspect + 1 : last + 1]

    def retype(self, at: int, keyword: str) -> None:
        tokens = self.tokens
        span = self.file.span(tokens.starts[at], tokens.ends[at])
        tokens.types[at] = self.keywords[keyword]
        self.retyped.add(at)
        if span.text in ELSE_IF:
            keyword = "else if"
            tokens.types.insert(at + 1, "IF")
            tokens.starts.insert(at + 1, span.end)
            tokens.ends.insert(at + 1, span.end)
        if tokens.types[at] == "FROM" and self.kind(at + 2) == "NAME" and self.word(at + 2) == "import":
            tokens.types[at + 2] = "IMPORT"
        if tokens.types[at] == "ELSE" and self.kind(at - 1) == NEWLINE:
            del tokens.types[at - 1], tokens.starts[at - 1], tokens.ends[at - 1]
        self.sink.report("E0104", span, fix=(Edit(span, keyword),), found=span.text, suggestion=keyword)

    # --- words

    def found(self, at: int) -> str:
        kind = self.kind(at)
        if kind == NEWLINE:
            return "end of the line"
        text = self.word(at)
        return f"`{text}`" if len(text) <= 30 else f"`{text[:30]}…`"

    def expected(self, machine: Machine, at: int) -> str:
        """What would fit here, as a reader would say it."""
        kinds = set(machine.acceptable())
        if "LET" in kinds:
            return "a statement" if "STAGE" in kinds else "a definition, a `let` or an import"
        words: list[str] = []
        if {"NAME", "NUMBER"} <= kinds:
            words.append("a value or a layer")
            kinds -= {
                "NAME",
                "NUMBER",
                "SIZE",
                "STRING",
                "LABEL",
                "TRUE",
                "FALSE",
                "LPAR",
                "LSQB",
                "LBRACE",
                "RESIDUAL",
            }
            kinds -= {"MINUS", "SHARED", "NOT"}
        elif {"PLUS", "STAR"} <= kinds:
            follows_operand = self.kind(at - 1) == "NAME" and "COLON" in kinds
            kinds -= _OPERATORS | _COMPARISONS | {"LPAR", "LSQB", "DOT", "FAT_ARROW", "STEP", "FOR"}
            kinds -= {"ELSE", "ASSIGN"} if len(kinds) > 3 else set()
            kinds -= {"COLON"} if follows_operand else set()
            words.append("an operator")
        elif kinds >= _COMPARISONS:
            kinds -= _COMPARISONS
            words.append("a comparison such as `==`")
        named = [_WORDS[kind] for kind in _WORDS if kind in kinds]
        words = [f"`{_SIGNS[kind]}`" for kind in _SIGNS if kind in kinds] + words
        words += named + [f"`{kind.lower()}`" for kind in sorted(kinds - set(_WORDS) - set(_SIGNS))]
        return _either(words)

    def doing(self, machine: Machine) -> str | None:
        """What was being written."""
        symbols = [machine.symbols[state] for state in machine.states]
        opened = machine.opened()
        anchor = machine.anchor(0) or 0
        if opened and opened[-1] > anchor:
            return self.in_bracket(machine, symbols, opened[-1])
        first = symbols[anchor + 1] if anchor + 1 < len(symbols) else ""
        if first == "kind":
            return self.definition(machine, symbols, anchor + 1)
        if first in _STATEMENTS and first != "RESIDUAL":
            return _STATEMENTS[first]
        return self.body(machine, symbols, opened[-1]) if opened else None

    def in_bracket(self, machine: Machine, symbols: list[str], opener: int) -> str:
        before = symbols[opener - 1] if opener > 1 else ""
        if symbols[opener] == "LPAR":
            if before == "postfix":
                start, end = machine.starts[opener - 2], machine.ends[opener - 2]
                callee = self.file.text[start:end]
                return f"the arguments of `{callee}`" if len(callee) <= 30 and "\n" not in callee else "arguments"
            if before == "RESIDUAL":
                return "the shortcut of a residual"
            if before == "NAME" and symbols[opener - 2] == "kind":
                return f"the parameters of {self.definition(machine, symbols, opener - 2)}"
            return "what stands in these parentheses"
        return {"postfix": "an index", "label": "the shape of a `param`"}.get(before, "a list")

    def definition(self, machine: Machine, symbols: list[str], height: int) -> str:
        """`block `basic``, from the place of its kind on the stack."""
        kind = getattr(machine.values[height - 1], "value", "definition")
        if height + 1 < len(symbols) and symbols[height + 1] == "NAME":
            return f"{kind} `{self.file.text[machine.starts[height] : machine.ends[height]]}`"
        return f"a {kind}"

    def body(self, machine: Machine, symbols: list[str], opener: int) -> str:
        """What the `{` at a height of the stack belongs to."""
        closed = 0
        for height in range(opener - 1, 0, -1):
            symbol = symbols[height]
            if symbol in CLOSERS:
                closed += 1
            elif symbol in OPENERS or symbol == NEWLINE:
                if closed == 0:
                    break
                closed -= symbol in OPENERS
            elif closed == 0 and machine.values[height - 1] is BROKEN:
                break  # the recovery's own, and not in the text
            elif closed == 0 and symbol == "kind":
                return f"the body of {self.definition(machine, symbols, height)}"
            elif closed == 0 and symbol in _BODIES:
                return _BODIES[symbol]
        return "a body"

    # --- what was meant

    def meant(self, machine: Machine, at: int) -> tuple[str, tuple[Edit, ...]] | None:
        """A text to suggest, and the edit that writes it where that is safe."""
        kind, before, after = self.kind(at), self.kind(at - 1), self.kind(at + 1)
        span = self.file.span(self.tokens.starts[at], self.tokens.ends[at])
        acceptable = machine.acceptable()
        habit = of_python(self.file, self.tokens, at, acceptable)
        if habit is not None:
            return habit
        match kind:
            case "ASSIGN" if before == "NAME" and self.word(at - 1) in self.keywords:
                return None
            case "ASSIGN" if before == "NAME" and self.word(at - 1) in _RUNNING:
                return None
            case "ASSIGN" if self.kind(at - 2) in (NEWLINE, "LBRACE", END) and before == "NAME":
                target = self.file.span(self.tokens.starts[at - 1], self.tokens.starts[at - 1])
                return f"let {self.word(at - 1)} = …", (Edit(target, "let "),)
            case "ASSIGN" if "EQUAL" in acceptable:
                return "==", (Edit(span, "=="),)
            case "EQUAL" if "ASSIGN" in acceptable:
                return "=", (Edit(span, "="),)
            case "COLON" if "DOT" in acceptable and machine.symbols[machine.states[-2]] == "DOT":
                return self.quoted_label(machine, span.start)
            case "NAME" if before in ("NUMBER", "SIZE") and after == "NUMBER" and span.text in ("x", "X"):
                whole = self.file.span(self.tokens.starts[at - 1], self.tokens.ends[at + 1])
                size = f"{self.word(at - 1)}x{self.word(at + 1)}"
                return size, (Edit(whole, size),)
            case _ if kind in _OPERATORS and before == NEWLINE and self.kind(at - 2) in _ENDS:
                return self.line_before(at)
            case "DOT" if after == "NUMBER":
                return f"0.{self.word(at + 1)}", (Edit(span, "0."),)
            case _ if kind in _COMPARISONS and before in ("NAME", "NUMBER", "RPAR", "RSQB"):
                operand = self.word(at - 1)
                return (f"and {operand} {span.text} …", ()) if before in ("NAME", "NUMBER") else None
            case _:
                return None

    def line_before(self, at: int) -> tuple[str, tuple[Edit, ...]]:
        """A line that begins with an operator was to go on from the one before, which then ends with it."""
        end, sign = self.tokens.ends[at - 2], self.word(at)
        line = self.file.text[self.file.text.rfind("\n", 0, end) + 1 : end].strip()
        gone = self.file.span(self.tokens.starts[at], self.tokens.starts[at + 1])
        return f"{line} {sign}", (Edit(self.file.span(end, end), f" {sign}"), Edit(gone, ""))

    def hint(self, at: int) -> str | None:
        """What to know where no edit helps: `x = conv(...)` of PyTorch is a line of its own."""
        if self.kind(at) == "ASSIGN" and self.kind(at - 1) == "NAME" and self.word(at - 1) in _RUNNING:
            return "a layer on a line of its own takes what the line above gives, and needs no name"
        return None

    def quoted_label(self, machine: Machine, end: int) -> tuple[str, tuple[Edit, ...]] | None:
        """`stack.conv: layer` was to be a label."""
        depth = len(machine.starts) - 1
        while depth > 0 and machine.symbols[machine.states[depth]] in ("DOT", "postfix", "NAME"):
            depth -= 1
        text = self.file.text[machine.starts[depth] : end].strip()
        label = self.file.span(machine.starts[depth], machine.starts[depth] + len(text))
        return f'"{text}": …', (Edit(label, f'"{text}"'),)


def _either(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words) or "nothing more"
    return f"{', '.join(words[:-1])} or {words[-1]}"
