"""The pages of docs/reference/: what the program itself knows about its ops, functions, library and commands."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable, Iterator
from itertools import groupby

from resnetdsl.cli.main import COMMANDS, parser
from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate.builtins import BUILTINS
from resnetdsl.ops.base import Op
from resnetdsl.ops.registry import ALL
from resnetdsl.ops.words import default, kind, signature
from resnetdsl.paths import library_dir
from resnetdsl.source import SourceFile
from resnetdsl.syntax import ast
from resnetdsl.syntax.parser import parse

_GENERATED = "<!-- Written by docs/generate.py. -->"


def reference_pages() -> dict[str, str]:
    """Every page by its file name."""
    return {"ops.md": ops(), "functions.md": functions(), "library.md": library(), "cli.md": cli()}


def _page(title: str, introduction: str, parts: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", _GENERATED, introduction, *parts]) + "\n"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


# --- ops -----------------------------------------------------------------------------------------

_OPS = """\
The primitives: what a spec can say without a definition. Each has one place in `resnetdsl/ops`, which tells its
parameters, its shapes, its weights, its cost and its call of torch. A parameter without a default must be given.
Sizes are numbers or pairs (`3` is `3x3`). How the arithmetic ones are written, [the
language](../language.md#arithmetic) says."""


_OPERANDS = ("no tensor", "", "two tensors", "three tensors")


def ops() -> str:
    parts: list[str] = []
    for module, family in groupby(ALL, key=lambda op: type(op).__module__):
        title = (importlib.import_module(module).__doc__ or "").strip().split("\n")[0].rstrip(".")
        parts.append(f"## {title}")
        parts += [part for op in family for part in _op(op)]
    return _page("Ops", _OPS, parts)


def _op(op: Op) -> Iterator[str]:
    yield f"### {op.name}"
    params = ", ".join(map(signature, op.params))
    many = "any number of tensors" if op.arity is None else _OPERANDS[op.arity]
    yield f"`{op.name}({params})`" + (f" · {many}" if many else "")
    yield op.doc
    if op.params:
        rows = [(f"`{each.name}`", kind(each), default(each), each.doc) for each in op.params]
        yield _table(("parameter", "what", "default", ""), rows)


# --- functions -----------------------------------------------------------------------------------

_FUNCTIONS = """\
Functions on values. They are computed while a spec is elaborated and leave nothing in the network. `exp`, `log`,
`sqrt` and `abs` of a tensor are [ops](ops.md)."""


def functions() -> str:
    rows = []
    for function in BUILTINS.values():
        required, optional = function.params[: function.required], function.params[function.required :]
        names = ", ".join(required) + "".join(f"[, {name}" for name in optional) + "]" * len(optional)
        rows.append((f"`{function.name}({'a, b, ...' if function.variadic else names})`", function.doc))
    return _page("Functions", _FUNCTIONS, [_table(("function", "value"), rows)])


# --- library -------------------------------------------------------------------------------------

_LIBRARY = """\
Blocks, shortcuts, stems and heads, written in the language itself. Every spec can use them without an import, and a
spec that wants one to be different copies it. They are in `resnetdsl/library`."""


def library() -> str:
    parts: list[str] = []
    for path in sorted(library_dir().glob("*.rnet")):
        sink = Sink()
        file = SourceFile(path.name, path.read_text(encoding="utf-8"))
        tree = parse(file, sink)
        parts.append(f"## {path.stem.replace('_', ' ').capitalize()}")
        if tree.doc:
            parts.append(tree.doc)
        parts += [part for item in tree.items if not isinstance(item, ast.Import) for part in _item(item)]
    return _page("Library", _LIBRARY, parts)


def _item(item: ast.Item) -> Iterator[str]:
    """A definition's heading, its documentation and its text."""
    match item:
        case ast.Let(targets=(ast.Target(name=str(name)), *_)):
            kind = "function"
        case ast.Definition(name=name) | ast.Instance(name=name):
            kind = item.kind.value
        case _:
            return
    yield f"### {name}"
    lines = item.span.file.text[: item.span.start].rstrip("\n").split("\n")
    above: list[str] = []
    while lines and lines[-1].startswith("##"):
        above.insert(0, lines.pop()[2:].strip())
    yield "\n".join([f"*{kind}* ·", *above]) if above else f"*{kind}*"
    yield f"```rnet\n{item.span.text}\n```"


# --- command line --------------------------------------------------------------------------------

_CLI = """\
`resnetdsl COMMAND ...`, or `python -m resnetdsl COMMAND ...`. Where a command takes a spec, it takes a file, the name
of a shipped network (`resnetdsl list` shows them), or `-` for standard input.

The exit code is 0 if all is well, 1 if a spec has mistakes, 2 after wrong use or where something outside stands in
the way (a file that cannot be read, no C++ compiler), and 3 for a fault of resnetdsl itself. Results go to standard
output, remarks and diagnostics to standard error. Colours are for terminals; `NO_COLOR` turns them off. Files are
written whole or not at all."""


def cli() -> str:
    made = parser()
    commands = next(action for action in made._actions if isinstance(action, argparse._SubParsersAction))
    parts: list[str] = []
    for module in COMMANDS:
        sub: argparse.ArgumentParser = commands.choices[module.NAME]
        arguments = [action for action in sub._actions if not isinstance(action, argparse._HelpAction)]
        usage = " ".join(filter(None, (f"resnetdsl {module.NAME}", *map(_usage, arguments))))
        parts += [f"## {module.NAME}", (sub.description or "").strip(), f"```sh\n{usage}\n```"]
        parts.append(_table(("argument", "what"), [(f"`{_name(action)}`", _what(action)) for action in arguments]))
    return _page("Command line", _CLI, parts)


def _metavar(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None and action.metavar is None:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


def _name(action: argparse.Action) -> str:
    return " ".join(filter(None, (", ".join(action.option_strings), _metavar(action))))


def _usage(action: argparse.Action) -> str:
    """Positional arguments and required options; the table has the rest."""
    if action.option_strings:
        return f"{action.option_strings[-1]} {_metavar(action)}" if action.required else ""
    name = _metavar(action)
    return {"*": f"[{name} ...]", "+": f"{name} [...]", "?": f"[{name}]"}.get(str(action.nargs), name)


def _what(action: argparse.Action) -> str:
    text, default = action.help or "", action.default
    if (
        not action.option_strings
        or isinstance(default, bool)
        or not isinstance(default, str | int)
        or "default" in text
    ):
        return text
    return f"{text} (default: `{default}`)".strip()
