"""What could stand at the cursor: names in reach, keyword arguments, words of a choice, keywords of the language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol import types as lsp

from resnetdsl.analysis.metrics import METRICS
from resnetdsl.elaborate.parts import TENSOR_ATTRIBUTES
from resnetdsl.elaborate.values import Builtin, DefinedLayer, OpLayer
from resnetdsl.lsp.document import Document
from resnetdsl.lsp.names import told
from resnetdsl.lsp.telling import Parameter, heading, markdown, parameters
from resnetdsl.paths import library_dir, specs_dir
from resnetdsl.syntax import ast
from resnetdsl.syntax.walk import walk

_PART = re.compile(r"[A-Za-z_]\w*$")
_ARGUMENT = re.compile(r'([A-Za-z_]\w*)\s*=\s*("?)$')
_CALLEE = re.compile(r"([A-Za-z_]\w*)\s*$")
_IMPORTED = re.compile(r"^\s*(?:import|from)\s+$")
_EXPECTED = re.compile(r"^\s*expect\s(?:.*,)?\s*$")
_START = re.compile(r"^\s*$|[{]\s*$")

STATEMENTS = {
    "network": "network ${1:name} {\n    input ${2:3x224x224}\n\n    $0\n}",
    "block": "block ${1:name}(${2:width, stride = 1}) {\n    $0\n}",
    "shortcut": "shortcut ${1:name} {\n    $0\n}",
    "residual": "residual(${1:projection}) {\n    $0\n}",
    "input": "input ${1:3x224x224}",
    "stem": "stem { $0 }",
    "stage": "stage ${1:layer1}: ${2:2} * $0",
    "head": "head { $0 }",
    "for": "for ${1:i, n} in ${2:depths} {\n    $0\n}",
    "if": "if ${1:condition} {\n    $0\n}",
    "let": "let ${1:name} = $0",
    "param": "param ${1:gamma}[${2:x.channels}] = $0",
    "tap": "tap $0",
    "in": "in $0",
    "out": "out $0",
    "order": "order $0",
    "expect": "expect ${1:params} == $0",
    "require": 'require ${1:condition}, "$0"',
    "import": "import $0",
    "from": 'from "${1:blocks.rnet}" import $0',
}
"""Statements by the word that they start with, as snippets."""

_KIND = {Builtin: lsp.CompletionItemKind.Function, OpLayer: lsp.CompletionItemKind.Method}


def completions(document: Document, position: lsp.Position, *, snippets: bool) -> list[lsp.CompletionItem]:
    """Those that the text before the cursor allows; editors pick by what is typed on."""
    offset = document.places.offset(position)
    text = document.file.text[:offset]
    part = _PART.search(text)
    text = text[: part.start()] if part else text
    line = text.rpartition("\n")[2]
    if "#" in line and line.count('"') % 2 == 0:
        return []
    if line.endswith("."):
        return [lsp.CompletionItem(name, kind=lsp.CompletionItemKind.Property) for name in TENSOR_ATTRIBUTES]
    if _IMPORTED.search(line):
        names = {path.stem for folder in (specs_dir(), library_dir()) for path in folder.glob("*.rnet")}
        return [lsp.CompletionItem(name, kind=lsp.CompletionItemKind.Module) for name in sorted(names)]
    if _EXPECTED.search(line):
        return [lsp.CompletionItem(name, kind=lsp.CompletionItemKind.Unit, detail=doc) for name, doc in METRICS.items()]
    callee = _callee(text)
    value = told(document, callee) if callee is not None else None
    found: list[lsp.CompletionItem] = []
    if value is not None:
        given = _ARGUMENT.search(line)
        if given is not None:
            words = next((param.choices for param in parameters(value) if param.name == given[1]), ())
            found += [_word(word, quoted=bool(given[2])) for word in words]
        else:
            found += [_argument(param) for param in parameters(value)]
    if line.count('"') % 2:
        return found
    if _START.search(line):
        found += [_statement(word, snippet, snippets) for word, snippet in STATEMENTS.items()]
    return [*found, *_names(document, offset)]


def documented(document: Document, item: lsp.CompletionItem) -> lsp.CompletionItem:
    """A proposal with its documentation, which is looked up for the one that is looked at."""
    value = told(document, item.label)
    if value is not None and item.documentation is None:
        item.documentation = lsp.MarkupContent(lsp.MarkupKind.Markdown, markdown(item.label, value))
    return item


def signature(document: Document, position: lsp.Position) -> lsp.SignatureHelp | None:
    """What the call around the cursor takes, and which of it comes next."""
    text = document.file.text[: document.places.offset(position)]
    callee = _callee(text)
    value = told(document, callee) if callee is not None else None
    if callee is None or value is None:
        return None
    params = parameters(value)
    given = text[_opened(text) + 1 :]
    named = re.search(r"([A-Za-z_]\w*)\s*=[^,=]*$", given)
    names = [param.name for param in params]
    active = names.index(named[1]) if named and named[1] in names else _commas(given)
    label = heading(callee, value)
    informations = [lsp.ParameterInformation(param.text, param.words or None) for param in params]
    return lsp.SignatureHelp([lsp.SignatureInformation(label, None, informations)], 0, active)


# --- within ---


def _names(document: Document, offset: int) -> Iterator[lsp.CompletionItem]:
    """Every name in reach, the nearest first: of the definition, of the file, of the library and the language."""
    seen: set[str] = set()
    for name in _locals(document, offset):
        if name not in seen:
            seen.add(name)
            yield lsp.CompletionItem(name, kind=lsp.CompletionItemKind.Variable, sort_text=f"0{name}")
    env = document.spec.module.env
    for name in env.all_names():
        if name in seen:
            continue
        seen.add(name)
        near = "1" if env.find(name) is env else "2"
        kind = _kind(document, name, near)
        yield lsp.CompletionItem(name, kind=kind, sort_text=f"{near}{name}", data=document.uri)


def _kind(document: Document, name: str, near: str) -> lsp.CompletionItemKind:
    """Of the language's own names, which are known without reading the library."""
    if near == "1":
        item = next((each for each in document.tree.items if getattr(each, "name", "") == name), None)
        network = isinstance(item, ast.Definition | ast.Instance) and item.kind is ast.DefinitionKind.NETWORK
        return lsp.CompletionItemKind.Class if network else lsp.CompletionItemKind.Reference
    env = document.spec.module.env.find(name)
    value = env.names.get(name) if env is not None else None
    if isinstance(value, DefinedLayer) or value is None:
        return lsp.CompletionItemKind.Class
    return _KIND.get(type(value), lsp.CompletionItemKind.Value)


