"""Where names come from and go to, other names for them, and the outline of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol import types as lsp

from resnetdsl.elaborate.values import DefinedLayer
from resnetdsl.lsp.document import Document
from resnetdsl.lsp.names import Name, bindings, name_at, passed_on, reads, told
from resnetdsl.lsp.shapes import made_by, shapes
from resnetdsl.source import Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.parser import keywords
from resnetdsl.syntax.walk import walk

_NAME = re.compile(r"[A-Za-z_]\w*")


class CannotRenameError(Exception):
    """Why a name stays what it is, for people."""


def definition(document: Document, position: lsp.Position) -> lsp.Location | None:
    """Where the name under the cursor is bound: in this text, in an imported one, or in the library."""
    name = name_at(document, document.places.offset(position))
    if name is None:
        return None
    imported = name.bound is not None and any(
        isinstance(item, ast.Import) and item.span.start <= name.bound.start < item.span.end
        for item in document.tree.items
    )
    if name.bound is not None and not imported:
        return document.location(name.bound)
    value = told(document, name.text)
    if isinstance(value, DefinedLayer):
        return document.location(value.definition.syntax.name_span)
    return document.location(name.bound) if name.bound is not None else None


def places(document: Document, position: lsp.Position, *, bound: bool = True) -> list[Span]:
    """Every place of the text that has the name under the cursor, in the same meaning."""
    name = name_at(document, document.places.offset(position))
    if name is None:
        return []
    own = [name.bound] if bound and name.bound is not None else []
    return sorted({*own, *reads(document, name)}, key=lambda span: span.start)


def renamable(document: Document, position: lsp.Position) -> Name:
    """The name under the cursor, if every place that would have to change is in this text."""
    name = name_at(document, document.places.offset(position))
    if name is None:
        raise CannotRenameError("there is no name here")
    if name.bound is None:
        raise CannotRenameError(f"`{name.text}` is not bound in this file: it belongs to the language, or to another")
    passed = passed_on(document, name.owner) if name.owner is not None else None
    if name.owner is not None and passed is not None:
        raise CannotRenameError(
            f"`{name.owner.name}` is passed on as a value in line {passed.line}: who calls it with "
            f"`{name.text}` cannot be known"
        )
    return name


def rename(document: Document, position: lsp.Position, new: str) -> lsp.WorkspaceEdit:
    """The edits that give the name under the cursor another. CannotRenameError says why there are none."""
    name = renamable(document, position)
    if not _NAME.fullmatch(new) or new in keywords():
        raise CannotRenameError(f"`{new}` is no name")
    if new in {use.id for use, _ in document.uses} | {span.text for span in bindings(document)}:
        raise CannotRenameError(f"`{new}` means something else in this file")
    edits = []
    for span in places(document, position):
        text = f"{name.text} as {new}" if _is_import(document, span) else new
        edits.append(lsp.TextEdit(document.places.range(span), text))
    return lsp.WorkspaceEdit(changes={document.uri: edits})


def outline(document: Document) -> list[lsp.DocumentSymbol]:
    """Definitions with the parts of networks in them."""
    return [symbol for item in document.tree.items if (symbol := _symbol(document, item)) is not None]


def folds(document: Document) -> list[lsp.FoldingRange]:
    """Everything in braces that takes more than a line."""
    spans = [node.span for item in document.tree.items for node in walk(item) if _folds(node)]
    lines = {(document.places.position(span.start).line, document.places.position(span.end).line) for span in spans}
    return [lsp.FoldingRange(start, end - 1) for start, end in sorted(lines) if end - 1 > start]


def hints(document: Document, range: lsp.Range) -> list[lsp.InlayHint]:
    """The shape behind each stage, stem and head of a network, where one network alone has it."""
    found: list[lsp.InlayHint] = []
    for item in document.tree.items:
        for node in walk(item):
            line = document.places.position(node.span.start).line
            if not isinstance(node, ast.Stage) or not range.start.line <= line <= range.end.line:
                continue
            texts = {shapes(made.shapes[-1:]) for made in made_by(document, node.span)}
            if len(texts) == 1:
                position = document.places.position(node.span.end)
                found.append(lsp.InlayHint(position, f"  {texts.pop()}", padding_left=True))
    return found


# --- within ---


def _is_import(document: Document, span: Span) -> bool:
    """Whether a place names what another file calls so: there the old name stays, and gets another here."""
    return any(
        imported.alias is None and imported.span == span
        for item in document.tree.items
        if isinstance(item, ast.Import)
        for imported in item.names
    )


_KINDS = {
    ast.DefinitionKind.NETWORK: lsp.SymbolKind.Class,
    ast.DefinitionKind.BLOCK: lsp.SymbolKind.Function,
    ast.DefinitionKind.SHORTCUT: lsp.SymbolKind.Function,
    ast.DefinitionKind.STEM: lsp.SymbolKind.Function,
    ast.DefinitionKind.HEAD: lsp.SymbolKind.Function,
}


def _symbol(document: Document, item: ast.Item) -> lsp.DocumentSymbol | None:
    range = document.places.range
    match item:
        case ast.Definition() | ast.Instance():
            parts = [*_parts(document, item.body)] if isinstance(item, ast.Definition) else None
            return lsp.DocumentSymbol(
                item.name, _KINDS[item.kind], range(item.span), range(item.name_span), item.kind.value, children=parts
            )
        case ast.Let(targets=(ast.Target(name=str(name)) as target, *_)):
            return lsp.DocumentSymbol(name, lsp.SymbolKind.Variable, range(item.span), range(target.span), "let")
        case _:
            return None


def _parts(document: Document, body: ast.Body) -> Iterator[lsp.DocumentSymbol]:
    """Stem, stages and head, those in loops too."""
    for statement in body.statements:
        for node in walk(statement):
            match node:
                case ast.Stem():
                    name = "stem"
                case ast.Head():
                    name = "head"
                case ast.Stage():
                    name = node.label.span.text
                case _:
                    continue
            place = document.places.range(node.span)
            yield lsp.DocumentSymbol(name, lsp.SymbolKind.Field, place, place)


def _folds(node: ast.Node) -> bool:
    braces = ast.Definition | ast.Body | ast.BodyExpr | ast.Residual | ast.Instance
    return isinstance(node, braces)
