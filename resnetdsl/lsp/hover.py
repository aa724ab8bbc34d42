"""What is under the cursor: what a name is, and what the text around it makes."""

from __future__ import annotations

from lsprotocol import types as lsp

from resnetdsl.analysis.metrics import METRICS
from resnetdsl.lsp.document import Document
from resnetdsl.lsp.names import Name, called, name_at, told
from resnetdsl.lsp.shapes import made_at, table
from resnetdsl.lsp.telling import code, joined, markdown, of_definition, parameters
from resnetdsl.syntax import ast


def hover(document: Document, position: lsp.Position) -> lsp.Hover | None:
    offset = document.places.offset(position)
    name = name_at(document, offset)
    parts = [_meaning(document, name, document.around(offset)) if name is not None else ""]
    span = name.span if name is not None else None
    made = made_at(document, offset)
    if made is not None and made[1]:
        parts.append(table(made[1]))
        span = span or made[0]
    text = joined(parts)
    if not text or span is None:
        return None
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text), document.places.range(span))


def _meaning(document: Document, name: Name, around: list[ast.Node]) -> str:
    for node in reversed(around):
        match node:
            case ast.Expectation() if node.metric_span == name.span and node.metric in METRICS:
                return f"`{node.metric}`: {METRICS[node.metric]}"
            case ast.Argument() if node.name_span == name.span:
                return _argument(document, name.text, around)
            case ast.Definition() | ast.Instance() if node.name_span == name.span:
                return of_definition(node)
            case ast.Attribute():
                return ""
            case _:
                pass
    if name.owner is not None:
        param = next(each for each in name.owner.params if each.name == name.text)
        return f"{code(param.span.text)}\n\na parameter of `{name.owner.name}`"
    inner = name.bound is not None and not _is_of_the_file(document, name)
    value = None if inner else told(document, name.text)
    return markdown(name.text, value) if value is not None else ""


def _argument(document: Document, name: str, around: list[ast.Node]) -> str:
    call = next((node for node in reversed(around) if isinstance(node, ast.Call)), None)
    value = called(document, call) if call is not None else None
    param = next((each for each in parameters(value) if each.name == name), None) if value is not None else None
    return "" if param is None else "\n\n".join(filter(None, (code(param.text), param.words)))


def _is_of_the_file(document: Document, name: Name) -> bool:
    """Whether it is bound outside all definitions."""
    items = document.tree.items
    return not any(
        isinstance(item, ast.Definition)
        and name.bound is not None
        and item.span.start <= name.bound.start < item.span.end
        and item.name_span != name.bound
        for item in items
    )
