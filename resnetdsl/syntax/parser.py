"""Text to tree. The one door to Lark, which makes the parse tables from grammars/rnet.lark.

    text -lexer-> tokens -machine-> reductions -build-> ast.File
             \\__ brackets: who lacks a partner     \\__ mistakes: what to say where the machine stops

Nothing here raises because of a text: mistakes go to the sink, and the tree holds what could be read. A tree with
mistakes lacks the statements that have them, so names that it does not define may well be meant to be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from resnetdsl.diagnostics.model import Fact, Sink
from resnetdsl.paths import grammar_text
from resnetdsl.source import SourceFile
from resnetdsl.syntax import ast, brackets, comments, tables
from resnetdsl.syntax.build import Broken, Builder
from resnetdsl.syntax.lexer import HopelessError, Lexer, Tokens, UnbalancedError
from resnetdsl.syntax.machine import MAX_DEPTH, Machine, Maker, makers_of
from resnetdsl.syntax.mistakes import Mistakes
from resnetdsl.syntax.tables import Kind, Rule, Tables

_MAX_INNER_DEPTH = 32
_JUMPS: dict[tuple[int, int, str], int] = {}


def parse(file: SourceFile, sink: Sink) -> ast.File:
    """The tree of a spec. Mistakes are reported in the order of the text."""
    found = Sink()
    tokens = _read(file, found)
    items = _run(file, tokens, found, "file", MAX_DEPTH)
    if isinstance(items, Broken):
        items = ()
    span = file.span(0, len(file.text))
    if not items and not found.has_errors:
        found.report("E0112", file.span(len(file.text), len(file.text)))
    sink.take(_without_echoes(sorted(found.facts, key=lambda fact: fact.span.start)))
    doc, items = comments.document(file.text, tokens.comments, items)
    texts = tuple(ast.Comment(file.span(start, end), file.text[start:end]) for start, end in tokens.comments)
    return ast.File(span, items, texts, doc)


def _without_echoes(facts: list[Fact]) -> Iterator[Fact]:
    """The mistakes, in the order of the text, without those that another one of their line makes.

    What the parser stumbles over behind a bracket that is never closed, or behind what it has stumbled over before, may
    well be right; and a bracket that closes nothing may have lost its partner where the parser stumbled.
    """
    unclosed = {span.line: span.start for fact in facts if fact.code == "E0102" for _, span in reversed(fact.also)}
    stumbled: dict[int, int] = {}
    for fact in facts:
        line, start = fact.span.line, fact.span.start
        # In a body that begins in between all is new.
        echo = line in stumbled and "{" not in fact.span.file.text[stumbled[line] : start]
        if fact.code == "E0101" and (echo or unclosed.get(line, start) < start):
            continue
        if echo and (fact.code == "E0108" or fact.data.get("char") == ";"):
            continue
        if fact.code == "E0101":
            stumbled[line] = start
        yield fact


def parse_expression(file: SourceFile, sink: Sink) -> ast.Expr | None:
    """The tree of a text that is one expression, or None where it is not."""
    value = _run(file, _read(file, sink, expression=True), sink, "expression", MAX_DEPTH)
    return None if isinstance(value, Broken) else value


def keywords() -> frozenset[str]:
    """The words of the grammar. Some of them are names where no keyword can stand."""
    return frozenset(_lexer().words)


def _read(file: SourceFile, sink: Sink, start: int = 0, end: int | None = None, expression: bool = False) -> Tokens:
    lexer = _lexer()
    first = Sink()
    try:
        tokens = lexer.lex(file, first, start=start, end=end, expression=expression)
    except UnbalancedError:
        return _read_unbalanced(file, sink, start, len(file.text) if end is None else end, expression)
    except HopelessError:
        tokens = _nothing(len(file.text))
    sink.take(first.facts)
    return tokens


def _read_unbalanced(file: SourceFile, sink: Sink, start: int, end: int, expression: bool) -> Tokens:
    try:
        repairs, faults = brackets.mend(_lexer(), file, sink, start, end)
        tokens = _lexer().lex(file, sink, start=start, end=end, repairs=repairs, expression=expression)
    except HopelessError:
        return _nothing(end)
    tokens.faults = sorted({*tokens.faults, *faults})
    return tokens


def _nothing(end: int) -> Tokens:
    return Tokens([tables.END], [end], [end], faults=[end])


def _run(file: SourceFile, tokens: Tokens, sink: Sink, start: str, max_depth: int) -> Any:
    def parse_inner(begin: int, end: int) -> ast.Expr | Broken:
        if file.text[begin:end].isidentifier() and file.text[begin:end] not in _lexer().words:
            return ast.Name(file.span(begin, end), file.text[begin:end])  # `layer{i}`: most of them
        inner = _read(file, sink, begin, end, expression=True)
        value: ast.Expr | Broken = _run(file, inner, sink, "expression", _MAX_INNER_DEPTH)
        return value

    builder = Builder(file, tokens, sink, parse_inner)
    judge = Mistakes(file, tokens, sink, _lexer().words)
    return Machine(_tables(), _symbols(), _makers(), _JUMPS, tokens, builder, sink, judge, max_depth).run(start)


@cache
def _tables() -> Tables:
    return tables.load(grammar_text(), build_tables)


@cache
def _symbols() -> list[str]:
    return _tables().symbols()


@cache
def _makers() -> list[Maker]:
    return makers_of(_tables())


@cache
def _lexer() -> Lexer:
    return Lexer(_tables())


def build_tables(grammar: str, *, strict: bool = False) -> Tables:
    """Have Lark compute the tables of a grammar. `strict` refuses conflicts instead of settling them."""
    from lark import Lark
    from lark.lexer import Lexer as LarkLexer
    from lark.parsers.lalr_parser import LALR_Parser

    class NoLexer(LarkLexer):
        """Lark's lexers are not used."""

        def __init__(self, _conf: object) -> None: ...

        def lex(self, _lexer_state: object, _parser_state: object) -> Any: ...

    lark = Lark(grammar, parser="lalr", lexer=NoLexer, start=["file", "expression"], maybe_placeholders=True)
    frontend: Any = lark.parser
    if strict:
        LALR_Parser(frontend.parser_conf, strict=True)
    table = frontend.parser._parse_table
    # Lark numbers its states by the order of sets, which changes from run to run; here they are numbered as they are
    # reached from the starts, so that the tables are the same in each run.
    order = [table.start_states[start] for start in sorted(table.start_states)]
    numbers = {state: number for number, state in enumerate(order)}
    rule_numbers: dict[Any, int] = {}
    rules: list[Rule] = []
    states: list[dict[str, int]] = []
    for state in order:
        actions: dict[str, int] = {}
        for symbol, (action, target) in sorted(table.states[state].items()):
            if action.name == "Shift":
                if target not in numbers:
                    numbers[target] = len(order)
                    order.append(target)
                actions[symbol] = numbers[target]
            else:
                if target not in rule_numbers:
                    rule_numbers[target] = len(rules)
                    rules.append(_rule(target))
                actions[symbol] = ~rule_numbers[target]
        states.append(actions)
    starts = {start: numbers[state] for start, state in sorted(table.start_states.items())}
    ends = {start: numbers[state] for start, state in sorted(table.end_states.items())}
    terminals = [(t.name, t.pattern.value, t.pattern.type == "str") for t in lark.terminals]
    return Tables(states, rules, starts, ends, terminals)


def _rule(rule: Any) -> Rule:
    """What a rule of Lark does with its parts, by Lark's own conventions for `?`, `!`, `_`, `[ ]` and `->`."""
    options, symbols = rule.options, rule.expansion
    absent = [0] * (len(symbols) + 1)
    position = 0
    for is_absent in options.empty_indices:
        if is_absent:
            absent[position] += 1
        else:
            position += 1
    picks: list[tuple[int, bool, int]] = []
    waiting = 0
    for index, symbol in enumerate(symbols):
        waiting += absent[index]
        if options.keep_all_tokens or not (symbol.is_term and symbol.filter_out):
            picks.append((index, not symbol.is_term and symbol.name.startswith("_"), waiting))
            waiting = 0
    waiting += absent[len(symbols)]
    name = rule.alias or rule.origin.name
    kind = Kind.GATHER if name.startswith("_") else Kind.BUILD
    if options.expand1 and not rule.alias and len(picks) == 1 and not picks[0][1]:
        kind = Kind.UNIT if len(symbols) == 1 else Kind.PASS
    return Rule(rule.origin.name, len(symbols), kind, name, tuple(picks), waiting)