def _locals(document: Document, offset: int) -> Iterator[str]:
    """What the definition around a place binds."""
    for item in document.tree.items:
        if isinstance(item, ast.Definition) and item.span.start <= offset <= item.span.end:
            yield "x"
            for node in walk(item):
                match node:
                    case ast.Parameter():
                        yield node.name
                    case ast.Target(name=str(name)):
                        yield name
                    case _:
                        pass


def _statement(word: str, snippet: str, snippets: bool) -> lsp.CompletionItem:
    made = lsp.CompletionItem(word, kind=lsp.CompletionItemKind.Keyword, sort_text=f"3{word}")
    if snippets:
        made.insert_text, made.insert_text_format = snippet, lsp.InsertTextFormat.Snippet
    return made


def _word(word: str, *, quoted: bool) -> lsp.CompletionItem:
    """A word of a choice, which is a string of the language; `quoted` where its first quote is there."""
    text = word if quoted else f'"{word}"'
    return lsp.CompletionItem(
        text, kind=lsp.CompletionItemKind.EnumMember, filter_text=word, insert_text=text, sort_text=f"00{word}"
    )


def _argument(param: Parameter) -> lsp.CompletionItem:
    return lsp.CompletionItem(
        f"{param.name} =",
        kind=lsp.CompletionItemKind.Field,
        detail=param.text,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, param.words) if param.words else None,
        insert_text=f"{param.name} = ",
        filter_text=param.name,
        sort_text=f"00{param.name}",
    )


def _callee(text: str) -> str | None:
    """The name before the parenthesis that is open at the end of a text."""
    at = _opened(text)
    found = _CALLEE.search(text[:at]) if at >= 0 else None
    return found[1] if found else None


def _opened(text: str) -> int:
    """Where the innermost parenthesis stands that is open at the end of a text; -1 where none is."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        match text[at]:
            case ")" | "]" | "}":
                depth += 1
            case "(" if depth == 0:
                return at
            case "[" | "{" if depth == 0:
                return -1
            case "(" | "[" | "{":
                depth -= 1
            case _:
                pass
    return -1


def _commas(text: str) -> int:
    """How many commas stand in no brackets of their own."""
    depth = count = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        count += char == "," and depth == 0
    return count
