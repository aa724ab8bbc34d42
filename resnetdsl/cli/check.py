"""Find every mistake and lint of specs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resnetdsl.cli.output import UsageError, colored, say, width, write_file
from resnetdsl.cli.specs import add_spec, failure, input_size, open_spec, overrides
from resnetdsl.version import VERSION

if TYPE_CHECKING:
    from resnetdsl.diagnostics.model import Diagnostic

NAME = "check"
HELP = "find every mistake and lint of specs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser, many=True)
    parser.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text", help="how to report")
    parser.add_argument("--fix", action="store_true", help="apply the fixes that diagnostics offer")
    parser.add_argument("--allow", metavar="CODE", action="append", default=[], help="leave a lint out: W0904")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")


def run(args: argparse.Namespace) -> int:
    from resnetdsl.diagnostics.catalogue import CODES
    from resnetdsl.spec import SpecError

    for code in args.allow:
        if code not in CODES or not code.startswith("W"):
            raise UsageError(f"`--allow {code}` names no lint", "`resnetdsl explain` lists the codes")
    if not args.spec:
        raise UsageError("nothing to check", "name a spec, a shipped network, or - for standard input")
    found = []
    for name in args.spec:
        spec, named = open_spec(name)
        try:
            report = spec.check(args.net or named, overrides=overrides(args, spec), input=input_size(args))
        except SpecError as problem:
            raise failure(problem, args.color) from problem
        if args.fix and _fix(spec.path, report.diagnostics):
            spec, named = open_spec(name)
            report = spec.check(args.net or named, overrides=overrides(args, spec), input=input_size(args))
        found += [diagnostic for diagnostic in report.diagnostics if diagnostic.code.id not in args.allow]
    _report(args, found)
    errors = any(diagnostic.code.id.startswith("E") for diagnostic in found)
    return 1 if errors or (args.strict and found) else 0


def _fix(path: Path | None, diagnostics: tuple[Diagnostic, ...]) -> bool:
    """Mend a file on disk with the fixes of its diagnostics; whether anything was done."""
    from resnetdsl.diagnostics.fix import apply_fixes, choose_fixes

    files = {id(d.primary.span.file): d.primary.span.file for d in diagnostics if d.fix}
    if path is None or not files:
        return False
    done = False
    for file in files.values():
        mended, edits = choose_fixes(diagnostics, file)
        if mended and Path(file.name).name == path.name:
            write_file(path, apply_fixes(file.text, edits).encode())
            sys.stderr.write(f"fixed {len(mended)} in {path}\n")
            done = True
    return done


def _report(args: argparse.Namespace, found: list[Diagnostic]) -> None:
    """Diagnostics for people on stderr; for programs on stdout, as data."""
    match args.format:
        case "json":
            from resnetdsl.diagnostics.render.json import render_json

            sys.stdout.write(f"{render_json(found)}\n")
        case "sarif":
            from resnetdsl.diagnostics.render.sarif import render_sarif

            sys.stdout.write(f"{render_sarif(found, tool_version=VERSION)}\n")
        case "github":
            from resnetdsl.diagnostics.render.github import render_github

            sys.stdout.write(f"{render_github(found)}\n" if found else "")
        case _:
            from resnetdsl.diagnostics.render.text import render_text, summary

            color = colored(args.color, sys.stderr)
            if found:
                sys.stderr.write(f"{render_text(found, color=color, width=width())}\n")
            say(args, summary(found, color=color))
