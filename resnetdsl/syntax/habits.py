"""What people write who come from Python and other languages, and what it is here: for suggestions alone."""

from __future__ import annotations

from collections.abc import Collection

from resnetdsl.diagnostics.model import Edit
from resnetdsl.source import SourceFile
from resnetdsl.syntax.lexer import Tokens

# Words of other languages, and the keywords that do their work.
HABITS = {
    "def": ("block",), "fn": ("block",), "func": ("block",), "function": ("block",), "class": ("block", "network"),
    "module": ("block", "network"), "layer": ("block",), "model": ("network",), "net": ("network",),
    "skip": ("shortcut",),
    "return": ("out",), "output": ("out",), "yield": ("out",), "var": ("let",), "const": ("let",), "val": ("let",),
    "set": ("let",), "while": ("for",), "foreach": ("for",), "of": ("in",), "on": ("in",), "use": ("import",),
    "include": ("import",), "assert": ("expect",), "when": ("if",), "otherwise": ("else",),
    "elif": ("else",), "elsif": ("else",), "elseif": ("else",), "parameter": ("param",), "weight": ("param",),
}  # fmt: skip
ELSE_IF = frozenset(("elif", "elsif", "elseif"))

_THOUSANDS = 3


def of_python(
    file: SourceFile, tokens: Tokens, at: int, acceptable: Collection[str]
) -> tuple[str, tuple[Edit, ...]] | None:
    """What the token `at` was to be, and the edit that writes it where that is safe; None where no habit fits."""

    def kind(by: int) -> str:
        return tokens.types[at + by] if 0 <= at + by < len(tokens.types) else ""

    def word(by: int) -> str:
        return file.text[tokens.starts[at + by] : tokens.ends[at + by]]

    before, after = kind(-1), kind(1)
    span = file.span(tokens.starts[at], tokens.ends[at])
    match tokens.types[at]:
        case "COLON" if "LBRACE" in acceptable and "NAME" not in acceptable:
            return "{", ()
        case "COLON" if "DOTS" in acceptable and "RSQB" in acceptable:
            return "..", (Edit(span, ".."),)
        case "LBRACE" if "COLON" in acceptable and before in ("NAME", "STRING", "LABEL"):
            return f"{word(-1)}: {{", ()
        case "ASSIGN" if before in ("PLUS", "MINUS", "STAR", "SLASH") and kind(-2) == "NAME":
            name, sign = word(-2), word(-1)
            return f"let {name} = {name} {sign} …", ()
        case "NUMBER" if before == "COMMA" and kind(-2) == "NUMBER" and len(span.text) == _THOUSANDS:
            return f"{word(-2)}_{span.text}", ()
        case "STAR" if before == "IMPORT" and kind(-3) == "FROM":
            return f"import {word(-2)}", ()
        case "STRING" if before == "IMPORT":
            return f"import {span.text[1:-1]}", (Edit(span, span.text[1:-1]),)
        case "DOT" if kind(-2) == "FROM" and after == "NAME":
            path = f"{word(-1)}.{word(1)}"
            whole = file.span(tokens.starts[at - 1], tokens.ends[at + 1])
            return f'from "{path}"', (Edit(whole, f'"{path}"'),)
        case _:
            return None
