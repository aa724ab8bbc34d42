"""Write specs in the one canonical layout. Comments stay, meaning stays."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, add_color, complain, put, say, write_file
from resnetdsl.cli.specs import read_stdin, unreadable

if TYPE_CHECKING:
    from resnetdsl.source import SourceFile
    from resnetdsl.syntax import ast

NAME = "fmt"
HELP = "format specs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", metavar="FILE.rnet|-", nargs="+", help="files to format in place; - filters stdin to stdout"
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if something would change")
    parser.add_argument("--diff", action="store_true", help="change nothing; show what would change")
    add_color(parser)


def run(args: argparse.Namespace) -> int:
    code = 0
    for name in args.files:
        try:
            code = max(code, _format(name, args))
        except UsageError as problem:  # the other files can be formatted all the same
            complain(problem, args.color)
            code = max(code, problem.exit_code)
    return code


def _format(name: str, args: argparse.Namespace) -> int:
    """One file; its exit code."""
    from resnetdsl.syntax.printer import print_file

    file, tree = _parse(name)
    after = print_file(tree)
    called = file.name
    if args.diff:
        import difflib

        lines = difflib.unified_diff(
            file.text.splitlines(keepends=True),
            after.splitlines(keepends=True),
            called,
            f"{called} (formatted)",
        )
        put("".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines))
    elif name == "-" and not args.check:
        put(after)
        return 0
    if file.text == after:
        return 0
    if args.check or args.diff:
        say(args, f"{called} would change")
        return 1
    write_file(Path(name), after.encode())
    say(args, f"formatted {name}")
    return 0


def _parse(name: str) -> tuple[SourceFile, ast.File]:
    """A file and its tree. What has mistakes of syntax is not touched."""
    from resnetdsl.diagnostics.model import Sink
    from resnetdsl.diagnostics.words import word_all
    from resnetdsl.syntax.parser import parse
    from resnetdsl.syntax.reading import read_source

    sink = Sink()
    called = "<stdin>" if name == "-" else name
    try:
        file = read_source(read_stdin() if name == "-" else Path(name), called, sink)
    except OSError as problem:
        raise unreadable(name, problem) from problem
    if file is None:
        raise UsageError(f"cannot read {called}", kind="unreadable", diagnostics=word_all(sink.facts))
    tree = parse(file, sink)
    if sink.has_errors:
        message = f"{called} is left as it is"
        raise UsageError(message, kind="spec", exit_code=1, diagnostics=word_all(sink.facts))
    return file, tree
