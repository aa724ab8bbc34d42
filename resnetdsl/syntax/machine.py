"""The LALR automaton: runs the tables over tokens, and goes on after a mistake.

Lark makes the tables (`parser.py`) and could run them; this loop does so itself because that saves importing Lark
where the tables come from the cache, keeps exact places (with parentheses) and depths beside the values, and leaves
the stack open to recovery. A mistake costs the smallest statement or bracket around it; the rest is parsed on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from resnetdsl.diagnostics.model import Sink
from resnetdsl.syntax.build import BROKEN, LEVELLESS, METHODS, Builder
from resnetdsl.syntax.lexer import CLOSERS, OPENERS, Tokens
from resnetdsl.syntax.tables import END, NEWLINE, Kind, Tables

MAX_DEPTH = 128  # with what a tree's users need a level, well within Python's own thousand
MAX_MISTAKES = 50
_MAX_RECOVERIES = 2000

# Where a mistake is contained, with the symbol that stands for what was lost.
_LISTS = ("statement", "item", "expect")
_HOLDS_LISTS = frozenset(("file", "body"))


class Judge(Protocol):
    """Says what is wrong where the automaton stops, and may know what was meant."""

    def judge(self, machine: Machine, at: int) -> int | None:
        """Report the mistake at a token. Returns the token to parse on from if it could put the tokens right."""


class Maker(NamedTuple):
    """A rule, ready to run."""

    kind: Kind
    length: int
    origin: str
    make: Any
    picks: tuple[int, ...]
    plan: tuple[tuple[int, bool, int], ...] | None  # where `picks` do not say it all
    absent_after: int
    level: int
    checked: int | None  # how many of the parts must not be BROKEN; None: all


def makers_of(tables: Tables) -> list[Maker]:
    """The rules of the tables with the methods of the builder."""
    makers = []
    for rule in tables.rules:
        simple = not rule.absent_after and all(not many and not absent for _, many, absent in rule.picks)
        makers.append(
            Maker(
                rule.kind,
                rule.length,
                rule.origin,
                getattr(Builder, METHODS.get(rule.name, rule.name)) if rule.kind is Kind.BUILD else None,
                tuple(index for index, _, _ in rule.picks),
                None if simple else rule.picks,
                rule.absent_after,
                0 if rule.name in LEVELLESS or rule.kind is not Kind.BUILD else 1,
                0 if rule.name in _HOLDS_LISTS else 3 if rule.name == "instance" else None,
            )
        )
    return makers


@dataclass(slots=True)
class Machine:
    """One parse of one list of tokens. The stacks grow and shrink together; `states` has one more, at the bottom."""

    tables: Tables
    symbols: list[str]  # the symbol that leads into each state
    makers: list[Maker]
    jumps: dict[tuple[int, int, str], int]  # where the rules of one part lead; filled as they are met
    tokens: Tokens
    builder: Builder
    sink: Sink
    judge: Judge
    max_depth: int = MAX_DEPTH
    states: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    broken: bool = False
    mistakes: int = 0
    recoveries: int = 0
    quiet: dict[int, int] = field(default_factory=dict)  # number of open brackets -> the token that ends the silence

    def run(self, start: str) -> Any:
        """The value of the whole text, or BROKEN."""
        table, end_state, makers = self.tables.states, self.tables.ends[start], self.makers
        states, values, starts, ends, depths = self.states, self.values, self.starts, self.ends, self.depths
        types, froms, tos = self.tokens.types, self.tokens.starts, self.tokens.ends
        jumps = self.jumps
        states.append(self.tables.starts[start])
        at = 0
        while True:
            kind = types[at]
            state = states[-1]
            action = table[state].get(kind)
            while action is not None and action < 0:
                maker = makers[~action]
                if maker[0] == 0:  # Kind.UNIT, the most frequent by far: a name is a primary, a postfix, a power, ...
                    below = states[-2]
                    target = jumps.get((below, state, kind))
                    if target is None:
                        target = jumps[below, state, kind] = self.pass_units(below, state, kind)
                    state = states[-1] = target
                else:
                    self.reduce(maker, froms[at])
                    state = states[-1]
                if state == end_state and kind == END:
                    return values[-1]
                action = table[state].get(kind)
            if action is None:
                resumed = self.recover(at)
                if resumed is None:
                    return BROKEN
                at = resumed
            else:
                states.append(action)
                values.append(at)
                starts.append(froms[at])
                ends.append(tos[at])
                depths.append(0)
                at += 1

    def pass_units(self, below: int, state: int, kind: str) -> int:
        """The state after all rules of one part that apply to the top of the stack."""
        table, makers = self.tables.states, self.makers
        while (action := table[state].get(kind)) is not None and action < 0 and makers[~action].kind is Kind.UNIT:
            state = table[below][makers[~action].origin]
        return state

    def reduce(self, maker: Maker, here: int) -> None:
        """Replace the parts of a rule by its value."""
        kind, length, origin, make, picks, plan, absent_after, level, checked = maker
        states, values, starts, ends, depths = self.states, self.values, self.starts, self.ends, self.depths
        if length == 0:
            parts: list[Any] = []
            start = end = last = here
            depth = 0
        else:
            parts = values[-length:]
            start, end = starts[-length], ends[-1]
            depth = depths[-1] if length == 1 else max(depths[-length:])
            last = starts[-1]
            del values[-length:], starts[-length:], ends[-length:], depths[-length:], states[-length:]
            depth += level
        if kind == Kind.PASS:
            value = parts[picks[0]]
        else:
            args = [parts[i] for i in picks] if plan is None else _arrange(parts, plan, absent_after)
            if kind == Kind.GATHER:
                value = args
            elif self.broken and any(part is BROKEN for part in (args if checked is None else args[:checked])):
                value, depth = BROKEN, 0
            elif depth > self.max_depth:
                self.sink.report("E0109", self.builder.file.span(last, last + 1), limit=self.max_depth)
                value, depth, self.broken = BROKEN, 0, True
            else:
                value = make(self.builder, start, end, *args)
                if value is BROKEN:
                    self.broken = True
        values.append(value)
        starts.append(start)
        ends.append(end)
        depths.append(depth)
        states.append(self.tables.states[states[-1]][origin])

    def restart(self) -> None:
        """Parse again from the first token: what came before was not what it seemed."""
        self.cut(0)
        self.quiet.clear()
        self.mistakes = 0

    # --- recovery

    def recover(self, at: int) -> int | None:
        """Report the token that does not fit, and lose as little as possible. Returns the token to go on from."""
        opened = self.opened()
        self.recoveries += 1
        if self.recoveries > _MAX_RECOVERIES:
            return None
        if not self.is_echo(at) and at >= self.quiet.get(len(opened), 0):
            self.mistakes += 1
            if self.mistakes > MAX_MISTAKES:
                return None
            resumed = self.judge.judge(self, at)
            if resumed is not None:
                return resumed
            if self.tokens.types[at] == "COLON" and not opened:
                self.quiet[0] = self.dedent(at)  # `network a:`, and its body follows
        self.broken = True
        if opened and self.symbols[self.states[opened[-1]]] != "LBRACE":
            return self.leave_bracket(opened[-1], at)
        return self.leave_statement(opened, at)

    def leave_bracket(self, opener: int, at: int) -> int | None:
        """Read what stands in ( ) or [ ] as something broken, and go on with the closing bracket."""
        closer = self.skip(at)
        table = self.tables.states
        self.cut(opener)
        for symbol, target in table[self.states[-1]].items():
            if target >= 0 and not symbol.startswith("_") and symbol.islower():
                action = table[target].get(self.tokens.types[closer])
                if action is not None and action >= 0:
                    self.force(symbol, at)
                    return closer
        return None

    def leave_statement(self, opened: list[int], at: int) -> int | None:
        """Drop the statement, but parse a body in it: its mistakes are its own."""
        table, types = self.tables.states, self.tokens.types
        bottom = opened[-1] if opened else 0
        anchor = self.anchor(bottom)
        if anchor is None:
            return None
        lost = next(symbol for symbol in _LISTS if symbol in table[self.states[anchor]])
        silent = self.quiet.get(len(opened), 0)
        end = silent if at < silent else self.skip(at, NEWLINE)
        body = self.skip(at, NEWLINE, "LBRACE")
        self.cut(anchor)
        if types[body] == "LBRACE" and lost != "expect":
            self.quiet[len(opened)] = end
            for symbol in ("RESIDUAL", "LPAR", "expression", "RPAR") if lost == "statement" else ("kind", "NAME"):
                self.force(symbol, at)
            return body
        self.force(lost, at)
        return end

    def anchor(self, bottom: int) -> int | None:
        """The height of the stack where the innermost statement (or definition) begins."""
        table = self.tables.states
        closed = 0
        for height in range(len(self.states) - 1, bottom - 1, -1):
            symbol = self.symbols[self.states[height]] if height else ""
            if closed == 0 and any(listed in table[self.states[height]] for listed in _LISTS):
                return height
            closed += (symbol in CLOSERS) - (symbol in OPENERS and closed > 0)
        return None

    def opened(self) -> list[int]:
        """The heights of the stack at which brackets stand open."""
        found: list[int] = []
        for height, state in enumerate(self.states):
            symbol = self.symbols[state]
            if height and symbol in OPENERS:
                found.append(height)
            elif height and symbol in CLOSERS:
                found.pop()
        return found

    def skip(self, at: int, *stops: str) -> int:
        """The first of these tokens from `at` on, outside further brackets, or the end of the bracket around."""
        types = self.tokens.types
        depth = 0
        while (kind := types[at]) != END:
            if depth == 0 and (kind in stops or kind in CLOSERS):
                return at
            depth += (kind in OPENERS) - (kind in CLOSERS)
            at += 1
        return at

    def is_echo(self, at: int) -> bool:
        """Whether the lexer has already found fault next to this token."""
        faults, tokens = self.tokens.faults, self.tokens
        ended = at and tokens.types[at - 1] == NEWLINE and self.builder.file.text[tokens.starts[at - 1]] != ";"
        since = tokens.starts[at - 1] + bool(ended) if at else 0
        index = bisect_left(faults, since)
        return index < len(faults) and faults[index] <= tokens.ends[at]

    def dedent(self, at: int) -> int:
        """The end of the lines behind `at` that are indented more than its own."""
        tokens, file = self.tokens, self.builder.file
        text = file.line_text(file.position(tokens.starts[at])[0])
        indent = len(text) - len(text.lstrip())
        for index in range(at + 1, len(tokens.types)):
            if tokens.types[index - 1] == NEWLINE and file.position(tokens.starts[index])[1] - 1 <= indent:
                return index - 1
        return len(tokens.types) - 1

    def cut(self, height: int) -> None:
        """Forget what lies above a height of the stack."""
        del self.states[height + 1 :]
        del self.values[height:], self.starts[height:], self.ends[height:], self.depths[height:]

    def force(self, symbol: str, at: int) -> None:
        """Go on as if this symbol had been read; what it becomes part of is BROKEN."""
        self.states.append(self.tables.states[self.states[-1]][symbol])
        self.values.append(BROKEN)
        self.starts.append(self.tokens.starts[at])
        self.ends.append(self.tokens.starts[at])
        self.depths.append(0)

    def trial(self, height: int, kinds: Iterable[str]) -> int:
        """How many of these tokens would fit after the lower part of the stack. Changes nothing."""
        table, rules = self.tables.states, self.tables.rules
        stack = self.states[: height + 1]
        fitting = 0
        for kind in kinds:
            while (action := table[stack[-1]].get(kind)) is not None and action < 0:
                rule = rules[~action]
                if rule.length:
                    del stack[-rule.length :]
                stack.append(table[stack[-1]][rule.origin])
            if action is None:
                # The end is no token to shift: it fits where everything has become one symbol.
                return fitting + (kind == END and len(stack) == 2 and stack[-1] in self.tables.ends.values())
            stack.append(action)
            fitting += 1
        return fitting

    def acceptable(self) -> list[str]:
        """The kinds of token that would fit here."""
        terminals = (symbol for symbol in self.tables.states[self.states[-1]] if not symbol.islower())
        return sorted(kind for kind in terminals if self.trial(len(self.states) - 1, (kind,)))


def _arrange(parts: list[Any], plan: tuple[tuple[int, bool, int], ...], absent_after: int) -> list[Any]:
    """The parts in the order and number that the maker expects; a long list that grows is not copied."""
    arranged: list[Any] = []
    for index, many, absent_before in plan:
        if absent_before:
            arranged.extend([None] * absent_before)
        if not many:
            arranged.append(parts[index])
        elif arranged:
            arranged.extend(parts[index])
        else:
            arranged = parts[index]
    if absent_after:
        arranged.extend([None] * absent_after)
    return arranged
