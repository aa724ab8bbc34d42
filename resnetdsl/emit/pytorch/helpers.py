"""Classes and functions that torch lacks: their text is pasted from resnetdsl/ops/helpers, their imports merged."""

from __future__ import annotations

import ast
from functools import cache
from importlib.resources import files


@cache
def source(name: str) -> str:
    """The file of a helper."""
    return (files("resnetdsl.ops") / "helpers" / f"{name}.py").read_text(encoding="utf-8")


def body(name: str) -> str:
    """A helper without its imports and its module docstring."""
    text = source(name)
    tree = ast.parse(text)
    lines = text.splitlines()
    kept: list[str] = []
    previous = 0
    for statement in tree.body:
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])
        end = statement.end_lineno or statement.lineno
        skip = isinstance(statement, ast.Import | ast.ImportFrom) or (
            isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        )
        # What stands between two statements, comments and blank lines, goes with the second.
        kept += lines[end:end] if skip else lines[(previous if kept else first - 1) : end]
        previous = end
    return "\n".join(kept).strip("\n")


def imports(names: list[str]) -> set[str]:
    """The import statements of helpers."""
    found: set[str] = set()
    for name in names:
        for statement in ast.parse(source(name)).body:
            if isinstance(statement, ast.ImportFrom):
                found |= {f"from {statement.module} import {alias.name}" for alias in statement.names}
            elif isinstance(statement, ast.Import):
                found |= {ast.unparse(ast.Import([alias])) for alias in statement.names}
    return found


def definitions(name: str) -> list[str]:
    """The names that a helper defines."""
    return [each.name for each in ast.parse(source(name)).body if isinstance(each, ast.ClassDef | ast.FunctionDef)]


def bases(names: list[str]) -> dict[str, set[str]]:
    """The classes of helpers, and what each derives from, as written: `nn.Conv2d`."""
    return {
        each.name: {ast.unparse(base) for base in each.bases}
        for name in names
        for each in ast.parse(source(name)).body
        if isinstance(each, ast.ClassDef)
    }
