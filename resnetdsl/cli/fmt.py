"""Write specs in the one canonical layout. Comments stay, meaning stays."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from resnetdsl.cli.output import UsageError, add_color, colored, say, width, write_file

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
    changed = broken = False
    for name in args.files:
        before, after = _format(name, args)
        if after is None:
            broken = True
            continue
        if name == "-" and not (args.check or args.diff):
            sys.stdout.write(after)
            continue
        if before == after:
            continue
        changed = True
        if args.diff:
            lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), name, f"{name} (formatted)")
            sys.stdout.writelines(lines)
        elif args.check:
            say(args, f"{name} would change")
        else:
            write_file(Path(name), after.encode())
            say(args, f"formatted {name}")
    return 1 if broken or (changed and (args.check or args.diff)) else 0


def _format(name: str, args: argparse.Namespace) -> tuple[str, str | None]:
    """A file's text before and after; None after mistakes of syntax, which are shown."""
    from resnetdsl.diagnostics.model import Sink
    from resnetdsl.diagnostics.render.text import render_text
    from resnetdsl.diagnostics.words import word_all
    from resnetdsl.syntax.parser import parse
    from resnetdsl.syntax.printer import print_file
    from resnetdsl.syntax.reading import read_source

    sink = Sink()
    source = sys.stdin.buffer.read() if name == "-" else Path(name)
    try:
        file = read_source(source, "<stdin>" if name == "-" else name, sink)
    except OSError as problem:
        raise UsageError(f"cannot read {name}: {problem.strerror or problem}", kind="unreadable") from problem
    tree = parse(file, sink) if file is not None else None
    if file is None or tree is None or sink.has_errors:
        drawn = render_text(word_all(sink.facts), color=colored(args.color, sys.stderr), width=width())
        sys.stderr.write(f"{drawn}\n")
        if file is None:
            raise UsageError(f"cannot read {name}", kind="unreadable")
        return file.text, None
    return file.text, print_file(tree)
