"""What the name under the cursor means: where it is bound, where it is read, and what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from resnetdsl.elaborate.values import Builtin, DefinedLayer, OpLayer, Value
from resnetdsl.lsp.document import Document
from resnetdsl.source import Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.walk import walk

_WORD = re.compile(r"[A-Za-z_]\w*")

Told = Builtin | DefinedLayer | OpLayer
"""What a signature and a documentation can be shown of."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name at a place of the text. `bound` is where it gets its meaning in this text, None where that is elsewhere.

    `owner` is the definition whose parameter it is.
    """

    text: str
    span: Span
    bound: Span | None = None
    owner: ast.Definition | None = None


def name_at(document: Document, offset: int) -> Name | None:
    """The name that a place is in, or right behind."""
    word = _word(document, offset)
    if word is None:
        return None
    for use, place in document.uses:
        if (use.span.start, use.span.end) == (word.start, word.end):
            bound = _exact(place, use.id)
            return Name(use.id, word, bound, _owner(document, bound))
    around = document.around(offset)
    argument = next((node for node in around if isinstance(node, ast.Argument) and node.name_span == word), None)
    if argument is not None:
        return _keyword(document, around, argument, word)
    bound = next((each for each in bindings(document) if each == word), None)
    if bound is not None:
        return Name(word.text, word, bound, _owner(document, bound))
    in_text = any(isinstance(node, ast.Text | ast.Label) for node in around[-1:])
    return None if in_text or _in_comment(document, word) else Name(word.text, word)


def reads(document: Document, name: Name) -> list[Span]:
    """Every place where a name is read, keyword arguments of direct calls among them, in the order of the text."""
    if name.bound is None:
        return [use.span for use, place in document.uses if use.id == name.text and _exact(place, use.id) is None]
    found = [use.span for use, place in document.uses if _exact(place, use.id) == name.bound]
    if name.owner is not None:
        found += _keywords(document, name.owner, name.text)
    return sorted(found, key=lambda span: span.start)


def told(document: Document, name: str) -> Told | None:
    """What a name of the file, of an import, of the library or of the language is, if that can be shown."""
    env = document.spec.module.env.find(name)
    value: Value = env.value(name) if env is not None else None
    return value if isinstance(value, Builtin | DefinedLayer | OpLayer) else None


def called(document: Document, call: ast.Call) -> Told | None:
    """What a call calls."""
    return told(document, call.function.id) if isinstance(call.function, ast.Name) else None


def own_definition(document: Document, value: Told | None) -> ast.Definition | None:
    """The definition of a layer, where it stands in this text."""
    if isinstance(value, DefinedLayer) and value.definition.syntax.span.file is document.file:
        return value.definition.syntax
    return None


def passed_on(document: Document, definition: ast.Definition) -> Span | None:
    """Where a definition is used as a value, so that nobody can tell who calls it with which keywords."""
    callees = {call.function.span for call in _calls(document)}
    for use, place in document.uses:
        if _exact(place, use.id) == definition.name_span and use.span not in callees:
            return use.span
    return None


def bindings(document: Document) -> Iterator[Span]:
    """Every place of the text where a name is bound."""
    for item in document.tree.items:
        for node in walk(item):
            match node:
                case ast.Definition() | ast.Instance():
                    yield node.name_span
                case ast.Parameter():
                    yield Span(node.span.file, node.span.start, node.span.start + len(node.name))
                case ast.Target(name=str()):
                    yield node.span
                case ast.ImportedName() if (exact := _exact(node.span, node.alias or node.name)) is not None:
                    yield exact


# --- within ---


def _word(document: Document, offset: int) -> Span | None:
    text = document.file.text
    start = document.file.line_starts[document.file.position(offset)[0] - 1]
    end = text.find("\n", start)
    line = text[start : end if end >= 0 else len(text)]
    for match in _WORD.finditer(line):
        if match.start() <= offset - start <= match.end():
            return document.file.span(start + match.start(), start + match.end())
    return None


def _in_comment(document: Document, word: Span) -> bool:
    return any(each.span.start <= word.start < each.span.end for each in document.tree.comments)


def _exact(place: Span | None, name: str) -> Span | None:
    """The name itself in the text that binds it: of `width = 64`, or of `a as b`. None where that has none."""
    if place is None:
        return None
    found = next((match for match in _WORD.finditer(place.text) if match[0] == name), None)
    return None if found is None else Span(place.file, place.start + found.start(), place.start + found.end())


def _owner(document: Document, bound: Span | None) -> ast.Definition | None:
    for item in document.tree.items:
        if isinstance(item, ast.Definition) and any(param.span.start == _start(bound) for param in item.params):
            return item
    return None


def _start(span: Span | None) -> int:
    return -1 if span is None else span.start


def _keyword(document: Document, around: list[ast.Node], argument: ast.Argument, word: Span) -> Name:
    """The parameter that a keyword argument gives."""
    call = next((one for one, other in pairwise(around) if other is argument and isinstance(one, ast.Call)), None)
    definition = own_definition(document, called(document, call) if call is not None else None)
    param = next((each for each in definition.params if each.name == word.text), None) if definition else None
    if param is None:
        return Name(word.text, word)
    bound = Span(param.span.file, param.span.start, param.span.start + len(param.name))
    return Name(word.text, word, bound, definition)


def _keywords(document: Document, owner: ast.Definition, name: str) -> list[Span]:
    """The keyword arguments of direct calls that give a parameter."""
    return [
        argument.name_span
        for call in _calls(document)
        if own_definition(document, called(document, call)) is owner
        for argument in call.arguments
        if argument.name == name and argument.name_span is not None
    ]


def _calls(document: Document) -> Iterator[ast.Call]:
    for item in document.tree.items:
        yield from (node for node in walk(item) if isinstance(node, ast.Call))
