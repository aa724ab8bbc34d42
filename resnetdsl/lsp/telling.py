"""What a name is, as Markdown: its signature and its documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resnetdsl.elaborate.values import Builtin, DefinedLayer
from resnetdsl.lsp.names import Told
from resnetdsl.ops.words import default, kind, signature
from resnetdsl.syntax import ast


@dataclass(frozen=True, slots=True)
class Parameter:
    """`text` is as in the signature; `words` what is known of it, as Markdown."""

    name: str
    text: str
    words: str = ""
    choices: tuple[str, ...] = ()


def parameters(value: Told) -> tuple[Parameter, ...]:
    """What can be given to it, in the order of its signature; what is given already left out."""
    match value:
        case Builtin():
            return tuple(Parameter(name, name) for name in value.params)
        case DefinedLayer():
            return tuple(
                Parameter(param.name, param.span.text)
                for param in value.definition.syntax.params
                if param.name not in value.given
            )
        case _:
            return tuple(
                Parameter(param.name, signature(param), _about(kind(param), default(param), param.doc), param.choices)
                for param in value.op.params
                if param.name not in value.attrs
            )


def heading(name: str, value: Told) -> str:
    """`block basic(width, stride = 1)`, as a spec might have it."""
    given = ", ".join(param.text for param in parameters(value))
    match value:
        case Builtin():
            return f"{name}({'a, b, ...' if value.variadic else given})"
        case DefinedLayer():
            return f"{value.definition.syntax.kind.value} {name}({given})"
        case _:
            return f"{name}({given})"


def documentation(value: Told) -> str:
    match value:
        case Builtin():
            return value.doc
        case DefinedLayer():
            return value.definition.syntax.doc
        case _:
            return value.op.doc


def markdown(name: str, value: Told) -> str:
    """All of it: the signature, the documentation, and what there is to say of parameters."""
    described = [f"- `{param.name}`: {param.words}" for param in parameters(value) if param.words]
    return "\n\n".join(filter(None, (code(heading(name, value)), documentation(value), "\n".join(described))))


def of_definition(item: ast.Definition | ast.Instance) -> str:
    """A definition of the text, where it is defined."""
    params = ", ".join(param.span.text for param in item.params) if isinstance(item, ast.Definition) else ""
    made = f" = {item.value.span.text}" if isinstance(item, ast.Instance) else f"({params})" if params else ""
    return "\n\n".join(filter(None, (code(f"{item.kind.value} {item.name}{made}"), item.doc)))


def code(text: str) -> str:
    return f"```rnet\n{text}\n```"


def joined(parts: Sequence[str]) -> str:
    return "\n\n---\n\n".join(filter(None, parts))


def _about(what: str, usual: str, doc: str) -> str:
    return "; ".join(_some(what, f"by default {usual}" if usual else "", doc))


def _some(*parts: str) -> Iterator[str]:
    return filter(None, parts)
